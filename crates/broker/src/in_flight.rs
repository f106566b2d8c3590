//! Back-pressure: how many bytes of requests are in progress on the whole node (`queued.max.request.bytes`).
//!
//! Connections stop reading while there is no room; nothing is refused and nothing grows.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of requests in progress, and their limit.
pub(crate) struct InFlight {
    bytes: AtomicUsize,
    bytes_max: usize,
}

impl InFlight {
    /// Nothing in progress yet.
    pub(crate) fn new(bytes_max: usize) -> Self {
        InFlight { bytes: AtomicUsize::new(0), bytes_max }
    }

    /// Counts a request in.
    pub(crate) fn take(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts it out.
    pub(crate) fn give_back(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Whether connections that have requests in progress may read more.
    pub(crate) fn has_room(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) < self.bytes_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_comes_back() {
        let in_flight = InFlight::new(10);
        in_flight.take(10);
        assert!(!in_flight.has_room());
        in_flight.give_back(1);
        assert!(in_flight.has_room());
    }
}
