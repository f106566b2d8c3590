//! Listening: sockets are bound before the node starts (so that port 0 becomes a real port) and served once it is up.
//!
//! `max.connections`, `max.connections.per.ip` (with overrides) and `max.connection.creation.rate` are kept here. At a
//! limit of the node new connections wait in the backlog; above its address's limit a connection is closed at once, as
//! Kafka does.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use chronik_broker::{Node, Peer};
use chronik_state::config::{Endpoint, NetworkConfig, SecurityProtocol};
use chronik_wire::Listener;
use parking_lot::Mutex;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tracing::Instrument;

use super::connection::{Ended, serve};
use super::spares::Spares;
use crate::names;

/// A socket that listens, not served yet.
pub struct Bound {
    endpoint: Endpoint,
    kind: Listener,
    listener: TcpListener,
}

impl Bound {
    /// Who is to connect here.
    pub fn kind(&self) -> Listener {
        self.kind
    }

    /// What is listened on.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
}

/// Sockets that are held already, by port: of nodes that must know each other's ports before they start.
pub type Held = HashMap<u16, std::net::TcpListener>;

/// Binds an endpoint; port 0 in it becomes the port that the system chose, and a port that is `held` is taken over.
pub fn bind(
    endpoint: &mut Endpoint,
    kind: Listener,
    network: &NetworkConfig,
    held: &mut Held,
) -> anyhow::Result<Bound> {
    if endpoint.protocol != SecurityProtocol::Plaintext {
        bail!(
            "listener {} asks for {}, which is not supported yet: use PLAINTEXT",
            endpoint.listener,
            endpoint.protocol.name()
        );
    }
    let listener = match held.remove(&endpoint.port) {
        Some(listener) => TcpListener::from_std(listener)?,
        None => {
            let address = resolve(endpoint)?;
            let listener = listen(address, network).and_then(|listener| Ok(TcpListener::from_std(listener)?));
            listener.with_context(|| {
                format!("listen on {endpoint} ({address}): is another broker running there? Choose another port with --set listeners=...")
            })?
        }
    };
    endpoint.port = listener.local_addr()?.port();
    Ok(Bound { endpoint: endpoint.clone(), kind, listener })
}

/// Holds a port of the loopback for a node that is about to start; 0 lets the system choose one.
pub fn hold(port: u16, network: &NetworkConfig) -> anyhow::Result<std::net::TcpListener> {
    listen(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), network)
}

fn resolve(endpoint: &Endpoint) -> anyhow::Result<SocketAddr> {
    let host: &str = if endpoint.host.is_empty() { "0.0.0.0" } else { &endpoint.host };
    let addresses = names::look_up(host, endpoint.port).with_context(|| format!("look up {host}"))?;
    addresses.first().copied().with_context(|| format!("{host} has no address"))
}

fn listen(address: SocketAddr, network: &NetworkConfig) -> anyhow::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    if let Some(bytes) = network.receive_buffer_bytes {
        socket.set_recv_buffer_size(bytes as usize)?;
    }
    if let Some(bytes) = network.send_buffer_bytes {
        socket.set_send_buffer_size(bytes as usize)?;
    }
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(network.listen_backlog).unwrap_or(i32::MAX))?;
    Ok(socket.into())
}

/// Connections that are open.
#[derive(Default)]
struct Counts {
    all: u32,
    per_address: HashMap<IpAddr, u32>,
}

/// What all listeners of a node count together.
pub struct Gate {
    node: Arc<Node>,
    counts: Mutex<Counts>,
    /// A connection has ended.
    left: Notify,
    spares: Arc<Spares>,
}

impl Gate {
    /// Opens the gate to a node that is up.
    pub fn new(node: Arc<Node>) -> Arc<Gate> {
        Arc::new(Gate { node, counts: Mutex::default(), left: Notify::new(), spares: Arc::default() })
    }

    /// Accepts connections until the runtime ends.
    pub async fn serve(self: Arc<Gate>, bound: Bound) {
        let rate = self.node.config().network.connection_rate_max;
        let pause = (rate < u32::MAX / 2 && rate > 0).then(|| Duration::from_secs(1) / rate);
        loop {
            self.wait_for_room().await;
            match bound.listener.accept().await {
                Ok((stream, address)) => Arc::clone(&self).admit(&bound, stream, address.ip()),
                Err(error) => {
                    // Out of file descriptors, most likely: those that are open go on, and the rest waits.
                    tracing::warn!(listener = %bound.endpoint.listener, %error, "a connection cannot be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
            }
        }
    }

    /// Waits until `max.connections`, as it is now, allows one more.
    async fn wait_for_room(&self) {
        loop {
            let left = self.left.notified();
            if self.counts.lock().all < self.node.config().network.connections_max {
                return;
            }
            // The limit may be raised while nobody leaves.
            let _ = tokio::time::timeout(Duration::from_secs(1), left).await;
        }
    }

    fn admit(self: Arc<Gate>, bound: &Bound, stream: TcpStream, address: IpAddr) {
        let metrics = Arc::clone(&self.node.metrics);
        if !self.enter(address) {
            metrics.connections_refused.inc();
            tracing::debug!(%address, "too many connections from one address (max.connections.per.ip)");
            return;
        }
        let peer = Peer { listener: bound.kind, listener_name: bound.endpoint.listener.clone(), address };
        let idle = self.node.config().network.idle_ms_max.map(Duration::from_millis);
        metrics.connections.inc();
        let guard = Entered { gate: self, address };
        let serving = async move {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%address, %error, "the socket is gone already");
                return;
            }
            let node = Arc::clone(&guard.gate.node);
            let spares = Arc::clone(&guard.gate.spares);
            match serve(stream, node, peer, idle, spares).await {
                Ended::Refused(reason) => {
                    guard.gate.node.metrics.connections_refused.inc();
                    tracing::info!(%address, %reason, "connection closed: its request is not served");
                }
                ended => tracing::debug!(%address, %ended, "connection ended"),
            }
        };
        tokio::spawn(serving.in_current_span());
    }

    fn enter(&self, address: IpAddr) -> bool {
        let config = self.node.config();
        let text = address.to_string();
        let overridden = config.network.connections_per_ip_overrides.iter().find(|(host, _)| **host == *text);
        let max = overridden.map_or(config.network.connections_per_ip_max, |(_, max)| *max);
        let mut counts = self.counts.lock();
        let count = counts.per_address.get(&address).copied().unwrap_or(0);
        if count >= max {
            return false;
        }
        counts.per_address.insert(address, count + 1);
        counts.all += 1;
        true
    }
}

/// A connection that counts; dropped when it ends, however it ends.
struct Entered {
    gate: Arc<Gate>,
    address: IpAddr,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.gate.node.metrics.connections.dec();
        let mut counts = self.gate.counts.lock();
        counts.all -= 1;
        if let Some(count) = counts.per_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.per_address.remove(&self.address);
            }
        }
        drop(counts);
        self.gate.left.notify_one();
    }
}
