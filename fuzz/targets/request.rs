//! One frame: header and body are decoded as a request, and the body as a response. Neither panics, nor takes more
//! memory than the promise: a mebibyte, or sixteen times the frame.
#![no_main]

use bytes::Bytes;
use chronik_wire::client::decode_response;
use chronik_wire::messages::{
    ApiVersionsRequest, CreateTopicsRequest, DescribeConfigsRequest, DescribeTopicPartitionsRequest, FetchRequest,
    MetadataRequest, ProduceRequest,
};
use chronik_wire::{ApiKey, RequestHeader, decode_request};
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/wire/tests/support/counting.rs"]
mod counting;

fuzz_target!(|frame: &[u8]| {
    let len = frame.len();
    let frame = Bytes::copy_from_slice(frame);
    let ((), height) = counting::height(|| {
        let Ok((header, body)) = RequestHeader::parse(frame.clone()) else { return };
        drop(decode_request(&header, body));
        respond(header.api, header.version, frame.slice(4..));
    });
    assert!(height <= (1 << 20) + 16 * len + 4096, "{height} bytes for {len}");
});

/// The APIs whose responses nest the deepest.
fn respond(api: ApiKey, version: i16, frame: Bytes) {
    match api {
        ApiKey::Produce => drop(decode_response::<ProduceRequest>(version, frame)),
        ApiKey::Fetch => drop(decode_response::<FetchRequest>(version, frame)),
        ApiKey::Metadata => drop(decode_response::<MetadataRequest>(version, frame)),
        ApiKey::ApiVersions => drop(decode_response::<ApiVersionsRequest>(version, frame)),
        ApiKey::CreateTopics => drop(decode_response::<CreateTopicsRequest>(version, frame)),
        ApiKey::DescribeConfigs => drop(decode_response::<DescribeConfigsRequest>(version, frame)),
        ApiKey::DescribeTopicPartitions => drop(decode_response::<DescribeTopicPartitionsRequest>(version, frame)),
        _ => {}
    }
}
