//! Every message at every version, held against the bytes that Kafka's own classes write (`clients/codec`).
//!
//! What the library decodes is encoded again and must be the same bytes, and the pre-check must take exactly
//! those bytes. What we decode or encode ourselves is compared with the library's reading of the same bytes.
//! `WIRE_GOLDEN` names a larger file.

mod support;

use bytes::{Bytes, BytesMut};
use chronik_wire::messages;
use chronik_wire::precheck::{Checked, check};
use chronik_wire::{ApiKey, Request, RequestHeader, StrBytes, decode_request, encode_response};
use kafka_protocol::protocol::{Decodable, Encodable};
use support::own;

struct Golden<'a> {
    message: &'a str,
    version: i16,
    bytes: Bytes,
}

impl<'a> Golden<'a> {
    fn parse(line: &'a str) -> Self {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap_or_else(|| panic!("NAME VERSION HEX, not {line}"));
        let (message, version, hex) = (word(), word().parse().unwrap(), word());
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let bytes = if hex == "-" { Bytes::new() } else { (0..hex.len()).step_by(2).map(byte).collect() };
        Golden { message, version, bytes }
    }

    /// The library's reading and writing give the bytes back, and the pre-check takes all of them.
    fn round_trip<T: Checked + Decodable + Encodable>(&self) {
        let taken = check(&T::SCHEMA, self.version, &self.bytes);
        assert_eq!(taken, Ok(self.bytes.len()), "pre-check of {}", self.name());
        let codec_version = self.version.min(T::CODEC_MAX);
        let message = self.library_at::<T>(codec_version);
        let mut encoded = BytesMut::new();
        message.encode(&mut encoded, codec_version).unwrap();
        assert_eq!(encoded, self.bytes, "{}", self.name());
    }

    /// What the library reads.
    fn library<T: Decodable>(&self) -> T {
        self.library_at(self.version)
    }

    fn library_at<T: Decodable>(&self, version: i16) -> T {
        let message = T::decode(&mut self.bytes.clone(), version);
        message.unwrap_or_else(|fault| panic!("decode {}: {fault}", self.name()))
    }

    fn header(&self, api: ApiKey) -> RequestHeader {
        RequestHeader { api, version: self.version, correlation_id: 7, client_id: StrBytes::default() }
    }

    fn request(&self, api: ApiKey) -> Request {
        decode_request(&self.header(api), self.bytes.clone())
            .unwrap_or_else(|fault| panic!("{}: {fault}", self.name()))
    }

    /// What our encoder makes of the library's reading is the same bytes, behind size and header.
    fn written(&self, api: ApiKey, response: impl Into<chronik_wire::Response>) {
        let header = self.header(api);
        let frame =
            encode_response(&header, response.into()).unwrap().into_bytes(|_, _| unreachable!("no file"));
        let head = if api.info().is_flexible(self.version) { 9 } else { 8 };
        assert_eq!(frame[..4], (frame.len() as i32 - 4).to_be_bytes());
        assert_eq!(frame[4..8], 7i32.to_be_bytes());
        assert_eq!(frame[head..], self.bytes[..], "{}", self.name());
    }

    fn name(&self) -> String {
        format!("{} version {}", self.message, self.version)
    }
}

macro_rules! round_trip {
    ($golden:expr, $($message:ident)*) => {
        match $golden.message {
            $(stringify!($message) => $golden.round_trip::<messages::$message>(),)*
            other => panic!("{other} is in the fixture and not in this list"),
        }
    };
}

fn compare(golden: &Golden) {
    match golden.message {
        "ProduceRequest" => {
            let expected = own::produce(golden.library(), golden.version);
            assert_eq!(golden.request(ApiKey::Produce), Request::Produce(expected), "{}", golden.name());
        }
        "FetchRequest" => {
            let expected = own::fetch(golden.library(), golden.version);
            assert_eq!(golden.request(ApiKey::Fetch), Request::Fetch(expected), "{}", golden.name());
        }
        "FetchResponse" => {
            golden.round_trip::<messages::FetchResponse>();
            if let Some(response) = own::fetched(golden.library(), golden.version) {
                golden.written(ApiKey::Fetch, response);
            }
        }
        "DescribeLogDirsResponse" => {
            if let Some(response) = own::log_dirs(&golden.bytes, golden.version) {
                golden.written(ApiKey::DescribeLogDirs, response);
            }
        }
        _ => round_trip!(
            golden,
            ProduceResponse ListOffsetsRequest ListOffsetsResponse MetadataRequest MetadataResponse
            ApiVersionsRequest ApiVersionsResponse CreateTopicsRequest CreateTopicsResponse DeleteTopicsRequest
            DeleteTopicsResponse DeleteRecordsRequest DeleteRecordsResponse InitProducerIdRequest
            InitProducerIdResponse OffsetForLeaderEpochRequest OffsetForLeaderEpochResponse DescribeConfigsRequest
            DescribeConfigsResponse AlterConfigsRequest AlterConfigsResponse DescribeLogDirsRequest
            CreatePartitionsRequest CreatePartitionsResponse IncrementalAlterConfigsRequest
            IncrementalAlterConfigsResponse DescribeClusterRequest DescribeClusterResponse
            DescribeProducersRequest DescribeProducersResponse ListConfigResourcesRequest
            ListConfigResourcesResponse DescribeTopicPartitionsRequest DescribeTopicPartitionsResponse
        ),
    }
}

#[test]
fn every_message_is_kafkas() {
    let kept = include_str!("fixtures/golden.txt");
    #[expect(clippy::disallowed_methods, reason = "a test may be pointed at a larger file")]
    let larger = std::env::var("WIRE_GOLDEN").map(|path| std::fs::read_to_string(path).unwrap());
    let text = larger.as_deref().unwrap_or(kept);
    let mut seen = std::collections::BTreeSet::new();
    for line in text.lines() {
        let golden = Golden::parse(line);
        compare(&golden);
        seen.insert((golden.message.to_owned(), golden.version));
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
