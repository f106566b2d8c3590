//! A leader whose process is gone is replaced sooner than one that is silent.

use super::*;

#[test]
fn a_leader_whose_process_is_gone_is_replaced_sooner() {
    let (mut raft, sent) = following();
    let Some(Action::Send { id, .. }) = sent.iter().rfind(|action| matches!(action, Action::Send { .. }))
    else {
        panic!("nothing sent");
    };
    raft.step(ms(5), Event::SendFailed { id: *id, gone: true });
    check(
        &raft.step(ms(205), Event::Tick),
        expect![[r#"
        BecameProspective { epoch: 1 }
        Send to 2@n2:9093: Vote(VoteRequest { voter: 2@dir2, epoch: 1, candidate: 1@dir1, log_end: 6/e1, pre_vote: true })
        Send to 3@n3:9093: Vote(VoteRequest { voter: 3@dir3, epoch: 1, candidate: 1@dir1, log_end: 6/e1, pre_vote: true })
    "#]],
    );
}

#[test]
fn voters_whose_leader_is_gone_do_not_stand_all_at_once() {
    // In epoch 1 the last of the two that remain goes first, and is given time to win.
    for (id, from, until) in [(3, 20, 40), (1, 60, 80)] {
        let (mut raft, _) = Raft::start(ms(0), options(id), boot(&[1, 2, 3]));
        let begin = BeginQuorumEpochRequest {
            voter: key(id),
            leader: NodeId(2),
            epoch: LeaderEpoch(1),
            endpoints: endpoints(2),
        };
        let sent = request(&mut raft, 1, 1, Request::BeginQuorumEpoch(begin));
        let Some(Action::Send { id: unanswered, .. }) =
            sent.iter().find(|action| matches!(action, Action::Send { .. }))
        else {
            panic!("nothing sent");
        };
        raft.step(ms(2), Event::SendFailed { id: *unanswered, gone: true });
        raft.step(ms(2 + from - 1), Event::Tick);
        assert_eq!(raft.role(), Role::Follower, "voter {id} is too early");
        raft.step(ms(2 + until), Event::Tick);
        assert_eq!(raft.role(), Role::Prospective, "voter {id} is late");
    }
}
