//! The last offset of each key: Kafka's `SkimpyOffsetMap`.
//!
//! Keys are told apart by their MD5, so that an entry has a fixed size (24 bytes) and memory a bound, whatever the keys.
//! The table grows as it fills, up to that bound; what it cannot take any more is left to the next cleaning.

use chronik_types::Offset;
use md5::{Digest, Md5};

/// Bytes of one entry: what `log.cleaner.dedupe.buffer.size` counts.
const ENTRY_LEN: usize = size_of::<Entry>();
/// Slots of the smallest table. A power of two.
const SLOTS_MIN: usize = 1024;

#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: [u64; 2],
    /// Negative: the slot is free.
    offset: i64,
}

const FREE: Entry = Entry { hash: [0; 2], offset: -1 };

/// From keys to offsets.
#[derive(Debug)]
pub struct OffsetMap {
    slots: Vec<Entry>,
    len: usize,
    len_max: usize,
    /// Everything up to here has been looked at.
    latest: Offset,
}

impl OffsetMap {
    /// An empty map that takes as many keys as fit into `bytes_max`, filled up to `load_factor` (0 to 1); at least one.
    pub fn new(bytes_max: usize, load_factor: f64) -> OffsetMap {
        let slots_max = (bytes_max / ENTRY_LEN) as f64;
        let len_max = ((slots_max * load_factor.clamp(0.0, 0.95)) as usize).max(1);
        OffsetMap { slots: Vec::new(), len: 0, len_max, latest: Offset(-1) }
    }

    /// How many keys it holds.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many keys it can hold.
    pub fn len_max(&self) -> usize {
        self.len_max
    }

    /// Everything up to this offset has been taken in; -1 for nothing.
    pub(super) fn latest(&self) -> Offset {
        self.latest
    }

    /// Notes that everything up to `offset` has been taken in.
    pub(super) fn reached(&mut self, offset: Offset) {
        self.latest = self.latest.max(offset);
    }

    /// Notes the key's last offset. Returns false, and does nothing, if the map is full.
    pub(super) fn put(&mut self, key: &[u8], offset: Offset) -> bool {
        if self.len >= self.len_max {
            return false;
        }
        if self.slots.len() * 3 <= self.len * 4 {
            self.grow();
        }
        let hash = hash(key);
        let at = self.slot_of(hash);
        self.len += usize::from(self.slots[at].offset < 0);
        self.slots[at] = Entry { hash, offset: offset.0 };
        self.reached(offset);
        true
    }

    /// The key's last offset; -1 if it was not seen.
    pub(super) fn get(&self, key: &[u8]) -> Offset {
        if self.slots.is_empty() {
            return Offset(-1);
        }
        Offset(self.slots[self.slot_of(hash(key))].offset)
    }

    /// The slot that has this hash, or the free one where it belongs. There is always a free slot.
    fn slot_of(&self, hash: [u64; 2]) -> usize {
        // The remainder, since the largest table is not a power of two.
        let mut at = (hash[0] % self.slots.len() as u64) as usize;
        while self.slots[at].offset >= 0 && self.slots[at].hash != hash {
            at = (at + 1) % self.slots.len();
        }
        at
    }

    fn grow(&mut self) {
        let slots_max = self.len_max + self.len_max / 10 + 2;
        let slots = (self.slots.len() * 2).max(SLOTS_MIN).min(slots_max);
        if slots <= self.slots.len() {
            return;
        }
        let old = std::mem::replace(&mut self.slots, vec![FREE; slots]);
        for entry in old.into_iter().filter(|entry| entry.offset >= 0) {
            let at = self.slot_of(entry.hash);
            self.slots[at] = entry;
        }
    }
}

fn hash(key: &[u8]) -> [u64; 2] {
    let digest: [u8; 16] = Md5::digest(key).into();
    let half = |at: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&digest[at..at + 8]);
        u64::from_le_bytes(bytes)
    };
    [half(0), half(8)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: usize) -> Vec<u8> {
        n.to_string().into_bytes()
    }

    #[test]
    fn the_last_offset_of_each_key_is_kept() {
        let mut map = OffsetMap::new(10_000 * ENTRY_LEN, 0.9);
        assert_eq!(map.len_max(), 9000);
        for n in 0..20_000 {
            assert!(map.put(&key(n % 5000), Offset(n as i64)));
        }
        assert_eq!(map.len(), 5000);
        assert_eq!(map.latest(), Offset(19_999));
        for n in 0..5000 {
            assert_eq!(map.get(&key(n)), Offset(15_000 + n as i64));
        }
        assert_eq!(map.get(b"none"), Offset(-1));
    }

    #[test]
    fn a_full_map_takes_no_more_and_says_so() {
        for len_max in [1, 2, 700, 3000] {
            let mut map = OffsetMap::new(ENTRY_LEN * (len_max + 1), 0.95);
            let len_max = map.len_max();
            for n in 0..len_max {
                assert!(map.put(&key(n), Offset(n as i64)), "{n} of {len_max}");
            }
            assert!(!map.put(&key(len_max), Offset(len_max as i64)));
            assert_eq!(map.latest(), Offset(len_max as i64 - 1));
            assert!((0..len_max).all(|n| map.get(&key(n)) == Offset(n as i64)));
            assert_eq!(map.get(&key(len_max)), Offset(-1));
        }
    }

    #[test]
    fn an_idle_map_costs_nothing() {
        let map = OffsetMap::new(128 << 20, 0.9);
        assert_eq!(map.slots.capacity(), 0);
        assert_eq!(map.get(b"k"), Offset(-1));
    }
}
