//! Messages with any values in any order: a node may refuse them or believe them, but it does not panic, does not go
//! back in its epoch or high watermark, and answers every request once.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use chronik_types::{ErrorCode, LeaderEpoch, NodeId, Offset};

use crate::{rng::Rng, *};

struct Forger(Rng);

impl Forger {
    fn number(&mut self) -> i64 {
        [-1, 0, 1, 2, 3, 4, 5, 7, 100, i64::from(i32::MAX) - 1, i64::from(i32::MAX), i64::from(i32::MIN)]
            [self.0.below(12)]
    }

    fn offset(&mut self) -> Offset {
        Offset(if self.0.below(20) == 0 { i64::MAX } else { self.number() })
    }

    /// Mostly near the epoch that the node is in.
    fn epoch(&mut self, near: LeaderEpoch) -> LeaderEpoch {
        match self.0.below(8) {
            0 => LeaderEpoch(self.number() as i32),
            1 => LeaderEpoch(near.0.saturating_add(1)),
            _ => near,
        }
    }

    fn node(&mut self) -> NodeId {
        NodeId([-1, 1, 1, 2, 2, 3, 9][self.0.below(7)])
    }

    fn key(&mut self) -> ReplicaKey {
        let id = self.node();
        ReplicaKey::new(id, DirectoryId(uuid::Uuid::from_u128([0, 1, 2, 3, id.0 as u128][self.0.below(5)])))
    }

    fn endpoints(&mut self) -> Endpoints {
        match self.0.below(3) {
            0 => Endpoints::EMPTY,
            1 => Endpoints::one("OTHER", "x", 1),
            _ => Endpoints::one("CONTROLLER", "x", 1),
        }
    }

    fn place(&mut self, near: LeaderEpoch) -> OffsetAndEpoch {
        OffsetAndEpoch { offset: self.offset(), epoch: self.epoch(near) }
    }

    fn error(&mut self) -> ErrorCode {
        let all = ErrorCode::ALL;
        if self.0.below(2) == 0 { ErrorCode::None } else { all[self.0.below(all.len())] }
    }

    fn hint(&mut self, near: LeaderEpoch) -> LeaderHint {
        let leader = (self.0.below(3) > 0).then(|| self.node());
        LeaderHint { epoch: self.epoch(near), leader, endpoints: self.endpoints() }
    }

    fn request(&mut self, near: LeaderEpoch) -> Request {
        let epoch = self.epoch(near);
        let (key, endpoints) = (self.key(), self.endpoints());
        let wait = Duration::from_millis(self.0.below(600) as u64);
        let versions = KRaftVersionRange { min: self.number() as i16, max: self.number() as i16 };
        match self.0.below(9) {
            0 => Request::Vote(VoteRequest {
                voter: self.key(),
                epoch,
                candidate: key,
                log_end: self.place(near),
                pre_vote: self.0.below(2) == 0,
            }),
            1 => Request::BeginQuorumEpoch(BeginQuorumEpochRequest {
                voter: key,
                leader: self.node(),
                epoch,
                endpoints,
            }),
            2 => Request::EndQuorumEpoch(EndQuorumEpochRequest {
                leader: self.node(),
                epoch,
                preferred: (0..self.0.below(4)).map(|_| self.key()).collect(),
                endpoints,
            }),
            3 | 4 => Request::Fetch(FetchRequest {
                replica: key,
                current_epoch: epoch,
                fetch_offset: self.offset(),
                last_fetched_epoch: self.epoch(near),
                high_watermark: self.offset(),
                max_wait: wait,
                max_bytes: u32::MAX,
            }),
            5 => Request::FetchSnapshot(FetchSnapshotRequest {
                replica: key,
                current_epoch: epoch,
                snapshot: self.place(near),
                position: u64::MAX,
                max_bytes: 0,
            }),
            6 => Request::AddVoter(AddVoterRequest {
                timeout: wait,
                voter: key,
                endpoints,
                ack_when_committed: self.0.below(2) == 0,
            }),
            7 => Request::RemoveVoter(RemoveVoterRequest { voter: key }),
            _ => Request::UpdateVoter(UpdateVoterRequest {
                current_epoch: epoch,
                voter: key,
                endpoints,
                versions,
            }),
        }
    }

    fn batch(&mut self, near: LeaderEpoch, end: Offset) -> FetchedBatch {
        let base_offset = if self.0.below(4) > 0 { end } else { self.offset() };
        let last_offset = if self.0.below(4) > 0 { base_offset } else { self.offset() };
        let voters =
            VoterSet::of_static("CONTROLLER", [(NodeId(1), "a".into(), 1), (NodeId(2), "b".into(), 2)]);
        let control =
            if self.0.below(4) == 0 { vec![(base_offset, ControlRecord::Voters(voters))] } else { vec![] };
        FetchedBatch { base_offset, last_offset, epoch: self.epoch(near), control, bytes: Bytes::new() }
    }

    fn response(&mut self, near: LeaderEpoch, end: Offset, asked: &Request) -> Response {
        let (error, hint) = (self.error(), self.hint(near));
        match (asked, self.0.below(10)) {
            (_, 0) => Response::Ack(Ack { error, message: None }),
            (Request::Vote(_), _) => {
                Response::Vote(VoteResponse { error, hint, granted: self.0.below(2) == 0 })
            }
            (Request::BeginQuorumEpoch(_), _) => Response::BeginQuorumEpoch(EpochResponse { error, hint }),
            (Request::EndQuorumEpoch(_), _) => Response::EndQuorumEpoch(EpochResponse { error, hint }),
            (Request::UpdateVoter(_), _) => Response::UpdateVoter(EpochResponse { error, hint }),
            (Request::Fetch(_), _) => Response::Fetch(FetchResponse {
                error,
                hint,
                high_watermark: self.offset(),
                log_start: self.offset(),
                diverging: (self.0.below(6) == 0).then(|| self.place(near)),
                snapshot: (self.0.below(12) == 0).then(|| self.place(near)),
                records: Records::Batches((0..self.0.below(3)).map(|_| self.batch(near, end)).collect()),
            }),
            (Request::FetchSnapshot(asked), _) => Response::FetchSnapshot(FetchSnapshotResponse {
                error,
                hint,
                snapshot: asked.snapshot,
                size: self.0.below(8) as u64,
                position: asked.position,
                max_bytes: 0,
                bytes: Bytes::from_static(b"piece").slice(..self.0.below(5)),
            }),
            (Request::ApiVersions, _) => Response::ApiVersions(ApiVersionsResponse { error, versions: None }),
            (Request::AddVoter(_) | Request::RemoveVoter(_), _) => {
                Response::Ack(Ack { error, message: None })
            }
        }
    }
}

fn node(seed: u64) -> (Raft, Vec<Action>) {
    let directory = DirectoryId(uuid::Uuid::from_u128(1));
    let mut options =
        Options::new(NodeId(1), directory, "cluster", Endpoints::one("CONTROLLER", "localhost", 9093));
    options.seed = seed;
    options.auto_join = true;
    let voter = |id: i32| Voter {
        key: ReplicaKey::new(NodeId(id), DirectoryId(uuid::Uuid::from_u128(id as u128))),
        endpoints: Endpoints::one("CONTROLLER", format!("n{id}"), 9093),
        versions: KRaftVersionRange { min: 0, max: 1 },
    };
    let log = LogState {
        snapshot: Some(SnapshotId::default()),
        kraft_versions: vec![(Offset(-1), 1)],
        voter_sets: vec![(Offset(-1), VoterSet::new((1..=1 + (seed % 3) as i32).map(voter)))],
        ..LogState::default()
    };
    Raft::start(Duration::ZERO, options, Boot { quorum_state: None, log })
}

fn torment(seed: u64) -> BTreeSet<&'static str> {
    let (mut raft, first) = node(seed);
    let mut forger = Forger(Rng::new(seed));
    let mut now = Duration::ZERO;
    let mut unanswered = BTreeSet::new();
    let mut sent: Vec<(RequestId, Request)> = Vec::new();
    let mut roles = BTreeSet::new();
    let mut installing = None;
    let mut actions = first;
    for step in 0..400 {
        let (epoch, mark) = (raft.epoch(), raft.high_watermark());
        for action in actions {
            match action {
                Action::Send { id, request, .. } => sent.push((id, request)),
                Action::Respond { token, .. } => assert!(unanswered.remove(&token), "answered twice"),
                Action::InstallSnapshot { id } => installing = Some(id),
                _ => {}
            }
        }
        now += Duration::from_millis([0, 1, 30, 700][forger.0.below(4)]);
        let end = raft.log_end();
        let event = match forger.0.below(8) {
            0 => Event::Tick,
            1 => Event::Durable { end: raft.log_end() },
            2 | 3 => {
                let token = Token(step);
                unanswered.insert(token);
                Event::Request { token, cluster_id: None, request: forger.request(epoch) }
            }
            _ if installing.is_some() => {
                let id = installing.take().expect("just seen");
                Event::SnapshotRejected { id }
            }
            _ if sent.is_empty() => Event::Tick,
            choice => {
                let (id, request) = sent.swap_remove(forger.0.below(sent.len()));
                if choice == 4 {
                    Event::SendFailed { id, gone: true }
                } else {
                    Event::Response { id, response: forger.response(epoch, end, &request) }
                }
            }
        };
        actions = raft.step(now, event);
        assert!(raft.epoch() >= epoch, "the epoch went back");
        assert!(raft.high_watermark() >= mark, "the high watermark went back");
        roles.insert(match raft.role() {
            Role::Unattached => "unattached",
            Role::Prospective => "prospective",
            Role::Candidate => "candidate",
            Role::Leader => "leader",
            Role::Follower => "follower",
            Role::Resigned => "resigned",
        });
    }
    roles
}

#[test]
fn no_message_makes_a_node_panic_or_go_back() {
    let mut roles = BTreeSet::new();
    for seed in 0..300 {
        roles.append(&mut torment(seed));
    }
    assert_eq!(roles.len(), 6, "every role is tormented: {roles:?}");
}
