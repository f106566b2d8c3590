//! A shard that leads: the machine under its driver, and beside it what is not written down.
//!
//! Whoever asks gives a token. A decision goes through [`Leader`], so its answer waits for the commit of all that it
//! may have read; a member that waits for others has its token parked with its group, and goes the same way when the wait
//! ends. So every token comes back exactly once: in [`Shard::replies`], or in [`Shard::resign`].

mod classic;
mod timers;

use std::collections::BTreeMap;
use std::sync::Arc;

use chronik_types::{LeaderEpoch, Millis, Offset};

pub(in crate::groups) use self::classic::{CONSUMER, ClassicGroup, ClassicMember, ClassicState};
pub(in crate::groups) use self::timers::{Timer, Timers};
use super::commands::{after, too_long};

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

/// The header of a batch.
pub(super) const BATCH_OVERHEAD: usize = 61;

/// The delay before a group's first rebalance: how long this step takes, and how much more there may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Initial {
    pub(super) delay_ms: i32,
    pub(super) remaining_ms: i32,
}

/// A coordinator's shard on the node that leads its partition, in one epoch.
pub struct Shard<T> {
    pub(super) options: Arc<Options>,
    leader: Leader<GroupMachine, Option<T>>,
    /// The classic groups as they live, ahead of what is written of them.
    pub(super) classic: BTreeMap<Name, ClassicGroup<T>>,
    /// What is left of the initial delay of the groups that are in it.
    pub(super) initial: BTreeMap<Name, Initial>,
    pub(super) timers: Timers,
    /// The version of the cluster's metadata that each consumer group was last held against.
    pub(super) hashed: BTreeMap<Name, i64>,
    appends: Vec<Append>,
    ready: Vec<(T, Reply)>,
    #[cfg(feature = "planted")]
    pub(super) planted: Option<super::PlantedFault>,
}

impl<T> Shard<T> {
    /// Takes the lead. Every member that the log knows gets a whole session to be heard of.
    pub fn new(options: Arc<Options>, machine: GroupMachine, log: Log, at: &At<'_>) -> Self {
        let mut shard = Shard {
            options,
            leader: Leader::new(machine, log.epoch, log.end, log.committed),
            classic: BTreeMap::new(),
            initial: BTreeMap::new(),
            timers: Timers::default(),
            hashed: BTreeMap::new(),
            appends: Vec::new(),
            ready: Vec::new(),
            #[cfg(feature = "planted")]
            planted: None,
        };
        shard.load(at);
        shard
    }

    fn load(&mut self, at: &At<'_>) {
        let interval = self.options.offsets_retention_check_interval_ms;
        self.timers.set(Timer::Expiry, after(at, i32::try_from(interval).unwrap_or(i32::MAX)));
        let state = self.leader.machine().state();
        self.classic = state
            .classic_groups()
            .map(|(name, value)| (name.clone(), ClassicGroup::restore(value)))
            .collect();
        for (name, group) in &self.classic {
            for (id, member) in &group.members {
                let timer = Timer::Session(name.clone(), id.clone());
                self.timers.set(timer, after(at, member.session_timeout_ms));
            }
        }
        let is_too_large = |group: &ClassicGroup<T>| group.members.len() > self.options.max_size;
        let too_large: Vec<Name> = self
            .classic
            .iter()
            .filter(|(_, group)| is_too_large(group))
            .map(|(name, _)| name.clone())
            .collect();
        for name in too_large {
            self.prepare_rebalance(at, &name);
        }
        self.load_consumers(at);
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
        if let Some(refusal) = too_long(&request) {
            return self.reply(at, token, refusal);
        }
        match request {
            Request::JoinGroup(request) => self.join_group(at, request, token),
            Request::SyncGroup(request) => self.sync_group(at, request, token),
            Request::Heartbeat(request) => self.heartbeat(at, request, token),
            Request::LeaveGroup(request) => self.leave_group(at, request, token),
            Request::OffsetCommit(request) => self.offset_commit(at, request, token),
            Request::OffsetFetch(request) => self.offset_fetch(at, &request, token),
            Request::OffsetDelete(request) => self.offset_delete(at, &request, token),
            Request::DeleteGroup(group) => self.delete_group(at, &group, token),
            Request::DescribeGroup(group) => self.describe_group(at, &group, token),
            Request::ListGroups(request) => self.list_groups(at, &request, token),
            Request::DescribeConsumerGroup(group) => self.describe_consumer_group(at, &group, token),
            Request::ConsumerHeartbeat(request) => self.consumer_heartbeat(at, request, token),
        }
    }

    /// Does what time has made due: sessions that end, rebalances that have waited long enough, offsets that expire.
    /// Take [`Shard::appends`] and [`Shard::replies`] afterwards.
    pub fn tick(&mut self, at: &At<'_>) {
        // No more than were due at first: a timer may set itself again, with no delay if a client wants none.
        for _ in 0..self.timers.due_count(at.clock) {
            let Some(timer) = self.timers.due(at.clock) else { return };
            match timer {
                Timer::Session(group, member) => self.session_timed_out(at, &group, &member),
                Timer::Join(group) => self.join_timed_out(at, &group),
                Timer::Sync(group) => self.sync_timed_out(at, &group),
                Timer::ConsumerSession(group, member) => self.consumer_timed_out(at, &group, &member),
                Timer::ConsumerRebalance(group, member) => self.consumer_timed_out(at, &group, &member),
                Timer::ConsumerRejoin(group, member) => self.consumer_timed_out(at, &group, &member),
                Timer::Expiry => self.expire_offsets(at),
            }
        }
    }

    /// When [`Shard::tick`] has something to do, on the monotonic clock; a time that is past means now.
    pub fn next_deadline(&self) -> Option<Millis> {
        self.timers.next()
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
        let waiting = self.classic.into_values().flat_map(ClassicGroup::into_waiting);
        ready.chain(self.leader.resign().into_iter().flatten()).chain(waiting).collect()
    }

    fn collect(&mut self, ready: Vec<(Option<T>, Option<Reply>)>) {
        self.ready.extend(ready.into_iter().filter_map(|(token, reply)| token.zip(reply)));
    }

    /// Writes changes as one batch, and answers once they are committed.
    pub(super) fn submit(&mut self, at: &At<'_>, changes: Vec<Change>, asker: Option<(T, Reply)>) {
        let (token, reply) = asker.unzip();
        let batch = self.leader.submit(at.now, Decision { changes, reply }, token);
        if let Some(batch) = batch {
            let records = batch.changes.iter().map(Change::encode).collect();
            self.appends.push(Append { base_offset: batch.base_offset, epoch: batch.epoch, records });
        }
    }

    /// Answers once all is committed that was decided before.
    pub(super) fn reply(&mut self, at: &At<'_>, token: T, reply: Reply) {
        self.submit(at, Vec::new(), Some((token, reply)));
    }

    /// Answers several, as [`Shard::reply`].
    pub(super) fn answer(&mut self, at: &At<'_>, answers: Vec<(T, Reply)>) {
        for (token, reply) in answers {
            self.reply(at, token, reply);
        }
    }

    /// Whether the log takes these as one batch.
    pub(super) fn fits(&self, changes: &[Change]) -> bool {
        let bytes: usize = changes.iter().map(|change| change.encode().bytes()).sum();
        bytes + BATCH_OVERHEAD <= self.options.batch_bytes_max
    }

    /// Writes changes as one batch.
    pub(super) fn write(&mut self, at: &At<'_>, changes: Vec<Change>) {
        if !changes.is_empty() {
            self.submit(at, changes, None);
        }
    }

    /// Writes changes that need not be seen together, in batches that the log takes.
    pub(super) fn write_many(&mut self, at: &At<'_>, changes: Vec<Change>) {
        let mut batch = Vec::new();
        let mut bytes = 0;
        for change in changes {
            let size = change.encode().bytes();
            if bytes + size + BATCH_OVERHEAD > self.options.batch_bytes_max && !batch.is_empty() {
                self.write(at, std::mem::take(&mut batch));
                bytes = 0;
            }
            bytes += size;
            batch.push(change);
        }
        self.write(at, batch);
    }
}
