//! Cuts a connection's bytes into frames: a four-byte size, then so many bytes.
//!
//! The read buffer is a `BytesMut` that the connection fills; frames are split off it without copying. A size
//! prefix is not believed: room is made for [`STEP`] bytes, or for as much again as has arrived, whichever is more.

use bytes::{Buf, Bytes, BytesMut};

use crate::error::DecodeError;

/// Room that is made for a frame before its bytes have come. A little more than a mebibyte, so that a request of
/// the clients' usual `max.request.size` is read into one allocation and not copied as it grows.
pub const STEP: usize = (1 << 20) + (16 << 10);

/// Room that is kept for the next read when no frame is under way.
pub const READ_AHEAD: usize = 64 << 10;

/// See the module. One per connection.
#[derive(Debug, Clone)]
pub struct Splitter {
    max: usize,
}

impl Splitter {
    /// `max`: the largest size prefix to accept (`socket.request.max.bytes`).
    pub fn new(max: usize) -> Self {
        Splitter { max }
    }

    /// The next whole frame, without its size; `None` until more bytes come.
    ///
    /// # Errors
    /// A size that is negative or above the maximum: the connection is to be closed.
    pub fn next(&self, buffer: &mut BytesMut) -> Result<Option<Bytes>, DecodeError> {
        let Some(size) = self.size(buffer)? else { return Ok(None) };
        if buffer.len() - 4 < size {
            return Ok(None);
        }
        buffer.advance(4);
        Ok(Some(buffer.split_to(size).freeze()))
    }

    /// Makes room in the buffer for the next read. To be called when [`Splitter::next`] has returned `None`.
    pub fn reserve(&self, buffer: &mut BytesMut) {
        let missing = match self.size(buffer) {
            Ok(Some(size)) => (4 + size).saturating_sub(buffer.len()).min(buffer.len().max(STEP)),
            _ => READ_AHEAD,
        };
        // Small requests share one buffer: without the floor each would shrink the reads that follow it.
        let room = buffer.capacity() - buffer.len();
        if room < missing || room < READ_AHEAD / 4 {
            buffer.reserve(missing.max(READ_AHEAD));
        }
    }

    fn size(&self, buffer: &BytesMut) -> Result<Option<usize>, DecodeError> {
        let Some(prefix) = buffer.first_chunk::<4>() else { return Ok(None) };
        let size = i32::from_be_bytes(*prefix);
        match usize::try_from(size) {
            Ok(len) if len <= self.max => Ok(Some(len)),
            _ => Err(DecodeError::FrameSize { size, max: self.max }),
        }
    }
}
