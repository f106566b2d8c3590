//! Running a node for real: sockets, signals, the metrics page, and the runtime under it all.

mod connection;
mod env;
mod http;
mod link;
mod listener;
mod notify;
mod outbox;
mod several;
mod spares;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use chronik_broker::{Env, Node, Options, may_form};
use chronik_log::disk::real::RealDisk;
use chronik_state::config::{BrokerConfig, Endpoint, Layers, NodeConfig, Nothing};
use chronik_wire::Listener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{Instrument, Span};

use env::TokioEnv;
use listener::{Bound, Gate};

pub use listener::{Held, hold};
pub use notify::Supervisor;
pub use several::run as run_several;

/// Share of the process's file descriptors that idle log files may hold.
const OPEN_FILES_SHARE: u64 = 4;

/// A node that is to run.
pub struct Launch {
    pub config: NodeConfig,
    /// Every key that was set: the layer below dynamic configuration.
    pub file: BTreeMap<String, String>,
    /// Ports of its listeners that are bound already.
    pub held: Held,
    /// What it says is logged within this.
    pub span: Span,
}

impl Launch {
    /// The only node of its process.
    pub fn alone(config: NodeConfig, file: BTreeMap<String, String>) -> Launch {
        Launch { config, file, held: Held::new(), span: Span::none() }
    }
}

/// Runs a node until it is told to stop; the supervisor hears when it serves. Returns when everything is closed cleanly.
///
/// # Errors
/// The configuration, the directories or the sockets cannot be used.
pub fn run(launch: Launch, supervisor: &Supervisor) -> anyhow::Result<()> {
    end_on_broken_state();
    let runtime = runtime()?;
    let env =
        TokioEnv::new(runtime.handle().clone(), Span::none()).context("start the background threads")?;
    // On a worker, since a node blocks where it stands when that is cheapest.
    let node = runtime.block_on(async {
        let stop = stop_signal()?;
        tokio::pin!(stop);
        let mut starting = tokio::spawn(async move {
            let shared: Arc<dyn Env> = Arc::<TokioEnv>::clone(&env);
            may_form(&shared, &RealDisk, &launch.config).await?;
            start(env, launch).await
        });
        let started = tokio::select! {
            biased;
            stopped = &mut stop => {
                stopped?;
                // It may be waiting for a quorum that is not there.
                starting.abort();
                None
            }
            started = &mut starting => Some(started.context("the node broke at start")??),
        };
        let Some(node) = started else { return Ok(None) };
        supervisor.ready();
        stop.await?;
        supervisor.stopping();
        let leaving = Arc::clone(&node);
        tokio::spawn(async move { leaving.leave().await })
            .await
            .context("the node broke while it stopped")?;
        anyhow::Ok(Some(node))
    })?;
    let Some(node) = node else {
        tracing::info!("stopped before it was up");
        return Ok(());
    };
    tracing::info!("stopping: closing logs");
    node.stop();
    runtime.shutdown_background();
    tracing::info!("stopped cleanly");
    Ok(())
}

fn runtime() -> anyhow::Result<Runtime> {
    let workers = std::thread::available_parallelism().map_or(2, usize::from).max(2);
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(workers).thread_name("chronik").enable_all().build().context("start the runtime")
}

/// A panic costs the connection it happens on; where it leaves a log or the quorum in pieces, it costs the process.
fn end_on_broken_state() {
    std::panic::set_hook(Box::new(|info| {
        let what = info.payload_as_str().unwrap_or("no message");
        let at = info.location().map(ToString::to_string).unwrap_or_default();
        if chronik_broker::in_critical_state() {
            tracing::error!(what, at, "a bug in the node: its state cannot be trusted, it ends at once");
            std::process::abort();
        }
        tracing::error!(what, at, "a bug in the node: the connection that met it is closed");
    }));
}

async fn start(env: Arc<TokioEnv>, launch: Launch) -> anyhow::Result<Arc<Node>> {
    let began = Instant::now();
    let Launch { mut config, file, mut held, .. } = launch;
    let bound = bind_all(&mut config, &file, &mut held)?;
    let page = match &config.http_listener {
        Some((host, port)) => Some(http::bind(host, *port).await?),
        None => None,
    };
    let id = config.node_id;
    let dirs = config.log_dirs.clone();
    let options = Options { config, file, disk: Arc::new(RealDisk), open_files_max: open_files_max() };
    let node = Node::boot(env, options)?;
    let gate = Gate::new(Arc::clone(&node));
    let (of_quorum, of_broker): (Vec<_>, Vec<_>) =
        bound.into_iter().partition(|bound| bound.kind() == Listener::Controller);
    // Other nodes need this one for a quorum before it can be a broker of their cluster.
    for bound in of_quorum {
        tracing::info!(listener = %bound.endpoint(), "listening");
        tokio::spawn(Arc::clone(&gate).serve(bound).in_current_span());
    }
    node.join().await?;
    for bound in of_broker {
        tracing::info!(listener = %bound.endpoint(), "listening");
        tokio::spawn(Arc::clone(&gate).serve(bound).in_current_span());
    }
    if let Some(page) = page {
        tracing::info!(address = %page.local_addr()?, "metrics page at /metrics");
        tokio::spawn(http::serve(page, Arc::clone(&node)).in_current_span());
    }
    tracing::info!(node = %id, cluster = %node.cluster_id(), log_dirs = ?dirs, millis = began.elapsed().as_millis() as u64, "ready");
    Ok(node)
}

fn stop_signal() -> anyhow::Result<impl Future<Output = anyhow::Result<()>>> {
    let mut terminate = signal(SignalKind::terminate()).context("wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("wait for SIGINT")?;
    Ok(async move {
        tokio::select! {
            biased;
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    })
}

fn bind_all(
    config: &mut NodeConfig,
    file: &BTreeMap<String, String>,
    held: &mut Held,
) -> anyhow::Result<Vec<Bound>> {
    let layers = Layers { broker: &Nothing, cluster: &Nothing, file };
    let network = BrokerConfig::resolve(&layers).network;
    let listeners = &mut config.listeners;
    let mut bound = Vec::new();
    for (endpoints, kind) in
        [(&mut listeners.broker, Listener::Broker), (&mut listeners.controller, Listener::Controller)]
    {
        for endpoint in endpoints {
            bound.push(listener::bind(endpoint, kind, &network, held)?);
        }
    }
    advertise(&listeners.broker, &mut listeners.advertised_broker);
    advertise(&listeners.controller, &mut listeners.advertised_controller);
    Ok(bound)
}

/// Fills in what is advertised where the configuration leaves it to the node: the port that the system chose, and the
/// machine's name for a listener on every interface.
fn advertise(bound: &[Endpoint], advertised: &mut [Endpoint]) {
    for endpoint in advertised {
        if let Some(own) = bound.iter().find(|own| own.listener == endpoint.listener)
            && endpoint.port == 0
        {
            endpoint.port = own.port;
        }
        if endpoint.host.is_empty() {
            endpoint.host = rustix::system::uname().nodename().to_string_lossy().as_ref().into();
        }
    }
}

fn open_files_max() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let current = limit.current.unwrap_or(20_000);
    usize::try_from(current / OPEN_FILES_SHARE).unwrap_or(5000).max(64)
}
