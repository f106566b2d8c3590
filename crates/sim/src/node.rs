//! A node of the simulated cluster through all of its lives: its machine, its disk, and how a life begins and ends.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use chronik_broker::storage::{Format, format_directories};
use chronik_broker::{Env, Node, Options};
use chronik_log::Files;
use chronik_log::disk::memory::MemoryDisk;
use chronik_state::config::NodeConfig;
use chronik_types::NodeId;
use chronik_wire::Listener;

use crate::env::{Machine, SimEnv};
use crate::journal;
use crate::network::Network;
use crate::plan::{self, BROKER_PORT, CLUSTER_ID, CONTROLLER_PORT, NodePlan, Plan};
use crate::serve;
use crate::world::{Halted, Life, World};

/// How a life ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// The process is killed, or ends itself: what it wrote stays, its connections are reset.
    Killed,
    /// The host loses power: what was not synced is lost or torn, and nobody is told.
    PowerLoss,
}

/// A node.
pub struct SimNode {
    /// Its id.
    pub id: NodeId,
    /// Its host.
    pub machine: Machine,
    /// Its disk.
    pub disk: MemoryDisk,
    /// Its present life, if it has one.
    pub life: Option<Life>,
    /// Whether it is not scheduled.
    pub is_paused: bool,
    /// What it is.
    pub plan: NodePlan,
    world: World,
    network: Network,
    file: BTreeMap<String, String>,
    name: String,
    run: Run,
}

/// What is known of a life from outside.
#[derive(Clone, Default)]
struct Run {
    node: Arc<Mutex<Option<Arc<Node>>>>,
    has_joined: Arc<AtomicBool>,
    has_left: Arc<AtomicBool>,
    why_not: Arc<Mutex<String>>,
}

impl SimNode {
    /// A node that has not been started yet, its directory formatted as the plan says.
    ///
    /// # Errors
    /// The configuration or the formatting is wrong.
    pub fn new(world: &World, network: &Network, plan: &Plan, of: &NodePlan) -> Result<SimNode> {
        let skew_ms = world.below(60_000) as i64 - 30_000;
        let mut node = SimNode {
            id: of.id,
            machine: Machine::new(plan::host(of.id), skew_ms, plan.planted),
            disk: MemoryDisk::new(world.bits()),
            life: None,
            is_paused: false,
            plan: of.clone(),
            world: world.clone(),
            network: network.clone(),
            file: plan.configuration(of),
            name: format!("n{}", of.id),
            run: Run::default(),
        };
        if let Some(voters) = plan.initial_voters(of) {
            let files = Files::new(Arc::new(node.disk.clone()), 8);
            let config = NodeConfig::resolve(&node.file)?;
            let format =
                Format { config: &config, cluster_id: Some(CLUSTER_ID), voters, ignore_formatted: false };
            let env = SimEnv::new(network.clone(), world.clone(), world.begin(), node.machine.clone());
            let formatted = format_directories(&files, &format, env.now(), &mut || env.random());
            let formatted = formatted.context("format a directory")?.formatted;
            node.plan.directory = formatted.first().map_or(of.directory, |(_, id)| *id);
        }
        Ok(node)
    }

    /// The node, if it has come up so far that it can be looked at.
    pub fn node(&self) -> Option<Arc<Node>> {
        self.run.node.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether clients are let in.
    pub fn has_joined(&self) -> bool {
        self.run.has_joined.load(Ordering::Relaxed)
    }

    /// Its name, as the journal says it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it is, for messages.
    pub fn describe(&self) -> String {
        let why_not = self.run.why_not.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let state = match (self.life, self.has_joined()) {
            (Some(_), true) => "is up",
            (Some(_), false) => "is starting",
            (None, _) => "is down",
        };
        let Some(node) = self.node() else { return format!("{} {state} {why_not}", self.name) };
        let seen = node.inspect();
        let quorum = &seen.quorum;
        format!(
            "{} {state}: {:?} in epoch {} led by {:?}, voters {:?}, log to {}, high watermark {:?}, image to {}",
            self.name,
            quorum.role,
            quorum.epoch,
            quorum.leader,
            quorum.voters,
            quorum.log_end,
            quorum.high_watermark,
            seen.image.end
        )
    }

    /// Begins a life.
    ///
    /// # Errors
    /// The configuration is wrong.
    pub fn start(&mut self) -> Result<()> {
        self.network.host_comes_up(&self.machine.host);
        let life = self.world.begin();
        self.life = Some(life);
        let why_not = Arc::clone(&self.run.why_not);
        self.run = Run { why_not: Arc::clone(&why_not), ..Run::default() };
        let options = Options {
            config: NodeConfig::resolve(&self.file)?,
            file: self.file.clone(),
            disk: Arc::new(self.disk.clone()),
            open_files_max: 8,
        };
        let env = SimEnv::new(self.network.clone(), self.world.clone(), life, self.machine.clone());
        let up = Up {
            world: self.world.clone(),
            network: self.network.clone(),
            life,
            plan: self.plan.clone(),
            run: self.run.clone(),
        };
        self.world.spawn(
            life,
            Box::pin(async move {
                if let Err(error) = up.run(env, options).await {
                    // As a process that says why and exits, and is started again.
                    journal::note(&format!("does not start: {error}"));
                    *why_not.lock().unwrap_or_else(PoisonError::into_inner) = error.to_string();
                    std::panic::panic_any(Halted);
                }
            }),
        );
        Ok(())
    }

    /// Ends its life.
    pub fn die(&mut self, death: Death) {
        let Some(life) = self.life.take() else { return };
        match death {
            Death::Killed => self.network.life_ends(life),
            Death::PowerLoss => self.network.host_goes_down(&self.machine.host, life),
        }
        self.run.has_joined.store(false, Ordering::Relaxed);
        let node = self.run.node.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.is_paused = false;
        self.world.end(life);
        drop(node);
        match death {
            Death::Killed => self.disk.kill(),
            Death::PowerLoss => self.disk.crash(),
        }
    }

    /// Tells it to stop: it takes its leave, closes everything, and ends its own life.
    pub fn stop(&mut self) {
        let (Some(life), Some(node)) = (self.life, self.node()) else { return };
        let has_left = Arc::clone(&self.run.has_left);
        self.world.spawn(
            life,
            Box::pin(async move {
                node.leave().await;
                node.stop();
                has_left.store(true, Ordering::Relaxed);
                std::panic::panic_any(Halted);
            }),
        );
    }

    /// Whether its life has ended, or is about to, as it was told to.
    pub fn has_left(&self) -> bool {
        self.run.has_left.load(Ordering::Relaxed)
    }

    /// Freezes it, as SIGSTOP does, or lets it go on.
    pub fn set_paused(&mut self, paused: bool) {
        let Some(life) = self.life else { return };
        self.is_paused = paused;
        if paused {
            self.world.pause(life);
        } else {
            self.world.resume(life);
        }
    }
}

/// The beginning of a life.
struct Up {
    world: World,
    network: Network,
    life: Life,
    plan: NodePlan,
    run: Run,
}

impl Up {
    async fn run(self, env: Arc<SimEnv>, options: Options) -> Result<()> {
        let node = Node::boot(env, options)?;
        *self.run.node.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&node));
        let host = plan::host(self.plan.id);
        if self.plan.is_controller {
            let at = (&host, CONTROLLER_PORT, Listener::Controller);
            serve::listen(&self.world, &self.network, self.life, &node, at);
        }
        node.join().await?;
        if self.plan.is_broker {
            let at = (&host, BROKER_PORT, Listener::Broker);
            serve::listen(&self.world, &self.network, self.life, &node, at);
        }
        self.run.has_joined.store(true, Ordering::Relaxed);
        Ok(())
    }
}
