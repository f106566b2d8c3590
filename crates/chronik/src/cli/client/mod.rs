//! A small blocking Kafka client for the commands: one thread, one request in flight per connection.
//!
//! It negotiates versions with each broker, learns the leaders from Metadata, and repeats what failed for a
//! passing reason until a deadline. It is written for tools, not for throughput, and works against any Kafka
//! broker. Errors say what to do, because a person reads them.

mod address;
mod connection;
mod error;
mod metadata;
mod offsets;
mod retry;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chronik_types::NodeId;
use chronik_wire::precheck::Checked;
use kafka_protocol::protocol::Request;

pub use address::Address;
pub use connection::Connection;
pub use error::Error;
pub use metadata::{Partition, Topic};
pub use offsets::{At, FoundOffset, Isolation};

/// How the commands reach a cluster.
#[derive(Debug, Clone)]
pub struct Options {
    /// Tried in order until one answers.
    pub bootstrap: Vec<Address>,
    /// How long a command tries before it gives up.
    pub timeout: Duration,
}

/// A connection to a cluster: to whichever broker answered first, and to the leaders as they are needed.
pub struct Client {
    options: Options,
    nodes: BTreeMap<NodeId, Address>,
    to_nodes: BTreeMap<NodeId, Connection>,
    to_any: Option<Connection>,
    /// A broker answered once: if it is gone now, it may come back.
    was_connected: bool,
}

impl Client {
    /// A client that connects when it is first used.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            nodes: BTreeMap::new(),
            to_nodes: BTreeMap::new(),
            to_any: None,
            was_connected: false,
        }
    }

    /// When a call that starts now must be given up.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.options.timeout
    }

    /// Sends a request to any broker. `build` gets the version that both sides speak, at most `version_max`.
    pub fn call_any<R: Request<Response: Checked>>(
        &mut self,
        version_max: i16,
        build: impl FnOnce(i16) -> R,
    ) -> Result<R::Response, Error> {
        let timeout = self.options.timeout;
        let connection = self.any()?;
        let result = connection.call(version_max, timeout, build);
        if result.as_ref().is_err_and(Error::breaks_connection) {
            self.to_any = None;
        }
        result
    }

    /// Sends a request to one broker of the cluster.
    pub fn call_node<R: Request<Response: Checked>>(
        &mut self,
        node: NodeId,
        version_max: i16,
        build: impl FnOnce(i16) -> R,
    ) -> Result<R::Response, Error> {
        let timeout = self.options.timeout;
        let result = self.node(node)?.call(version_max, timeout, build);
        if result.as_ref().is_err_and(Error::breaks_connection) {
            self.to_nodes.remove(&node);
        }
        result
    }

    /// Sends a request that the broker does not answer (Produce with acks=0).
    pub fn post_node<R: Request>(
        &mut self,
        node: NodeId,
        version_max: i16,
        build: impl FnOnce(i16) -> R,
    ) -> Result<(), Error> {
        let result = self.node(node)?.post(version_max, build);
        if result.is_err() {
            self.to_nodes.remove(&node);
        }
        result
    }

    fn any(&mut self) -> Result<&mut Connection, Error> {
        if self.to_any.is_none() {
            let mut last = None;
            for address in &self.options.bootstrap {
                match Connection::open(address, self.options.timeout) {
                    Ok(connection) => {
                        self.to_any = Some(connection);
                        self.was_connected = true;
                        break;
                    }
                    Err(error) => last = Some(error),
                }
            }
            if let (None, Some(error)) = (&self.to_any, last) {
                return Err(error);
            }
        }
        self.to_any.as_mut().ok_or(Error::NoAddress)
    }

    fn node(&mut self, node: NodeId) -> Result<&mut Connection, Error> {
        if !self.to_nodes.contains_key(&node) {
            let address = self.nodes.get(&node).ok_or(Error::UnknownNode { node })?;
            let connection =
                Connection::open(address, self.options.timeout).map_err(|error| error.advertised())?;
            self.to_nodes.insert(node, connection);
        }
        self.to_nodes.get_mut(&node).ok_or(Error::UnknownNode { node })
    }
}
