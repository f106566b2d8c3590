//! Connections to other nodes: one socket each, frames of any number in flight.
//!
//! A peer that vanishes without a word (a pulled cable, a frozen host) is found by the kernel: what was sent and is not
//! acknowledged for [`UNACKNOWLEDGED_MAX`] breaks the connection. One whose process ends says so by a reset.

use std::io::{self, ErrorKind};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chronik_broker::{Broken, Link};
use chronik_wire::frame::Splitter;
use socket2::SockRef;
use tokio::net::TcpStream;

use super::outbox::Outbox;
use crate::names;

/// What one answer may take. A peer's answer is bounded by what was asked of it; this bounds what a liar can cost.
const FRAME_BYTES_MAX: usize = 256 << 20;
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(10);

/// Connects.
///
/// # Errors
/// The host has no address, or does not let the connection in.
pub async fn connect(host: String, port: u16) -> Result<Box<dyn Link>, Broken> {
    let addresses = names::look_up_async(&host, port).await;
    let addresses = addresses.map_err(|error| broken(&error, &format!("look up {host}")))?;
    let stream = TcpStream::connect(&addresses[..]).await;
    let stream = stream.map_err(|error| broken(&error, &format!("connect to {host}:{port}")))?;
    let set = stream.set_nodelay(true);
    let set = set.and_then(|()| SockRef::from(&stream).set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX)));
    set.map_err(|error| broken(&error, "set up the socket"))?;
    Ok(Box::new(Socket {
        stream,
        splitter: Splitter::new(FRAME_BYTES_MAX),
        incoming: BytesMut::new(),
        outgoing: Outbox::default(),
    }))
}

fn broken(error: &io::Error, what: &str) -> Broken {
    let gone = matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
    );
    Broken { gone, reason: format!("{what}: {error}") }
}

struct Socket {
    stream: TcpStream,
    splitter: Splitter,
    incoming: BytesMut,
    outgoing: Outbox,
}

impl Link for Socket {
    fn send(&mut self, frame: Bytes) {
        self.outgoing.push(frame);
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Broken>> {
        loop {
            if let Err(error) = self.outgoing.write(&self.stream, cx) {
                return Poll::Ready(Err(broken(&error, "write")));
            }
            match self.splitter.next(&mut self.incoming) {
                Ok(Some(frame)) => return Poll::Ready(Ok(frame)),
                Ok(None) => {}
                Err(error) => {
                    return Poll::Ready(Err(Broken { gone: false, reason: error.to_string() }));
                }
            }
            self.splitter.reserve(&mut self.incoming);
            match self.stream.try_read_buf(&mut self.incoming) {
                Ok(0) => {
                    let reason = "closed by the peer".to_owned();
                    return Poll::Ready(Err(Broken { gone: true, reason }));
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    match self.stream.poll_read_ready(cx) {
                        Poll::Ready(Ok(())) => {}
                        Poll::Ready(Err(error)) => return Poll::Ready(Err(broken(&error, "read"))),
                        Poll::Pending => return Poll::Pending,
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(broken(&error, "read"))),
            }
        }
    }
}
