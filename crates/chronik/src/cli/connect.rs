//! The options of every command that talks to a cluster.

use std::time::Duration;

use super::client::{Address, Client, Options};

#[derive(clap::Args, Clone)]
pub struct Connect {
    /// Brokers to ask first, as host:port, separated by commas
    #[arg(long, short, visible_alias = "brokers", value_delimiter = ',', default_value = "localhost:9092")]
    bootstrap_server: Vec<Address>,
    /// How long to try before giving up, in seconds
    #[arg(long, default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
}

impl Connect {
    pub fn client(&self) -> Client {
        Client::new(self.options())
    }

    /// The same as the client's options.
    pub fn options(&self) -> Options {
        Options { bootstrap: self.bootstrap_server.clone(), timeout: Duration::from_secs(self.timeout) }
    }
}
