//! `chronik start`: runs a node until it is told to stop.

use std::io::IsTerminal;

use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;

use crate::{config, server};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    config: config::Arguments,
    /// What is logged: error, warn, info, debug or trace, or by part such as info,chronik_broker=debug
    #[arg(long, default_value = "info", env = "CHRONIK_LOG", value_name = "FILTER")]
    log: String,
}

/// Runs `chronik start`. Returns when the node has stopped cleanly.
pub fn run(arguments: &Arguments) -> Result<()> {
    // Before anything else, so that whatever happens next is logged.
    begin_log(&arguments.log)?;
    let loaded = config::load(&arguments.config)?;
    loaded.node.check_built()?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    server::run(loaded.node, loaded.file)
}

/// Logs go to stdout, which is where `docker logs` and Kafka's users look for them.
fn begin_log(filter: &str) -> Result<()> {
    let filter = EnvFilter::try_new(filter).with_context(|| format!("--log {filter}"))?;
    let is_terminal = std::io::stdout().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(is_terminal).init();
    Ok(())
}
