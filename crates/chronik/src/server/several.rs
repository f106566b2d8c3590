//! Several nodes in one process, each with its own environment, listeners and directories: they meet over sockets, as nodes
//! of different processes do, and share only the runtime.
//!
//! They stop together, so none hands its partitions over to another; what is on disk is closed cleanly.

use std::sync::Arc;

use anyhow::{Context, Result};
use chronik_broker::Node;
use tokio::task::JoinSet;
use tracing::{Instrument, Span};

use super::{Launch, TokioEnv, end_on_broken_state, runtime, start, stop_signal};

/// Runs nodes that make a cluster, until the process is told to stop. `ready` is called when all of them serve clients.
///
/// # Errors
/// One of them cannot be started, or `ready` fails.
pub fn run(launches: Vec<Launch>, ready: impl FnOnce(&[Arc<Node>]) -> Result<()>) -> Result<()> {
    end_on_broken_state();
    let runtime = runtime()?;
    let nodes = runtime.block_on(async {
        let stop = stop_signal()?;
        tokio::pin!(stop);
        let mut starting = JoinSet::new();
        for launch in launches {
            let span = launch.span.clone();
            let env = TokioEnv::new(runtime.handle().clone(), span.clone())
                .context("start the background threads")?;
            let own = span.clone();
            let started = async move { (own, start(env, launch).await) };
            starting.spawn(started.instrument(span));
        }
        let nodes = tokio::select! {
            biased;
            stopped = &mut stop => {
                stopped?;
                return Ok(Vec::new());
            }
            nodes = all(&mut starting) => nodes?,
        };
        let plain: Vec<Arc<Node>> = nodes.iter().map(|(_, node)| Arc::clone(node)).collect();
        ready(&plain)?;
        stop.await?;
        anyhow::Ok(nodes)
    })?;
    for (span, node) in &nodes {
        span.in_scope(|| node.stop());
    }
    runtime.shutdown_background();
    tracing::info!(nodes = nodes.len(), "stopped cleanly");
    Ok(())
}

/// Waits for all, in the order of their ids; the first that fails ends the wait.
async fn all(starting: &mut JoinSet<(Span, Result<Arc<Node>>)>) -> Result<Vec<(Span, Arc<Node>)>> {
    let mut nodes = Vec::new();
    while let Some(joined) = starting.join_next().await {
        let (span, started) = joined.context("a node broke at start")?;
        nodes.push((span, started?));
    }
    nodes.sort_by_key(|(_, node)| node.id());
    Ok(nodes)
}
