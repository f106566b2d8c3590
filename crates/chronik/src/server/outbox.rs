//! What waits to be written to a socket: chunks of any number, many of them in one system call.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::task::Context;

use bytes::{Buf, Bytes};
use tokio::net::TcpStream;

const SLICES_MAX: usize = 64;

/// Chunks in the order in which they go out.
#[derive(Default)]
pub struct Outbox {
    chunks: VecDeque<Bytes>,
    bytes: usize,
}

impl Outbox {
    /// Adds a chunk.
    pub fn push(&mut self, chunk: Bytes) {
        self.bytes += chunk.len();
        self.chunks.push_back(chunk);
    }

    /// How many bytes wait.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether none do.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Writes as much as the socket takes; if not all, the task is woken when it takes more. Returns how many bytes went.
    ///
    /// # Errors
    /// The socket failed.
    pub fn write(&mut self, stream: &TcpStream, cx: &mut Context<'_>) -> io::Result<usize> {
        let before = self.bytes;
        while !self.chunks.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let mut count = 0;
            for (slice, chunk) in slices.iter_mut().zip(&self.chunks) {
                *slice = IoSlice::new(chunk);
                count += 1;
            }
            match stream.try_write_vectored(&slices[..count]) {
                Ok(written) => self.written(written),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if stream.poll_write_ready(cx)?.is_pending() {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(before - self.bytes)
    }

    fn written(&mut self, mut count: usize) {
        self.bytes -= count;
        while let Some(first) = self.chunks.front_mut() {
            if first.len() > count {
                first.advance(count);
                return;
            }
            count -= first.len();
            self.chunks.pop_front();
        }
    }
}
