//! Producing and reading, as clients see it: order, duplicates, limits, and what a topic's configuration does.

mod support;

use std::task::{Context, Waker};

use chronik_log::disk::memory::MemoryDisk;
use chronik_types::ErrorCode;
use chronik_wire::Listener;
use kafka_protocol::messages::{DeleteRecordsRequest, delete_records_request};
use support::records::{batch, create, fetch, fetch_request, idempotent, name, produce, produce_request};
use support::{Client, encode, node};

fn client() -> Client {
    Client::new(&node(&MemoryDisk::new(1), &[]), Listener::Broker)
}

#[test]
fn a_duplicate_is_answered_with_its_original_and_stored_once() {
    let mut client = client();
    create(&mut client, "orders", &[]);
    assert_eq!(produce(&mut client, "orders", idempotent(&["a", "b"], 5, 0)), Ok(0));
    assert_eq!(produce(&mut client, "orders", idempotent(&["c"], 5, 2)), Ok(2));
    assert_eq!(produce(&mut client, "orders", idempotent(&["a", "b"], 5, 0)), Ok(0));
    let gap = produce(&mut client, "orders", idempotent(&["z"], 5, 9));
    assert_eq!(gap, Err(ErrorCode::OutOfOrderSequenceNumber));
    assert_eq!(fetch(&mut client, "orders", 0).unwrap(), ["a", "b", "c"]);
}

#[test]
fn limits_of_a_topic_are_kept() {
    let mut client = client();
    create(&mut client, "small", &[("max.message.bytes", "100")]);
    let large = "x".repeat(200);
    assert_eq!(produce(&mut client, "small", batch(&[&large])), Err(ErrorCode::MessageTooLarge));
    create(&mut client, "safe", &[("min.insync.replicas", "2")]);
    // Never more than there are replicas at all (`Partition.effectiveMinIsr`).
    assert_eq!(produce(&mut client, "safe", batch(&["a"])), Ok(0));
}

#[test]
fn acks_that_mean_nothing_are_refused() {
    let mut client = client();
    create(&mut client, "orders", &[]);
    let response = client.call(11, &produce_request("orders", 2, batch(&["a"])));
    let code = response.responses[0].partition_responses[0].error_code;
    assert_eq!(ErrorCode::from_code(code), ErrorCode::InvalidRequiredAcks);
}

#[test]
fn without_acks_there_is_no_answer_and_a_failure_closes_the_connection() {
    let mut client = client();
    create(&mut client, "orders", &[]);
    let good = client.raw(encode(11, &produce_request("orders", 0, batch(&["a"]))));
    assert!(good.unwrap().is_none());
    assert_eq!(fetch(&mut client, "orders", 0).unwrap(), ["a"]);
    assert!(client.raw(encode(11, &produce_request("nowhere", 0, batch(&["a"])))).is_err());
}

#[test]
fn deleted_records_are_gone_for_readers() {
    let mut client = client();
    create(&mut client, "orders", &[]);
    for value in ["a", "b", "c"] {
        produce(&mut client, "orders", batch(&[value])).unwrap();
    }
    let mut delete = |offset: i64| {
        let partition = delete_records_request::DeleteRecordsPartition::default().with_offset(offset);
        let topic = delete_records_request::DeleteRecordsTopic::default()
            .with_name(name("orders"))
            .with_partitions(vec![partition]);
        let answer = client.call(2, &DeleteRecordsRequest::default().with_topics(vec![topic]));
        let answer = &answer.topics[0].partitions[0];
        (ErrorCode::from_code(answer.error_code), answer.low_watermark)
    };
    assert_eq!(delete(2), (ErrorCode::None, 2));
    assert_eq!(delete(9), (ErrorCode::OffsetOutOfRange, -1));
    assert_eq!(fetch(&mut client, "orders", 0), Err(ErrorCode::OffsetOutOfRange));
    assert_eq!(fetch(&mut client, "orders", 2).unwrap(), ["c"]);
}

#[test]
fn a_fetch_waits_for_records_and_is_woken_by_them() {
    let node = node(&MemoryDisk::new(1), &[]);
    let mut reader = Client::new(&node, Listener::Broker);
    create(&mut reader, "orders", &[]);
    let request = fetch_request("orders", 0).with_max_wait_ms(60_000).with_min_bytes(1);
    assert!(reader.raw(encode(11, &request)).unwrap().is_none(), "nothing is there yet");
    let mut writer = Client::new(&node, Listener::Broker);
    produce(&mut writer, "orders", batch(&["a"])).unwrap();
    assert!(reader.poll(&mut Context::from_waker(Waker::noop())).is_some(), "the append is answered");
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let mut client = client();
    create(&mut client, "orders", &[]);
    let waiting = fetch_request("orders", 0).with_max_wait_ms(60_000).with_min_bytes(1);
    assert!(client.raw(encode(11, &waiting)).unwrap().is_none());
    // The produce behind the waiting fetch is started all the same, and its append answers the fetch first.
    let first = client.raw(encode(11, &produce_request("orders", -1, batch(&["a"])))).unwrap();
    assert!(first.is_some(), "the fetch");
    assert!(client.poll(&mut Context::from_waker(Waker::noop())).is_some(), "the produce");
}
