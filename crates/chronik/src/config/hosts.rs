//! The machine's own name, where a listener is advertised without a host, and listeners that anybody can reach.

use std::net::IpAddr;
use std::sync::Arc;

use chronik_state::config::{Endpoint, NodeConfig, SecurityProtocol};

/// The name of this machine; `localhost` if it has none.
pub fn own_name() -> String {
    match rustix::system::uname().nodename().to_string_lossy().as_ref() {
        "" | "(none)" => "localhost".to_owned(),
        name => name.to_owned(),
    }
}

/// Puts the machine's name where others are told an address without a host.
pub fn fill_in(node: &mut NodeConfig, own_name: &str) {
    let own: Arc<str> = own_name.into();
    let listeners = &mut node.listeners;
    for endpoint in listeners.advertised_broker.iter_mut().chain(&mut listeners.advertised_controller) {
        if endpoint.host.is_empty() {
            endpoint.host = Arc::clone(&own);
        }
    }
}

/// A line for each listener that the network can reach and that asks nobody who they are.
pub fn open_listeners(node: &NodeConfig) -> Vec<String> {
    let all = node.listeners.broker.iter().chain(&node.listeners.controller);
    all.filter(|endpoint| is_open(endpoint))
        .map(|endpoint| format!("listener {endpoint} is open to the network without authentication"))
        .collect()
}

fn is_open(endpoint: &Endpoint) -> bool {
    let authenticates =
        matches!(endpoint.protocol, SecurityProtocol::SaslPlaintext | SecurityProtocol::SaslSsl);
    let local = &*endpoint.host == "localhost"
        || endpoint.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    !authenticates && !local
}
