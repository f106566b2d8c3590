//! What the machine wants done, in order.

use std::time::Duration;

use bytes::Bytes;
use chronik_types::{LeaderEpoch, NodeId, Offset};

use crate::{
    Address, ControlRecord, FetchedBatch, QuorumState, Request, RequestId, Response, SnapshotId, Token,
};

/// Something to do. Actions of one event are carried out one after the other; see the crate's three rules.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Write `quorum-state` and sync it, before the next action.
    Persist {
        /// What it says.
        state: QuorumState,
        /// The whole content of the file.
        content: String,
    },
    /// Send a request; its answer comes back with the same id.
    Send {
        /// To match the answer.
        id: RequestId,
        /// Whom to.
        to: Address,
        /// What.
        request: Request,
    },
    /// Answer a request.
    Respond {
        /// Which.
        token: Token,
        /// With what. A Fetch or FetchSnapshot response says what to read, the shell adds the bytes.
        response: Response,
    },
    /// Append to the log, without waiting for the disk; begin a sync, and report [`Event::Durable`](crate::Event).
    Append(AppendBatch),
    /// Remove everything from `end` on. Offsets from the high watermark on only.
    Truncate {
        /// The log's new end offset.
        end: Offset,
    },
    /// Call with [`Event::Tick`](crate::Event::Tick) at that time. Replaces the time given before.
    SetTimer {
        /// On the clock that `now` is read from.
        at: Duration,
    },
    /// No timer is wanted any more.
    ClearTimer,
    /// This node leads from here on. What decides (`Leader<M>`) may be built when the log is applied past
    /// `start_offset`, that is after `Committed` beyond it: only then is everything before it known as committed.
    BecameLeader {
        /// The epoch it leads in ("term" in the runbook's line).
        epoch: LeaderEpoch,
        /// The offset of the epoch's leader-change record, appended right after this action.
        start_offset: Offset,
    },
    /// This node leads no more: drop the `Leader` value. Comes before whatever it became instead.
    Resigned {
        /// The epoch it led in.
        epoch: LeaderEpoch,
        /// Why.
        reason: ResignReason,
    },
    /// Another node leads.
    BecameFollower {
        /// The epoch.
        epoch: LeaderEpoch,
        /// The leader.
        leader: NodeId,
    },
    /// No leader is known in this epoch.
    BecameUnattached {
        /// The epoch.
        epoch: LeaderEpoch,
    },
    /// This node asks whether it would be elected (pre-vote, KIP-996).
    BecameProspective {
        /// The epoch, unchanged by asking.
        epoch: LeaderEpoch,
    },
    /// This node stands for election.
    BecameCandidate {
        /// The epoch it wants to lead in.
        epoch: LeaderEpoch,
    },
    /// Everything below is decided for ever and on this node's disk: apply it. Never goes back.
    Committed {
        /// The offset after the last committed record.
        high_watermark: Offset,
    },
    /// Something came in that no sound peer sends; it was not acted on. Worth a warning in the log.
    Suspect {
        /// The peer, where known.
        peer: Option<NodeId>,
        /// What is wrong.
        what: &'static str,
    },
    /// Store a piece of a snapshot that is being fetched; position 0 begins it anew.
    WriteSnapshot {
        /// Which.
        id: SnapshotId,
        /// Where the bytes go.
        position: u64,
        /// The piece.
        bytes: Bytes,
    },
    /// The snapshot is complete: check and sync it, make it the latest one, empty the log so that it begins at the
    /// snapshot's end offset, load the state from it, and report `SnapshotInstalled` or `SnapshotRejected`.
    InstallSnapshot {
        /// Which.
        id: SnapshotId,
    },
}

/// What goes into the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AppendBatch {
    /// A control batch, to be encoded by the shell: one record per entry, keys and values from [`ControlRecord`].
    Control {
        /// The offset of the first record.
        base_offset: Offset,
        /// The leader's epoch.
        epoch: LeaderEpoch,
        /// The records.
        records: Vec<ControlRecord>,
    },
    /// A batch given to [`Raft::propose`](crate::Raft::propose); base offset and epoch go into its header.
    Proposed {
        /// The offset of the first record.
        base_offset: Offset,
        /// The leader's epoch.
        epoch: LeaderEpoch,
        /// The batch.
        batch: Bytes,
    },
    /// Batches from the leader, to be stored byte for byte.
    Fetched(Vec<FetchedBatch>),
}

/// Why a leader stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResignReason {
    /// A message with a higher epoch came in.
    HigherEpoch,
    /// A majority of the voters has not fetched for too long (check quorum).
    LostQuorum,
    /// Its own removal from the voter set is committed.
    Removed,
    /// The controller asked for it ([`Event::Resign`](crate::Event::Resign)).
    Asked,
    /// The process is stopping.
    Shutdown,
}
