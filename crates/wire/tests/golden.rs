//! Every message at every version, held against the bytes that Kafka's own classes write (`clients/codec`).
//!
//! What the library decodes is encoded again and must be the same bytes, and the pre-check must take exactly
//! those bytes. What we decode or encode ourselves is compared with the library's reading of the same bytes.
//! `WIRE_GOLDEN` names a larger file.
#![allow(clippy::unwrap_used)]

mod support;

use std::fmt::Debug;

use bytes::BytesMut;
use chronik_wire::add_raft_voter::AddRaftVoterRequest;
use chronik_wire::broker_heartbeat::BrokerHeartbeatRequest;
use chronik_wire::messages::*;
use chronik_wire::offset_commit::OffsetCommitRequest;
use chronik_wire::offset_fetch::OffsetFetchRequest;
use chronik_wire::precheck::{Checked, check};
use chronik_wire::{ApiKey, Request, RequestHeader, StrBytes, decode_request, encode_response};
use kafka_protocol::protocol::{Decodable, Encodable};
use support::golden::{Golden, KEPT, with_every_api};
use support::own;

/// A message with its codecs.
struct Message<'a>(Golden<'a>);

impl Message<'_> {
    /// The library's reading and writing give the bytes back, and the pre-check takes all of them.
    fn round_trip<T: Checked + Decodable + Encodable>(&self) {
        let taken = check(&T::SCHEMA, self.0.version, &self.0.bytes);
        assert_eq!(taken, Ok(self.0.bytes.len()), "pre-check of {}", self.name());
        let codec_version = self.0.version.min(T::CODEC_MAX);
        let message = self.library_at::<T>(codec_version);
        let mut encoded = BytesMut::new();
        message.encode(&mut encoded, codec_version).unwrap();
        assert_eq!(encoded, self.0.bytes, "{}", self.name());
    }

    /// As [`Message::round_trip`], for a codec of ours that drops the tagged fields it does not know.
    fn round_trip_without_unknown_tags<T: Checked + Decodable + Encodable + PartialEq + Debug>(&self) {
        let taken = check(&T::SCHEMA, self.0.version, &self.0.bytes);
        assert_eq!(taken, Ok(self.0.bytes.len()), "pre-check of {}", self.name());
        let message = self.library::<T>();
        let mut encoded = BytesMut::new();
        message.encode(&mut encoded, self.0.version).unwrap();
        assert_eq!(message.compute_size(self.0.version).unwrap(), encoded.len());
        if encoded.len() == self.0.bytes.len() {
            assert_eq!(encoded, self.0.bytes, "{}", self.name());
        } else {
            assert!(encoded.len() < self.0.bytes.len(), "{}", self.name());
            assert_eq!(T::decode(&mut encoded.freeze(), self.0.version).unwrap(), message);
        }
    }

    /// What the library reads.
    fn library<T: Decodable>(&self) -> T {
        self.library_at(self.0.version)
    }

    fn library_at<T: Decodable>(&self, version: i16) -> T {
        let message = T::decode(&mut self.0.bytes.clone(), version);
        message.unwrap_or_else(|fault| panic!("decode {}: {fault}", self.name()))
    }

    fn header(&self, api: ApiKey) -> RequestHeader {
        RequestHeader { api, version: self.0.version, correlation_id: 7, client_id: StrBytes::default() }
    }

    fn request(&self, api: ApiKey) -> Request {
        decode_request(&self.header(api), self.0.bytes.clone())
            .unwrap_or_else(|fault| panic!("{}: {fault}", self.name()))
    }

    /// What our encoder makes of the library's reading is the same bytes, behind size and header.
    fn written(&self, api: ApiKey, response: impl Into<chronik_wire::Response>) {
        let header = self.header(api);
        let frame =
            encode_response(&header, response.into()).unwrap().into_bytes(|_, _| unreachable!("no file"));
        let head = if api.info().is_flexible(self.0.version) { 9 } else { 8 };
        assert_eq!(frame[..4], (frame.len() as i32 - 4).to_be_bytes());
        assert_eq!(frame[4..8], 7i32.to_be_bytes());
        assert_eq!(frame[head..], self.0.bytes[..], "{}", self.name());
    }

    fn name(&self) -> String {
        format!("{} version {}", self.0.message, self.0.version)
    }
}

fn round_trip(message: &Message) {
    macro_rules! by_name {
        (unchecked { $($own:ident $unchecked:ident),* } checked { $($request:ident $response:ident),* }) => {
            match message.0.message {
                $(stringify!($unchecked) => message.round_trip::<$unchecked>(),)*
                $(stringify!($request) => message.round_trip::<$request>(),
                stringify!($response) => message.round_trip::<$response>(),)*
                other => panic!("{other} has no pre-check and no test of its own"),
            }
        };
    }
    with_every_api!(by_name);
}

fn compare(message: &Message) {
    match message.0.message {
        "ProduceRequest" => {
            let expected = own::produce(message.library(), message.0.version);
            assert_eq!(message.request(ApiKey::Produce), Request::Produce(expected), "{}", message.name());
        }
        "FetchRequest" => {
            let expected = own::fetch(message.library(), message.0.version);
            assert_eq!(message.request(ApiKey::Fetch), Request::Fetch(expected), "{}", message.name());
        }
        "FetchResponse" => {
            round_trip(message);
            if let Some(response) = own::fetched(message.library(), message.0.version) {
                message.written(ApiKey::Fetch, response);
            }
        }
        "DescribeLogDirsResponse" => {
            if let Some(response) = own::log_dirs(&message.0.bytes, message.0.version) {
                message.written(ApiKey::DescribeLogDirs, response);
            }
        }
        "AddRaftVoterRequest" => message.round_trip_without_unknown_tags::<AddRaftVoterRequest>(),
        "OffsetCommitRequest" => message.round_trip_without_unknown_tags::<OffsetCommitRequest>(),
        "OffsetFetchRequest" => message.round_trip_without_unknown_tags::<OffsetFetchRequest>(),
        "BrokerHeartbeatRequest" => message.round_trip_without_unknown_tags::<BrokerHeartbeatRequest>(),
        _ => round_trip(message),
    }
}

#[test]
fn every_message_is_kafkas() {
    #[expect(clippy::disallowed_methods, reason = "a test may be pointed at a larger file")]
    let larger = std::env::var("WIRE_GOLDEN").map(|path| std::fs::read_to_string(path).unwrap());
    let text = larger.as_deref().unwrap_or(KEPT);
    let mut seen = std::collections::BTreeSet::new();
    for line in text.lines() {
        let message = Message(Golden::parse(line));
        compare(&message);
        seen.insert((message.0.message.to_owned(), message.0.version));
    }
    for api in chronik_wire::api::APIS {
        for version in api.min..=api.max {
            for kind in ["Request", "Response"] {
                let message = format!("{}{kind}", api.name);
                assert!(
                    seen.contains(&(message.clone(), version)),
                    "no {message} version {version} in the fixture"
                );
            }
        }
    }
}
