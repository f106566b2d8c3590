//! This node's part in the quorum: the raft machine, the metadata log under it, and what is built on both.
//!
//! The shell carries out what [`Raft`] asks for, in order, under one lock; syncs run outside of it. What a full disk
//! refuses waits for room (`room.rs`). Committed records go into the image, and each new image goes to the [`Subscriber`] (the broker's reconcile) before the replies that
//! waited for it. Deciding is reachable only through the value in `control.rs`, which exists while this node leads: it
//! is made when the log is applied past the start of this node's epoch, and dropped when raft says `Resigned`.

mod append;
mod boot;
mod committed;
mod control;
mod inspect;
mod messages;
mod net;
#[cfg(feature = "planted")]
mod planted;
mod room;
mod snapshots;
mod store;
mod timer;
mod warnings;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use chronik_log::batch::Header;
use chronik_log::{CheckpointJob, Log, LogError};
use chronik_raft::{Action, Event, QuorumDescription, QuorumState, Raft, Token};
use chronik_state::image::{ImageBuilder, MetadataImage, Published};
use chronik_types::{NodeId, Offset};

use crate::critical::Critical;
use crate::env::Env;
use crate::metrics::Metrics;
use crate::peers::Peers;
use crate::wait::{Changes, Wait};

pub(crate) use boot::Boot;
pub(crate) use control::{Asked, Terms};
use control::{Controlling, Won};
use net::Slot;
use room::Room;
use snapshots::Snapshots;
use store::Store;
use timer::Timer;

/// How long a controller that stops waits for the others to hear of it.
const RESIGN_TURN: Duration = Duration::from_millis(5);
const RESIGN_TURNS: u32 = 40;

/// Whoever acts on a new image; called in order, under the quorum's lock.
pub(crate) type Subscriber = Box<dyn FnMut(&Published) + Send>;

/// This node's member of the quorum.
pub(crate) struct Quorum {
    env: Arc<dyn Env>,
    this: Weak<Quorum>,
    peers: Arc<Peers>,
    image: ArcSwap<MetadataImage>,
    /// Completed when another node leads, or this one begins to control.
    leaders: Changes,
    /// Completed with every new image.
    images: Changes,
    /// Messages of the quorum that were sent and not answered.
    sending: AtomicUsize,
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
    /// What raft has asked for and is not done; the first may be under way (then its place is empty), or wait for room.
    actions: VecDeque<Option<Action>>,
    room: Room,
    /// What `quorum-state` says.
    persisted: QuorumState,
    timer: Timer,
    /// Requests of others that raft has not answered.
    inbound: BTreeMap<Token, Arc<Slot>>,
    next_token: u64,
    builder: ImageBuilder,
    snapshots: Snapshots,
    /// Leads as soon as the log is applied past the start of its epoch.
    elected: Option<Won>,
    controlling: Option<Controlling>,
    terms: Arc<Terms>,
    /// Whether this run of the node has said that it sets up nothing.
    has_skipped: bool,
    /// Whether it has warned that it is not the voter that its id stands for.
    has_warned: bool,
    subscriber: Subscriber,
}

/// What a node of the quorum knows of it.
#[derive(Clone, Debug)]
pub(crate) struct Leadership {
    /// The leader, if known.
    pub(crate) leader: Option<NodeId>,
    /// Where the leader listens for the quorum.
    pub(crate) address: Option<chronik_raft::Address>,
    /// Whether this node decides.
    pub(crate) is_controlling: bool,
}

impl Quorum {
    /// Brings the quorum up from what the disk holds.
    ///
    /// Errors: the metadata log, its snapshot or `quorum-state` cannot be read or are damaged.
    pub(crate) fn start(
        env: Arc<dyn Env>,
        peers: Arc<Peers>,
        boot: Boot,
        subscriber: Subscriber,
    ) -> Result<Arc<Quorum>, LogError> {
        let terms = Arc::clone(&boot.terms);
        let booted = boot::load(boot)?;
        let persisted = booted.raft.quorum_state.unwrap_or(QuorumState::EMPTY);
        let (raft, actions) = Raft::start(env.elapsed(), booted.options, booted.raft);
        #[cfg(feature = "planted")]
        let raft = {
            let mut raft = raft;
            raft.plant(env.planted_fault().and_then(crate::PlantedFault::of_quorum));
            raft
        };
        let image = booted.builder.image().clone();
        let state = State {
            raft,
            log: booted.log,
            store: booted.store,
            syncing: false,
            dirty: false,
            unappended: VecDeque::new(),
            actions: VecDeque::new(),
            room: Room::default(),
            persisted,
            timer: Timer::default(),
            inbound: BTreeMap::new(),
            next_token: 0,
            builder: booted.builder,
            snapshots: booted.snapshots,
            elected: None,
            controlling: None,
            terms,
            has_skipped: false,
            has_warned: false,
            subscriber,
        };
        let quorum = Arc::new_cyclic(|this| Quorum {
            env,
            this: this.clone(),
            peers,
            image: ArcSwap::new(image),
            leaders: Changes::default(),
            images: Changes::default(),
            sending: AtomicUsize::new(0),
            state: Critical::new(state),
        });
        let mut state = quorum.state.lock();
        if let Some(published) = state.builder.publish() {
            // What the snapshot holds is committed: partitions need not wait for a leader.
            (state.subscriber)(&published);
        }
        quorum.carry_out(&mut state, actions);
        quorum.settle(state);
        Ok(quorum)
    }

    /// The cluster as this node knows it.
    pub(crate) fn image(&self) -> Arc<MetadataImage> {
        self.image.load_full()
    }

    /// Completes when another node leads, or this one begins to control. To be asked for before looking.
    pub(crate) fn leader_changed(&self) -> Arc<Wait> {
        self.leaders.next()
    }

    /// Completes with the next image. To be asked for before looking at the present one.
    pub(crate) fn image_changed(&self) -> Arc<Wait> {
        self.images.next()
    }

    /// Who leads.
    pub(crate) fn leadership(&self) -> Leadership {
        let state = self.state.lock();
        Leadership {
            leader: state.raft.leader(),
            address: state.raft.leader_address(),
            is_controlling: state.controlling.is_some(),
        }
    }

    /// Whether this node decides.
    pub(crate) fn is_controlling(&self) -> bool {
        self.state.lock().controlling.is_some()
    }

    /// Says how the quorum stands, for the page of metrics.
    pub(crate) fn measure(&self, metrics: &Metrics) {
        let state = self.state.lock();
        metrics.is_controller.set(i64::from(state.controlling.is_some()));
        metrics.controller_epoch.set(i64::from(state.raft.epoch().0));
        metrics.quorum_end.set(state.raft.log_end().0);
        metrics.quorum_high_watermark.set(state.raft.high_watermark().map_or(-1, |mark| mark.0));
        metrics.quorum_waits_for_room.set(i64::from(state.waits_for_room()));
    }

    /// The quorum as its leader sees it; `None` on any other node.
    pub(crate) fn describe(&self) -> Option<QuorumDescription> {
        self.state.lock().raft.describe(self.env.elapsed())
    }

    /// The `kraft.version` in force.
    pub(crate) fn kraft_version(&self) -> i16 {
        self.state.lock().raft.kraft_version()
    }

    /// A leader resigns and says so to the others; done when they have answered, or soon in any case.
    pub(crate) async fn resign(&self) {
        let led = {
            let mut state = self.state.lock();
            let led = state.raft.role() == chronik_raft::Role::Leader;
            self.step(&mut state, Event::Shutdown);
            self.settle(state);
            led
        };
        for _ in 0..RESIGN_TURNS {
            if !led || self.sending.load(std::sync::atomic::Ordering::Acquire) == 0 {
                return;
            }
            self.env.sleep(RESIGN_TURN).await;
        }
    }

    /// Stops: the log is closed cleanly. Returns whether all of it is on the disk.
    pub(crate) fn stop(&self) -> bool {
        let mut state = self.state.lock();
        self.step(&mut state, Event::Shutdown);
        if let Some(job) = state.log.begin_sync() {
            let synced = job.run();
            if let Err(error) = state.log.finish_sync(synced) {
                tracing::error!(%error, "metadata log was not synced on shutdown");
            }
        }
        let is_durable = state.log.durable_offset() >= state.log.end_offset() && !state.log.is_poisoned();
        drop(state);
        is_durable && self.checkpoint()
    }

    /// Writes the metadata log's indexes and epochs, so that less of it must be looked at after a crash. Returns whether
    /// that was done; a log that can no longer be trusted ends the node.
    pub(crate) fn checkpoint(&self) -> bool {
        let job = self.state.lock().log.begin_checkpoint();
        let done = job.and_then(|job| match job.map(CheckpointJob::run) {
            Some(done) => self.state.lock().log.finish_checkpoint(done).map(drop),
            None => Ok(()),
        });
        if let Err(error) = &done {
            if self.state.lock().log.is_poisoned() {
                self.env.halt(&format!("metadata log's indexes cannot be written: {error}"));
            }
            tracing::warn!(%error, "the metadata log's indexes were not written");
        }
        done.is_ok()
    }

    /// Where the metadata log may begin its recovery next time. What is not committed may be cut off and written anew, so
    /// it is always read again.
    pub(crate) fn recovery_point(&self) -> Offset {
        let state = self.state.lock();
        state.log.recovery_point().min(state.raft.high_watermark().unwrap_or(Offset::ZERO))
    }

    /// Tells raft what happened, and does what it wants done.
    fn step(&self, state: &mut State, event: Event) {
        let actions = state.raft.step(self.env.elapsed(), event);
        self.carry_out(state, actions);
    }

    /// As `step`, from outside of the lock.
    fn happened(&self, event: Event) {
        let mut state = self.state.lock();
        self.step(&mut state, event);
        self.settle(state);
    }

    /// In raft's order, also where carrying out one action makes raft ask for more. Behind one that waits for room all
    /// others wait.
    fn carry_out(&self, state: &mut State, actions: Vec<Action>) {
        let is_first = state.actions.is_empty();
        if state.is_held_up() {
            Room::make_way(&mut state.actions, &actions);
        }
        state.actions.extend(actions.into_iter().map(Some));
        if is_first {
            self.work_off(state);
        }
    }

    fn work_off(&self, state: &mut State) {
        // An action under way keeps its (empty) place, so that what it brings about queues behind the others.
        while let Some(action) = state.actions.front_mut().map(Option::take) {
            if let Some(action) = action {
                match self.write_down(state, &action) {
                    Ok(()) => self.carry_out_one(state, action),
                    Err(full) => {
                        state.actions[0] = Some(action);
                        return self.wait_for_room(state, &full);
                    }
                }
            }
            state.actions.pop_front();
        }
    }

    /// What an action wants to have on the disk before anything else happens. Error: the disk is full; nothing was done,
    /// and the same may work later. Any other fault ends the node.
    fn write_down(&self, state: &mut State, action: &Action) -> Result<(), LogError> {
        let (written, what) = match action {
            #[cfg(feature = "planted")]
            Action::Persist { .. }
                if self.env.planted_fault()
                    == Some(crate::PlantedFault::Quorum(chronik_raft::PlantedFault::SkipPersist)) =>
            {
                return Ok(());
            }
            Action::Persist { content, .. } => (state.store.write_quorum_state(content), "quorum-state"),
            Action::WriteSnapshot { id, position, bytes } => {
                (state.store.write_piece(*id, *position, bytes), "a fetched snapshot")
            }
            _ => return Ok(()),
        };
        match written {
            Err(full) if full.is_disk_full() => return Err(full),
            Err(error) => self.env.halt(&format!("{what} cannot be written: {error}")),
            Ok(()) => {}
        }
        if let Action::Persist { state: persisted, .. } = action {
            state.persisted = *persisted;
        }
        Ok(())
    }

    fn carry_out_one(&self, state: &mut State, action: Action) {
        match action {
            // Written down before.
            Action::Persist { .. } | Action::WriteSnapshot { .. } => {}
            Action::Append(batch) => self.append(state, batch),
            Action::Truncate { end } => self.truncate(state, end),
            Action::Send { id, to, request } => self.send(state, id, &to, request),
            Action::Respond { token, response } => self.respond(state, token, response),
            Action::SetTimer { at } => self.set_timer(state, at),
            Action::ClearTimer => state.timer.clear(),
            Action::Committed { high_watermark } => self.committed(state, high_watermark),
            Action::InstallSnapshot { id } => self.install(state, id),
            Action::Suspect { peer, what } => {
                tracing::warn!(?peer, what, "a message of the quorum makes no sense and was not acted on");
            }
            role => self.change_role(state, role),
        }
    }

    fn change_role(&self, state: &mut State, action: Action) {
        match action {
            Action::BecameLeader { epoch, start_offset } => {
                let raft_id = state.store.node_id();
                tracing::info!("became leader at term {epoch}, raft_id: {raft_id}, term: {epoch}");
                state.elected = Some(Won { epoch, start_offset });
            }
            Action::Resigned { epoch, reason } => {
                tracing::info!(%epoch, ?reason, "resigned as controller");
                Self::stop_controlling(state);
            }
            Action::BecameFollower { epoch, leader } => {
                tracing::info!(%epoch, %leader, "follows a leader");
                if !std::mem::replace(&mut state.has_skipped, true) {
                    tracing::info!("Skipping metadata initialization - this node is a Raft follower");
                }
                #[cfg(feature = "planted")]
                self.propose_as_follower(state, epoch, leader);
            }
            Action::BecameUnattached { epoch } => tracing::debug!(%epoch, "no leader is known"),
            Action::BecameProspective { epoch } => tracing::debug!(%epoch, "asks for pre-votes"),
            Action::BecameCandidate { epoch } => tracing::debug!(%epoch, "stands for election"),
            _ => unreachable!("not a change of role"),
        }
        self.leaders.notify();
    }

    /// Removes the log's end, and what of it had no room on the disk.
    fn truncate(&self, state: &mut State, end: Offset) {
        state.unappended.retain(|bytes| Header::parse(bytes).is_ok_and(|header| header.base_offset() < end));
        match state.log.truncate_to(end, self.env.now()) {
            Ok(None) => {}
            Ok(Some(cut)) => {
                tracing::info!(from = %cut.from, to = %cut.to, "the metadata log was cut: the leader's differs there");
            }
            Err(error) => self.env.halt(&format!("metadata log cannot be truncated: {error}")),
        }
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
}
