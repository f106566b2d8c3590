//! One shard: the state of its groups under a lock, what it has written and not committed, and who waits.
//!
//! At most one batch is on its way to the commit; what is decided meanwhile goes into the next. So a single commit is
//! appended and synced at once, on the thread that read it, and a thousand that come together share one append and one
//! sync, without any timer.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use chronik_log::batch::Codec;
use chronik_state::groups::{Append, At, GroupMachine, Log, Options, Request, Shard as Machine};
use chronik_state::image::MetadataImage;
use chronik_state::records::Name;
use chronik_types::{ErrorCode, LeaderEpoch, Millis, Offset};
use futures_util::task::AtomicWaker;

use super::append::{self, InFlight};
use super::lag::Committed;
use super::ticket::Ticket;
use crate::connection::Client;
use crate::critical::Critical;
use crate::env::{Env, Task};
use crate::node::Node;
use crate::partition::{Partition, Refusal};

/// Before timers are looked at again while nothing can be written.
const RETRY_MS: i64 = 100;

/// A shard of this broker, in one epoch of its partition.
pub(crate) struct Shard {
    partition: Arc<Partition>,
    epoch: LeaderEpoch,
    state: Critical<State>,
    /// The task of [`Shard::drive`].
    driver: AtomicWaker,
}

enum State {
    Loading,
    Serving(Box<Serving>),
    /// Nobody is served any more: the lead is lost, or what was decided could not be written.
    Over,
}

struct Serving {
    machine: Machine<Arc<Ticket>>,
    /// Decided and not written.
    pending: Vec<Append>,
    in_flight: Option<InFlight>,
    codec: Codec,
    /// When the driver will look at the clock.
    alarm: Option<Millis>,
}

/// What a step has left to be done outside of the lock.
#[derive(Default)]
struct Left {
    /// Something was appended that is to be synced.
    wants_sync: bool,
}

impl Shard {
    /// A shard that is being loaded.
    pub(super) fn new(partition: &Arc<Partition>, epoch: LeaderEpoch) -> Arc<Shard> {
        Arc::new(Shard {
            partition: Arc::clone(partition),
            epoch,
            state: Critical::new(State::Loading),
            driver: AtomicWaker::new(),
        })
    }

    pub(super) fn partition(&self) -> &Arc<Partition> {
        &self.partition
    }

    pub(super) fn epoch(&self) -> LeaderEpoch {
        self.epoch
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(*self.state.lock(), State::Over)
    }

    /// The log was replayed up to `end`: from here on the shard answers.
    pub(super) fn serve(&self, node: &Node, machine: GroupMachine, end: Offset) {
        let config = node.config.load();
        let batch_bytes_max = self.partition.settings().topic.max_message_bytes as usize;
        let options = Arc::new(Options { batch_bytes_max, ..config.groups.groups.clone() });
        let Ok(in_flight) = append::loaded(&self.partition, self.epoch, end) else {
            // The lead is lost already.
            return self.resign(ErrorCode::NotCoordinator);
        };
        let committed = if in_flight.is_some() { Offset::ZERO } else { end };
        let image = node.image();
        let log = Log { epoch: self.epoch, end, committed };
        let machine = Machine::new(options, machine, log, &at(&*node.env, &image));
        #[cfg(feature = "planted")]
        let machine = {
            let mut machine = machine;
            machine.plant(node.env.planted_fault().and_then(crate::PlantedFault::of_groups));
            machine
        };
        let codec = append::codec(config.groups.compression_codec);
        let serving = Serving { machine, pending: Vec::new(), in_flight, codec, alarm: None };
        let mut state = self.state.lock();
        if matches!(*state, State::Loading) {
            *state = State::Serving(Box::new(serving));
        }
    }

    /// Decides a request, or parks it.
    ///
    /// Errors: `COORDINATOR_LOAD_IN_PROGRESS`, `NOT_COORDINATOR`, and where what is decided could not be written:
    /// `COORDINATOR_NOT_AVAILABLE`.
    pub(super) fn handle(
        self: &Arc<Self>,
        node: &Node,
        client: &Client,
        request: Request,
    ) -> Result<Arc<Ticket>, ErrorCode> {
        let image = node.image();
        let mut state = self.state.lock();
        let serving = state.serving()?;
        // What only reads waits for what is in flight: nobody is to wait where nothing can be committed.
        if may_write(&request) || serving.in_flight.is_some() {
            self.partition.check_can_commit(self.epoch).map_err(coordinators)?;
        }
        let ticket = Ticket::new();
        serving.machine.handle(&at(&*node.env, &image), request, Arc::clone(&ticket));
        let left = self.step(&mut state, &*node.env);
        drop(state);
        if left.wants_sync {
            client.appended_to(&self.partition);
            client.asked(self);
        }
        Ok(ticket)
    }

    /// What a connection had this shard write is on this broker's disk. What is not committed with that (other replicas are
    /// to have it too) the driver waits for.
    pub(crate) fn settled(&self, env: &dyn Env) {
        self.progress(env);
        if self.state.lock().serving().is_ok_and(|serving| serving.in_flight.is_some()) {
            self.driver.wake();
        }
    }

    /// Takes note of what was committed meanwhile, and writes what waited for that.
    fn progress(&self, env: &dyn Env) {
        let left = self.step(&mut self.state.lock(), env);
        if left.wants_sync {
            drop(self.partition.make_durable(env, false));
        }
    }

    /// Adds what is committed to `named`, up to `named_max` in all. Returns how many offsets this shard has.
    pub(super) fn committed(&self, named_max: usize, named: &mut Vec<Committed>) -> usize {
        let mut state = self.state.lock();
        let Ok(serving) = state.serving() else { return 0 };
        let mut count = 0;
        for (group, offsets) in serving.machine.state().groups_with_offsets() {
            count += offsets.len();
            let room = named_max.saturating_sub(named.len());
            named.extend(offsets.iter().take(room).map(|(topic, partition, value)| Committed {
                group: group.clone(),
                topic: topic.clone(),
                partition,
                offset: value.offset,
            }));
        }
        count
    }

    /// Topics are gone.
    pub(super) fn topics_deleted(&self, node: &Node, topics: &[Name]) {
        let image = node.image();
        let mut state = self.state.lock();
        if let Ok(serving) = state.serving()
            && self.partition.check_can_commit(self.epoch).is_ok()
        {
            serving.machine.topics_deleted(&at(&*node.env, &image), topics);
        }
        drop(state);
        self.settled(&*node.env);
    }

    /// Ends the shard: whoever waits is told so.
    pub(super) fn resign(&self, code: ErrorCode) {
        self.end(&mut self.state.lock(), code);
    }

    fn end(&self, state: &mut State, code: ErrorCode) {
        if let State::Serving(serving) = std::mem::replace(state, State::Over) {
            for ticket in serving.machine.resign() {
                ticket.refuse(code);
            }
        }
        self.driver.wake();
    }

    /// Looks after commits and timers until the shard is over.
    pub(super) async fn drive(&self, node: &Arc<Node>) {
        let mut alarm: Option<(Millis, Task)> = None;
        poll_fn(|cx| {
            self.driver.register(cx.waker());
            self.poll(node, &mut alarm, cx)
        })
        .await;
    }

    fn poll(&self, node: &Node, alarm: &mut Option<(Millis, Task)>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            self.progress(&*node.env);
            let must_wait = self.tick(node);
            let mut state = self.state.lock();
            let Ok(serving) = state.serving() else { return Poll::Ready(()) };
            let is_committed =
                serving.in_flight.as_ref().is_some_and(|written| written.wait.poll(cx).is_ready());
            if is_committed {
                continue;
            }
            let due = serving.machine.next_deadline();
            serving.alarm = due;
            let due = due.map(|due| if must_wait { Millis(clock(&*node.env).0 + RETRY_MS) } else { due });
            if serving.in_flight.is_some() {
                drop(state);
                // Whoever synced last may have left the next round to those who wait.
                self.partition.sync(&*node.env);
            }
            let Some(due) = due else {
                *alarm = None;
                return Poll::Pending;
            };
            if alarm.as_ref().is_none_or(|(at, _)| *at != due) {
                let wait = due.0.saturating_sub(clock(&*node.env).0).max(1);
                *alarm = Some((due, node.env.sleep(Duration::from_millis(wait.unsigned_abs()))));
            }
            let Some((_, sleep)) = alarm else { return Poll::Pending };
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            *alarm = None;
        }
    }

    /// Does what time has made due. Returns whether that must wait, since nothing can be written at the moment.
    fn tick(&self, node: &Node) -> bool {
        let image = node.image();
        let mut state = self.state.lock();
        let Ok(serving) = state.serving() else { return false };
        let now = at(&*node.env, &image);
        if serving.machine.next_deadline().is_none_or(|due| due > now.clock) {
            return false;
        }
        if self.partition.check_can_commit(self.epoch).is_err() {
            return true;
        }
        serving.machine.tick(&now);
        drop(state);
        self.progress(&*node.env);
        false
    }

    /// Carries on as far as possible: commits are taken note of, what is decided is written, answers go out.
    fn step(&self, state: &mut State, env: &dyn Env) -> Left {
        let mut left = Left::default();
        let Ok(serving) = state.serving() else { return left };
        match serving.advance(&self.partition, env.now(), &mut left) {
            Ok(()) => {
                let due = serving.machine.next_deadline();
                if due.is_some_and(|due| serving.alarm.is_none_or(|alarm| due < alarm)) {
                    self.driver.wake();
                }
            }
            Err(code) => {
                if code == ErrorCode::NotLeaderOrFollower {
                    tracing::debug!(partition = %self.partition.name, epoch = %self.epoch, "the lead is lost");
                } else {
                    tracing::warn!(
                        partition = %self.partition.name, epoch = %self.epoch, %code,
                        "what was decided about groups could not be written: they are loaded anew"
                    );
                }
                self.end(state, coordinators(code));
            }
        }
        left
    }
}

impl State {
    fn serving(&mut self) -> Result<&mut Serving, ErrorCode> {
        match self {
            State::Loading => Err(ErrorCode::CoordinatorLoadInProgress),
            State::Serving(serving) => Ok(serving),
            State::Over => Err(ErrorCode::NotCoordinator),
        }
    }
}

impl Serving {
    fn advance(&mut self, partition: &Partition, now: Millis, left: &mut Left) -> Result<(), ErrorCode> {
        loop {
            self.pending.extend(self.machine.appends());
            if let Some(written) = &self.in_flight {
                match written.wait.outcome() {
                    None => break,
                    // It is committed all the same: fewer replicas than wanted hold it by now.
                    Some(ErrorCode::None | ErrorCode::NotEnoughReplicasAfterAppend) => {
                        self.machine.committed(written.until);
                        self.in_flight = None;
                        continue;
                    }
                    Some(code) => return Err(code),
                }
            }
            if self.pending.is_empty() {
                break;
            }
            let (until, in_flight) = append::append(partition, &mut self.pending, self.codec, now)
                .map_err(|refusal: Refusal| refusal.code())?;
            left.wants_sync = true;
            self.in_flight = in_flight;
            #[cfg(feature = "planted")]
            if partition.settings().planted == Some(crate::PlantedFault::AnswerUncommitted) {
                self.machine.committed(until);
            }
            if self.in_flight.is_none() {
                self.machine.committed(until);
            }
        }
        for (ticket, reply) in self.machine.replies() {
            ticket.answer(reply);
        }
        Ok(())
    }
}

/// Whether deciding the request may write: then it is not decided while nothing can be written.
fn may_write(request: &Request) -> bool {
    !matches!(
        request,
        Request::Heartbeat(_)
            | Request::OffsetFetch(_)
            | Request::ListGroups(_)
            | Request::DescribeGroup(_)
            | Request::DescribeConsumerGroup(_)
    )
}

/// What a coordinator says where its partition says this (`CoordinatorOperationExceptionHelper`).
fn coordinators(code: ErrorCode) -> ErrorCode {
    match code {
        ErrorCode::UnknownTopicOrPartition
        | ErrorCode::NotEnoughReplicas
        | ErrorCode::NotEnoughReplicasAfterAppend
        | ErrorCode::RequestTimedOut => ErrorCode::CoordinatorNotAvailable,
        ErrorCode::NotLeaderOrFollower
        | ErrorCode::FencedLeaderEpoch
        | ErrorCode::UnknownLeaderEpoch
        | ErrorCode::KafkaStorageError => ErrorCode::NotCoordinator,
        ErrorCode::MessageTooLarge | ErrorCode::RecordListTooLarge | ErrorCode::InvalidFetchSize => {
            ErrorCode::UnknownServerError
        }
        other => other,
    }
}

fn at<'a>(env: &dyn Env, image: &'a MetadataImage) -> At<'a> {
    At { now: env.now(), clock: clock(env), view: image }
}

fn clock(env: &dyn Env) -> Millis {
    Millis(env.elapsed().as_millis() as i64)
}
