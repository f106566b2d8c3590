//! Which partition a record goes to: by its key as Kafka's Java client does it, or round and round by batches.

/// The hash of Kafka's default partitioner: Murmur2 with its own seed (`Utils.murmur2`).
pub fn murmur2(key: &[u8]) -> i32 {
    const M: u32 = 0x5bd1_e995;
    const SEED: u32 = 0x9747_b28c;
    let mut hash = SEED ^ key.len() as u32;
    let (words, tail) = key.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !tail.is_empty() {
        let mut word = [0; 4];
        word[..tail.len()].copy_from_slice(tail);
        hash = (hash ^ u32::from_le_bytes(word)).wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    (hash ^ (hash >> 15)) as i32
}

/// Chooses among `count` partitions, numbered from 0.
pub struct Partitioner {
    count: i32,
    fixed: Option<i32>,
    next: i32,
}

impl Partitioner {
    /// `fixed`: the partition for all records, if the user named one.
    pub fn new(count: i32, fixed: Option<i32>) -> Self {
        Self { count, fixed, next: 0 }
    }

    pub fn partition(&self, key: Option<&[u8]>) -> i32 {
        match (self.fixed, key) {
            (Some(partition), _) => partition,
            (None, Some(key)) => (murmur2(key) & i32::MAX) % self.count,
            (None, None) => self.next,
        }
    }

    /// A batch was sent: records without a key go to the next partition.
    pub fn turn(&mut self) {
        self.next = (self.next + 1) % self.count;
    }
}

#[cfg(test)]
mod tests {
    use super::{Partitioner, murmur2};

    #[test]
    fn keys_go_where_kafkas_clients_send_them() {
        // The values of Kafka's own test of its hash.
        for (key, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()), hash, "{key}");
        }
    }

    #[test]
    fn records_without_key_take_turns_by_batch() {
        let mut partitioner = Partitioner::new(2, None);
        assert_eq!([partitioner.partition(None), partitioner.partition(None)], [0, 0]);
        partitioner.turn();
        assert_eq!(partitioner.partition(None), 1);
        partitioner.turn();
        assert_eq!(partitioner.partition(None), 0);
        assert_eq!(Partitioner::new(3, Some(2)).partition(Some(b"x")), 2);
    }
}
