//! Scripts: events in, the transcript of actions out. The shortest description of what the machine does.

use std::time::Duration;

use chronik_types::{LeaderEpoch, NodeId, Offset};
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

fn options(id: i32) -> Options {
    let mut options = Options::new(NodeId(id), directory(id), "cluster", endpoints(id));
    options.seed = 1;
    options
}

fn voters(ids: &[i32]) -> VoterSet {
    VoterSet::new(ids.iter().map(|id| Voter {
        key: ReplicaKey::new(NodeId(*id), directory(*id)),
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

fn transcript(actions: &[Action]) -> String {
    actions.iter().map(|action| format!("{action:?}\n")).collect()
}

fn check(actions: &[Action], expected: Expect) {
    expected.assert_eq(&transcript(actions));
}

#[test]
fn a_single_voter_leads_at_once_and_commits_what_is_durable() {
    let (mut raft, actions) = Raft::start(ms(0), options(1), boot(&[1]));
    check(
        &actions,
        expect![[r#"
        Persist { state: QuorumState { epoch: 1, leader: Some(1), voted: None }, content: "{\"leaderId\":1,\"leaderEpoch\":1,\"votedId\":-1,\"votedDirectoryId\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"data_version\":1}" }
        BecameCandidate { epoch: 1 }
        BecameLeader { epoch: 1, start_offset: 0 }
        Append(Control { base_offset: 0, epoch: 1, records: [LeaderChange(LeaderChange { leader: 1, voters: [1@AAAAAAAAAAAAAAAAAAAAAQ], granting: [1@AAAAAAAAAAAAAAAAAAAAAQ] }), KRaftVersion(1), Voters({1@AAAAAAAAAAAAAAAAAAAAAQ})] })
    "#]],
    );
    check(
        &raft.step(ms(1), Event::Durable { end: Offset(3) }),
        expect![[r#"
        Committed { high_watermark: 3 }
    "#]],
    );
    let proposal = Proposal { record_count: 2, batch: bytes::Bytes::from_static(b"batch") };
    let proposed = raft.propose(ms(2), LeaderEpoch(1), proposal).unwrap();
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
}
