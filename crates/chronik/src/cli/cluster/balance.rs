//! `chronik cluster drain` and `rebalance`: what would move, and, with `--execute`, moving it.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::observe::{Observed, observe};
use super::plan::{self, Move, Name};
use super::{execute, throttle};
use crate::cli::Printer;
use crate::cli::client::Client;
use crate::cli::connect::Connect;

#[derive(clap::Args)]
pub struct Drain {
    /// Id of the node: others take over what it leads, then what it holds
    node: i32,
    #[command(flatten)]
    execution: Execution,
}

#[derive(clap::Args)]
pub struct Rebalance {
    #[command(flatten)]
    execution: Execution,
}

#[derive(clap::Args)]
struct Execution {
    /// Do it; without, the plan is shown and nothing changes. To interrupt is safe: run it again to go on
    #[arg(long)]
    execute: bool,
    /// How many bytes a second each broker may send and receive for the moves [default: no limit]
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    throttle: Option<u64>,
    /// How many partitions move at a time
    #[arg(long, value_name = "PARTITIONS", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    at_once: u16,
    #[command(flatten)]
    connect: Connect,
}

/// What is to be done: changes that cost nothing, those that move records, and moves that are under way already.
struct Plan {
    hand_over: Vec<Move>,
    moves: Vec<Move>,
    under_way: BTreeSet<Name>,
}

pub fn drain(arguments: &Drain, printer: &mut Printer) -> Result<()> {
    let (node, mut client) = (arguments.node, arguments.execution.connect.client());
    let observed = observe(&mut client)?;
    if !observed.known.contains(&node) {
        let known: Vec<String> = observed.known.iter().map(ToString::to_string).collect();
        bail!("there is no broker {node}; the brokers are {}", known.join(", "));
    }
    let plan = plan_drain(node, &observed)?;
    run(&arguments.execution, &mut client, printer, &observed, &plan)?;
    if !arguments.execution.execute {
        return Ok(());
    }
    // Topics that were created meanwhile may have come to the node.
    let again = observe(&mut client)?;
    let left = again.partitions.iter().filter(|partition| partition.replicas.contains(&node)).count();
    if left > 0 {
        bail!("node {node} has {left} partition(s) that came meanwhile: run this again");
    }
    if !printer.is_json() {
        printer.line(format!(
            "node {node} holds nothing any more; stop it before new topics are placed on it"
        ))?;
    }
    Ok(())
}

fn plan_drain(node: i32, observed: &Observed) -> Result<Plan> {
    let Observed { brokers, partitions, .. } = observed;
    let hand_over = plan::hand_over(node, brokers, partitions);
    let mut after = partitions.clone();
    for one in &hand_over {
        let partition = after.iter_mut().find(|partition| partition.name == one.name);
        partition.expect("the plan is about these").replicas.clone_from(&one.to);
    }
    let moves = plan::drain(node, brokers, &after).map_err(|reason| anyhow::anyhow!(reason))?;
    Ok(Plan { hand_over, moves, under_way: under_way(observed) })
}

pub fn rebalance(arguments: &Rebalance, printer: &mut Printer) -> Result<()> {
    let mut client = arguments.execution.connect.client();
    let observed = observe(&mut client)?;
    let planned = plan::rebalance(&observed.brokers, &observed.partitions);
    let (moves, hand_over) = planned.into_iter().partition(|one| one.added().next().is_some());
    let plan = Plan { hand_over, moves, under_way: under_way(&observed) };
    run(&arguments.execution, &mut client, printer, &observed, &plan)?;
    if arguments.execution.execute && !printer.is_json() {
        printer.line("replicas and leaderships are even")?;
    }
    Ok(())
}

fn under_way(observed: &Observed) -> BTreeSet<Name> {
    let moving = observed.partitions.iter().filter(|partition| partition.is_moving);
    moving.map(|partition| partition.name.clone()).collect()
}

fn run(
    execution: &Execution,
    client: &mut Client,
    printer: &mut Printer,
    observed: &Observed,
    plan: &Plan,
) -> Result<()> {
    show(plan, execution.execute, printer)?;
    printer.flush()?;
    if !execution.execute {
        return Ok(());
    }
    execute::hand_over(client, &plan.hand_over)?;
    let topics: BTreeSet<String> = plan
        .moves
        .iter()
        .map(|one| &one.name)
        .chain(&plan.under_way)
        .map(|(topic, _)| topic.clone())
        .collect();
    if let Some(rate) = execution.throttle {
        throttle::limit(client, &observed.known, &plan.moves, rate)?;
    }
    let at_once = usize::from(execution.at_once);
    execute::carry_out(client, &plan.moves, &plan.under_way, at_once)?;
    if execution.throttle.is_some() {
        throttle::lift(client, &observed.known, &topics)?;
    }
    execute::elect(client, plan.moves.iter().map(|one| &one.name))?;
    // Nobody who is preferred may be left without what it is preferred for: an earlier run may have been interrupted here.
    let misled = observe(client)?.partitions;
    let misled = misled.iter().filter(|partition| partition.leader != partition.replicas.first().copied());
    execute::elect(client, misled.map(|partition| &partition.name))
}

fn show(plan: &Plan, executes: bool, printer: &mut Printer) -> Result<()> {
    let added: usize = plan.moves.iter().map(|one| one.added().count()).sum();
    if printer.is_json() {
        let all = |moves: &[Move]| moves.iter().map(in_json).collect::<Vec<_>>();
        return printer.document(&json!({
            "executes": executes,
            "handOver": all(&plan.hand_over),
            "moves": all(&plan.moves),
            "replicasToCopy": added,
            "underWay": plan.under_way.len(),
        }));
    }
    if !plan.hand_over.is_empty() || !plan.moves.is_empty() {
        let rows = plan.hand_over.iter().map(|one| row(one, "hand over"));
        let rows = rows.chain(plan.moves.iter().map(|one| row(one, "move")));
        printer.table(&["PARTITION", "REPLICAS", "TO BE", "STEP"], rows.collect())?;
    }
    printer.line(format!(
        "{} leadership(s) to hand over, {} partition(s) to move ({added} copies to make), {} under way already",
        plan.hand_over.len(),
        plan.moves.len(),
        plan.under_way.len(),
    ))?;
    if !(executes || plan.hand_over.is_empty() && plan.moves.is_empty()) {
        printer.line("nothing was changed: do it with --execute")?;
    }
    Ok(())
}

fn in_json(one: &Move) -> Value {
    json!({ "topic": one.name.0, "partition": one.name.1, "from": one.from, "to": one.to })
}

fn row(one: &Move, step: &str) -> Vec<String> {
    let ids = |ids: &[i32]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    vec![format!("{}-{}", one.name.0, one.name.1), ids(&one.from), ids(&one.to), step.to_owned()]
}
