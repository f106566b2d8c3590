//! What the leader tells about the quorum.

use super::*;

#[test]
fn the_quorum_is_described_by_its_leader() {
    let mut raft = elected();
    request(&mut raft, 2010, 7, fetch(2, 1, 3, 1));
    request(&mut raft, 2011, 8, fetch(4, 1, 0, 0));
    let described = raft.describe(ms(2012)).unwrap();
    let line = |replica: &ReplicaDescription| {
        let ReplicaDescription { key, log_end, last_fetch, last_caught_up } = replica;
        format!("{}: end {log_end}, fetched {last_fetch:?}, caught up {last_caught_up:?}\n", key.id)
    };
    let voters: String = described.voters.iter().map(line).collect();
    let observers: String = described.observers.iter().map(line).collect();
    expect![[r#"
        high watermark 3
        1: end 3, fetched None, caught up Some(2.012s)
        2: end 3, fetched Some(2.01s), caught up Some(2.01s)
        3: end -1, fetched None, caught up None
        --
        4: end 0, fetched Some(2.011s), caught up None
    "#]]
    .assert_eq(&format!("high watermark {}\n{voters}--\n{observers}", described.high_watermark));
    assert!(following().0.describe(ms(2012)).is_none(), "only the leader knows");
}
