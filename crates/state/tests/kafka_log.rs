//! A metadata log that a real Kafka 4.3.1 wrote (format, start, every kind of admin request, kill -9, start again):
//! applied here, it gives what Kafka's own image of it is written as.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use bytes::Bytes;
use chronik_state::cluster::{ClusterState, restore};
use chronik_state::records::{Change, Record};
use chronik_types::Offset;

fn changes(fixture: &str) -> Vec<Change> {
    let unhex = |text: &str| -> Vec<u8> {
        text.as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    };
    fixture
        .lines()
        .map(|line| Change::decode(&Bytes::from(unhex(line.rsplit(' ').next().unwrap()))).unwrap())
        .collect()
}

fn log() -> Vec<Change> {
    changes(include_str!("fixtures/kafka-4.3.1-log.txt"))
}

#[test]
fn kafkas_log_adds_up_to_kafkas_image() {
    let state = restore(&log());
    // Kafka writes maps in no order: neither that of the records nor that of a broker's features means anything.
    let text = |mut changes: Vec<Change>| {
        for change in &mut changes {
            match &mut change.record {
                Record::RegisterBroker(broker) => broker.features.sort_by_key(|feature| feature.name.clone()),
                Record::RegisterController(controller) => {
                    controller.features.sort_by_key(|feature| feature.name.clone());
                }
                _ => {}
            }
        }
        let mut lines: Vec<String> = changes.iter().map(|change| format!("{change:#?}")).collect();
        lines.sort();
        lines.join("\n")
    };
    let ours = text(state.snapshot());
    let kafkas = text(changes(include_str!("fixtures/kafka-4.3.1-snapshot.txt")));
    assert!(ours == kafkas, "ours:\n{ours}\nKafka's:\n{kafkas}");
}

#[test]
fn a_snapshot_of_any_moment_restores_it() {
    let mut state = ClusterState::default();
    for change in log() {
        state.apply(&change);
        if !state.in_transaction() {
            assert_eq!(restore(&state.snapshot()), state);
        }
    }
}

#[test]
fn the_image_shows_a_transaction_only_when_it_ends() {
    use chronik_state::image::ImageBuilder;
    let mut builder = ImageBuilder::new(ClusterState::default(), Offset(0), chronik_types::LeaderEpoch(0));
    let mut hidden = 0;
    for (offset, change) in log().iter().enumerate() {
        builder.apply(Offset(offset as i64), chronik_types::LeaderEpoch(1), change);
        match builder.publish() {
            Some(published) => assert_eq!(published.image.end, Offset(offset as i64 + 1)),
            None => {
                hidden += 1;
                assert!(builder.image().state.is_empty(), "the only transaction is the bootstrap");
            }
        }
    }
    assert_eq!(hidden, 8, "begin, six features and min.insync.replicas");
    assert_eq!(&builder.image().state, builder.state());
}
