//! Carrying a plan out: a bounded number of partitions at a time, shown as it goes.
//!
//! All state is in the cluster. Whoever interrupts a run leaves at most the moves that are under way, which go on by
//! themselves; the next run plans from what it finds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Result, bail};
use chronik_types::ErrorCode;
use chronik_wire::StrBytes;
use chronik_wire::messages::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use chronik_wire::messages::elect_leaders_request::TopicPartitions;
use chronik_wire::messages::{AlterPartitionReassignmentsRequest, BrokerId, ElectLeadersRequest, TopicName};

use super::observe::under_way;
use super::plan::{Move, Name};
use crate::cli::client::{Client, Error};

const TIMEOUT_MS: i32 = 30_000;
/// Between looks at what is under way.
const LOOK: Duration = Duration::from_millis(200);
const PREFERRED: i8 = 0;

/// Reorders replicas where no record moves, and lets those lead that come first.
pub fn hand_over(client: &mut Client, moves: &[Move]) -> Result<()> {
    if moves.is_empty() {
        return Ok(());
    }
    submit(client, moves)?;
    eprintln!("handing over {} leadership(s)", moves.len());
    elect(client, moves.iter().map(|one| &one.name))
}

/// Moves replicas, at most `at_once` partitions at a time, and waits until they and those in `awaited` are there.
pub fn carry_out(
    client: &mut Client,
    moves: &[Move],
    awaited: &BTreeSet<Name>,
    at_once: usize,
) -> Result<()> {
    let mut rest = moves;
    let mut open: BTreeSet<Name> = awaited.clone();
    let total = moves.len() + open.len();
    let mut told = None;
    while !rest.is_empty() || !open.is_empty() {
        let (next, later) = rest.split_at(at_once.saturating_sub(open.len()).min(rest.len()));
        if !next.is_empty() {
            submit(client, next)?;
            open.extend(next.iter().map(|one| one.name.clone()));
            rest = later;
        }
        let still = client.retry(under_way)?;
        open.retain(|name| still.contains_key(name));
        let done = total - rest.len() - open.len();
        if told != Some(done) {
            eprintln!("{done} of {total} partition(s) moved, {} under way", open.len());
            told = Some(done);
        }
        if !open.is_empty() {
            std::thread::sleep(LOOK);
        }
    }
    Ok(())
}

fn submit(client: &mut Client, moves: &[Move]) -> Result<()> {
    let mut topics: BTreeMap<&str, Vec<ReassignablePartition>> = BTreeMap::new();
    for Move { name, to, .. } in moves {
        let replicas = to.iter().map(|id| BrokerId(*id)).collect();
        let partition = ReassignablePartition::default().with_partition_index(name.1);
        topics.entry(&name.0).or_default().push(partition.with_replicas(Some(replicas)));
    }
    let topics: Vec<ReassignableTopic> = topics
        .into_iter()
        .map(|(name, partitions)| {
            ReassignableTopic::default().with_name(topic(name)).with_partitions(partitions)
        })
        .collect();
    let response = client.retry(|client| {
        let response = client.call_any(1, |version| {
            let request = AlterPartitionReassignmentsRequest::default()
                .with_timeout_ms(TIMEOUT_MS)
                .with_topics(topics.clone());
            if version >= 1 { request.with_allow_replication_factor_change(false) } else { request }
        })?;
        Error::check("the moves", response.error_code, response.error_message.as_deref())?;
        Ok(response)
    })?;
    for answered in response.responses {
        for partition in answered.partitions {
            let subject = format!("{}-{}", answered.name.as_str(), partition.partition_index);
            Error::check(subject, partition.error_code, partition.error_message.as_deref())?;
        }
    }
    Ok(())
}

/// Lets the replica that comes first lead each of these.
pub fn elect<'a>(client: &mut Client, names: impl Iterator<Item = &'a Name>) -> Result<()> {
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for (name, index) in names {
        topics.entry(name).or_default().push(*index);
    }
    if topics.is_empty() {
        return Ok(());
    }
    let topics: Vec<TopicPartitions> = topics
        .into_iter()
        .map(|(name, indexes)| TopicPartitions::default().with_topic(topic(name)).with_partitions(indexes))
        .collect();
    let response = client.retry(|client| {
        let response = client.call_any(2, |version| {
            let request = ElectLeadersRequest::default()
                .with_timeout_ms(TIMEOUT_MS)
                .with_topic_partitions(Some(topics.clone()));
            if version >= 1 { request.with_election_type(PREFERRED) } else { request }
        })?;
        Error::check("the elections", response.error_code, None)?;
        Ok(response)
    })?;
    let mut refused = Vec::new();
    for answered in response.replica_election_results {
        for partition in answered.partition_result {
            let code = ErrorCode::from_code(partition.error_code);
            if !matches!(code, ErrorCode::None | ErrorCode::ElectionNotNeeded) {
                refused.push(format!(
                    "{}-{}: {}",
                    answered.topic.as_str(),
                    partition.partition_id,
                    code.name()
                ));
            }
        }
    }
    if !refused.is_empty() {
        bail!(
            "{} leadership(s) could not be handed over: {}; run this again once their replicas are in sync",
            refused.len(),
            refused.join(", ")
        );
    }
    Ok(())
}

fn topic(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}
