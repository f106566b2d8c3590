//! The control records of the metadata log and its snapshots, in Kafka's encoding.
//!
//! The key of a control record is two big-endian `i16`: version 0 and the type. Values are Kafka's generated
//! messages in their flexible versions, behind an `i16` with the schema version.

use chronik_types::NodeId;

use crate::{ReplicaKey, VoterSet};

/// A control record that KRaft writes (`ControlRecordType` 2 to 6).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ControlRecord {
    /// LEADER_CHANGE (2): the first record of every epoch.
    LeaderChange(LeaderChange),
    /// SNAPSHOT_HEADER (3): the first record of a snapshot.
    SnapshotHeader(SnapshotHeader),
    /// SNAPSHOT_FOOTER (4): the last record of a snapshot.
    SnapshotFooter(SnapshotFooter),
    /// KRAFT_VERSION (5): `kraft.version` from here on.
    KRaftVersion(i16),
    /// KRAFT_VOTERS (6): the voters from here on.
    Voters(VoterSet),
}

/// Who leads the epoch that begins here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeaderChange {
    /// The leader.
    pub leader: NodeId,
    /// All voters.
    pub voters: Vec<ReplicaKey>,
    /// Those who voted for it.
    pub granting: Vec<ReplicaKey>,
}

/// What a snapshot begins with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SnapshotHeader {
    /// The append time of the last record that the snapshot contains, in ms since the Unix epoch.
    pub last_contained_log_timestamp: i64,
}

/// What a snapshot ends with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SnapshotFooter;
