//! Fetch (1) and FetchSnapshot (59) as the leader answers them (KIP-595, KIP-630, KIP-1166).
//!
//! A replica's fetch offset is its word that its log is on disk up to there, provided the logs agree: a request
//! whose last epoch does not fit is answered with where the logs part, and counts for nothing. A request that has
//! nothing to get is parked until the log grows, the high watermark passes what the replica knows, or its time is up.

use std::time::Duration;

use bytes::Bytes;
use chronik_types::{ErrorCode, LeaderEpoch, NodeId, Offset};

use crate::{
    Ack, ApiVersionsResponse, FetchRequest, FetchResponse, FetchSnapshotRequest, FetchSnapshotResponse, Raft,
    Records, ReplicaKey, Request, Response, SnapshotId, Token, VoteResponse,
    log_view::Place,
    roles::{Parked, RoleState},
};

impl Raft {
    pub(crate) fn on_fetch_request(&mut self, now: Duration, token: Token, request: FetchRequest) {
        let checked = self.check_fetch(&request);
        let response = match checked {
            Err(error) => self.fetch_refusal(error),
            Ok(()) => {
                if self.log.place(request.fetch_offset, request.last_fetched_epoch) == Place::Agrees {
                    self.note_fetch(now, request.replica, Some(request.fetch_offset));
                    if !self.is_leader() {
                        // What this fetch committed was this node's own removal.
                        let response = self.fetch_refusal(ErrorCode::NotLeaderOrFollower);
                        return self.respond(token, Response::Fetch(response));
                    }
                }
                match self.answer_fetch(&request) {
                    Some(response) => response,
                    None if request.max_wait.is_zero() => self.empty_fetch(ErrorCode::None),
                    None => return self.park(now, token, request),
                }
            }
        };
        self.respond(token, Response::Fetch(response));
    }

    /// Keeps the request until it can be answered; one per replica, so that their number is bounded by the replicas'.
    fn park(&mut self, now: Duration, token: Token, request: FetchRequest) {
        let replica = request.replica;
        let parked = Parked { deadline: now + request.max_wait, request };
        let Some(leading) = self.leading() else { return };
        let former = leading.parked.iter().find(|(_, parked)| parked.request.replica == replica);
        let former = former.map(|(token, _)| *token);
        if let Some(former) = former {
            leading.parked.remove(&former);
        }
        leading.parked.insert(token, parked);
        if let Some(former) = former {
            let response = self.empty_fetch(ErrorCode::None);
            self.respond(former, Response::Fetch(response));
        }
    }

    fn check_fetch(&self, request: &FetchRequest) -> Result<(), ErrorCode> {
        if request.fetch_offset < Offset::ZERO
            || request.last_fetched_epoch < LeaderEpoch(0)
            || request.last_fetched_epoch > request.current_epoch
        {
            return Err(ErrorCode::InvalidRequest);
        }
        self.check_leads_in(request.current_epoch)
    }

    /// A request to the leader must be in its epoch.
    pub(crate) fn check_leads_in(&self, epoch: LeaderEpoch) -> Result<(), ErrorCode> {
        if epoch < self.state.epoch {
            Err(ErrorCode::FencedLeaderEpoch)
        } else if epoch > self.state.epoch {
            Err(ErrorCode::UnknownLeaderEpoch)
        } else if !self.is_leader() {
            Err(ErrorCode::NotLeaderOrFollower)
        } else if self.stopping {
            Err(ErrorCode::BrokerNotAvailable)
        } else {
            Ok(())
        }
    }

    /// The answer if there is something to say, `None` if the request has to wait.
    fn answer_fetch(&self, request: &FetchRequest) -> Option<FetchResponse> {
        let mut response = self.empty_fetch(ErrorCode::None);
        match self.log.place(request.fetch_offset, request.last_fetched_epoch) {
            Place::Diverges(end) => response.diverging = Some(end),
            Place::InSnapshot(id) => response.snapshot = Some(id),
            Place::Agrees => {
                let end = self.log.end().offset;
                let news = self.high_watermark.is_some_and(|mark| mark > request.high_watermark);
                if request.fetch_offset >= end && !news {
                    return None;
                }
                if request.fetch_offset < end {
                    response.records =
                        Records::Read { from: request.fetch_offset, to: end, max_bytes: request.max_bytes };
                }
            }
        }
        Some(response)
    }

    /// Answers the parked requests that have something to get, or whose time is up.
    pub(crate) fn complete_parked(&mut self, now: Duration) {
        let RoleState::Leader(leading) = &self.role else { return };
        let ready: Vec<_> = leading
            .parked
            .iter()
            .filter_map(|(token, parked)| {
                let overdue = || (parked.deadline <= now).then(|| self.empty_fetch(ErrorCode::None));
                Some((*token, self.answer_fetch(&parked.request).or_else(overdue)?))
            })
            .collect();
        for (token, response) in ready {
            if let Some(leading) = self.leading() {
                leading.parked.remove(&token);
            }
            self.respond(token, Response::Fetch(response));
        }
    }

    pub(crate) fn on_snapshot_request(
        &mut self,
        now: Duration,
        token: Token,
        request: &FetchSnapshotRequest,
    ) {
        let error = match self.check_leads_in(request.current_epoch) {
            Err(error) => error,
            // The bootstrap snapshot stays at home: what it says is in the log.
            Ok(()) if self.log.snapshot().is_none() || request.snapshot == SnapshotId::default() => {
                ErrorCode::SnapshotNotFound
            }
            Ok(()) => {
                self.note_fetch(now, request.replica, None);
                ErrorCode::None
            }
        };
        let response = self.snapshot_response(error, request.snapshot, request.position, request.max_bytes);
        self.respond(token, Response::FetchSnapshot(response));
    }

    fn snapshot_response(
        &self,
        error: ErrorCode,
        id: SnapshotId,
        position: u64,
        max_bytes: u32,
    ) -> FetchSnapshotResponse {
        FetchSnapshotResponse {
            error,
            hint: self.hint(),
            snapshot: id,
            size: 0,
            position,
            max_bytes,
            bytes: Bytes::new(),
        }
    }

    fn empty_fetch(&self, error: ErrorCode) -> FetchResponse {
        FetchResponse {
            error,
            hint: self.hint(),
            high_watermark: self.high_watermark.unwrap_or(Offset::NONE),
            log_start: self.log.start(),
            diverging: None,
            snapshot: None,
            records: Records::Empty,
        }
    }

    pub(crate) fn fetch_refusal(&self, error: ErrorCode) -> FetchResponse {
        FetchResponse { high_watermark: Offset::NONE, log_start: Offset::NONE, ..self.empty_fetch(error) }
    }

    /// A response of the request's kind that says no more than the error.
    pub(crate) fn refusal(&self, request: &Request, error: ErrorCode) -> Response {
        match request {
            Request::Vote(_) => Response::Vote(VoteResponse { error, hint: self.hint(), granted: false }),
            Request::BeginQuorumEpoch(_) => Response::BeginQuorumEpoch(self.epoch_response(error)),
            Request::EndQuorumEpoch(_) => Response::EndQuorumEpoch(self.epoch_response(error)),
            Request::Fetch(_) => Response::Fetch(self.fetch_refusal(error)),
            Request::FetchSnapshot(request) => Response::FetchSnapshot(self.snapshot_response(
                error,
                request.snapshot,
                request.position,
                request.max_bytes,
            )),
            Request::AddVoter(_) | Request::RemoveVoter(_) => Response::Ack(Ack { error, message: None }),
            Request::UpdateVoter(_) => Response::UpdateVoter(self.epoch_response(error)),
            Request::ApiVersions => Response::ApiVersions(ApiVersionsResponse { error, versions: None }),
        }
    }

    /// Under which key the leader keeps that replica: voters without a directory are known by id alone.
    pub(crate) fn progress_key(&self, replica: ReplicaKey) -> ReplicaKey {
        match self.voters().get(replica.id) {
            Some(voter) if self.voters().contains(replica) => voter.key,
            _ => replica,
        }
    }

    /// A replica has shown that it is there, and with `end` how far its log is durable.
    fn note_fetch(&mut self, now: Duration, replica: ReplicaKey, end: Option<Offset>) {
        if replica.id.0 < 0 || replica.id == self.options.node_id {
            return;
        }
        let key = self.progress_key(replica);
        let log_end = self.log.end().offset;
        let RoleState::Leader(leading) = &mut self.role else { return };
        if !leading.replicas.contains_key(&key) && !leading.has_room(now) {
            return;
        }
        let progress = leading.replicas.entry(key).or_default();
        if let Some(end) = end {
            if end >= log_end {
                progress.last_caught_up = Some(now);
            } else if end >= progress.end_at_last_fetch && progress.last_fetch > progress.last_caught_up {
                progress.last_caught_up = progress.last_fetch;
            }
            progress.end = Some(end);
            progress.end_at_last_fetch = log_end;
        }
        progress.last_fetch = Some(now);
        if self.voters().contains(replica) {
            self.note_quorum(now, replica.id);
        }
        if end.is_some() {
            self.advance_high_watermark(now);
        }
    }

    /// The voters are about to change: who is one from now on has its time to be heard, also where nobody but the leader
    /// was needed before.
    pub(crate) fn renew_quorum(&mut self, now: Duration) {
        let timeout = self.check_quorum_timeout();
        let Some(leading) = self.leading() else { return };
        leading.fetched.clear();
        leading.check_quorum_deadline = now + timeout;
    }

    fn note_quorum(&mut self, now: Duration, voter: NodeId) {
        let needed = self.quorum_needed();
        let timeout = self.check_quorum_timeout();
        let Some(leading) = self.leading() else { return };
        leading.fetched.insert(voter);
        if leading.fetched.len() >= needed {
            leading.fetched.clear();
            leading.check_quorum_deadline = now + timeout;
        }
    }
}
