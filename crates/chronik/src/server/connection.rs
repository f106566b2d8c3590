//! One socket: bytes in, frames to the broker's [`Connection`], answers out.
//!
//! All that has arrived is read and started before anything is made durable, so that one sync covers it; answers that
//! are ready are written first. Everything happens on the thread that found the socket readable.

use std::future::Future;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use chronik_broker::{Connection, Node, Peer, Refused};
use chronik_wire::Chunk;
use chronik_wire::frame::Splitter;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::outbox::Outbox;
use super::spares::{Incoming, Spares};

/// Bytes that are read before what they started is settled and answered.
const TURN_BYTES: usize = 4 << 20;
/// Bytes of answers that may wait for a slow reader before its requests are left unread.
const UNSENT_BYTES_MAX: usize = 4 << 20;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// The peer closed it.
    #[error("closed by the client")]
    Closed,
    /// Nothing came for `connections.max.idle.ms`.
    #[error("idle for too long")]
    Idle,
    /// The socket failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What came in was no request that is served here.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Serves a socket until it ends. It reads into `spares`.
pub async fn serve(
    stream: TcpStream,
    node: Arc<Node>,
    peer: Peer,
    idle_max: Option<Duration>,
    spares: Arc<Spares>,
) -> Ended {
    let splitter = Splitter::new(node.config().network.request_bytes_max as usize);
    let idle = idle_max.map(|max| (max, Box::pin(tokio::time::sleep(max))));
    let mut socket = Socket {
        stream,
        connection: Connection::new(node, peer),
        splitter,
        incoming: Incoming::new(spares),
        outgoing: Outbox::default(),
        idle,
    };
    poll_fn(|cx| socket.poll(cx)).await
}

struct Socket {
    stream: TcpStream,
    connection: Connection,
    splitter: Splitter,
    incoming: Incoming,
    outgoing: Outbox,
    idle: Option<(Duration, std::pin::Pin<Box<Sleep>>)>,
}

/// Whether a step got anywhere.
#[derive(PartialEq, Eq)]
enum Step {
    Forward,
    Stuck,
}

impl Socket {
    /// Goes on as far as possible; ready when the connection has ended.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        let turned = self.turns(cx);
        self.incoming.give_back();
        match turned {
            Ok(()) => self.poll_idle(cx),
            Err(ended) => Poll::Ready(ended),
        }
    }

    fn turns(&mut self, cx: &mut Context<'_>) -> Result<(), Ended> {
        loop {
            let read = self.read(cx)?;
            self.answer(cx)?;
            let written = self.write(cx)?;
            self.connection.settle();
            self.answer(cx)?;
            let settled = self.write(cx)?;
            if [read, written, settled].iter().all(|step| *step == Step::Stuck) {
                return Ok(());
            }
        }
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Result<Step, Ended> {
        let mut turn = 0;
        let mut step = Step::Stuck;
        while turn < TURN_BYTES && self.outgoing.bytes() < UNSENT_BYTES_MAX {
            while self.connection.wants_more()
                && let Some(frame) = self.splitter.next(&mut self.incoming.bytes).map_err(Refused::from)?
            {
                self.incoming.cut(frame.len());
                self.connection.start(frame, cx)?;
                step = Step::Forward;
            }
            if !self.connection.wants_more() {
                return Ok(step);
            }
            self.incoming.take_spare();
            self.splitter.reserve(&mut self.incoming.bytes);
            match self.stream.try_read_buf(&mut self.incoming.bytes) {
                Ok(0) => return Err(Ended::Closed),
                Ok(count) => {
                    turn += count;
                    step = Step::Forward;
                    self.touch();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if self.stream.poll_read_ready(cx)?.is_pending() {
                        return Ok(step);
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(step)
    }

    fn answer(&mut self, cx: &mut Context<'_>) -> Result<(), Ended> {
        while self.outgoing.bytes() < UNSENT_BYTES_MAX {
            let Poll::Ready(answer) = self.connection.poll_answer(cx)? else { return Ok(()) };
            let Some(frame) = answer else { return Ok(()) };
            for chunk in frame.chunks {
                match chunk {
                    Chunk::Bytes(bytes) => self.outgoing.push(bytes),
                    Chunk::File { .. } => unreachable!("the broker answers with bytes"),
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Result<Step, Ended> {
        let written = self.outgoing.write(&self.stream, cx)?;
        if written == 0 {
            return Ok(Step::Stuck);
        }
        self.touch();
        Ok(Step::Forward)
    }

    fn touch(&mut self) {
        if let Some((max, sleep)) = &mut self.idle {
            // The timer is moved only when it is well behind: moving it for each request would cost a lock each.
            let deadline = Instant::now() + *max;
            if deadline > sleep.deadline() + *max / 8 {
                sleep.as_mut().reset(deadline);
            }
        }
    }

    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        let Some((max, sleep)) = &mut self.idle else { return Poll::Pending };
        while sleep.as_mut().poll(cx).is_ready() {
            if self.connection.is_idle() && self.outgoing.is_empty() {
                return Poll::Ready(Ended::Idle);
            }
            let again = Instant::now() + *max;
            sleep.as_mut().reset(again);
        }
        Poll::Pending
    }
}
