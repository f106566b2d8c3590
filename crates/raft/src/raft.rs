//! The machine: one member of the quorum, or an observer of it.
//!
//! Each event changes the state at once and leaves actions in `out`; then `settle` does whatever has become due
//! (time-outs, requests to send) until nothing is, and sets the one timer.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use chronik_types::{ErrorCode, LeaderEpoch, NodeId, Offset};
use thiserror::Error;

use crate::{
    Ack, Action, Address, Boot, Endpoints, EpochResponse, Event, LeaderHint, Options, QuorumState,
    ReplicaKey, Request, ResignReason, Response, SnapshotId, Token, VoterSet,
    log_view::Log,
    peers::{Asked, Peers},
    rng::Rng,
    roles::{Leading, RoleState},
};

/// What a node is to the quorum at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Knows an epoch, but no leader in it that it could reach.
    Unattached,
    /// Sounds out whether it would be elected.
    Prospective,
    /// Stands for election.
    Candidate,
    /// Decides.
    Leader,
    /// Fetches from the leader; an observer if it is not in the voter set.
    Follower,
    /// Led this epoch and gave it up.
    Resigned,
}

/// A batch that the leader's client wants in the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proposal {
    /// How many records (offsets) it has; at least one.
    pub record_count: u32,
    /// The batch in Kafka's format. Base offset and epoch are put in when it is appended.
    pub batch: Bytes,
}

/// What became of a proposal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proposed {
    /// The offset of the first record. It is committed when the high watermark is past the last.
    pub base_offset: Offset,
    /// To be carried out like those of an event.
    pub actions: Vec<Action>,
}

/// The node does not lead in the epoch of the proposal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("not the leader in that epoch (epoch is {epoch}, leader {leader:?})")]
pub struct NotLeader {
    /// The epoch the node is in.
    pub epoch: LeaderEpoch,
    /// The leader it knows.
    pub leader: Option<NodeId>,
}

/// What a snapshot must say about the quorum, beside the state that it holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SnapshotContext {
    /// The name of the snapshot.
    pub id: SnapshotId,
    /// The `kraft.version` record to write after the header; none while it is 0.
    pub kraft_version: i16,
    /// The voters record to write after that.
    pub voters: Option<VoterSet>,
}

/// The state machine.
#[derive(Clone, Debug)]
pub struct Raft {
    pub(crate) options: Options,
    pub(crate) state: QuorumState,
    pub(crate) role: RoleState,
    pub(crate) log: Log,
    pub(crate) high_watermark: Option<Offset>,
    pub(crate) leader_endpoints: Endpoints,
    pub(crate) peers: Peers,
    pub(crate) rng: Rng,
    /// The snapshot that the shell is putting in the log's place; the log is not touched meanwhile.
    pub(crate) installing: Option<SnapshotId>,
    pub(crate) stopping: bool,
    pub(crate) out: Vec<Action>,
    pub(crate) transitions: u64,
    pub(crate) refused_proposals: u64,
    timer: Option<Duration>,
    #[cfg(any(test, feature = "planted"))]
    pub(crate) fault: Option<crate::PlantedFault>,
}

impl Raft {
    /// Brings a node up from what its disk holds. `now` begins the clock that all later calls use.
    ///
    /// A node that is the quorum's only voter leads at once, in the next epoch. One that led when it stopped comes
    /// up resigned: it never appends in an epoch again whose end it may have lost.
    pub fn start(now: Duration, options: Options, boot: Boot) -> (Raft, Vec<Action>) {
        let log = Log::new(boot.log);
        let state = boot.quorum_state.unwrap_or(QuorumState::EMPTY);
        let peers = Peers::new(options.request_timeout, options.retry_backoff);
        let rng = Rng::new(options.seed);
        let known = log.snapshot().map(|id| id.offset).filter(|offset| *offset > Offset::ZERO);
        let mut raft = Raft {
            role: RoleState::Unattached { deadline: now },
            state,
            log,
            high_watermark: known,
            leader_endpoints: Endpoints::EMPTY,
            peers,
            rng,
            installing: None,
            stopping: false,
            out: Vec::new(),
            transitions: 0,
            refused_proposals: 0,
            timer: None,
            options,
            #[cfg(any(test, feature = "planted"))]
            fault: None,
        };
        raft.begin(now);
        let actions = raft.finish(now);
        (raft, actions)
    }

    /// Takes in one event and says what is to be done.
    pub fn step(&mut self, now: Duration, event: Event) -> Vec<Action> {
        match event {
            // The shell's timer is spent: whatever is next is announced again.
            Event::Tick => self.timer = None,
            Event::Request { token, cluster_id, request } => self.on_request(now, token, cluster_id, request),
            Event::RequestGone { token } => {
                if let RoleState::Leader(leading) = &mut self.role {
                    leading.parked.remove(&token);
                }
            }
            Event::Response { id, response } => self.on_response(now, id, response),
            Event::SendFailed { id, gone } => {
                if let Some((peer, asked)) = self.peers.unanswered(now, id) {
                    self.on_no_answer(now, peer, asked);
                    if gone && self.state.leader == Some(peer) {
                        self.on_leader_gone(now);
                    }
                }
            }
            Event::Durable { end } => self.on_durable(now, end),
            Event::SnapshotTaken { id } => {
                assert!(
                    self.high_watermark.is_some_and(|mark| id.offset <= mark),
                    "snapshot of uncommitted state"
                );
                self.log.set_snapshot(id);
            }
            Event::LogStartMoved { start } => self.log.move_start(start),
            Event::SnapshotInstalled { id, kraft_version, voters } => {
                self.on_snapshot_installed(now, id, kraft_version, voters);
            }
            Event::SnapshotRejected { id } => self.on_snapshot_rejected(now, id),
            Event::Resign { epoch } => {
                if self.is_leader() && self.state.epoch == epoch {
                    self.become_resigned(now, ResignReason::Asked);
                }
            }
            Event::Shutdown => {
                self.stopping = true;
                if self.is_leader() {
                    self.become_resigned(now, ResignReason::Shutdown);
                }
            }
            Event::UpgradeKRaftVersion { token, version } => self.on_upgrade(now, token, version),
        }
        self.finish(now)
    }

    /// Puts a batch into the log, if this node leads in `epoch`.
    ///
    /// # Errors
    /// `NotLeader` if it does not: the caller's `Leader` value is out of date and about to be dropped.
    pub fn propose(
        &mut self,
        now: Duration,
        epoch: LeaderEpoch,
        proposal: Proposal,
    ) -> Result<Proposed, NotLeader> {
        assert!(proposal.record_count > 0, "a batch without records");
        if !self.is_leader() || self.state.epoch != epoch {
            self.refused_proposals += 1;
            return Err(NotLeader { epoch: self.state.epoch, leader: self.state.leader });
        }
        let base_offset = self.append_proposed(proposal);
        self.complete_parked(now);
        Ok(Proposed { base_offset, actions: self.finish(now) })
    }

    /// What this node is at the moment.
    pub fn role(&self) -> Role {
        self.role.name()
    }

    /// The highest epoch it has seen.
    pub fn epoch(&self) -> LeaderEpoch {
        self.state.epoch
    }

    /// The leader of that epoch, if known.
    pub fn leader(&self) -> Option<NodeId> {
        self.state.leader
    }

    /// Where that leader listens, on the quorum's listener.
    pub fn leader_address(&self) -> Option<Address> {
        let leader = self.state.leader?;
        self.address(leader, &self.hint().endpoints)
    }

    /// Who leads, as an answer to a peer or client says it.
    pub fn hint(&self) -> LeaderHint {
        let endpoints = match self.state.leader {
            None => Endpoints::EMPTY,
            Some(leader) if leader == self.options.node_id => self.options.endpoints.clone(),
            Some(_) if !self.leader_endpoints.is_empty() => self.leader_endpoints.clone(),
            Some(leader) => self.voter_endpoints(leader),
        };
        LeaderHint { epoch: self.state.epoch, leader: self.state.leader, endpoints }
    }

    /// The offset after the last committed record; `None` until it is known. After a start it is where the latest
    /// snapshot ends.
    pub fn high_watermark(&self) -> Option<Offset> {
        self.high_watermark
    }

    /// The offset of the next record.
    pub fn log_end(&self) -> Offset {
        self.log.end().offset
    }

    /// The voters in force: the latest in the log, committed or not; else those of the configuration.
    pub fn voters(&self) -> &VoterSet {
        self.log.voters().map_or(&self.options.static_voters, |(_, voters)| voters)
    }

    /// The `kraft.version` in force.
    pub fn kraft_version(&self) -> i16 {
        self.log.kraft_version()
    }

    /// Whether this node is a voter now.
    pub fn is_voter(&self) -> bool {
        self.options.can_vote && self.voters().contains(self.key())
    }

    /// What a snapshot of the state applied up to `end` must be called and contain. `None` if the log does not
    /// know the epoch there (it is not in the log, or not committed).
    pub fn snapshot_context(&self, end: Offset) -> Option<SnapshotContext> {
        if self.high_watermark.is_none_or(|mark| end > mark) {
            return None;
        }
        let id = SnapshotId { offset: end, epoch: self.log.epoch_before(end)? };
        let kraft_version = self.log.kraft_version_before(end);
        Some(SnapshotContext { id, kraft_version, voters: self.log.voters_before(end).cloned() })
    }

    /// This node as the quorum knows it.
    pub fn key(&self) -> ReplicaKey {
        self.options.key()
    }

    pub fn is_leader(&self) -> bool {
        matches!(self.role, RoleState::Leader(_))
    }

    pub(crate) fn leading(&mut self) -> Option<&mut Leading> {
        match &mut self.role {
            RoleState::Leader(leading) => Some(leading),
            _ => None,
        }
    }

    pub(crate) fn voter_endpoints(&self, id: NodeId) -> Endpoints {
        self.voters().get(id).map_or(Endpoints::EMPTY, |voter| voter.endpoints.clone())
    }

    /// The address of a node on the quorum's listener, or on its first one if it has none of that name.
    pub(crate) fn address(&self, id: NodeId, endpoints: &Endpoints) -> Option<Address> {
        let endpoint = endpoints.on(&self.options.listener).or(endpoints.0.first())?;
        Some(Address { id, host: endpoint.host.clone(), port: endpoint.port })
    }

    pub(crate) fn send(&mut self, now: Duration, to: Address, asked: Asked, request: Request) {
        let id = self.peers.sent(now, to.id, asked);
        self.out.push(Action::Send { id, to, request });
    }

    pub(crate) fn respond(&mut self, token: Token, response: Response) {
        self.out.push(Action::Respond { token, response });
    }

    pub(crate) fn epoch_response(&self, error: ErrorCode) -> EpochResponse {
        EpochResponse { error, hint: self.hint() }
    }

    pub(crate) fn acknowledge(&mut self, token: Token, error: ErrorCode, message: Option<String>) {
        self.respond(token, Response::Ack(Ack { error, message }));
    }

    fn finish(&mut self, now: Duration) -> Vec<Action> {
        let next = self.settle(now);
        if next != self.timer {
            self.timer = next;
            self.out.push(next.map_or(Action::ClearTimer, |at| Action::SetTimer { at }));
        }
        std::mem::take(&mut self.out)
    }

    fn on_request(&mut self, now: Duration, token: Token, cluster_id: Option<Arc<str>>, request: Request) {
        if cluster_id.is_some_and(|id| id != self.options.cluster_id) {
            let response = self.refusal(&request, ErrorCode::InconsistentClusterId);
            return self.respond(token, response);
        }
        match request {
            Request::Vote(request) => self.on_vote_request(now, token, &request),
            Request::BeginQuorumEpoch(request) => self.on_begin_epoch(now, token, request),
            Request::EndQuorumEpoch(request) => self.on_end_epoch(now, token, request),
            Request::Fetch(request) => self.on_fetch_request(now, token, request),
            Request::FetchSnapshot(request) => self.on_snapshot_request(now, token, &request),
            Request::AddVoter(request) => self.on_add_voter(now, token, request),
            Request::RemoveVoter(request) => self.on_remove_voter(now, token, &request),
            Request::UpdateVoter(request) => self.on_update_voter(now, token, request),
            Request::ApiVersions => {
                let response = self.refusal(&Request::ApiVersions, ErrorCode::InvalidRequest);
                self.respond(token, response);
            }
        }
    }
}
