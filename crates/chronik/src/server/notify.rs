//! Telling a supervisor how far the node is: systemd's `Type=notify` protocol (`sd_notify(3)`), one datagram a message.
//!
//! A supervisor that cannot be told is named in a warning; the node runs on without it.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Where to tell it; nowhere, if no supervisor asked.
#[derive(Clone, Debug)]
pub struct Supervisor(Option<SocketAddr>);

impl Supervisor {
    /// From the value of `NOTIFY_SOCKET`: a path, or a name in the abstract namespace behind an `@`.
    ///
    /// # Errors
    /// It is no address of a socket.
    pub fn at(socket: Option<&OsStr>) -> io::Result<Supervisor> {
        let Some(socket) = socket.filter(|socket| !socket.is_empty()) else { return Ok(Supervisor(None)) };
        let address = match socket.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(socket)?,
        };
        Ok(Supervisor(Some(address)))
    }

    /// The node serves.
    pub fn ready(&self) {
        self.tell("READY=1");
    }

    /// The node has begun to stop.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    fn tell(&self, message: &str) {
        let Some(address) = &self.0 else { return };
        let sent =
            UnixDatagram::unbound().and_then(|socket| socket.send_to_addr(message.as_bytes(), address));
        if let Err(error) = sent {
            tracing::warn!(%error, message, "the supervisor (NOTIFY_SOCKET) was not told");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn hears(address: &SocketAddr, name: &OsStr) {
        let socket = UnixDatagram::bind_addr(address).unwrap();
        let supervisor = Supervisor::at(Some(name)).unwrap();
        supervisor.ready();
        supervisor.stopping();
        let mut buffer = [0; 64];
        for expected in ["READY=1", "STOPPING=1"] {
            let size = socket.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..size], expected.as_bytes());
        }
    }

    #[test]
    fn a_supervisor_hears_by_a_path_and_by_an_abstract_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        hears(&SocketAddr::from_pathname(&path).unwrap(), path.as_os_str());
        let name = format!("chronik-test-{}", std::process::id());
        let shown = OsString::from(format!("@{name}"));
        hears(&SocketAddr::from_abstract_name(name).unwrap(), &shown);
    }

    #[test]
    fn without_a_supervisor_nothing_is_told() {
        for nobody in [None, Some(OsStr::new(""))] {
            Supervisor::at(nobody).unwrap().ready();
        }
    }
}
