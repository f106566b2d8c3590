//! Names of hosts, where a machine may have no `/etc/hosts` (an image made from scratch has none).
//!
//! `localhost` is the loopback by definition (RFC 6761): nobody is asked. IPv4 comes first, since that is what a node
//! listens on and what most clients try first.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

/// Where a host may be reached, the likeliest address first. It may wait for a name server.
///
/// # Errors
/// The name cannot be looked up.
pub fn look_up(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if let Some(known) = loopback(host, port) {
        return Ok(known);
    }
    let mut found: Vec<SocketAddr> = (host, port).to_socket_addrs()?.collect();
    found.sort_by_key(SocketAddr::is_ipv6);
    Ok(found)
}

/// The same without blocking the thread.
///
/// # Errors
/// As [`look_up`].
pub async fn look_up_async(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if let Some(known) = loopback(host, port) {
        return Ok(known);
    }
    let mut found: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    found.sort_by_key(SocketAddr::is_ipv6);
    Ok(found)
}

fn loopback(host: &str, port: u16) -> Option<Vec<SocketAddr>> {
    let is_local = host.trim_end_matches('.').eq_ignore_ascii_case("localhost");
    is_local.then(|| vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()])
}

#[cfg(test)]
mod tests {
    use super::look_up;

    #[test]
    fn the_loopback_needs_nobody_to_be_found() {
        for name in ["localhost", "LocalHost", "localhost."] {
            let found = look_up(name, 9092).unwrap();
            assert_eq!(found[0].to_string(), "127.0.0.1:9092");
        }
        assert_eq!(look_up("10.0.0.1", 1).unwrap()[0].to_string(), "10.0.0.1:1");
    }
}
