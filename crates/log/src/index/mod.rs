//! The index files of a segment: Kafka's `.index`, `.timeindex` and `.txnindex`, byte for byte.
//!
//! Offset and time index are sparse: an entry every `index.interval.bytes`. The active segment's entries are in memory and
//! reach the file when the segment is sealed or a checkpoint is made; those of a sealed segment stay in the file and are
//! searched there. What a crash loses is rebuilt from the batches.

mod offset;
mod time;
pub(crate) mod txn;

use std::io;

use crate::disk::File;

pub(crate) use offset::OffsetEntry;
pub(crate) use time::TimeEntry;
pub use txn::AbortedTxn;

/// An entry of fixed size; entries of one index rise.
pub(crate) trait IndexEntry: Copy {
    /// Size in bytes.
    const LEN: usize;

    /// Reads an entry; `bytes` has [`IndexEntry::LEN`] bytes.
    fn decode(bytes: &[u8]) -> Self;

    /// Appends the entry's bytes.
    fn encode(&self, into: &mut Vec<u8>);

    /// Whether this entry may come after `before` (`None`: be the first). The zeros of a preallocated file may not.
    fn follows(&self, before: Option<&Self>) -> bool;
}

/// The bytes of entries.
pub(crate) fn encode<E: IndexEntry>(entries: &[E]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entries.len() * E::LEN);
    for entry in entries {
        entry.encode(&mut bytes);
    }
    bytes
}

/// The entries in `bytes`, up to the first that does not follow from the one before it.
pub(crate) fn decode<E: IndexEntry>(bytes: &[u8]) -> Vec<E> {
    let mut entries: Vec<E> = Vec::new();
    for chunk in bytes.chunks_exact(E::LEN) {
        let entry = E::decode(chunk);
        if !entry.follows(entries.last()) {
            break;
        }
        entries.push(entry);
    }
    entries
}

/// Reads the last entry of an index file of `len` bytes. `Ok(None)`: it is empty.
pub(crate) fn last_in_file<E: IndexEntry>(file: &dyn File, len: u64) -> io::Result<Option<E>> {
    let count = len / E::LEN as u64;
    count.checked_sub(1).map(|at| read_entry(file, at)).transpose()
}

/// The last entry of which `is_before` holds, in an index file of `len` bytes; `is_before` must hold of a prefix.
pub(crate) fn search_file<E: IndexEntry>(
    file: &dyn File,
    len: u64,
    is_before: impl Fn(&E) -> bool,
) -> io::Result<Option<E>> {
    let (mut low, mut high) = (0, len / E::LEN as u64);
    let mut found = None;
    while low < high {
        let middle = low + (high - low) / 2;
        let entry: E = read_entry(file, middle)?;
        if is_before(&entry) {
            found = Some(entry);
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(found)
}

fn read_entry<E: IndexEntry>(file: &dyn File, at: u64) -> io::Result<E> {
    let mut buf = [0; 16];
    let bytes = &mut buf[..E::LEN];
    if file.read_at(bytes, at * E::LEN as u64)? < E::LEN {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(E::decode(bytes))
}

/// The last entry of which `is_before` holds, in memory.
pub(crate) fn search<E: IndexEntry>(entries: &[E], is_before: impl Fn(&E) -> bool) -> Option<E> {
    entries.partition_point(is_before).checked_sub(1).map(|at| entries[at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::memory::MemoryDisk;
    use crate::disk::{Disk, Mode};
    use std::io::IoSlice;
    use std::path::Path;

    fn entries(count: u32) -> Vec<OffsetEntry> {
        (1..=count).map(|n| OffsetEntry { offset: n * 10, position: n * 100 }).collect()
    }

    #[test]
    fn decoding_stops_at_the_zeros_of_a_preallocated_file() {
        let mut bytes = encode(&entries(3));
        bytes.resize(100, 0);
        assert_eq!(decode::<OffsetEntry>(&bytes), entries(3));
        assert_eq!(decode::<OffsetEntry>(&[0; 80]), []);
        let times = [TimeEntry { timestamp: 5, offset: 0 }, TimeEntry { timestamp: 9, offset: 4 }];
        let mut bytes = encode(&times);
        bytes.resize(120, 0);
        assert_eq!(decode::<TimeEntry>(&bytes), times);
    }

    #[test]
    fn searching_a_file_is_searching_its_entries() {
        let disk = MemoryDisk::new(1);
        let file = disk.open(Path::new("/i"), Mode::Create).unwrap();
        for count in [0, 1, 2, 7] {
            let entries = entries(count);
            let bytes = encode(&entries);
            file.write_all_at(&mut [IoSlice::new(&bytes)], 0).unwrap();
            for target in 0..90 {
                let before = |entry: &OffsetEntry| entry.offset <= target;
                let found = search_file(&*file, bytes.len() as u64, before).unwrap();
                assert_eq!(found, search(&entries, before));
            }
            assert_eq!(last_in_file(&*file, bytes.len() as u64).unwrap(), entries.last().copied());
        }
    }
}
