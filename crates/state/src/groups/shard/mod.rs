//! A shard that leads: the machine under its driver, and beside it what is not written down.
//!
//! Whoever asks gives a token. A decision goes through [`Leader`], so its answer waits for the commit of all that it
//! may have read; a member that waits for others has its token parked with its group, and goes the same way when the wait
//! ends. So every token comes back exactly once: in [`Shard::replies`], or in [`Shard::resign`].

use std::sync::Arc;

use chronik_types::{LeaderEpoch, Millis, Offset};

use super::machine::GroupMachine;
use super::options::Options;
use super::records::{Change, Encoded};
use super::replies::Reply;
use super::requests::{At, Request};
use super::state::GroupState;
use crate::leader::Leader;
use crate::machine::Decision;
use crate::records::Name;

/// Records that must enter the partition's log as one batch, or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// The offset of the first record. The shell appends there or, if it no longer can, resigns.
    pub base_offset: Offset,
    /// The epoch that the batch is written in.
    pub epoch: LeaderEpoch,
    /// The records, never empty.
    pub records: Vec<Encoded>,
}

/// Where the partition's log stands when leadership begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// The epoch in which this node leads the partition.
    pub epoch: LeaderEpoch,
    /// The log's end: all below it was replayed into the machine.
    pub end: Offset,
    /// The high watermark.
    pub committed: Offset,
}

/// A coordinator's shard on the node that leads its partition, in one epoch.
pub struct Shard<T> {
    options: Arc<Options>,
    leader: Leader<GroupMachine, Option<T>>,
    appends: Vec<Append>,
    ready: Vec<(T, Reply)>,
}

impl<T> Shard<T> {
    /// Takes the lead. Every member that the log knows gets a whole session to be heard of.
    pub fn new(options: Arc<Options>, machine: GroupMachine, log: Log, at: &At<'_>) -> Self {
        let leader = Leader::new(machine, log.epoch, log.end, log.committed);
        let _ = at;
        Shard { options, leader, appends: Vec::new(), ready: Vec::new() }
    }

    /// The durable state, ahead of what is committed by what is in flight.
    pub fn state(&self) -> &GroupState {
        self.leader.machine().state()
    }

    /// The epoch in which this node leads.
    pub fn epoch(&self) -> LeaderEpoch {
        self.leader.epoch()
    }

    /// Decides a request. Take [`Shard::appends`] and [`Shard::replies`] afterwards.
    pub fn handle(&mut self, at: &At<'_>, request: Request, token: T) {
        let _ = (at, request, &self.options);
        self.reply(at, token, Reply::Heartbeat(chronik_types::ErrorCode::CoordinatorNotAvailable));
    }

    /// Does what time has made due: sessions that end, rebalances that have waited long enough, offsets that expire.
    /// Take [`Shard::appends`] and [`Shard::replies`] afterwards.
    pub fn tick(&mut self, at: &At<'_>) {
        let _ = at;
    }

    /// When [`Shard::tick`] has something to do, on the monotonic clock; a time that is past means now.
    pub fn next_deadline(&self) -> Option<Millis> {
        None
    }

    /// Topics are deleted: nobody's offsets in them are kept.
    pub fn topics_deleted(&mut self, at: &At<'_>, topics: &[Name]) {
        let _ = (at, topics);
    }

    /// The partition's log is committed up to (excluding) `committed`: its high watermark.
    pub fn committed(&mut self, committed: Offset) {
        let ready = self.leader.committed(committed);
        self.collect(ready);
    }

    /// The log's end moved by what others append to it (transaction markers).
    pub fn skipped_to(&mut self, end: Offset) {
        self.leader.skipped_to(end);
    }

    /// What is to be appended, in order; each is returned once.
    #[must_use = "the shard counts on it"]
    pub fn appends(&mut self) -> Vec<Append> {
        std::mem::take(&mut self.appends)
    }

    /// The answers whose wait is over; each is returned once.
    #[must_use = "each token is an asker that waits"]
    pub fn replies(&mut self) -> Vec<(T, Reply)> {
        let ready = self.leader.ready();
        self.collect(ready);
        std::mem::take(&mut self.ready)
    }

    /// Leadership is lost, or an append failed: every token comes back, to be answered NOT_COORDINATOR.
    #[must_use = "each token is an asker that waits"]
    pub fn resign(self) -> Vec<T> {
        let ready = self.ready.into_iter().map(|(token, _)| token);
        ready.chain(self.leader.resign().into_iter().flatten()).collect()
    }

    fn collect(&mut self, ready: Vec<(Option<T>, Option<Reply>)>) {
        self.ready.extend(ready.into_iter().filter_map(|(token, reply)| token.zip(reply)));
    }

    fn submit(&mut self, at: &At<'_>, changes: Vec<Change>, asker: Option<(T, Reply)>) {
        let (token, reply) = asker.unzip();
        let batch = self.leader.submit(at.now, Decision { changes, reply }, token);
        if let Some(batch) = batch {
            let records = batch.changes.iter().map(Change::encode).collect();
            self.appends.push(Append { base_offset: batch.base_offset, epoch: batch.epoch, records });
        }
    }

    fn reply(&mut self, at: &At<'_>, token: T, reply: Reply) {
        self.submit(at, Vec::new(), Some((token, reply)));
    }
}
