//! The two snapshots that formatting writes: `bootstrap.checkpoint` and the metadata log's snapshot at offset 0.
//!
//! Both are what Kafka's `RecordsSnapshotWriter` produces: a control batch with the header, batches of records, a
//! control batch with the footer; epoch 0 throughout.

use chronik_raft::{ControlRecord, SnapshotFooter, SnapshotHeader, VoterSet};
use chronik_state::cluster::Activate;
use chronik_types::{LeaderEpoch, Millis};

use crate::snapshot_file::SnapshotFile;

/// `bootstrap.checkpoint`: the feature levels that a new cluster begins with.
pub(super) fn bootstrap(now: Millis) -> Vec<u8> {
    let mut file = SnapshotFile::new(LeaderEpoch(0), now);
    // Nothing of the metadata log is contained, so there is no last timestamp.
    file.control(&[header(Millis(0))]);
    file.changes(&Activate::default().bootstrap_records());
    file.control(&[ControlRecord::SnapshotFooter(SnapshotFooter)]);
    file.bytes
}

/// `00000000000000000000-0000000000.checkpoint`: the voters that a dynamic quorum begins with (KIP-853).
pub(super) fn voters(voters: &VoterSet, now: Millis) -> Vec<u8> {
    let mut file = SnapshotFile::new(LeaderEpoch(0), now);
    file.control(&[header(now), ControlRecord::KRaftVersion(1), ControlRecord::Voters(voters.clone())]);
    file.control(&[ControlRecord::SnapshotFooter(SnapshotFooter)]);
    file.bytes
}

fn header(last: Millis) -> ControlRecord {
    ControlRecord::SnapshotHeader(SnapshotHeader { last_contained_log_timestamp: last.0 })
}

#[cfg(test)]
mod tests {
    use chronik_raft::{DirectoryId, Endpoints, KRaftVersionRange, ReplicaKey, Voter};
    use chronik_types::{NodeId, uuid_from_text};

    use super::*;

    /// What `kafka-storage.sh format --standalone` of Kafka 4.3.1 wrote, in hexadecimal.
    const BOOTSTRAP: &str = include_str!("../../tests/fixtures/bootstrap.checkpoint.hex");
    const VOTERS: &str = include_str!("../../tests/fixtures/voters.checkpoint.hex");

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
        digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
    }

    /// The same bytes with every time set to zero; checksums are left out, since they cover the times.
    fn without_times(mut file: Vec<u8>, header_timestamp_at: usize) -> Vec<u8> {
        let mut at = 0;
        while at < file.len() {
            let len = 12 + u32::from_be_bytes(file[at + 8..at + 12].try_into().unwrap()) as usize;
            file[at + 17..at + 21].fill(0);
            file[at + 27..at + 43].fill(0);
            at += len;
        }
        file[header_timestamp_at..header_timestamp_at + 8].fill(0);
        file
    }

    /// Where the header record of a snapshot keeps its time: after the batch header, the record's five one-byte
    /// fields, its key, the length of its value and the value's version.
    const HEADER_TIME: usize = 61 + 5 + 4 + 1 + 2;

    #[test]
    fn both_files_are_kafkas_byte_for_byte() {
        let ours = without_times(bootstrap(Millis(7)), HEADER_TIME);
        assert_eq!(ours, without_times(bytes(BOOTSTRAP), HEADER_TIME));
        let directory = DirectoryId(uuid_from_text("cSWSmE8GQIaLosLJj17xIQ").unwrap());
        let set = VoterSet::new([Voter {
            key: ReplicaKey::new(NodeId(1), directory),
            endpoints: Endpoints::one("CONTROLLER", "127.0.0.1", 19193),
            versions: KRaftVersionRange { min: 0, max: 1 },
        }]);
        let ours = without_times(voters(&set, Millis(7)), HEADER_TIME);
        assert_eq!(ours, without_times(bytes(VOTERS), HEADER_TIME));
    }
}
