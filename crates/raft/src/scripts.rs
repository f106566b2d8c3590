//! Scripts: events in, the transcript of actions out. The shortest description of what the machine does.
//!
//! Timers are left out of the transcripts where they say nothing about the matter.

mod asking_again;
mod describing;
mod gone;

use std::time::Duration;

use bytes::Bytes;
use chronik_types::{ErrorCode, LeaderEpoch, NodeId, Offset};
use expect_test::{Expect, expect};

use crate::*;

fn ms(at: u64) -> Duration {
    Duration::from_millis(at)
}

fn directory(id: i32) -> DirectoryId {
    DirectoryId(uuid::Uuid::from_u128(id as u128))
}

fn endpoints(id: i32) -> Endpoints {
    Endpoints::one("CONTROLLER", format!("n{id}"), 9093)
}

fn key(id: i32) -> ReplicaKey {
    ReplicaKey::new(NodeId(id), directory(id))
}

fn options(id: i32) -> Options {
    let mut options = Options::new(NodeId(id), directory(id), "cluster", endpoints(id));
    options.seed = 1;
    options
}

fn voters(ids: &[i32]) -> VoterSet {
    VoterSet::new(ids.iter().map(|id| Voter {
        key: key(*id),
        endpoints: endpoints(*id),
        versions: KRaftVersionRange { min: 0, max: 1 },
    }))
}

/// What `kafka-storage format --standalone` (or `--initial-controllers`) leaves: a bootstrap snapshot.
fn formatted(ids: &[i32]) -> LogState {
    LogState {
        snapshot: Some(SnapshotId::default()),
        kraft_versions: vec![(Offset(-1), 1)],
        voter_sets: vec![(Offset(-1), voters(ids))],
        ..LogState::default()
    }
}

fn boot(ids: &[i32]) -> Boot {
    Boot { quorum_state: None, log: formatted(ids) }
}

/// One line per action, timers aside, and the parts that every line would repeat.
fn transcript(actions: &[Action]) -> String {
    let shown =
        actions.iter().filter(|action| !matches!(action, Action::SetTimer { .. } | Action::ClearTimer));
    let lines: String = shown
        .map(|action| match action {
            Action::Persist { state, .. } => format!("Persist {state:?}\n"),
            Action::Send { to, request, .. } => format!("Send to {to:?}: {request:?}\n"),
            action => format!("{action:?}\n"),
        })
        .collect();
    (1..=4).fold(lines, |lines, id| lines.replace(&format!("{:?}", key(id)), &format!("{id}@dir{id}")))
}

fn check(actions: &[Action], expected: Expect) {
    expected.assert_eq(&transcript(actions));
}

fn request(raft: &mut Raft, now: u64, token: u64, request: Request) -> Vec<Action> {
    raft.step(ms(now), Event::Request { token: Token(token), cluster_id: Some("cluster".into()), request })
}

/// Answers the last request to that node.
fn answer(raft: &mut Raft, now: u64, sent: &[Action], from: i32, response: Response) -> Vec<Action> {
    let id = sent.iter().rev().find_map(|action| match action {
        Action::Send { id, to, .. } if to.id == NodeId(from) => Some(*id),
        _ => None,
    });
    raft.step(ms(now), Event::Response { id: id.expect("a request to that node"), response })
}

fn hint(epoch: i32, leader: Option<i32>) -> LeaderHint {
    LeaderHint {
        epoch: LeaderEpoch(epoch),
        leader: leader.map(NodeId),
        endpoints: leader.map_or(Endpoints::EMPTY, endpoints),
    }
}

fn granted(epoch: i32) -> Response {
    Response::Vote(VoteResponse { error: ErrorCode::None, hint: hint(epoch, None), granted: true })
}

fn fetch(id: i32, epoch: i32, offset: i64, last: i32) -> Request {
    Request::Fetch(FetchRequest {
        replica: key(id),
        current_epoch: LeaderEpoch(epoch),
        fetch_offset: Offset(offset),
        last_fetched_epoch: LeaderEpoch(last),
        high_watermark: Offset(i64::MAX),
        max_wait: ms(500),
        max_bytes: 1 << 20,
    })
}

fn fetched(epoch: i32, leader: i32, mark: i64, records: Records) -> FetchResponse {
    FetchResponse {
        error: ErrorCode::None,
        hint: hint(epoch, Some(leader)),
        high_watermark: Offset(mark),
        log_start: Offset(0),
        diverging: None,
        snapshot: None,
        records,
    }
}

fn batch(base: i64, last: i64, epoch: i32) -> FetchedBatch {
    FetchedBatch {
        base_offset: Offset(base),
        last_offset: Offset(last),
        epoch: LeaderEpoch(epoch),
        control: Vec::new(),
        bytes: Bytes::from_static(b"batch"),
    }
}

fn vote(from: i32, to: i32, epoch: i32, end: (i64, i32), pre_vote: bool) -> Request {
    Request::Vote(VoteRequest {
        voter: key(to),
        epoch: LeaderEpoch(epoch),
        candidate: key(from),
        log_end: OffsetAndEpoch { offset: Offset(end.0), epoch: LeaderEpoch(end.1) },
        pre_vote,
    })
}

/// Node 1 of three voters, elected in epoch 1 with the vote of node 2 and durable up to offset 3.
fn elected() -> Raft {
    let (mut raft, _) = Raft::start(ms(0), options(1), boot(&[1, 2, 3]));
    let sent = raft.step(ms(2000), Event::Tick);
    let sent = answer(&mut raft, 2001, &sent, 2, granted(0));
    answer(&mut raft, 2002, &sent, 2, granted(1));
    assert_eq!(raft.role(), Role::Leader);
    raft.step(ms(2003), Event::Durable { end: Offset(3) });
    raft
}

/// Node 1 of three voters, following node 2 in epoch 1 with two batches, of which the first is committed.
fn following() -> (Raft, Vec<Action>) {
    let (mut raft, _) = Raft::start(ms(0), options(1), boot(&[1, 2, 3]));
    let begin = BeginQuorumEpochRequest {
        voter: key(1),
        leader: NodeId(2),
        epoch: LeaderEpoch(1),
        endpoints: endpoints(2),
    };
    let sent = request(&mut raft, 1, 1, Request::BeginQuorumEpoch(begin));
    let records = Records::Batches(vec![batch(0, 2, 1), batch(3, 5, 1)]);
    answer(&mut raft, 2, &sent, 2, Response::Fetch(fetched(1, 2, 3, records)));
    let sent = raft.step(ms(3), Event::Durable { end: Offset(6) });
    assert_eq!(raft.high_watermark(), Some(Offset(3)));
    (raft, sent)
}

#[test]
fn a_single_voter_leads_at_once_and_commits_what_is_durable() {
    let (mut raft, actions) = Raft::start(ms(0), options(1), boot(&[1]));
    check(
        &actions,
        expect![[r#"
        Persist QuorumState { epoch: 1, leader: Some(1), voted: None }
        BecameCandidate { epoch: 1 }
        BecameLeader { epoch: 1, start_offset: 0 }
        Append(Control { base_offset: 0, epoch: 1, records: [LeaderChange(LeaderChange { leader: 1, voters: [1@dir1], granting: [1@dir1] }), KRaftVersion(1), Voters({1@dir1})] })
    "#]],
    );
    assert!(!actions.iter().any(|action| matches!(action, Action::SetTimer { .. })), "no timer is needed");
    check(
        &raft.step(ms(1), Event::Durable { end: Offset(3) }),
        expect![[r#"
        Committed { high_watermark: 3 }
    "#]],
    );
    let proposal = Proposal { record_count: 2, batch: Bytes::from_static(b"batch") };
    let proposed = raft.propose(ms(2), LeaderEpoch(1), proposal.clone()).unwrap();
    assert_eq!(proposed.base_offset, Offset(3));
    check(
        &proposed.actions,
        expect![[r#"
        Append(Proposed { base_offset: 3, epoch: 1, batch: b"batch" })
    "#]],
    );
    check(
        &raft.step(ms(3), Event::Durable { end: Offset(5) }),
        expect![[r#"
        Committed { high_watermark: 5 }
    "#]],
    );
    assert!(raft.propose(ms(4), LeaderEpoch(0), proposal).is_err(), "another epoch's proposal");
}

#[test]
fn a_single_voter_comes_back_in_the_next_epoch() {
    let mut found = boot(&[1]);
    found.quorum_state = Some(QuorumState { epoch: LeaderEpoch(4), leader: Some(NodeId(1)), voted: None });
    found.log.end = Offset(9);
    found.log.epochs = vec![EpochStart { epoch: LeaderEpoch(4), start_offset: Offset(0) }];
    found.log.voter_sets.push((Offset(2), voters(&[1])));
    check(
        &Raft::start(ms(0), options(1), found).1,
        expect![[r#"
        Persist QuorumState { epoch: 5, leader: Some(1), voted: None }
        BecameCandidate { epoch: 5 }
        BecameLeader { epoch: 5, start_offset: 9 }
        Append(Control { base_offset: 9, epoch: 5, records: [LeaderChange(LeaderChange { leader: 1, voters: [1@dir1], granting: [1@dir1] })] })
    "#]],
    );
}

#[test]
fn a_static_voter_needs_no_bootstrap_snapshot() {
    let mut options = options(1);
    options.static_voters = VoterSet::of_static("CONTROLLER", [(NodeId(1), "n1".into(), 9093)]);
    check(
        &Raft::start(ms(0), options, Boot::default()).1,
        expect![[r#"
        Persist QuorumState { epoch: 1, leader: Some(1), voted: None }
        BecameCandidate { epoch: 1 }
        BecameLeader { epoch: 1, start_offset: 0 }
        Append(Control { base_offset: 0, epoch: 1, records: [LeaderChange(LeaderChange { leader: 1, voters: [1], granting: [1] })] })
    "#]],
    );
}

#[test]
fn an_election_sounds_out_first_and_persists_before_it_asks() {
    let (mut raft, actions) = Raft::start(ms(0), options(1), boot(&[1, 2, 3]));
    check(
        &actions,
        expect![[r#"
        Send to 3@n3:9093: Fetch(FetchRequest { replica: 1@dir1, current_epoch: 0, fetch_offset: 0, last_fetched_epoch: 0, high_watermark: -1, max_wait: 500ms, max_bytes: 1048576 })
    "#]],
    );
    let sent = raft.step(ms(2000), Event::Tick);
    check(
        &sent,
        expect![[r#"
        BecameProspective { epoch: 0 }
        Send to 2@n2:9093: Vote(VoteRequest { voter: 2@dir2, epoch: 0, candidate: 1@dir1, log_end: 0/e0, pre_vote: true })
        Send to 3@n3:9093: Vote(VoteRequest { voter: 3@dir3, epoch: 0, candidate: 1@dir1, log_end: 0/e0, pre_vote: true })
    "#]],
    );
    let sent = answer(&mut raft, 2001, &sent, 2, granted(0));
    check(
        &sent,
        expect![[r#"
        Persist QuorumState { epoch: 1, leader: None, voted: Some(1@dir1) }
        BecameCandidate { epoch: 1 }
        Send to 2@n2:9093: Vote(VoteRequest { voter: 2@dir2, epoch: 1, candidate: 1@dir1, log_end: 0/e0, pre_vote: false })
        Send to 3@n3:9093: Vote(VoteRequest { voter: 3@dir3, epoch: 1, candidate: 1@dir1, log_end: 0/e0, pre_vote: false })
    "#]],
    );
    check(
        &answer(&mut raft, 2002, &sent, 3, granted(1)),
        expect![[r#"
        Persist QuorumState { epoch: 1, leader: Some(1), voted: None }
        BecameLeader { epoch: 1, start_offset: 0 }
        Append(Control { base_offset: 0, epoch: 1, records: [LeaderChange(LeaderChange { leader: 1, voters: [1@dir1, 2@dir2, 3@dir3], granting: [1@dir1, 3@dir3] }), KRaftVersion(1), Voters({1@dir1, 2@dir2, 3@dir3})] })
        Send to 2@n2:9093: BeginQuorumEpoch(BeginQuorumEpochRequest { voter: 2@dir2, leader: 1, epoch: 1, endpoints: CONTROLLER://n1:9093 })
        Send to 3@n3:9093: BeginQuorumEpoch(BeginQuorumEpochRequest { voter: 3@dir3, leader: 1, epoch: 1, endpoints: CONTROLLER://n1:9093 })
    "#]],
    );
}

#[test]
fn a_voter_that_hears_its_leader_grants_no_pre_vote() {
    let (mut raft, _) = following();
    check(
        &request(&mut raft, 10, 9, vote(3, 1, 1, (6, 1), true)),
        expect![[r#"
        Respond { token: Token(9), response: Vote(VoteResponse { error: NONE, hint: LeaderHint { epoch: 1, leader: Some(2), endpoints: CONTROLLER://n2:9093 }, granted: false }) }
    "#]],
    );
}

#[test]
fn one_vote_per_epoch_is_given_and_kept() {
    let (mut raft, _) = following();
    check(
        &request(&mut raft, 10, 7, vote(3, 1, 2, (6, 1), false)),
        expect![[r#"
        Persist QuorumState { epoch: 2, leader: None, voted: Some(3@dir3) }
        BecameUnattached { epoch: 2 }
        Respond { token: Token(7), response: Vote(VoteResponse { error: NONE, hint: LeaderHint { epoch: 2, leader: None, endpoints:  }, granted: true }) }
        Send to 3@n3:9093: Fetch(FetchRequest { replica: 1@dir1, current_epoch: 2, fetch_offset: 6, last_fetched_epoch: 1, high_watermark: 3, max_wait: 500ms, max_bytes: 1048576 })
    "#]],
    );
    check(
        &request(&mut raft, 11, 8, vote(2, 1, 2, (9, 1), false)),
        expect![[r#"
        Respond { token: Token(8), response: Vote(VoteResponse { error: NONE, hint: LeaderHint { epoch: 2, leader: None, endpoints:  }, granted: false }) }
    "#]],
    );
    check(
        &request(&mut raft, 12, 9, vote(3, 1, 2, (6, 1), false)),
        expect![[r#"
        Respond { token: Token(9), response: Vote(VoteResponse { error: NONE, hint: LeaderHint { epoch: 2, leader: None, endpoints:  }, granted: true }) }
    "#]],
    );
}

#[test]
fn a_candidate_with_less_log_gets_no_vote_but_its_epoch_counts() {
    let (mut raft, _) = following();
    check(
        &request(&mut raft, 10, 7, vote(3, 1, 2, (5, 1), false)),
        expect![[r#"
        Persist QuorumState { epoch: 2, leader: None, voted: None }
        BecameUnattached { epoch: 2 }
        Respond { token: Token(7), response: Vote(VoteResponse { error: NONE, hint: LeaderHint { epoch: 2, leader: None, endpoints:  }, granted: false }) }
        Send to 3@n3:9093: Fetch(FetchRequest { replica: 1@dir1, current_epoch: 2, fetch_offset: 6, last_fetched_epoch: 1, high_watermark: 3, max_wait: 500ms, max_bytes: 1048576 })
    "#]],
    );
}

#[test]
fn requests_for_somebody_else_are_refused() {
    let (mut raft, _) = following();
    let cluster_id = Some("another".into());
    let asked = vote(3, 1, 2, (6, 1), false);
    let event = Event::Request { token: Token(7), cluster_id, request: asked };
    check(
        &raft.step(ms(10), event),
        expect![[r#"
        Respond { token: Token(7), response: Vote(VoteResponse { error: INCONSISTENT_CLUSTER_ID, hint: LeaderHint { epoch: 1, leader: Some(2), endpoints: CONTROLLER://n2:9093 }, granted: false }) }
    "#]],
    );
    check(
        &request(&mut raft, 11, 8, vote(3, 2, 1, (6, 1), true)),
        expect![[r#"
        Respond { token: Token(8), response: Vote(VoteResponse { error: INVALID_VOTER_KEY, hint: LeaderHint { epoch: 1, leader: Some(2), endpoints: CONTROLLER://n2:9093 }, granted: false }) }
    "#]],
    );
    check(
        &request(&mut raft, 12, 9, fetch(3, 1, 0, 0)),
        expect![[r#"
        Respond { token: Token(9), response: Fetch(FetchResponse { error: NOT_LEADER_OR_FOLLOWER, hint: LeaderHint { epoch: 1, leader: Some(2), endpoints: CONTROLLER://n2:9093 }, high_watermark: -1, log_start: -1, diverging: None, snapshot: None, records: Empty }) }
    "#]],
    );
    check(
        &request(&mut raft, 13, 10, vote(3, 1, 0, (0, 0), true)),
        expect![[r#"
        Respond { token: Token(10), response: Vote(VoteResponse { error: FENCED_LEADER_EPOCH, hint: LeaderHint { epoch: 1, leader: Some(2), endpoints: CONTROLLER://n2:9093 }, granted: false }) }
    "#]],
    );
}

#[test]
fn a_majority_on_disk_commits_and_wakes_parked_fetches() {
    let mut raft = elected();
    let mut waiting = fetch(3, 1, 3, 1);
    if let Request::Fetch(fetch) = &mut waiting {
        fetch.high_watermark = Offset(-1);
    }
    check(
        &request(&mut raft, 2010, 7, fetch(2, 1, 0, 0)),
        expect![[r#"
        Respond { token: Token(7), response: Fetch(FetchResponse { error: NONE, hint: LeaderHint { epoch: 1, leader: Some(1), endpoints: CONTROLLER://n1:9093 }, high_watermark: -1, log_start: 0, diverging: None, snapshot: None, records: Read { from: 0, to: 3, max_bytes: 1048576 } }) }
    "#]],
    );
    check(
        &request(&mut raft, 2011, 8, waiting),
        expect![[r#"
        Committed { high_watermark: 3 }
        Respond { token: Token(8), response: Fetch(FetchResponse { error: NONE, hint: LeaderHint { epoch: 1, leader: Some(1), endpoints: CONTROLLER://n1:9093 }, high_watermark: 3, log_start: 0, diverging: None, snapshot: None, records: Empty }) }
    "#]],
    );
    let proposal = Proposal { record_count: 1, batch: Bytes::from_static(b"batch") };
    check(
        &raft.propose(ms(2012), LeaderEpoch(1), proposal).unwrap().actions,
        expect![[r#"
        Append(Proposed { base_offset: 3, epoch: 1, batch: b"batch" })
    "#]],
    );
}

#[test]
fn a_fetch_that_does_not_fit_the_log_counts_for_nothing() {
    let mut raft = elected();
    check(
        &request(&mut raft, 2010, 7, fetch(2, 1, 9, 0)),
        expect![[r#"
        Respond { token: Token(7), response: Fetch(FetchResponse { error: NONE, hint: LeaderHint { epoch: 1, leader: Some(1), endpoints: CONTROLLER://n1:9093 }, high_watermark: -1, log_start: 0, diverging: Some(0/e0), snapshot: None, records: Empty }) }
    "#]],
    );
    check(
        &request(&mut raft, 2011, 8, fetch(2, 1, 9, 1)),
        expect![[r#"
        Respond { token: Token(8), response: Fetch(FetchResponse { error: NONE, hint: LeaderHint { epoch: 1, leader: Some(1), endpoints: CONTROLLER://n1:9093 }, high_watermark: -1, log_start: 0, diverging: Some(3/e1), snapshot: None, records: Empty }) }
    "#]],
    );
    assert_eq!(raft.high_watermark(), None);
}

#[test]
fn a_follower_acknowledges_what_is_on_disk() {
    let (mut raft, sent) = following();
    check(
        &sent,
        expect![[r#"
        Committed { high_watermark: 3 }
        Send to 2@n2:9093: Fetch(FetchRequest { replica: 1@dir1, current_epoch: 1, fetch_offset: 6, last_fetched_epoch: 1, high_watermark: 3, max_wait: 500ms, max_bytes: 1048576 })
    "#]],
    );
    let records = Records::Batches(vec![batch(6, 6, 1)]);
    check(
        &answer(&mut raft, 5, &sent, 2, Response::Fetch(fetched(1, 2, 7, records))),
        expect![[r#"
        Append(Fetched([[6..=6 e1 5 bytes]]))
        Committed { high_watermark: 6 }
    "#]],
    );
    check(
        &raft.step(ms(6), Event::Durable { end: Offset(7) }),
        expect![[r#"
        Committed { high_watermark: 7 }
        Send to 2@n2:9093: Fetch(FetchRequest { replica: 1@dir1, current_epoch: 1, fetch_offset: 7, last_fetched_epoch: 1, high_watermark: 7, max_wait: 500ms, max_bytes: 1048576 })
    "#]],
    );
}

#[test]
fn a_follower_cuts_what_diverges_but_nothing_committed() {
    let (mut raft, sent) = following();
    let end = |offset, epoch| Some(OffsetAndEpoch { offset: Offset(offset), epoch: LeaderEpoch(epoch) });
    let mut response = fetched(1, 2, 3, Records::Empty);
    response.diverging = end(3, 1);
    let sent = answer(&mut raft, 5, &sent, 2, Response::Fetch(response.clone()));
    check(
        &sent,
        expect![[r#"
        Truncate { end: 3 }
        Send to 2@n2:9093: Fetch(FetchRequest { replica: 1@dir1, current_epoch: 1, fetch_offset: 3, last_fetched_epoch: 1, high_watermark: 3, max_wait: 500ms, max_bytes: 1048576 })
    "#]],
    );
    response.diverging = end(0, 0);
    check(
        &answer(&mut raft, 6, &sent, 2, Response::Fetch(response)),
        expect![[r#"
        Suspect { peer: Some(2), what: "a Fetch response that does not fit the log" }
        Send to 3@n3:9093: Fetch(FetchRequest { replica: 1@dir1, current_epoch: 1, fetch_offset: 3, last_fetched_epoch: 1, high_watermark: 3, max_wait: 500ms, max_bytes: 1048576 })
    "#]],
    );
}

#[test]
fn a_follower_too_far_behind_takes_a_snapshot() {
    let (mut raft, sent) = following();
    let id = SnapshotId { offset: Offset(50), epoch: LeaderEpoch(1) };
    let mut response = fetched(1, 2, 60, Records::Empty);
    response.snapshot = Some(id);
    let sent = answer(&mut raft, 5, &sent, 2, Response::Fetch(response));
    check(
        &sent,
        expect![[r#"
        Send to 2@n2:9093: FetchSnapshot(FetchSnapshotRequest { replica: 1@dir1, current_epoch: 1, snapshot: 50/e1, position: 0, max_bytes: 1048576 })
    "#]],
    );
    let piece = |position, bytes: &'static [u8]| {
        Response::FetchSnapshot(FetchSnapshotResponse {
            error: ErrorCode::None,
            hint: hint(1, Some(2)),
            snapshot: id,
            size: 7,
            position,
            max_bytes: 0,
            bytes: Bytes::from_static(bytes),
        })
    };
    let sent = answer(&mut raft, 6, &sent, 2, piece(0, b"snap"));
    check(
        &sent,
        expect![[r#"
        WriteSnapshot { id: 50/e1, position: 0, bytes: b"snap" }
        Send to 2@n2:9093: FetchSnapshot(FetchSnapshotRequest { replica: 1@dir1, current_epoch: 1, snapshot: 50/e1, position: 4, max_bytes: 1048576 })
    "#]],
    );
    check(
        &answer(&mut raft, 7, &sent, 2, piece(4, b"sho")),
        expect![[r#"
        WriteSnapshot { id: 50/e1, position: 4, bytes: b"sho" }
        InstallSnapshot { id: 50/e1 }
    "#]],
    );
    let installed = Event::SnapshotInstalled { id, kraft_version: Some(1), voters: Some(voters(&[1, 2])) };
    check(
        &raft.step(ms(8), installed),
        expect![[r#"
        Committed { high_watermark: 50 }
        Send to 2@n2:9093: Fetch(FetchRequest { replica: 1@dir1, current_epoch: 1, fetch_offset: 50, last_fetched_epoch: 1, high_watermark: 50, max_wait: 500ms, max_bytes: 1048576 })
    "#]],
    );
    assert_eq!(raft.voters(), &voters(&[1, 2]));
}

#[test]
fn a_leader_that_nobody_fetches_from_resigns() {
    let mut raft = elected();
    request(&mut raft, 2010, 7, fetch(2, 1, 3, 1));
    check(
        &raft.step(ms(6000), Event::Tick),
        expect![[r#"
        Resigned { epoch: 1, reason: LostQuorum }
        Respond { token: Token(7), response: Fetch(FetchResponse { error: NOT_LEADER_OR_FOLLOWER, hint: LeaderHint { epoch: 1, leader: Some(1), endpoints: CONTROLLER://n1:9093 }, high_watermark: -1, log_start: -1, diverging: None, snapshot: None, records: Empty }) }
        Send to 2@n2:9093: EndQuorumEpoch(EndQuorumEpochRequest { leader: 1, epoch: 1, preferred: [2@dir2, 3@dir3], endpoints: CONTROLLER://n1:9093 })
        Send to 3@n3:9093: EndQuorumEpoch(EndQuorumEpochRequest { leader: 1, epoch: 1, preferred: [2@dir2, 3@dir3], endpoints: CONTROLLER://n1:9093 })
    "#]],
    );
}

#[test]
fn a_leader_that_stops_names_its_successors() {
    let mut raft = elected();
    request(&mut raft, 2010, 7, fetch(3, 1, 3, 1));
    check(
        &raft.step(ms(2020), Event::Shutdown),
        expect![[r#"
        Resigned { epoch: 1, reason: Shutdown }
        Respond { token: Token(7), response: Fetch(FetchResponse { error: NOT_LEADER_OR_FOLLOWER, hint: LeaderHint { epoch: 1, leader: Some(1), endpoints: CONTROLLER://n1:9093 }, high_watermark: -1, log_start: -1, diverging: None, snapshot: None, records: Empty }) }
        Send to 2@n2:9093: EndQuorumEpoch(EndQuorumEpochRequest { leader: 1, epoch: 1, preferred: [3@dir3, 2@dir2], endpoints: CONTROLLER://n1:9093 })
        Send to 3@n3:9093: EndQuorumEpoch(EndQuorumEpochRequest { leader: 1, epoch: 1, preferred: [3@dir3, 2@dir2], endpoints: CONTROLLER://n1:9093 })
    "#]],
    );
}

#[test]
fn a_preferred_successor_stands_at_once() {
    let (mut raft, _) = following();
    let end = EndQuorumEpochRequest {
        leader: NodeId(2),
        epoch: LeaderEpoch(1),
        preferred: vec![key(1), key(3)],
        endpoints: endpoints(2),
    };
    check(
        &request(&mut raft, 10, 9, Request::EndQuorumEpoch(end)),
        expect![[r#"
        Respond { token: Token(9), response: EndQuorumEpoch(EpochResponse { error: NONE, hint: LeaderHint { epoch: 1, leader: Some(2), endpoints: CONTROLLER://n2:9093 } }) }
        BecameProspective { epoch: 1 }
        Send to 2@n2:9093: Vote(VoteRequest { voter: 2@dir2, epoch: 1, candidate: 1@dir1, log_end: 6/e1, pre_vote: true })
        Send to 3@n3:9093: Vote(VoteRequest { voter: 3@dir3, epoch: 1, candidate: 1@dir1, log_end: 6/e1, pre_vote: true })
    "#]],
    );
}

#[test]
fn a_voter_is_added_when_it_has_caught_up() {
    let mut raft = elected();
    request(&mut raft, 2010, 7, fetch(2, 1, 3, 1));
    request(&mut raft, 2011, 8, fetch(4, 1, 3, 1));
    let add = Request::AddVoter(AddVoterRequest {
        timeout: ms(1000),
        voter: key(4),
        endpoints: endpoints(4),
        ack_when_committed: true,
    });
    let sent = request(&mut raft, 2012, 9, add.clone());
    check(
        &sent,
        expect![[r#"
        Send to 4@n4:9093: ApiVersions
    "#]],
    );
    check(
        &request(&mut raft, 2013, 10, add),
        expect![[r#"
        Respond { token: Token(10), response: Ack(Ack { error: REQUEST_TIMED_OUT, message: Some("the leader is still busy with another voter change") }) }
    "#]],
    );
    let versions = Some(KRaftVersionRange { min: 0, max: 1 });
    let response = Response::ApiVersions(ApiVersionsResponse { error: ErrorCode::None, versions });
    check(
        &answer(&mut raft, 2014, &sent, 4, response),
        expect![[r#"
        Append(Control { base_offset: 3, epoch: 1, records: [Voters({1@dir1, 2@dir2, 3@dir3, 4@dir4})] })
        Respond { token: Token(7), response: Fetch(FetchResponse { error: NONE, hint: LeaderHint { epoch: 1, leader: Some(1), endpoints: CONTROLLER://n1:9093 }, high_watermark: 3, log_start: 0, diverging: None, snapshot: None, records: Read { from: 3, to: 4, max_bytes: 1048576 } }) }
        Respond { token: Token(8), response: Fetch(FetchResponse { error: NONE, hint: LeaderHint { epoch: 1, leader: Some(1), endpoints: CONTROLLER://n1:9093 }, high_watermark: 3, log_start: 0, diverging: None, snapshot: None, records: Read { from: 3, to: 4, max_bytes: 1048576 } }) }
    "#]],
    );
    raft.step(ms(2015), Event::Durable { end: Offset(4) });
    request(&mut raft, 2016, 11, fetch(2, 1, 4, 1));
    check(
        &request(&mut raft, 2017, 12, fetch(4, 1, 4, 1)),
        expect![[r#"
        Committed { high_watermark: 4 }
        Respond { token: Token(9), response: Ack(Ack { error: NONE, message: None }) }
    "#]],
    );
}

#[test]
fn a_leader_that_was_alone_for_long_gives_its_first_companion_time_to_be_heard() {
    let (mut raft, _) = Raft::start(ms(0), options(1), boot(&[1]));
    raft.step(ms(1), Event::Durable { end: Offset(3) });
    let long_after = 60_000;
    request(&mut raft, long_after, 7, fetch(2, 1, 3, 1));
    let add = Request::AddVoter(AddVoterRequest {
        timeout: ms(1000),
        voter: key(2),
        endpoints: endpoints(2),
        ack_when_committed: true,
    });
    let sent = request(&mut raft, long_after + 1, 8, add);
    let versions = Some(KRaftVersionRange { min: 0, max: 1 });
    let response = Response::ApiVersions(ApiVersionsResponse { error: ErrorCode::None, versions });
    answer(&mut raft, long_after + 2, &sent, 2, response);
    assert_eq!(raft.role(), Role::Leader);
    raft.step(ms(long_after + 3), Event::Durable { end: Offset(4) });
    check(
        &request(&mut raft, long_after + 4, 9, fetch(2, 1, 4, 1)),
        expect![[r#"
        Committed { high_watermark: 4 }
        Respond { token: Token(8), response: Ack(Ack { error: NONE, message: None }) }
    "#]],
    );
}

#[test]
fn a_leader_that_removed_itself_leaves_when_that_is_committed() {
    let mut raft = elected();
    request(&mut raft, 2010, 7, fetch(2, 1, 3, 1));
    let remove = Request::RemoveVoter(RemoveVoterRequest { voter: key(1) });
    check(
        &request(&mut raft, 2011, 8, remove),
        expect![[r#"
        Append(Control { base_offset: 3, epoch: 1, records: [Voters({2@dir2, 3@dir3})] })
        Respond { token: Token(7), response: Fetch(FetchResponse { error: NONE, hint: LeaderHint { epoch: 1, leader: Some(1), endpoints: CONTROLLER://n1:9093 }, high_watermark: 3, log_start: 0, diverging: None, snapshot: None, records: Read { from: 3, to: 4, max_bytes: 1048576 } }) }
    "#]],
    );
    raft.step(ms(2012), Event::Durable { end: Offset(4) });
    request(&mut raft, 2013, 9, fetch(2, 1, 4, 1));
    check(
        &request(&mut raft, 2014, 10, fetch(3, 1, 4, 1)),
        expect![[r#"
        Committed { high_watermark: 4 }
        Respond { token: Token(8), response: Ack(Ack { error: NONE, message: None }) }
        Resigned { epoch: 1, reason: Removed }
        Respond { token: Token(9), response: Fetch(FetchResponse { error: NOT_LEADER_OR_FOLLOWER, hint: LeaderHint { epoch: 1, leader: Some(1), endpoints: CONTROLLER://n1:9093 }, high_watermark: -1, log_start: -1, diverging: None, snapshot: None, records: Empty }) }
        Respond { token: Token(10), response: Fetch(FetchResponse { error: NOT_LEADER_OR_FOLLOWER, hint: LeaderHint { epoch: 1, leader: Some(1), endpoints: CONTROLLER://n1:9093 }, high_watermark: -1, log_start: -1, diverging: None, snapshot: None, records: Empty }) }
        Send to 2@n2:9093: EndQuorumEpoch(EndQuorumEpochRequest { leader: 1, epoch: 1, preferred: [2@dir2, 3@dir3], endpoints: CONTROLLER://n1:9093 })
        Send to 3@n3:9093: EndQuorumEpoch(EndQuorumEpochRequest { leader: 1, epoch: 1, preferred: [2@dir2, 3@dir3], endpoints: CONTROLLER://n1:9093 })
    "#]],
    );
}

#[test]
fn an_observer_that_may_vote_asks_to_be_let_in() {
    let mut options = options(4);
    options.auto_join = true;
    let (mut raft, _) = Raft::start(ms(0), options, boot(&[1, 2, 3]));
    let begin = BeginQuorumEpochRequest {
        voter: key(4),
        leader: NodeId(2),
        epoch: LeaderEpoch(1),
        endpoints: endpoints(2),
    };
    let sent = request(&mut raft, 1, 1, Request::BeginQuorumEpoch(begin));
    answer(&mut raft, 2, &sent, 2, Response::Fetch(fetched(1, 2, 0, Records::Empty)));
    raft.step(ms(1000), Event::SendFailed { id: RequestId(3), gone: false });
    check(
        &raft.step(ms(5000), Event::Tick),
        expect![[r#"
        Send to 2@n2:9093: AddVoter(AddVoterRequest { timeout: 2s, voter: 4@dir4, endpoints: CONTROLLER://n4:9093, ack_when_committed: false })
    "#]],
    );
}

#[test]
fn a_voter_that_moved_tells_its_leader() {
    let mut options = options(1);
    options.endpoints = Endpoints::one("CONTROLLER", "elsewhere", 9093);
    let (mut raft, _) = Raft::start(ms(0), options, boot(&[1, 2, 3]));
    let begin = BeginQuorumEpochRequest {
        voter: key(1),
        leader: NodeId(2),
        epoch: LeaderEpoch(1),
        endpoints: endpoints(2),
    };
    let sent = request(&mut raft, 1, 1, Request::BeginQuorumEpoch(begin));
    let sent = answer(&mut raft, 1500, &sent, 2, Response::Fetch(fetched(1, 2, 0, Records::Empty)));
    check(
        &answer(&mut raft, 2100, &sent, 2, Response::Fetch(fetched(1, 2, 0, Records::Empty))),
        expect![[r#"
            Send to 2@n2:9093: UpdateVoter(UpdateVoterRequest { current_epoch: 1, voter: 1@dir1, endpoints: CONTROLLER://elsewhere:9093, versions: KRaftVersionRange { min: 0, max: 1 } })
        "#]],
    );
}

#[test]
fn a_leader_takes_a_new_address_into_the_log() {
    let mut raft = elected();
    request(&mut raft, 2010, 7, fetch(2, 1, 3, 1));
    let update = UpdateVoterRequest {
        current_epoch: LeaderEpoch(1),
        voter: key(2),
        endpoints: Endpoints::one("CONTROLLER", "elsewhere", 9093),
        versions: KRaftVersionRange { min: 0, max: 1 },
    };
    check(
        &request(&mut raft, 2011, 8, Request::UpdateVoter(update)),
        expect![[r#"
        Append(Control { base_offset: 3, epoch: 1, records: [Voters({1@dir1, 2@dir2, 3@dir3})] })
        Respond { token: Token(7), response: Fetch(FetchResponse { error: NONE, hint: LeaderHint { epoch: 1, leader: Some(1), endpoints: CONTROLLER://n1:9093 }, high_watermark: 3, log_start: 0, diverging: None, snapshot: None, records: Read { from: 3, to: 4, max_bytes: 1048576 } }) }
        Respond { token: Token(8), response: UpdateVoter(EpochResponse { error: NONE, hint: LeaderHint { epoch: 1, leader: Some(1), endpoints: CONTROLLER://n1:9093 } }) }
    "#]],
    );
    assert_eq!(raft.voters().get(NodeId(2)).unwrap().endpoints.0[0].host, "elsewhere".into());
}

#[test]
fn static_voters_go_into_the_log_once_all_have_said_who_they_are() {
    let mut options = options(1);
    let nodes = [1, 2].map(|id| (NodeId(id), format!("n{id}"), 9093));
    options.static_voters = VoterSet::of_static("CONTROLLER", nodes);
    let (mut raft, _) = Raft::start(ms(0), options, Boot::default());
    let sent = raft.step(ms(2000), Event::Tick);
    let sent = answer(&mut raft, 2001, &sent, 2, granted(0));
    answer(&mut raft, 2002, &sent, 2, granted(1));
    raft.step(ms(2003), Event::Durable { end: Offset(1) });
    request(&mut raft, 2004, 7, fetch(2, 1, 1, 1));
    let upgrade = |token| Event::UpgradeKRaftVersion { token: Token(token), version: 1 };
    check(
        &raft.step(ms(2005), upgrade(8)),
        expect![[r#"
        Respond { token: Token(8), response: Ack(Ack { error: INVALID_UPDATE_VERSION, message: Some("voter 2 is not known to support kraft.version 1") }) }
    "#]],
    );
    let update = UpdateVoterRequest {
        current_epoch: LeaderEpoch(1),
        voter: key(2),
        endpoints: endpoints(2),
        versions: KRaftVersionRange { min: 0, max: 1 },
    };
    request(&mut raft, 2006, 9, Request::UpdateVoter(update));
    check(
        &raft.step(ms(2007), upgrade(10)),
        expect![[r#"
        Append(Control { base_offset: 1, epoch: 1, records: [KRaftVersion(1), Voters({1@dir1, 2@dir2})] })
        Respond { token: Token(7), response: Fetch(FetchResponse { error: NONE, hint: LeaderHint { epoch: 1, leader: Some(1), endpoints: CONTROLLER://n1:9093 }, high_watermark: 1, log_start: 0, diverging: None, snapshot: None, records: Read { from: 1, to: 3, max_bytes: 1048576 } }) }
    "#]],
    );
    raft.step(ms(2008), Event::Durable { end: Offset(3) });
    check(
        &request(&mut raft, 2009, 11, fetch(2, 1, 3, 1)),
        expect![[r#"
        Committed { high_watermark: 3 }
        Respond { token: Token(10), response: Ack(Ack { error: NONE, message: None }) }
    "#]],
    );
}
