//! KRaft as a pure state machine: events in, actions out (KIP-595, KIP-630, KIP-853, KIP-996, KIP-1166).
//!
//! [`Raft`] holds no socket, file, clock or random source. The shell feeds it [`Event`]s and carries out the
//! [`Action`]s it returns, strictly in their order. Three rules make that safe:
//!
//! 1. [`Action::Persist`] is on disk before the next action is carried out: a vote is durable before it is answered.
//! 2. An [`Action::Append`] or [`Action::Truncate`] has happened before the next event is given; only
//!    [`Event::Durable`] says that what was appended is on disk, and nothing is acknowledged or committed before. Where a
//!    `Persist` has to wait (a full disk), all later actions wait behind it, and other events than `Durable` may come.
//! 3. An answer to [`Action::Send`] comes back as [`Event::Response`] or [`Event::SendFailed`], at most once.
//!
//! A quorum of one voter needs no timer and no message: [`Raft::start`] returns `Persist`, `BecameLeader` and the
//! `Append` of the epoch's first batch; after `Durable` the high watermark moves with the durable end of the log.
//! More voters bring the other actions; the shell of one voter that carries out all of them needs no rewriting.
//!
//! Actions that an event brings about while those of an earlier one are being carried out come after them: keep a
//! queue. What the shell adds itself: the bytes of control batches ([`ControlRecord`]), base offset and epoch of
//! proposed ones, timestamps, the records of a Fetch answer, the pieces of a snapshot, and the choice of Kafka's
//! message versions. A follower's AddRaftVoter must be version 1 with `AckWhenCommitted` false, since the commit
//! needs the Fetch that would wait behind it.
//!
//! Where this differs from Kafka's `KafkaRaftClient`, for liveness only: a voter stands for election until its
//! removal is committed; a leader whose process is gone, or that says it leads no more, is waited for
//! [`Options::leader_gone_timeout`] instead of the fetch time-out; the pause before a silent peer is asked again doubles.

mod action;
mod control;
mod describe;
mod epoch;
mod event;
mod flexible;
mod follow;
#[cfg(test)]
mod hostile;
mod inspect;
mod lead;
mod log_view;
mod membership;
mod message;
#[cfg(test)]
mod model;
mod options;
mod peers;
#[cfg(any(test, feature = "planted"))]
mod planted;
mod poll;
mod quorum_state;
mod raft;
mod rng;
mod roles;
#[cfg(test)]
#[allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]
mod scripts;
mod serve;
mod transition;
mod vote;
mod voters;

pub use action::{Action, AppendBatch, ResignReason};
pub use control::{ControlRecord, ControlRecordError, LeaderChange, SnapshotFooter, SnapshotHeader};
pub use describe::{QuorumDescription, ReplicaDescription};
pub use event::{Boot, Event, RequestId, Token};
pub use inspect::Inspection;
pub use log_view::{EpochStart, LogState, OffsetAndEpoch, SnapshotId};
pub use message::*;
pub use options::Options;
#[cfg(any(test, feature = "planted"))]
pub use planted::PlantedFault;
pub use quorum_state::{QuorumState, QuorumStateError};
pub use raft::{NotLeader, Proposal, Proposed, Raft, Role, SnapshotContext};
pub use voters::{Address, DirectoryId, Endpoint, Endpoints, KRaftVersionRange, ReplicaKey, Voter, VoterSet};
