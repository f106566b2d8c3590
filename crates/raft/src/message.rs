//! The quorum's requests and responses as plain data; the shell translates them to and from Kafka's schemas.
//!
//! Each struct is the part of the Kafka message that is about `__cluster_metadata`-0. The cluster id travels
//! beside the request. A response's `error` is the top-level one if that is set, else the partition's; going out,
//! [`is_top_level`] says which of the two it is.

use std::time::Duration;

use bytes::Bytes;
use chronik_types::{ErrorCode, LeaderEpoch, NodeId, Offset};

use crate::{ControlRecord, Endpoints, KRaftVersionRange, OffsetAndEpoch, ReplicaKey, SnapshotId};

/// A request of the quorum's protocol.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request {
    /// Vote (52).
    Vote(VoteRequest),
    /// BeginQuorumEpoch (53).
    BeginQuorumEpoch(BeginQuorumEpochRequest),
    /// EndQuorumEpoch (54).
    EndQuorumEpoch(EndQuorumEpochRequest),
    /// Fetch (1) of the metadata log.
    Fetch(FetchRequest),
    /// FetchSnapshot (59).
    FetchSnapshot(FetchSnapshotRequest),
    /// AddRaftVoter (80).
    AddVoter(AddVoterRequest),
    /// RemoveRaftVoter (81).
    RemoveVoter(RemoveVoterRequest),
    /// UpdateRaftVoter (82).
    UpdateVoter(UpdateVoterRequest),
    /// ApiVersions (18): sent only, to learn which `kraft.version`s a new voter speaks.
    ApiVersions,
}

/// A response of the quorum's protocol.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Response {
    /// Vote (52).
    Vote(VoteResponse),
    /// BeginQuorumEpoch (53).
    BeginQuorumEpoch(EpochResponse),
    /// EndQuorumEpoch (54).
    EndQuorumEpoch(EpochResponse),
    /// Fetch (1).
    Fetch(FetchResponse),
    /// FetchSnapshot (59).
    FetchSnapshot(FetchSnapshotResponse),
    /// AddRaftVoter (80), RemoveRaftVoter (81), and the answer to `Event::UpgradeKRaftVersion`.
    Ack(Ack),
    /// UpdateRaftVoter (82).
    UpdateVoter(EpochResponse),
    /// ApiVersions (18): received only.
    ApiVersions(ApiVersionsResponse),
}

/// Who leads, as the sender of a response knows it (`LeaderId`, `LeaderEpoch`, `NodeEndpoints`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeaderHint {
    /// The sender's epoch.
    pub epoch: LeaderEpoch,
    /// The leader in it, if known.
    pub leader: Option<NodeId>,
    /// Where the leader listens; empty if not known. The shell picks the listener that the request came in on.
    pub endpoints: Endpoints,
}

/// Vote: a replica asks for a vote, or (pre-vote, KIP-996) whether it would get it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VoteRequest {
    /// The voter that is asked; id -1 where the sender does not say (version 0).
    pub voter: ReplicaKey,
    /// The epoch to be leader in; for a pre-vote the sender's current epoch.
    pub epoch: LeaderEpoch,
    /// Who asks.
    pub candidate: ReplicaKey,
    /// The end of the candidate's log.
    pub log_end: OffsetAndEpoch,
    /// Whether this only sounds the voter out. Versions below 2 have none: the shell says `false` in, and a
    /// pre-vote that the peer cannot be asked is answered by the shell with `UNSUPPORTED_VERSION`.
    pub pre_vote: bool,
}

/// The answer to Vote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VoteResponse {
    /// `NONE`, whether granted or not, unless the request was at fault.
    pub error: ErrorCode,
    /// Who leads.
    pub hint: LeaderHint,
    /// Whether the vote is given.
    pub granted: bool,
}

/// BeginQuorumEpoch: the new leader makes itself known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BeginQuorumEpochRequest {
    /// The voter that is told; id -1 where the sender does not say (version 0).
    pub voter: ReplicaKey,
    /// The leader.
    pub leader: NodeId,
    /// Its epoch.
    pub epoch: LeaderEpoch,
    /// Where it listens; empty in version 0.
    pub endpoints: Endpoints,
}

/// EndQuorumEpoch: the leader goes and names who should follow it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EndQuorumEpochRequest {
    /// The leader that goes.
    pub leader: NodeId,
    /// Its epoch.
    pub epoch: LeaderEpoch,
    /// Successors, the best first (version 0 has ids only).
    pub preferred: Vec<ReplicaKey>,
    /// Where the leader listens; empty in version 0.
    pub endpoints: Endpoints,
}

/// The answer to BeginQuorumEpoch, EndQuorumEpoch and UpdateRaftVoter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EpochResponse {
    /// `NONE` or what was wrong.
    pub error: ErrorCode,
    /// Who leads.
    pub hint: LeaderHint,
}

/// Fetch: a replica asks for what follows its log, and says by that what it has on disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FetchRequest {
    /// Who asks; id -1 for a consumer, which is shown committed records only.
    pub replica: ReplicaKey,
    /// The epoch it is in, -1 if it does not say.
    pub current_epoch: LeaderEpoch,
    /// The end of its log.
    pub fetch_offset: Offset,
    /// The epoch of the record before that offset; 0 for an empty log.
    pub last_fetched_epoch: LeaderEpoch,
    /// The high watermark it knows (KIP-1166): -1 for none, `i64::MAX` if it does not say.
    pub high_watermark: Offset,
    /// How long the leader may wait when there is nothing new.
    pub max_wait: Duration,
    /// How many bytes the answer may carry (one batch is always allowed).
    pub max_bytes: u32,
}

/// The answer to Fetch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FetchResponse {
    /// `NONE` or what was wrong.
    pub error: ErrorCode,
    /// Who leads.
    pub hint: LeaderHint,
    /// The leader's high watermark; -1 if not known yet.
    pub high_watermark: Offset,
    /// The leader's first offset.
    pub log_start: Offset,
    /// Set if the logs differ before the fetch offset: truncate to the smaller of this and the own end of that epoch.
    pub diverging: Option<OffsetAndEpoch>,
    /// Set if what is asked for is only in a snapshot.
    pub snapshot: Option<SnapshotId>,
    /// What was found.
    pub records: Records,
}

/// The records of a Fetch response: what to read on the way out, what was read on the way in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Records {
    /// None.
    Empty,
    /// Going out: the shell reads the log from `from` up to, not including, `to`; at most `max_bytes`, but at
    /// least one batch.
    Read {
        /// The first offset.
        from: Offset,
        /// The offset to stop before.
        to: Offset,
        /// The limit.
        max_bytes: u32,
    },
    /// Coming in: the whole batches that arrived, checksums already verified.
    Batches(Vec<FetchedBatch>),
}

/// A batch as fetched from the leader.
#[derive(Clone, PartialEq, Eq)]
pub struct FetchedBatch {
    /// The offset of its first record.
    pub base_offset: Offset,
    /// The offset of its last record.
    pub last_offset: Offset,
    /// The epoch of the leader that wrote it.
    pub epoch: LeaderEpoch,
    /// The control records in it with their offsets; empty for a batch of data.
    pub control: Vec<(Offset, ControlRecord)>,
    /// The batch itself.
    pub bytes: Bytes,
}

impl std::fmt::Debug for FetchedBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}..={} e{} {} bytes", self.base_offset, self.last_offset, self.epoch, self.bytes.len())?;
        for (_, record) in &self.control {
            write!(f, " {record:?}")?;
        }
        f.write_str("]")
    }
}

/// FetchSnapshot: a piece of a snapshot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FetchSnapshotRequest {
    /// Who asks.
    pub replica: ReplicaKey,
    /// The epoch it is in.
    pub current_epoch: LeaderEpoch,
    /// Which snapshot.
    pub snapshot: SnapshotId,
    /// From which byte.
    pub position: u64,
    /// How many bytes at most.
    pub max_bytes: u32,
}

/// The answer to FetchSnapshot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FetchSnapshotResponse {
    /// `NONE` or what was wrong. Going out without an error, the shell may still find `SNAPSHOT_NOT_FOUND` or
    /// `POSITION_OUT_OF_RANGE`, and puts that here.
    pub error: ErrorCode,
    /// Who leads.
    pub hint: LeaderHint,
    /// Which snapshot.
    pub snapshot: SnapshotId,
    /// Coming in: the size of the whole snapshot in bytes. Going out: 0, the shell knows it.
    pub size: u64,
    /// Where the piece begins.
    pub position: u64,
    /// Going out: how many bytes to read at most.
    pub max_bytes: u32,
    /// Coming in: the piece. Going out: empty, the shell reads it.
    pub bytes: Bytes,
}

/// AddRaftVoter: make an observer a voter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AddVoterRequest {
    /// How long to try.
    pub timeout: Duration,
    /// Who.
    pub voter: ReplicaKey,
    /// Where it listens.
    pub endpoints: Endpoints,
    /// Whether to answer when the change is committed, rather than when it is in the leader's log (version 1).
    pub ack_when_committed: bool,
}

/// RemoveRaftVoter: make a voter an observer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RemoveVoterRequest {
    /// Who.
    pub voter: ReplicaKey,
}

/// UpdateRaftVoter: a voter tells its address and versions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UpdateVoterRequest {
    /// The epoch the voter is in.
    pub current_epoch: LeaderEpoch,
    /// Who.
    pub voter: ReplicaKey,
    /// Where it listens.
    pub endpoints: Endpoints,
    /// What it speaks.
    pub versions: KRaftVersionRange,
}

/// An error code with its text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ack {
    /// `NONE` or what was wrong.
    pub error: ErrorCode,
    /// What was wrong, for people.
    pub message: Option<String>,
}

/// The part of ApiVersions that matters here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiVersionsResponse {
    /// `NONE` or what was wrong.
    pub error: ErrorCode,
    /// The `kraft.version` feature's supported range, if it is listed.
    pub versions: Option<KRaftVersionRange>,
}

/// Whether Kafka puts this error at the top of a response rather than at the partition.
pub fn is_top_level(error: ErrorCode) -> bool {
    matches!(
        error,
        ErrorCode::InconsistentClusterId
            | ErrorCode::InvalidRequest
            | ErrorCode::UnsupportedVersion
            | ErrorCode::ClusterAuthorizationFailed
    )
}
