//! Read buffers that no connection needs at the moment.
//!
//! A connection takes one when it goes to read and gives it back when nothing in it is left over, which is before the
//! thread turns to another: so there are about as many buffers as threads, not as connections, and an idle connection
//! has none. One that holds a part of a request stays with its connection.

use std::sync::Arc;

use bytes::BytesMut;
use parking_lot::Mutex;

/// How many are kept; more than threads read at once.
const KEPT_MAX: usize = 8;
/// A buffer that has held a larger frame is not kept.
const FRAME_BYTES_MAX: usize = 2 << 20;

/// See the module. One for all connections of a node.
#[derive(Default)]
pub struct Spares(Mutex<Vec<BytesMut>>);

/// The read buffer of one connection.
pub struct Incoming {
    pub bytes: BytesMut,
    /// The largest frame that was cut from it.
    frame_bytes_max: usize,
    spares: Arc<Spares>,
}

impl Incoming {
    /// Without a buffer yet.
    pub fn new(spares: Arc<Spares>) -> Incoming {
        Incoming { bytes: BytesMut::new(), frame_bytes_max: 0, spares }
    }

    /// Takes a buffer, if there is a spare one and this has none.
    pub fn take_spare(&mut self) {
        if self.bytes.capacity() == 0
            && let Some(spare) = self.spares.0.lock().pop()
        {
            self.bytes = spare;
        }
    }

    /// A frame of so many bytes was cut off.
    pub fn cut(&mut self, frame_bytes: usize) {
        self.frame_bytes_max = self.frame_bytes_max.max(frame_bytes);
    }

    /// Gives the buffer back if nothing is left in it.
    pub fn give_back(&mut self) {
        if !self.bytes.is_empty() {
            return;
        }
        let spare = std::mem::take(&mut self.bytes);
        if std::mem::take(&mut self.frame_bytes_max) > FRAME_BYTES_MAX {
            return;
        }
        let mut spares = self.spares.0.lock();
        if spares.len() < KEPT_MAX && spare.capacity() > 0 {
            spares.push(spare);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_goes_from_one_connection_to_the_next_when_it_is_empty() {
        let spares = Arc::new(Spares::default());
        let (mut first, mut second) =
            (Incoming::new(Arc::clone(&spares)), Incoming::new(Arc::clone(&spares)));
        first.take_spare();
        assert_eq!(first.bytes.capacity(), 0, "there is none yet");
        first.bytes.extend_from_slice(&[1; 100]);
        let place = first.bytes.as_ptr();
        first.give_back();
        assert_eq!(first.bytes.len(), 100, "what is left over stays");
        first.bytes.clear();
        first.give_back();
        assert_eq!(first.bytes.capacity(), 0);
        second.take_spare();
        assert_eq!(second.bytes.as_ptr(), place);
    }

    #[test]
    fn neither_many_buffers_nor_large_ones_are_kept() {
        let spares = Arc::new(Spares::default());
        let mut incoming = Incoming::new(Arc::clone(&spares));
        incoming.bytes.reserve(100);
        incoming.cut(FRAME_BYTES_MAX + 1);
        incoming.give_back();
        assert_eq!(spares.0.lock().len(), 0);
        for _ in 0..2 * KEPT_MAX {
            incoming.bytes = BytesMut::with_capacity(100);
            incoming.give_back();
        }
        assert_eq!(spares.0.lock().len(), KEPT_MAX);
    }
}
