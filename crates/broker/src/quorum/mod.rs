//! This node's part in the quorum: the raft machine, the metadata log under it, and what is built on both.
//!
//! The shell carries out what [`Raft`] asks for, in order, under one lock; syncs run outside of it. Committed records
//! go into the image, and each new image goes to the [`Subscriber`] (the broker's reconcile) before the replies that
//! waited for it. Deciding is reachable only through the [`Leader`] value, which exists while this node leads: it is
//! made when the log is applied past the start of this node's epoch, and dropped when raft says `Resigned`.

mod boot;
mod committed;
#[allow(dead_code, reason = "the shell takes it up with the voters")]
mod inspect;
#[allow(dead_code, unused_imports, reason = "the shell takes it up with the voters")]
mod messages;
mod store;

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use chronik_log::batch::{BatchBuilder, Compression, HeaderMut, NewRecord, verify};
use chronik_log::{AppendError, CheckpointJob, Log, LogError};
use chronik_raft::{Action, AppendBatch, Event, Proposal, Raft};
use chronik_state::cluster::{
    Activate, Activated, Ask, ClusterMachine, Command, Options as ClusterOptions, Reply,
};
use chronik_state::image::{ImageBuilder, MetadataImage, Published};
use chronik_state::leader::Leader;
use chronik_state::records::{Change, Name};
use chronik_types::{ErrorCode, LeaderEpoch, Offset};
use parking_lot::Mutex;

use crate::critical::{Critical, Locked};
use crate::env::{Env, Urgency};
use crate::wait::Wait;

pub(crate) use boot::Boot;
use store::Store;

/// How often the metadata log tries a full disk again.
const FULL_DISK_RETRY: Duration = Duration::from_millis(100);

/// Whoever acts on a new image; called in order, under the quorum's lock.
pub(crate) type Subscriber = Box<dyn FnMut(&Published) + Send>;

/// This node's member of the quorum.
pub(crate) struct Quorum {
    env: Arc<dyn Env>,
    this: Weak<Quorum>,
    image: ArcSwap<MetadataImage>,
    state: Critical<State>,
}

struct State {
    raft: Raft,
    log: Log,
    store: Store,
    syncing: bool,
    dirty: bool,
    /// What raft counts on and a full disk has refused so far, in order.
    unappended: VecDeque<Bytes>,
    /// What raft has asked for and is not done; the first may be under way.
    actions: VecDeque<Option<Action>>,
    builder: ImageBuilder,
    /// Leads as soon as the log is applied past the start of its epoch.
    elected: Option<Elected>,
    leader: Option<Leader<ClusterMachine, Arc<Ticket>>>,
    cluster: ClusterOptions,
    bootstrap_features: Vec<(Name, i16)>,
    subscriber: Subscriber,
}

struct Elected {
    epoch: LeaderEpoch,
    start_offset: Offset,
}

/// Somebody who waits for the controller's answer.
struct Ticket {
    wait: Arc<Wait>,
    reply: Mutex<Option<Reply>>,
}

impl Quorum {
    /// Brings the quorum up from what the disk holds.
    ///
    /// Errors: the metadata log, its snapshot or `quorum-state` cannot be read or are damaged.
    pub(crate) fn start(
        env: Arc<dyn Env>,
        boot: Boot,
        subscriber: Subscriber,
    ) -> Result<Arc<Quorum>, LogError> {
        let booted = boot::load(boot)?;
        let (raft, actions) = Raft::start(env.elapsed(), booted.options, booted.raft);
        let image = booted.builder.image().clone();
        let state = State {
            raft,
            log: booted.log,
            store: booted.store,
            syncing: false,
            dirty: false,
            unappended: VecDeque::new(),
            actions: VecDeque::new(),
            builder: booted.builder,
            elected: None,
            leader: None,
            cluster: booted.cluster,
            bootstrap_features: booted.bootstrap_features,
            subscriber,
        };
        let quorum = Arc::new_cyclic(|this| Quorum {
            env,
            this: this.clone(),
            image: ArcSwap::new(image),
            state: Critical::new(state),
        });
        let mut state = quorum.state.lock();
        quorum.carry_out(&mut state, actions);
        quorum.settle(state);
        Ok(quorum)
    }

    /// The cluster as this node knows it.
    pub(crate) fn image(&self) -> Arc<MetadataImage> {
        self.image.load_full()
    }

    /// Asks the controller. The answer comes once it is committed and applied here.
    ///
    /// Errors: `NotController` if this node does not lead, or ceases to before the answer is certain;
    /// `KafkaStorageError` while the metadata log waits for room on its disk.
    pub(crate) fn ask<A: Ask>(&self, command: A) -> Asked<A> {
        let mut state = self.state.lock();
        let ticket = Arc::new(Ticket { wait: Wait::new(), reply: Mutex::default() });
        self.submit(&mut state, command.into(), Arc::clone(&ticket));
        self.settle(state);
        Asked { ticket, answer: std::marker::PhantomData }
    }

    /// Stops: a leader resigns, and the log is closed cleanly.
    pub(crate) fn stop(&self) {
        let mut state = self.state.lock();
        let actions = state.raft.step(self.env.elapsed(), Event::Shutdown);
        self.carry_out(&mut state, actions);
        if let Some(job) = state.log.begin_sync() {
            let synced = job.run();
            if let Err(error) = state.log.finish_sync(synced) {
                tracing::error!(%error, "metadata log was not synced on shutdown");
            }
        }
        drop(state);
        self.checkpoint();
    }

    /// Writes the metadata log's indexes and epochs, so that less of it must be looked at after a crash.
    pub(crate) fn checkpoint(&self) {
        let job = self.state.lock().log.begin_checkpoint();
        let done = job.and_then(|job| match job.map(CheckpointJob::run) {
            Some(done) => self.state.lock().log.finish_checkpoint(done).map(drop),
            None => Ok(()),
        });
        if let Err(error) = done {
            tracing::warn!(%error, "the metadata log's indexes were not written");
        }
    }

    /// Where the metadata log may begin its recovery next time.
    pub(crate) fn recovery_point(&self) -> Offset {
        self.state.lock().log.recovery_point()
    }

    /// The epoch of the quorum and who leads in it.
    pub(crate) fn leader_and_epoch(&self) -> (Option<chronik_types::NodeId>, LeaderEpoch) {
        let state = self.state.lock();
        (state.raft.leader(), state.raft.epoch())
    }

    fn submit(&self, state: &mut State, command: Command, ticket: Arc<Ticket>) {
        if !state.unappended.is_empty() {
            return ticket.wait.complete(ErrorCode::KafkaStorageError);
        }
        let Some(leader) = &mut state.leader else { return ticket.wait.complete(ErrorCode::NotController) };
        let Some(batch) = leader.submit(self.env.now(), command, ticket) else {
            return Self::deliver(state);
        };
        let mut builder = BatchBuilder::new(Compression::None);
        let values: Vec<_> = batch.changes.iter().map(Change::encode).collect();
        for value in &values {
            builder.push(NewRecord { timestamp: self.env.now(), value: Some(value), ..NewRecord::default() });
        }
        let proposal = Proposal { record_count: batch.changes.len() as u32, batch: builder.build() };
        let proposed = state.raft.propose(self.env.elapsed(), batch.epoch, proposal);
        let proposed = proposed.expect("the leader value is dropped with the leadership");
        assert_eq!(
            proposed.base_offset, batch.base_offset,
            "machine and log agree on where the next change goes"
        );
        self.carry_out(state, proposed.actions);
    }

    /// In raft's order, also where carrying out one action makes raft ask for more.
    fn carry_out(&self, state: &mut State, actions: Vec<Action>) {
        let is_first = state.actions.is_empty();
        state.actions.extend(actions.into_iter().map(Some));
        // An action under way keeps its (empty) place, so that what it brings about queues behind the others.
        while is_first && let Some(action) = state.actions.front_mut().map(Option::take) {
            if let Some(action) = action {
                self.carry_out_one(state, action);
            }
            state.actions.pop_front();
        }
    }

    fn carry_out_one(&self, state: &mut State, action: Action) {
        match action {
            Action::Persist { content, .. } => {
                if let Err(error) = state.store.write_quorum_state(&content) {
                    self.env.halt(&format!("quorum-state cannot be written: {error}"));
                }
            }
            Action::Append(batch) => self.append(state, batch),
            Action::Truncate { end } => {
                if let Err(error) = state.log.truncate_to(end, self.env.now()) {
                    self.env.halt(&format!("metadata log cannot be truncated: {error}"));
                }
            }
            Action::SetTimer { at } => self.set_timer(at),
            Action::BecameLeader { epoch, start_offset } => {
                let raft_id = state.store.node_id();
                tracing::info!("became leader at term {epoch}, raft_id: {raft_id}, term: {epoch}");
                state.elected = Some(Elected { epoch, start_offset });
            }
            Action::Resigned { epoch, reason } => {
                tracing::info!(%epoch, ?reason, "resigned as controller");
                state.elected = None;
                for ticket in state.leader.take().map(Leader::resign).unwrap_or_default() {
                    ticket.wait.complete(ErrorCode::NotController);
                }
            }
            Action::Committed { high_watermark } => self.committed(state, high_watermark),
            // A quorum of one sends nothing and is sent nothing; a node with other voters is refused at start.
            Action::Send { .. }
            | Action::Respond { .. }
            | Action::ClearTimer
            | Action::Suspect { .. }
            | Action::BecameFollower { .. }
            | Action::BecameUnattached { .. }
            | Action::BecameProspective { .. }
            | Action::BecameCandidate { .. }
            | Action::WriteSnapshot { .. }
            | Action::InstallSnapshot { .. } => {}
        }
    }

    fn append(&self, state: &mut State, batch: AppendBatch) {
        let bytes = match batch {
            AppendBatch::Control { base_offset, epoch, records } => {
                let mut builder = BatchBuilder::new(Compression::None).control().base_offset(base_offset);
                builder = builder.leader_epoch(epoch);
                for record in &records {
                    let (key, value) = (record.key(), record.value());
                    let timestamp = self.env.now();
                    builder.push(NewRecord {
                        timestamp,
                        key: Some(&key),
                        value: Some(&value),
                        ..NewRecord::default()
                    });
                }
                builder.build()
            }
            AppendBatch::Proposed { base_offset, epoch, batch } => {
                let mut bytes = batch.to_vec();
                let mut header = HeaderMut::parse(&mut bytes).expect("the batch was built here");
                header.set_base_offset(base_offset);
                header.set_leader_epoch(epoch);
                bytes.into()
            }
            AppendBatch::Fetched(batches) => batches.iter().flat_map(|batch| batch.bytes.clone()).collect(),
        };
        state.unappended.push_back(bytes);
        self.append_pending(state);
    }

    /// Raft counts on its appends, so they cannot be refused: while the disk is full they wait for room, and nothing new
    /// is decided. Any other fault ends the node.
    fn append_pending(&self, state: &mut State) {
        while let Some(bytes) = state.unappended.front() {
            let verified = verify(bytes.clone()).ok().flatten();
            let verified = verified.expect("metadata batches are checked before they come here");
            match state.log.append_as_follower(&verified, self.env.now()) {
                Ok(_) => {
                    state.dirty = true;
                    state.unappended.pop_front();
                }
                Err(AppendError::Log(fault)) if fault.is_disk_full() => {
                    tracing::warn!(error = %fault, "the metadata log waits for room on the disk");
                    return self.later(FULL_DISK_RETRY, |this, state| this.append_pending(state));
                }
                Err(error) => return self.env.halt(&format!("metadata log cannot be appended to: {error}")),
            }
        }
    }

    fn set_timer(&self, at: Duration) {
        self.later(at.saturating_sub(self.env.elapsed()), |this, state| {
            let actions = state.raft.step(this.env.elapsed(), Event::Tick);
            this.carry_out(state, actions);
        });
    }

    fn later(&self, after: Duration, work: impl FnOnce(&Quorum, &mut State) + Send + 'static) {
        let this = self.this.clone();
        let sleep = self.env.sleep(after);
        self.env.spawn(Box::pin(async move {
            sleep.await;
            let Some(this) = this.upgrade() else { return };
            let mut state = this.state.lock();
            work(&this, &mut state);
            this.settle(state);
        }));
    }

    /// Starts the sync of what was appended, unless one is running (which will go on with it).
    fn settle(&self, mut state: Locked<'_, State>) {
        if state.syncing || !state.dirty {
            return;
        }
        let Some(this) = self.this.upgrade() else { return };
        state.syncing = true;
        drop(state);
        self.env.block(Urgency::Inline, Box::new(move || this.sync_until_clean()));
    }

    fn sync_until_clean(&self) {
        loop {
            let mut state = self.state.lock();
            state.dirty = false;
            if let Some(job) = state.log.begin_sync() {
                drop(state);
                let synced = job.run();
                state = self.state.lock();
                if let Err(error) = state.log.finish_sync(synced) {
                    return self.env.halt(&format!("metadata log cannot be synced: {error}"));
                }
            }
            let end = state.log.durable_offset();
            let actions = state.raft.step(self.env.elapsed(), Event::Durable { end });
            self.carry_out(&mut state, actions);
            if !state.dirty {
                state.syncing = false;
                return;
            }
        }
    }

    /// Hands out the replies whose time has come.
    fn deliver(state: &mut State) {
        let Some(leader) = &mut state.leader else { return };
        for (ticket, reply) in leader.committed(state.builder.end()) {
            *ticket.reply.lock() = Some(reply);
            ticket.wait.complete(ErrorCode::None);
        }
    }

    fn take_lead(&self, state: &mut State) {
        let Some(elected) = state.elected.take_if(|elected| state.builder.end() > elected.start_offset)
        else {
            return;
        };
        let machine = ClusterMachine::new(state.cluster.clone(), state.builder.state().clone());
        state.leader = Some(Leader::new(machine, elected.epoch, state.raft.log_end(), state.builder.end()));
        let bootstrap_features = state.bootstrap_features.clone();
        let ticket = Arc::new(Ticket { wait: Wait::new(), reply: Mutex::default() });
        let activated = Asked::<Activate> { ticket: Arc::clone(&ticket), answer: std::marker::PhantomData };
        self.submit(state, Activate { bootstrap_features }.into(), ticket);
        self.env.spawn(Box::pin(async move {
            if let Ok(Activated::NewCluster) = activated.await {
                tracing::info!("a new cluster was formed");
            }
        }));
    }
}

/// The controller's answer to come.
pub(crate) struct Asked<A> {
    ticket: Arc<Ticket>,
    answer: std::marker::PhantomData<fn() -> A>,
}

impl<A: Ask> Future for Asked<A> {
    type Output = Result<A::Answer, ErrorCode>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.ticket.wait.poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(ErrorCode::None) => {
                let reply =
                    self.ticket.reply.lock().take().expect("a reply is put in before its wait completes");
                Poll::Ready(Ok(A::answer(reply)))
            }
            Poll::Ready(code) => Poll::Ready(Err(code)),
        }
    }
}
