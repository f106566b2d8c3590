//! `chronik start`: runs a node until it is told to stop.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};

use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;

use crate::config;
use crate::server::{self, Launch, Supervisor};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    config: config::Arguments,
    /// What is logged: error, warn, info, debug or trace, or by part such as info,chronik_broker=debug
    #[arg(long, default_value = "info", env = "CHRONIK_LOG", value_name = "FILTER")]
    log: String,
    /// Where systemd waits to hear that the node serves (`Type=notify`)
    #[arg(long, env = "NOTIFY_SOCKET", value_name = "SOCKET", hide = true)]
    notify_socket: Option<OsString>,
}

/// Runs `chronik start`. Returns when the node has stopped cleanly.
pub fn run(arguments: &Arguments) -> Result<()> {
    // Before anything else, so that whatever happens next is logged.
    // On stdout, which is where `docker logs` and Kafka's users look for it.
    begin_log(&arguments.log, std::io::stdout, std::io::stdout().is_terminal())?;
    let loaded = config::load(&arguments.config)?;
    loaded.node.check_built()?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let supervisor = Supervisor::at(arguments.notify_socket.as_deref()).context("NOTIFY_SOCKET")?;
    server::run(Launch::alone(loaded.node, loaded.file), &supervisor)
}

/// Logs what passes the filter, in colours for a person.
pub fn begin_log<W: Write + 'static>(
    filter: &str,
    to: impl Fn() -> W + Send + Sync + 'static,
    is_terminal: bool,
) -> Result<()> {
    let filter = EnvFilter::try_new(filter).with_context(|| format!("--log {filter}"))?;
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(is_terminal).with_writer(to).init();
    Ok(())
}
