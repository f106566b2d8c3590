//! Cuts a connection's bytes into frames: a four-byte size, then so many bytes.
//!
//! The read buffer is a `BytesMut` that the connection fills; frames are split off it without copying, but for small
//! ones: a copy costs no more than a share of the buffer, and a request that is parked, or kept in part, does not hold
//! all of it. A size prefix is not believed: room is made for [`STEP`] bytes, or for as much again as has arrived,
//! whichever is more.

use bytes::{Buf, Bytes, BytesMut};

use crate::error::DecodeError;

/// Room that is made for a frame before its bytes have come. A little more than a mebibyte, so that a request of
/// the clients' usual `max.request.size` is read into one allocation and not copied as it grows.
pub const STEP: usize = (1 << 20) + (16 << 10);

/// Room that is kept for the next read when no frame is under way.
pub const READ_AHEAD: usize = 64 << 10;

/// Frames up to this are copied out of the read buffer.
const COPIED_MAX: usize = 1 << 10;

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
        if size > COPIED_MAX {
            return Ok(Some(buffer.split_to(size).freeze()));
        }
        let frame = Bytes::copy_from_slice(&buffer[..size]);
        buffer.advance(size);
        Ok(Some(frame))
    }

    /// Makes room in the buffer for the next read. To be called when [`Splitter::next`] has returned `None`.
    pub fn reserve(&self, buffer: &mut BytesMut) {
        let room = buffer.capacity() - buffer.len();
        let (enough, wanted) = match self.size(buffer) {
            Ok(Some(size)) => {
                let missing = (4 + size).saturating_sub(buffer.len());
                (missing.min(READ_AHEAD), missing.min(buffer.len().max(STEP)).max(READ_AHEAD))
            }
            // Small requests share one buffer until a quarter is left: a read per request should not mean a
            // buffer per request.
            _ => (READ_AHEAD / 4, READ_AHEAD),
        };
        if room < enough {
            buffer.reserve(wanted);
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

#[cfg(test)]
mod tests {
    use bytes::BufMut;

    use super::*;

    #[test]
    fn frames_are_cut_wherever_the_reads_end() {
        let sent: Vec<Vec<u8>> = (0..40usize).map(|len| vec![len as u8; len * 7]).collect();
        let mut wire = BytesMut::new();
        for frame in &sent {
            wire.put_i32(frame.len() as i32);
            wire.put_slice(frame);
        }
        for step in 1..50 {
            let splitter = Splitter::new(1000);
            let (mut buffer, mut received) = (BytesMut::new(), Vec::new());
            for read in wire.chunks(step) {
                splitter.reserve(&mut buffer);
                buffer.put_slice(read);
                while let Some(frame) = splitter.next(&mut buffer).unwrap() {
                    received.push(frame.to_vec());
                }
            }
            assert_eq!(received, sent);
            assert!(buffer.is_empty());
        }
    }

    #[test]
    fn a_large_frame_is_a_part_of_the_read_buffer_and_a_small_one_is_not() {
        for (len, is_part) in [(4, false), (COPIED_MAX, false), (COPIED_MAX + 1, true)] {
            let mut buffer = BytesMut::new();
            buffer.put_u32(len as u32);
            buffer.put_bytes(7, len);
            buffer.put_slice(b"\0\0");
            let place = buffer[4..].as_ptr();
            let frame = Splitter::new(len).next(&mut buffer).unwrap().unwrap();
            assert_eq!((&frame[..], frame.as_ptr() == place), (&vec![7; len][..], is_part));
            assert_eq!(&buffer[..], b"\0\0");
        }
    }

    #[test]
    fn a_size_that_cannot_be_is_refused_before_its_bytes_come() {
        let splitter = Splitter::new(100);
        for (prefix, size) in [([0xff; 4], -1), ([0, 0, 0, 101], 101), ([0x80, 0, 0, 0], i32::MIN)] {
            let refused = splitter.next(&mut BytesMut::from(&prefix[..]));
            assert_eq!(refused, Err(DecodeError::FrameSize { size, max: 100 }));
        }
        assert_eq!(splitter.next(&mut BytesMut::from(&[0, 0, 0, 100][..])), Ok(None));
        assert_eq!(splitter.next(&mut BytesMut::from(&[0; 4][..])), Ok(Some(Bytes::new())));
    }

    #[test]
    fn room_follows_what_has_come_not_what_was_promised() {
        let splitter = Splitter::new(100 << 20);
        let mut buffer = BytesMut::new();
        splitter.reserve(&mut buffer);
        assert!(buffer.capacity() <= 2 * READ_AHEAD);
        buffer.put_i32(100 << 20);
        let mut total = 4;
        while total < (100 << 20) + 4 {
            splitter.reserve(&mut buffer);
            assert!(buffer.capacity() > buffer.len(), "there is room to read");
            assert!(
                buffer.capacity() <= 2 * total.max(STEP) + READ_AHEAD,
                "{} after {total}",
                buffer.capacity()
            );
            let read = (buffer.capacity() - buffer.len()).min((100 << 20) + 4 - total);
            buffer.put_bytes(1, read);
            total += read;
        }
        assert_eq!(splitter.next(&mut buffer).unwrap().unwrap().len(), 100 << 20);
    }
}
