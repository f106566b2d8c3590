//! The controller: what exists on the quorum's leader while it leads, and nowhere else.
//!
//! [`Controlling`] holds the machine that decides and the soft state beside it (who of the brokers lives). It is made
//! once the log is applied past the start of this node's epoch and dropped with the leadership, askers and all; whoever
//! asks a node that has none is told `NOT_CONTROLLER`.
//!
//! A broker is given up by time ([`Sessions`]), and at once where its death is known: when the connection that its
//! heartbeats came by ends, and when this node begins to control, the broker's listener is tried; a host that answers that
//! nobody is there has no such process any more.

use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use chronik_raft::Proposal;
use chronik_state::cluster::{
    Activate, Activated, Ask, BalanceLeaders, ClusterMachine, Command, ElectUncleanLeaders, Elected,
    FenceBroker, FormMeta, Heartbeat, META_TOPIC, Options as ClusterOptions, RegisterBroker, Reply, Seed,
    Sessions,
};
use chronik_state::leader::Leader;
use chronik_state::records::Name;
use chronik_types::{BrokerEpoch, ErrorCode, LeaderEpoch, Millis, NodeId, Offset, PartitionIndex};
use parking_lot::Mutex;

use super::room::RETRY;
use super::{Quorum, State};
use crate::env::{Link, Task};
use crate::metadata_batch;
use crate::wait::Wait;

/// How long a new controller waits for all brokers of a new cluster before it forms `__meta` without them.
const META_GRACE: Duration = Duration::from_secs(5);
/// How long after a probe's connection was reset the next one is made, first and at most.
const PROBE_PAUSE: Duration = Duration::from_millis(2);
const PROBE_PAUSE_MAX: Duration = Duration::from_millis(200);

/// On what terms this node controls.
pub(crate) struct Terms {
    pub(crate) cluster: ClusterOptions,
    /// `broker.session.timeout.ms`.
    pub(crate) session_timeout_ms: u64,
    /// Whether the voters are brokers too, so that a new cluster waits for them.
    pub(crate) is_combined: bool,
    /// The listener that brokers talk to each other by.
    pub(crate) inter_broker_listener: Arc<str>,
    /// The listener that the quorum talks on.
    pub(crate) quorum_listener: Arc<str>,
    /// `controller.quorum.request.timeout.ms`.
    pub(crate) request_timeout: Duration,
    /// How often leadership goes back to preferred replicas, if it does.
    pub(crate) balance_interval: Option<Duration>,
    /// How often partitions are looked for that may lose records to have a leader.
    pub(crate) unclean_interval: Duration,
}

pub(super) struct Won {
    pub(super) epoch: LeaderEpoch,
    pub(super) start_offset: Offset,
}

/// What decides.
pub(super) struct Controlling {
    leader: Leader<ClusterMachine, Arc<Ticket>>,
    sessions: Sessions,
    /// Brokers whose heartbeats' connection ended, and who were not heard of since.
    detached: BTreeSet<(NodeId, BrokerEpoch)>,
    since: Duration,
    meta_is_formed: bool,
    balanced_at: Duration,
    unclean_at: Duration,
}

impl Controlling {
    /// The machine's speculative state.
    pub(super) fn state(&self) -> &chronik_state::cluster::ClusterState {
        self.leader.machine().state()
    }

    /// Whether a broker's process may be gone: its heartbeats' connection ended, or this controller has never heard it.
    fn is_in_doubt(&self, id: NodeId, epoch: BrokerEpoch) -> bool {
        self.detached.contains(&(id, epoch)) || self.sessions.metadata_offset(id) == Some(Offset::NONE)
    }
}

/// Whether a connection on which nothing is asked is reset before `timeout` completes.
async fn is_reset(mut link: Box<dyn Link>, mut timeout: Task) -> bool {
    poll_fn(|cx| match link.poll_receive(cx) {
        Poll::Ready(received) => Poll::Ready(received.is_err_and(|broken| broken.gone)),
        Poll::Pending => timeout.as_mut().poll(cx).map(|()| false),
    })
    .await
}

/// Somebody who waits for the controller's answer.
struct Ticket {
    wait: Arc<Wait>,
    reply: Mutex<Option<Reply>>,
}

impl Ticket {
    fn new() -> Arc<Ticket> {
        Arc::new(Ticket { wait: Wait::new(), reply: Mutex::default() })
    }
}

impl Quorum {
    /// Asks the controller. The answer comes once it is committed and applied here.
    ///
    /// Errors: `NotController` if this node does not lead, or ceases to before the answer is certain;
    /// `KafkaStorageError` while the metadata log waits for room on its disk.
    pub(crate) fn ask<A: Ask>(&self, command: A) -> Asked<A> {
        let mut state = self.state.lock();
        let asked = self.ask_in(&mut state, command);
        self.settle(state);
        asked
    }

    /// A broker introduces itself to the controller; as [`Quorum::ask`].
    pub(crate) fn register(&self, mut command: RegisterBroker) -> Asked<RegisterBroker> {
        let mut state = self.state.lock();
        let now = self.millis();
        let (id, incarnation) = (command.id, command.incarnation);
        if let Some(controlling) = &mut state.controlling {
            let known = controlling.state().broker(id).map(|broker| broker.epoch);
            // Of a session that this controller did not hear of itself nobody knows: after a restart of the whole
            // cluster every broker comes as a new process, and need not wait for its predecessor's session to end.
            command.session_is_valid = known.is_some_and(|epoch| {
                controlling.sessions.is_valid(id, epoch, now)
                    && !controlling.detached.contains(&(id, epoch))
                    && controlling.sessions.metadata_offset(id).is_some_and(|offset| offset != Offset::NONE)
            });
        }
        let asked = self.ask_in(&mut state, command);
        if let Some(controlling) = &mut state.controlling {
            let broker = controlling.state().broker(id).filter(|broker| broker.incarnation == incarnation);
            if let Some(epoch) = broker.map(|broker| broker.epoch) {
                controlling.sessions.heard(id, epoch, Offset::NONE, now);
            }
        }
        self.settle(state);
        asked
    }

    /// A broker says that it lives; as [`Quorum::ask`].
    pub(crate) fn heartbeat(&self, mut command: Heartbeat) -> Asked<Heartbeat> {
        let mut state = self.state.lock();
        let (id, epoch) = (command.id, command.epoch);
        let (offset, want_shut_down) = (command.metadata_offset, command.want_shut_down);
        let now = self.millis();
        if let Some(controlling) = &mut state.controlling {
            if controlling.state().broker(id).is_some_and(|broker| broker.epoch == epoch) {
                controlling.sessions.heard(id, epoch, offset, now);
                controlling.detached.remove(&(id, epoch));
            }
            command.shutdown_is_known = controlling.sessions.shutdown_is_known(id, controlling.state());
        }
        let asked = self.ask_in(&mut state, command);
        if let Some(controlling) = &mut state.controlling {
            let end = controlling.leader.end();
            let broker = controlling.state().broker(id).filter(|broker| broker.epoch == epoch);
            let (leaves, left) =
                broker.map_or((false, false), |broker| (broker.in_controlled_shutdown, broker.fenced));
            if want_shut_down && leaves {
                controlling.sessions.shutting_down(id, epoch, end);
            }
            if want_shut_down && left {
                // It may go, and nobody needs to find out that it has gone.
                controlling.sessions.forget(id, epoch);
            }
        }
        self.settle(state);
        asked
    }

    /// The connection that a broker's heartbeats came by has ended: is its process still there?
    pub(crate) fn detached(&self, id: NodeId, epoch: BrokerEpoch) {
        let mut state = self.state.lock();
        let Some(controlling) = &mut state.controlling else { return };
        if controlling.sessions.is_valid(id, epoch, self.millis()) {
            controlling.detached.insert((id, epoch));
            self.probe(&state, id, epoch);
        }
    }

    /// Tries the broker's listener; a process that is not there any more has its session ended.
    fn probe(&self, state: &State, id: NodeId, epoch: BrokerEpoch) {
        let Some(controlling) = &state.controlling else { return };
        let broker = controlling.state().broker(id).filter(|broker| broker.epoch == epoch && !broker.fenced);
        let listener = &state.terms.inter_broker_listener;
        let at = broker.and_then(|broker| {
            let endpoints = &broker.endpoints;
            endpoints.iter().find(|at| *at.name == **listener).or_else(|| endpoints.first()).cloned()
        });
        let Some(at) = at else { return };
        let (env, this) = (Arc::clone(&self.env), self.this.clone());
        let timeout = Duration::from_millis(state.terms.session_timeout_ms);
        self.env.spawn(Box::pin(async move {
            let mut pause = PROBE_PAUSE;
            let broken = loop {
                // A process that is being torn down still takes connections, and resets them when its sockets are closed.
                let link = match env.connect(&at.host, at.port).await {
                    Err(broken) => break broken,
                    Ok(link) => link,
                };
                if !is_reset(link, env.sleep(timeout)).await {
                    return;
                }
                env.sleep(pause).await;
                pause = (pause * 2).min(PROBE_PAUSE_MAX);
                let in_doubt = |this: Arc<Quorum>| {
                    let state = this.state.lock();
                    state.controlling.as_ref().is_some_and(|controlling| controlling.is_in_doubt(id, epoch))
                };
                if !this.upgrade().is_some_and(in_doubt) {
                    return;
                }
            };
            let Some(this) = this.upgrade().filter(|_| broken.gone) else { return };
            let mut state = this.state.lock();
            let Some(controlling) = &mut state.controlling else { return };
            // Whoever was heard of meanwhile lives: only what is still in doubt is given up.
            if controlling.is_in_doubt(id, epoch) && controlling.sessions.lost(id, epoch) {
                tracing::info!(broker = %id, %epoch, reason = %broken, "a broker's process is gone");
                this.fence_expired(&mut state);
                this.settle(state);
            }
        }));
    }

    /// Fences the brokers whose sessions are over.
    fn fence_expired(&self, state: &mut State) {
        if state.waits_for_room() {
            // It would be refused. Their sessions stay over.
            return;
        }
        let now = self.millis();
        let expired = state.controlling.as_ref().map(|controlling| controlling.sessions.expired(now));
        for (id, epoch) in expired.unwrap_or_default() {
            drop(self.ask_in(state, FenceBroker { id, epoch }));
            let Some(controlling) = &mut state.controlling else { return };
            controlling.sessions.forget(id, epoch);
            controlling.detached.remove(&(id, epoch));
            tracing::info!(broker = %id, %epoch, "a broker's session is over: it is fenced");
        }
    }

    /// Looks after sessions and what else comes with time, as long as this node controls in `epoch`.
    fn watch(&self, epoch: LeaderEpoch) {
        let this = self.this.clone();
        let env = Arc::clone(&self.env);
        self.env.spawn(Box::pin(async move {
            loop {
                let pause = {
                    let Some(this) = this.upgrade() else { return };
                    let mut state = this.state.lock();
                    if state.controlling.as_ref().is_none_or(|now| now.leader.epoch() != epoch) {
                        return;
                    }
                    this.fence_expired(&mut state);
                    this.form_meta(&mut state);
                    this.elect(&mut state);
                    let now = this.millis();
                    let least_ms = if state.waits_for_room() { RETRY.as_millis() as i64 } else { 1 };
                    let pause = state.controlling.as_ref().map_or(Duration::ZERO, |controlling| {
                        let next = controlling.sessions.next_expiry();
                        let pause = next.map_or(1000, |next| (next.0 - now.0).clamp(least_ms, 1000));
                        Duration::from_millis(pause as u64)
                    });
                    this.settle(state);
                    pause
                };
                env.sleep(pause).await;
            }
        }));
    }

    /// Elects leaders that nobody has asked for: preferred ones, and those that lose records where that is allowed.
    fn elect(&self, state: &mut State) {
        let now = self.env.elapsed();
        let terms = Arc::clone(&state.terms);
        let Some(controlling) = &mut state.controlling else { return };
        let is_due = |at: Duration, interval: Duration| now.saturating_sub(at) >= interval;
        let balance =
            terms.balance_interval.is_some_and(|interval| is_due(controlling.balanced_at, interval));
        let unclean = is_due(controlling.unclean_at, terms.unclean_interval);
        if balance {
            controlling.balanced_at = now;
            let asked = self.ask_in(state, BalanceLeaders);
            self.again_if_more(asked, |controlling| &mut controlling.balanced_at);
        }
        if unclean {
            let Some(controlling) = &mut state.controlling else { return };
            controlling.unclean_at = now;
            let asked = self.ask_in(state, ElectUncleanLeaders);
            self.again_if_more(asked, |controlling| &mut controlling.unclean_at);
        }
    }

    /// What one turn of elections left is done in the next.
    fn again_if_more<A>(&self, asked: Asked<A>, last: fn(&mut Controlling) -> &mut Duration)
    where
        A: Ask<Answer = Elected> + 'static,
    {
        let this = self.this.clone();
        self.env.spawn(Box::pin(async move {
            let Ok(elected) = asked.await else { return };
            if elected.partitions > 0 {
                tracing::info!(partitions = elected.partitions, "leaders were elected");
            }
            let Some(this) = this.upgrade().filter(|_| elected.more) else { return };
            if let Some(controlling) = &mut this.state.lock().controlling {
                *last(controlling) = Duration::ZERO;
            }
        }));
    }

    /// Forms `__meta` when it is time.
    pub(super) fn form_meta(&self, state: &mut State) {
        if state.waits_for_room() {
            return;
        }
        let is_combined = state.terms.is_combined;
        let voters: Vec<NodeId> = state.raft.voters().iter().map(|voter| voter.key.id).collect();
        let Some(controlling) = state.controlling.as_mut().filter(|controlling| !controlling.meta_is_formed)
        else {
            return;
        };
        if controlling.state().topic_id(META_TOPIC).is_some() {
            controlling.meta_is_formed = true;
            return;
        }
        let command = FormMeta {
            expected: if is_combined { voters } else { Vec::new() },
            led_ms: (self.env.elapsed().saturating_sub(controlling.since)).as_millis() as i64,
            grace_ms: META_GRACE.as_millis() as i64,
            seed: Seed(self.env.random()),
        };
        if !command.is_due(controlling.state()) {
            return;
        }
        controlling.meta_is_formed = true;
        tracing::info!("This node is Raft leader - initializing partition metadata");
        drop(self.ask_in(state, command));
        let proposed = state.controlling.as_ref().and_then(|controlling| {
            let topic = controlling.state().topic_named(META_TOPIC)?;
            topic.partition(PartitionIndex(0)).cloned()
        });
        if let Some(partition) = proposed {
            tracing::info!("Proposed Raft metadata for __meta-0: {}", super::committed::shown(&partition));
        }
    }

    fn ask_in<A: Ask>(&self, state: &mut State, command: A) -> Asked<A> {
        let ticket = Ticket::new();
        self.submit(state, command.into(), Arc::clone(&ticket));
        Asked { ticket, answer: std::marker::PhantomData }
    }

    fn submit(&self, state: &mut State, command: Command, ticket: Arc<Ticket>) {
        if state.waits_for_room() {
            return ticket.wait.complete(ErrorCode::KafkaStorageError);
        }
        let Some(controlling) = &mut state.controlling else {
            return ticket.wait.complete(ErrorCode::NotController);
        };
        // The quorum appends records of its own, such as changes of voters.
        controlling.leader.skipped_to(state.raft.log_end());
        let timestamp = self.env.now();
        let Some(batch) = controlling.leader.submit(timestamp, command, ticket) else {
            return Self::deliver(state);
        };
        let bytes = metadata_batch::changes(timestamp, &batch.changes).build();
        let proposal = Proposal { record_count: batch.changes.len() as u32, batch: bytes };
        let proposed = state.raft.propose(self.env.elapsed(), batch.epoch, proposal);
        let proposed = proposed.expect("the leader value is dropped with the leadership");
        assert_eq!(
            proposed.base_offset, batch.base_offset,
            "machine and log agree on where the next change goes"
        );
        self.carry_out(state, proposed.actions);
    }

    /// Hands out the replies whose time has come.
    pub(super) fn deliver(state: &mut State) {
        let Some(controlling) = &mut state.controlling else { return };
        for (ticket, reply) in controlling.leader.committed(state.builder.end()) {
            *ticket.reply.lock() = Some(reply);
            ticket.wait.complete(ErrorCode::None);
        }
    }

    /// Begins to control, if this node was elected and has applied the log past the start of its epoch.
    pub(super) fn take_lead(&self, state: &mut State) {
        let epoch = state.raft.epoch();
        let is_due = |elected: &mut Won| elected.epoch == epoch && state.builder.end() > elected.start_offset;
        let Some(elected) = state.elected.take_if(is_due) else { return };
        let machine = ClusterMachine::new(state.terms.cluster.clone(), state.builder.state().clone());
        let timeout_ms = i64::try_from(state.terms.session_timeout_ms).unwrap_or(i64::MAX);
        let sessions = Sessions::start(machine.state(), timeout_ms, self.millis());
        let unfenced: Vec<_> = machine.state().brokers().filter(|broker| !broker.fenced).cloned().collect();
        let leader = Leader::new(machine, elected.epoch, state.raft.log_end(), state.builder.end());
        state.controlling = Some(Controlling {
            leader,
            sessions,
            detached: BTreeSet::new(),
            since: self.env.elapsed(),
            meta_is_formed: false,
            balanced_at: self.env.elapsed(),
            unclean_at: self.env.elapsed(),
        });
        self.leaders.notify();
        for broker in unfenced {
            self.probe(state, broker.id, broker.epoch);
        }
        let bootstrap_features: Vec<(Name, i16)> = state.store.bootstrap_features().to_vec();
        let activated = self.ask_in(state, Activate { bootstrap_features });
        self.watch(elected.epoch);
        self.env.spawn(Box::pin(async move {
            if let Ok(Activated::NewCluster) = activated.await {
                tracing::info!("a new cluster was formed");
            }
        }));
    }

    /// Drops what decides; whoever waits for an answer has to ask the next controller.
    pub(super) fn stop_controlling(state: &mut State) {
        state.elected = None;
        let Some(controlling) = state.controlling.take() else { return };
        for ticket in controlling.leader.resign() {
            ticket.wait.complete(ErrorCode::NotController);
        }
    }

    /// The clock that sessions are measured by.
    fn millis(&self) -> Millis {
        Millis(i64::try_from(self.env.elapsed().as_millis()).unwrap_or(i64::MAX))
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
