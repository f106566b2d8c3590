//! The transaction index (`.txnindex`): aborted transactions, in the order of their markers; Kafka's `TransactionIndex`.
//!
//! ```text
//! 0 version i16 (0) | 2 producer id i64 | 10 first offset i64 | 18 last offset i64 | 26 last stable offset i64
//! ```

use chronik_types::{Offset, ProducerId};

/// Size of an entry in bytes.
pub(crate) const ENTRY_LEN: usize = 34;

/// A transaction that was aborted (`AbortedTxn`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortedTxn {
    /// Whose.
    pub producer_id: ProducerId,
    /// Its first record.
    pub first_offset: Offset,
    /// Its marker.
    pub last_offset: Offset,
    /// The last stable offset when the marker was appended: no transaction that begins below it is open any more.
    pub last_stable_offset: Offset,
}

impl AbortedTxn {
    /// Appends the entry's bytes.
    pub(crate) fn encode(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(&0i16.to_be_bytes());
        into.extend_from_slice(&self.producer_id.0.to_be_bytes());
        into.extend_from_slice(&self.first_offset.0.to_be_bytes());
        into.extend_from_slice(&self.last_offset.0.to_be_bytes());
        into.extend_from_slice(&self.last_stable_offset.0.to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> AbortedTxn {
        let number = |at: usize| {
            let mut field = [0; 8];
            field.copy_from_slice(&bytes[at..at + 8]);
            i64::from_be_bytes(field)
        };
        AbortedTxn {
            producer_id: ProducerId(number(2)),
            first_offset: Offset(number(10)),
            last_offset: Offset(number(18)),
            last_stable_offset: Offset(number(26)),
        }
    }
}

/// The entries of a transaction index; `None` if the bytes are not one (of a segment that starts at `base`).
pub(crate) fn decode(bytes: &[u8], base: Offset) -> Option<Vec<AbortedTxn>> {
    if !bytes.len().is_multiple_of(ENTRY_LEN) {
        return None;
    }
    let mut last = Offset(base.0 - 1);
    let entries = bytes.chunks_exact(ENTRY_LEN).map(|chunk| {
        let entry = AbortedTxn::decode(chunk);
        let sane = chunk[..2] == [0, 0] && entry.last_offset > last && entry.first_offset < entry.last_offset;
        last = entry.last_offset;
        sane.then_some(entry)
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_kafkas() {
        let entry = AbortedTxn {
            producer_id: ProducerId(1),
            first_offset: Offset(2),
            last_offset: Offset(3),
            last_stable_offset: Offset(4),
        };
        let mut bytes = Vec::new();
        entry.encode(&mut bytes);
        let expected = [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3];
        assert_eq!(bytes[..26], expected);
        assert_eq!(bytes.len(), ENTRY_LEN);
        assert_eq!(decode(&bytes, Offset(3)), Some(vec![entry]));
        assert_eq!(decode(&bytes, Offset(4)), None, "below the base offset");
        assert_eq!(decode(&bytes[1..], Offset(0)), None);
    }
}
