//! One fetcher: a task that follows one leader for some of its partitions, over a connection of its own.
//!
//! It asks, appends what comes, makes it durable, and asks again: where it asks from is what it vouches for. A request
//! that waits at the leader for data is not in the way of a partition that has just come: a second one is sent behind it,
//! and a leader that sees it ends the wait of the first. An answer for a position that the log has left is passed over.

use std::collections::{BTreeSet, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use chronik_state::config::ReplicationConfig;
use chronik_types::{ErrorCode, LeaderEpoch, NodeId, Offset};
use chronik_wire::messages::fetch_request::ReplicaState;
use chronik_wire::messages::{BrokerId, FetchRequest, FetchResponse};

use super::session::{Asking, Session, Told};
use super::{ByKey, Inbox, Key, Keys, is_listed, limit};
use crate::env::Task;
use crate::node::Node;
use crate::partition::Partition;
use crate::peers::{CallError, Channel, Purpose};

/// The first pause after something went wrong; it doubles up to `replica.fetch.backoff.ms`.
const PAUSE_MIN: Duration = Duration::from_millis(10);
/// Longer than this nothing is held back at a time: limits change.
const HELD_BACK_MAX: Duration = Duration::from_secs(1);
/// Requests that may be on their way.
const IN_FLIGHT_MAX: usize = 2;

type Answering = Pin<Box<dyn Future<Output = Result<FetchResponse, CallError>> + Send>>;

pub(super) struct Fetcher {
    pub(super) node: Arc<Node>,
    pub(super) inbox: Arc<Inbox>,
    pub(super) followed: ByKey<Followed>,
    /// Those whose position may be another one than was said last: a request walks over nothing else.
    due: Keys,
    /// Those that are left alone until then: something went wrong.
    paused: BTreeSet<(Duration, Key)>,
    pub(super) session: Session,
    in_flight: VecDeque<(i32, Answering)>,
    failures: u32,
}

/// A partition that is followed.
pub(super) struct Followed {
    pub(super) partition: Arc<Partition>,
    pub(super) epoch: LeaderEpoch,
    paused_until: Option<Duration>,
    failures: u32,
    /// It has all that the leader said is committed.
    pub(super) is_in_sync: bool,
}

enum Event {
    /// Something is to be followed or not any more, or a pause is over.
    Changed,
    Answer(Result<FetchResponse, CallError>),
}

/// Follows until the node is gone.
pub(super) async fn run(node: Arc<Node>, inbox: Arc<Inbox>) {
    let mut fetcher = Fetcher {
        node,
        inbox,
        followed: ByKey::default(),
        due: Keys::default(),
        paused: BTreeSet::new(),
        session: Session::default(),
        in_flight: VecDeque::new(),
        failures: 0,
    };
    loop {
        fetcher.take_changes().await;
        let mut sent = Ok(());
        if fetcher.wants_to_ask() {
            sent = fetcher.ask();
        }
        let event = match sent {
            Ok(()) => fetcher.next_event().await,
            Err(unreachable) => Event::Answer(Err(unreachable)),
        };
        match event {
            Event::Changed => {}
            Event::Answer(Ok(response)) => {
                let epoch = fetcher.in_flight.pop_front().map_or(0, |(epoch, _)| epoch);
                fetcher.failures = 0;
                fetcher.answered(epoch, response).await;
            }
            Event::Answer(Err(error)) => fetcher.lost(&error).await,
        }
    }
}

impl Fetcher {
    pub(super) fn leader(&self) -> NodeId {
        self.inbox.leader
    }

    pub(super) fn config(&self) -> ReplicationConfig {
        self.node.config.load().replication.clone()
    }

    async fn take_changes(&mut self) {
        let mut waits = Vec::new();
        for (key, change) in self.inbox.take() {
            self.due.swap_remove(&key);
            let before = self.followed.swap_remove(&key);
            if let Some(until) = before.and_then(|one| one.paused_until) {
                self.paused.remove(&(until, key));
            }
            match change {
                None => self.session.forget(key),
                Some((partition, epoch)) => {
                    // A former leader may have appended what is not on its disk yet.
                    if partition.settings().durable_first() {
                        waits.extend(partition.make_durable(&*self.node.env, false));
                    }
                    self.followed.insert(
                        key,
                        Followed { partition, epoch, paused_until: None, failures: 0, is_in_sync: false },
                    );
                    self.due.insert(key);
                }
            }
        }
        for wait in waits {
            poll_fn(|cx| wait.poll(cx)).await;
        }
    }

    /// Whether there is something to ask for, and room for the request.
    fn wants_to_ask(&mut self) -> bool {
        let now = self.node.env.elapsed();
        while let Some(&(until, key)) = self.paused.first().filter(|(until, _)| *until <= now) {
            self.paused.remove(&(until, key));
            if let Some(one) = self.followed.get_mut(&key) {
                one.paused_until = None;
                self.due.insert(key);
            }
        }
        match self.in_flight.len() {
            0 => !self.due.is_empty() || !self.session.is_empty(),
            count => count < IN_FLIGHT_MAX && self.session.is_established() && !self.due.is_empty(),
        }
    }

    fn ask(&mut self) -> Result<(), CallError> {
        let channel = self.channel()?;
        let config = self.config();
        let now = self.node.env.elapsed();
        let until = now + Duration::from_millis(config.backoff_ms);
        let held_back =
            self.node.replication.copied.exceeded_for(limit(&config, config.follower_rate_max), now);
        for key in std::mem::take(&mut self.due) {
            let Some(one) = self.followed.get(&key) else { continue };
            if let Some(wait) = held_back.filter(|_| !one.is_in_sync && self.is_throttled(&one.partition)) {
                self.pause_until(key, now + wait.min(HELD_BACK_MAX));
                continue;
            }
            match one.partition.position(one.epoch) {
                Some(position) => self.session.want(key, Told { epoch: one.epoch, position }),
                // It is not what it was, which reconcile will say, or its disk is gone.
                None => self.pause_until(key, until),
            }
        }
        if self.session.is_empty() {
            return Ok(());
        }
        let asking = self.session.ask(config.partition_bytes_max);
        let epoch = asking.epoch;
        let replica = (self.node.id(), self.node.broker_epoch().0);
        let timeout = Duration::from_millis(config.timeout_ms);
        // It is on its way from here on, also while an earlier one is waited for.
        let answer = channel.ask(timeout, move |version| request(asking, &config, replica, version));
        self.in_flight.push_back((epoch, Box::pin(answer)));
        Ok(())
    }

    /// Whether the follower's quota counts what is copied for the partition.
    pub(super) fn is_throttled(&self, partition: &Partition) -> bool {
        let list = &partition.settings().topic.follower_throttled_replicas;
        !list.is_empty() && is_listed(list, partition.name.partition, self.node.id())
    }

    /// So many bytes were copied for throttled replicas.
    pub(super) fn count_copied(&self, bytes: usize) {
        let config = self.config();
        let limit = limit(&config, config.follower_rate_max);
        self.node.replication.copied.record(limit, self.node.env.elapsed(), bytes as u64);
    }

    /// The connection to the leader, wherever it listens now.
    ///
    /// Errors: nobody knows.
    pub(super) fn channel(&self) -> Result<Arc<Channel>, CallError> {
        let image = self.node.image();
        let listener = &self.node.options.listeners.inter_broker;
        let broker = image.state.broker(self.inbox.leader);
        let endpoint = broker.and_then(|broker| broker.endpoint(listener)).ok_or_else(|| {
            let reason = format!("broker {} has no listener {listener}", self.inbox.leader);
            CallError::Broken(crate::env::Broken { gone: false, reason })
        })?;
        let purpose = Purpose::Replication(self.inbox.number);
        Ok(self.node.peers.channel(&endpoint.host, endpoint.port, purpose))
    }

    /// Waits for the oldest answer, a change of what is followed, or the end of a pause.
    async fn next_event(&mut self) -> Event {
        let now = self.node.env.elapsed();
        let mut timer: Option<Task> =
            self.paused.first().map(|(until, _)| self.node.env.sleep(until.saturating_sub(now)));
        poll_fn(|cx| {
            if self.inbox.poll_changed(cx).is_ready() {
                return Poll::Ready(Event::Changed);
            }
            if let Some((_, answering)) = self.in_flight.front_mut()
                && let Poll::Ready(answer) = answering.as_mut().poll(cx)
            {
                return Poll::Ready(Event::Answer(answer));
            }
            match &mut timer {
                Some(timer) => timer.as_mut().poll(cx).map(|()| Event::Changed),
                None => Poll::Pending,
            }
        })
        .await
    }

    /// The connection is gone: begins anew after a pause, or as soon as the image or what is followed changes.
    async fn lost(&mut self, error: &CallError) {
        tracing::debug!(leader = %self.inbox.leader, %error, "a fetch from the leader failed");
        self.in_flight.clear();
        self.session.lost();
        self.ask_anew();
        let changed = self.node.quorum().image_changed();
        let mut pause = self.node.env.sleep(self.pause(self.failures));
        self.failures += 1;
        let inbox = Arc::clone(&self.inbox);
        poll_fn(|cx| {
            if inbox.poll_changed(cx).is_ready() || changed.poll(cx).is_ready() {
                return Poll::Ready(());
            }
            pause.as_mut().poll(cx)
        })
        .await;
    }

    fn pause(&self, failures: u32) -> Duration {
        let most = Duration::from_millis(self.node.config.load().replication.backoff_ms);
        PAUSE_MIN.saturating_mul(1 << failures.min(16)).min(most)
    }

    /// Leaves a partition alone for a while.
    pub(super) fn put_off(&mut self, key: Key, code: ErrorCode) {
        let now = self.node.env.elapsed();
        let failures = self.followed.get(&key).map_or(0, |one| one.failures);
        let pause = self.pause(failures);
        let Some(one) = self.followed.get_mut(&key) else { return };
        tracing::debug!(partition = %one.partition.name, leader = %self.inbox.leader, %code, "not fetched for now");
        one.failures += 1;
        self.pause_until(key, now + pause);
    }

    fn pause_until(&mut self, key: Key, until: Duration) {
        let Some(one) = self.followed.get_mut(&key) else { return };
        if let Some(before) = one.paused_until.replace(until) {
            self.paused.remove(&(before, key));
        }
        self.paused.insert((until, key));
        self.due.swap_remove(&key);
        self.session.forget(key);
    }

    /// A partition's fetch went well; at the leader everything below `committed` is.
    pub(super) fn went_well(&mut self, key: Key, committed: Offset) {
        if let Some(one) = self.followed.get_mut(&key) {
            one.failures = 0;
            one.is_in_sync = one.partition.with_log(|log, _| log.end_offset() >= committed) == Some(true);
        }
        self.may_have_moved(key);
    }

    /// The partition's next fetch may be from elsewhere.
    pub(super) fn may_have_moved(&mut self, key: Key) {
        if self.followed.get(&key).is_some_and(|one| one.paused_until.is_none()) {
            self.due.insert(key);
        }
    }

    /// The leader has forgotten, or may have, what this fetcher follows.
    pub(super) fn ask_anew(&mut self) {
        let followed = self.followed.iter().filter(|(_, one)| one.paused_until.is_none());
        self.due.extend(followed.map(|(key, _)| *key));
    }
}

fn request(asking: Asking, config: &ReplicationConfig, replica: (NodeId, i64), version: i16) -> FetchRequest {
    let (id, epoch) = replica;
    let request = FetchRequest::default()
        .with_max_wait_ms(i32::try_from(config.wait_ms).unwrap_or(i32::MAX))
        .with_min_bytes(i32::try_from(config.bytes_min).unwrap_or(i32::MAX))
        .with_max_bytes(i32::try_from(config.response_bytes_max).unwrap_or(i32::MAX))
        .with_session_id(asking.id)
        .with_session_epoch(asking.epoch)
        .with_topics(asking.topics)
        .with_forgotten_topics_data(asking.forgotten);
    if version >= 15 {
        let state = ReplicaState::default().with_replica_id(BrokerId(id.0)).with_replica_epoch(epoch);
        request.with_replica_state(state)
    } else {
        request.with_replica_id(BrokerId(id.0))
    }
}
