//! Voters notice at different moments that their leader is gone.

use super::*;

/// Answers the last Vote to node 3 as it did: refused, or granted.
fn voted(raft: &mut Raft, now: u64, sent: &[Action], is_granted: bool) -> Vec<Action> {
    let response = VoteResponse { error: ErrorCode::None, hint: hint(0, None), granted: is_granted };
    answer(raft, now, sent, 3, Response::Vote(response))
}

#[test]
fn a_pre_vote_that_was_refused_is_asked_for_again() {
    let (mut raft, _) = Raft::start(ms(0), options(1), boot(&[1, 2, 3]));
    // Nobody answers: it sounds out the others in the end.
    let mut now = 0;
    let asked = loop {
        now += 100;
        let actions = raft.step(ms(now), Event::Tick);
        if raft.role() == Role::Prospective {
            break actions;
        }
        assert!(now < 10_000, "it never stands");
    };
    // Node 2 is dead; node 3 has not noticed that, and refuses.
    voted(&mut raft, now, &asked, false);
    let again = raft.step(ms(now + 20), Event::Tick);
    let to_third = |action: &&Action| matches!(action, Action::Send { to, .. } if to.id == NodeId(3));
    assert_eq!(again.iter().filter(to_third).count(), 1, "{again:?}");
    let elected = voted(&mut raft, now + 21, &again, true);
    assert!(elected.contains(&Action::BecameCandidate { epoch: LeaderEpoch(1) }), "{elected:?}");
}
