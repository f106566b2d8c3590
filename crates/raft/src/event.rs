//! What the shell tells the machine.
//!
//! `now` goes beside every event: time since an arbitrary origin, monotonic, as a `Duration`.

use std::sync::Arc;

use chronik_types::{LeaderEpoch, Offset};

use crate::{LogState, QuorumState, Request, Response, SnapshotId, VoterSet};

/// What was found on disk at start.
#[derive(Clone, Debug, Default)]
pub struct Boot {
    /// The content of `quorum-state`, if there is such a file.
    pub quorum_state: Option<QuorumState>,
    /// The metadata log.
    pub log: LogState,
}

/// Names an inbound request until [`Action::Respond`](crate::Action::Respond) answers it; chosen by the shell.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Token(pub u64);

/// Names an outbound request until its answer; chosen by the machine, never used twice by one instance.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct RequestId(pub u64);

/// Something happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The time asked for with [`Action::SetTimer`](crate::Action::SetTimer) has come. Harmless at any other time.
    Tick,
    /// A request came in.
    Request {
        /// To answer it with.
        token: Token,
        /// The cluster id in the request, where it has one and it is not null.
        cluster_id: Option<Arc<str>>,
        /// What is asked.
        request: Request,
    },
    /// The connection of an unanswered request is gone: nobody waits for the answer.
    RequestGone {
        /// The request.
        token: Token,
    },
    /// An answer came in.
    Response {
        /// To which request.
        id: RequestId,
        /// What it says.
        response: Response,
    },
    /// A request could not be sent or its connection broke before the answer. The machine has its own time-out
    /// for silence; this only makes it quicker.
    SendFailed {
        /// Which request.
        id: RequestId,
        /// Whether the peer's host said that nobody is there (connection refused or reset), as it does when a
        /// process was killed. A follower that hears this of its leader does not wait for the whole fetch time-out.
        gone: bool,
    },
    /// The log is on disk up to `end`: the log's own durable offset, read when this event is given and after all
    /// earlier actions were carried out (so that a sync begun before a truncation cannot vouch for what came after).
    Durable {
        /// The offset after the last durable record.
        end: Offset,
    },
    /// The shell has written a snapshot of the applied state (below the high watermark) and synced it.
    SnapshotTaken {
        /// Which.
        id: SnapshotId,
    },
    /// The shell has removed the log's head, up to a snapshot at most.
    LogStartMoved {
        /// The log's new first offset.
        start: Offset,
    },
    /// An [`Action::InstallSnapshot`](crate::Action::InstallSnapshot) is done: the file is complete, checked and
    /// synced, and the log is empty and begins at the snapshot's end offset.
    SnapshotInstalled {
        /// Which.
        id: SnapshotId,
        /// The `kraft.version` record in it, if any.
        kraft_version: Option<i16>,
        /// The voters record in it, if any.
        voters: Option<VoterSet>,
    },
    /// The snapshot that came in is not usable; it is fetched again.
    SnapshotRejected {
        /// Which.
        id: SnapshotId,
    },
    /// The controller's client wants leadership gone (`RaftClient.resign`); ignored unless leading in that epoch.
    Resign {
        /// The epoch it led in.
        epoch: LeaderEpoch,
    },
    /// The process is stopping: a leader resigns and tells the others, so that none has to wait for a time-out.
    Shutdown,
    /// `UpdateFeatures` raises `kraft.version` (KIP-853); answered by `Action::Respond` with an `Ack`.
    UpgradeKRaftVersion {
        /// To answer it with.
        token: Token,
        /// The version asked for.
        version: i16,
    },
}
