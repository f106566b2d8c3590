//! What goes out on a connection: one framed message as a short list of chunks.
//!
//! Record bytes are never copied into a response: they are a chunk of their own, either bytes or a part of a
//! file that the shell sends as it sees fit (`sendfile`, or `pread` and write). The first chunk starts with
//! the four-byte size, which counts every chunk.

use bytes::Bytes;
use smallvec::{SmallVec, smallvec};

/// One piece of an outgoing frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chunk {
    /// Bytes to be written as they are.
    Bytes(Bytes),
    /// `len` bytes from a source that the caller knows by `token`.
    File {
        /// How many bytes; exactly so many must be written.
        len: usize,
        /// The caller's name for the source, as given in [`crate::fetch::Records::File`].
        token: usize,
    },
}

impl Chunk {
    /// Length in bytes.
    pub fn len(&self) -> usize {
        match self {
            Chunk::Bytes(bytes) => bytes.len(),
            Chunk::File { len, .. } => *len,
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One framed message, size prefix included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The pieces, in order.
    pub chunks: SmallVec<[Chunk; 3]>,
}

impl Outgoing {
    /// A frame that is one run of bytes.
    pub fn single(bytes: Bytes) -> Self {
        let mut chunks = SmallVec::new();
        chunks.push(Chunk::Bytes(bytes));
        Outgoing { chunks }
    }

    /// A frame whose header and body are there, but not its size.
    ///
    /// # Panics
    /// It is larger than a frame can be.
    pub fn framed(body: Bytes) -> Self {
        let size = i32::try_from(body.len()).expect("what came in a frame fits into one");
        let size = Bytes::copy_from_slice(&size.to_be_bytes());
        Outgoing { chunks: smallvec![Chunk::Bytes(size), Chunk::Bytes(body)] }
    }

    /// Bytes on the wire, size prefix included.
    pub fn len(&self) -> usize {
        self.chunks.iter().map(Chunk::len).sum()
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.chunks.iter().all(Chunk::is_empty)
    }

    /// The frame as one run of bytes; `load` supplies what the file chunks stand for. Copies unless the frame
    /// is a single chunk of bytes: for tests, simulation and TLS, not for the plain hot path.
    pub fn into_bytes(mut self, mut load: impl FnMut(usize, usize) -> Bytes) -> Bytes {
        if let [Chunk::Bytes(bytes)] = self.chunks.as_mut_slice() {
            return std::mem::take(bytes);
        }
        let mut whole = Vec::with_capacity(self.len());
        for chunk in self.chunks {
            match chunk {
                Chunk::Bytes(bytes) => whole.extend_from_slice(&bytes),
                Chunk::File { len, token } => whole.extend_from_slice(&load(token, len)),
            }
        }
        Bytes::from(whole)
    }
}
