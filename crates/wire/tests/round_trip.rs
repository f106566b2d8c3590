//! From a client's request to its response, through both ends of the crate.
#![allow(clippy::unwrap_used)]

use bytes::{Buf, Bytes, BytesMut};
use chronik_types::{
    BrokerEpoch, ErrorCode, LeaderEpoch, NodeId, Offset, PartitionIndex, ProducerId, TopicId,
};
use chronik_wire::add_raft_voter::AddRaftVoterRequest;
use chronik_wire::api::{Listener, announced};
use chronik_wire::broker_heartbeat::BrokerHeartbeatRequest;
use chronik_wire::client::{decode_response, encode_request, versions};
use chronik_wire::fetch::{
    AbortedTransaction, FetchResponse, FetchedPartition, FetchedTopic, NodeEndpoint, Records,
};
use chronik_wire::frame::Splitter;
use chronik_wire::messages::produce_request::{PartitionProduceData, TopicProduceData};
use chronik_wire::messages::{
    ApiVersionsRequest, ApiVersionsResponse, BrokerId, FetchRequest, ListOffsetsResponse, MetadataRequest,
    MetadataResponse, ProduceRequest, TopicName, fetch_request, list_offsets_response, metadata_request,
    metadata_response,
};
use chronik_wire::{
    Chunk, DecodeError, EncodeError, Request, RequestHeader, StrBytes, TopicKey, decode_request,
    encode_response,
};
use uuid::Uuid;

/// The request as a broker meets it.
fn arrive(wire: &[u8]) -> (RequestHeader, Bytes) {
    let frame = Splitter::new(1 << 20).next(&mut BytesMut::from(wire)).unwrap().unwrap();
    RequestHeader::parse(frame).unwrap()
}

fn header(frame: &'static [u8]) -> RequestHeader {
    RequestHeader::parse(Bytes::from_static(frame)).unwrap().0
}

#[test]
fn a_request_and_its_response_meet_at_every_version() {
    for version in 0..=13 {
        let topic = TopicName(StrBytes::from_static_str("orders"));
        let wanted = metadata_request::MetadataRequestTopic::default().with_name(Some(topic.clone()));
        let request = MetadataRequest::default().with_topics(Some(vec![wanted]));
        let (header, body) = arrive(&encode_request(version, 42, "me", &request).unwrap());
        assert_eq!((&*header.client_id, header.version, header.correlation_id), ("me", version, 42));
        assert_eq!(decode_request(&header, body).unwrap(), Request::Metadata(request));

        let topic = metadata_response::MetadataResponseTopic::default().with_name(Some(topic));
        let response = MetadataResponse::default().with_topics(vec![topic]);
        let mut frame = encode_response(&header, response.clone().into()).unwrap().into_bytes(no_file);
        assert_eq!(frame.get_i32() as usize, frame.len());
        assert_eq!(decode_response::<MetadataRequest>(version, frame).unwrap(), (42, response));
    }
}

fn no_file(_: usize, _: usize) -> Bytes {
    unreachable!("there is no file in it")
}

#[test]
fn produced_records_are_a_slice_of_the_frame() {
    let records = Bytes::from(vec![7; 5000]);
    let partition = PartitionProduceData::default().with_index(3).with_records(Some(records.clone()));
    let topic =
        TopicProduceData::default().with_topic_id(Uuid::from_u128(9)).with_partition_data(vec![partition]);
    let request =
        ProduceRequest::default().with_transactional_id(None).with_acks(-1).with_topic_data(vec![topic]);
    let (header, body) = arrive(&encode_request(13, 1, "me", &request).unwrap());
    let place = body.as_ptr_range();
    let Request::Produce(request) = decode_request(&header, body).unwrap() else {
        panic!("a Produce request")
    };
    assert_eq!(request.topics[0].topic, TopicKey::Id(TopicId(Uuid::from_u128(9))));
    let partition = &request.topics[0].partitions[0];
    assert_eq!(partition.index, PartitionIndex(3));
    let received = partition.records.as_ref().unwrap();
    assert_eq!(*received, records);
    assert!(place.contains(&received.as_ptr()), "not copied");
}

#[test]
fn what_follows_a_body_is_ignored_as_kafka_ignores_it() {
    let (header, body) = arrive(&encode_request(1, 1, "", &MetadataRequest::default()).unwrap());
    let longer = Bytes::from([&body[..], b"junk"].concat());
    assert_eq!(decode_request(&header, longer), decode_request(&header, body));
}

#[test]
fn api_versions_of_the_future_gets_the_answer_that_kafka_gives() {
    let header = header(b"\0\x12\0\x63\0\0\0\x05\0\0\0whatever");
    let request = decode_request(&header, Bytes::from_static(b"whatever")).unwrap();
    assert_eq!(request, Request::ApiVersions(ApiVersionsRequest::default()));
    let own = announced(Listener::Broker).into_iter().filter(|api| api.api_key == 18).collect();
    let response = ApiVersionsResponse::default()
        .with_error_code(ErrorCode::UnsupportedVersion.code())
        .with_api_keys(own);
    let frame = encode_response(&header, response.into()).unwrap().into_bytes(no_file);
    assert_eq!(&frame[..], b"\0\0\0\x10\0\0\0\x05\0\x23\0\0\0\x01\0\x12\0\0\0\x04");
}

#[test]
fn a_field_that_the_version_cannot_carry_is_an_error() {
    let header = header(b"\0\x02\0\x01\0\0\0\x05\0\0");
    let partition = list_offsets_response::ListOffsetsPartitionResponse::default().with_leader_epoch(1);
    let topic = list_offsets_response::ListOffsetsTopicResponse::default().with_partitions(vec![partition]);
    let refused = encode_response(&header, ListOffsetsResponse::default().with_topics(vec![topic]).into());
    assert!(matches!(refused, Err(EncodeError::Body { api: "ListOffsets", version: 1, .. })), "{refused:?}");
}

fn fetched(topic: TopicKey) -> FetchResponse {
    let partition = |index, records| FetchedPartition {
        high_watermark: Offset(100),
        last_stable_offset: Offset(90),
        log_start_offset: Offset(3),
        aborted_transactions: Some(vec![AbortedTransaction {
            producer_id: ProducerId(11),
            first_offset: Offset(80),
        }]),
        records,
        ..FetchedPartition::refused(PartitionIndex(index), ErrorCode::None)
    };
    let refused = FetchedPartition {
        current_leader: Some((NodeId(2), LeaderEpoch(5))),
        diverging_epoch: Some((LeaderEpoch(4), Offset(77))),
        snapshot_id: Some((Offset(50), LeaderEpoch(1))),
        ..FetchedPartition::refused(PartitionIndex(9), ErrorCode::NotLeaderOrFollower)
    };
    let partitions = vec![
        partition(0, Records::Bytes(Bytes::from(vec![1; 600]))),
        partition(1, Records::File { len: 5000, token: 7 }),
        partition(2, Records::Bytes(Bytes::from_static(b"short"))),
        partition(3, Records::Null),
        refused,
    ];
    let endpoint = NodeEndpoint {
        node_id: NodeId(2),
        host: StrBytes::from_static_str("two.example"),
        port: 9092,
        rack: None,
    };
    FetchResponse {
        topics: std::iter::once(FetchedTopic { topic, partitions: partitions.into() }).collect(),
        node_endpoints: vec![endpoint],
        ..FetchResponse::empty(ErrorCode::None, 6)
    }
}

#[test]
fn fetched_records_stay_where_they_are() {
    for version in 4..=18i16 {
        let (header, body) = arrive(&encode_request(version, 3, "", &FetchRequest::default()).unwrap());
        decode_request(&header, body).unwrap();
        let topic = if version >= 13 {
            TopicKey::Id(TopicId(Uuid::from_u128(9)))
        } else {
            TopicKey::Name(StrBytes::from_static_str("orders"))
        };
        let response = fetched(topic);
        let in_memory = match &response.topics[0].partitions[0].records {
            Records::Bytes(bytes) => bytes.as_ptr(),
            other => panic!("{other:?}"),
        };
        let frame = encode_response(&header, response.into()).unwrap();
        let [
            Chunk::Bytes(_),
            Chunk::Bytes(first),
            Chunk::Bytes(_),
            Chunk::File { len: 5000, token: 7 },
            Chunk::Bytes(_),
        ] = &frame.chunks[..]
        else {
            panic!("{:?}", frame.chunks);
        };
        assert_eq!((first.as_ptr(), first.len()), (in_memory, 600));

        let len = frame.len();
        let mut bytes = frame.into_bytes(|token, len| Bytes::from(vec![token as u8; len]));
        assert_eq!((bytes.len(), bytes.get_i32() as usize), (len, len - 4));
        let (correlation, read) = decode_response::<FetchRequest>(version, bytes).unwrap();
        assert_eq!((correlation, read.session_id), (3, if version >= 7 { 6 } else { 0 }));
        let partitions = &read.responses[0].partitions;
        let records: Vec<_> = partitions.iter().map(|part| part.records.as_ref().map(Bytes::len)).collect();
        assert_eq!(records, [Some(600), Some(5000), Some(5), None, Some(0)]);
        assert_eq!(partitions[1].records.as_ref().unwrap()[..], [7; 5000]);
        assert_eq!(partitions[4].error_code, ErrorCode::NotLeaderOrFollower.code());
        if version >= 12 {
            assert_eq!(partitions[4].current_leader.leader_id, 2);
            assert_eq!(partitions[4].diverging_epoch.end_offset, 77);
            assert_eq!(partitions[4].snapshot_id.end_offset, 50);
        }
        assert_eq!(read.node_endpoints.len(), usize::from(version >= 16));
    }
}

#[test]
fn a_fetch_request_of_the_wrong_shape_is_refused() {
    let (header, body) = arrive(&encode_request(12, 3, "", &FetchRequest::default()).unwrap());
    for cut in 0..body.len() {
        let refused = decode_request(&header, body.slice(..cut));
        assert!(matches!(refused, Err(DecodeError::Short { .. })), "{cut}: {refused:?}");
    }
    let mut isolated = body.to_vec();
    isolated[16] = 7;
    let refused = decode_request(&header, isolated.into());
    assert_eq!(refused, Err(DecodeError::Malformed { what: "isolation level", at: 17 }));
}

#[test]
fn what_an_older_version_cannot_say_is_not_left_out_silently() {
    assert_eq!((versions::<AddRaftVoterRequest>(), versions::<BrokerHeartbeatRequest>()), ((0, 1), (0, 2)));
    let add = AddRaftVoterRequest { ack_when_committed: false, ..Default::default() };
    assert!(matches!(encode_request(0, 1, "", &add), Err(EncodeError::Body { version: 0, .. })));
    assert!(encode_request(1, 1, "", &add).is_ok());
    let dirs = vec![Uuid::from_u128(1)];
    let failed = BrokerHeartbeatRequest { offline_log_dirs: dirs.clone(), ..Default::default() };
    let cordoned = BrokerHeartbeatRequest { cordoned_log_dirs: Some(dirs), ..Default::default() };
    assert!(encode_request(0, 1, "", &failed).is_err() && encode_request(1, 1, "", &failed).is_ok());
    assert!(encode_request(1, 1, "", &cordoned).is_err() && encode_request(2, 1, "", &cordoned).is_ok());
}

#[test]
fn a_follower_fetches_as_a_replica_and_copies_no_records() {
    let partition = fetch_request::FetchPartition::default()
        .with_fetch_offset(7)
        .with_last_fetched_epoch(2)
        .with_replica_directory_id(Uuid::from_u128(5))
        .with_high_watermark(6);
    let topic = fetch_request::FetchTopic::default()
        .with_topic_id(Uuid::from_u128(1))
        .with_partitions(vec![partition]);
    let replica = fetch_request::ReplicaState::default().with_replica_id(BrokerId(3)).with_replica_epoch(44);
    let request = FetchRequest::default()
        .with_cluster_id(Some(StrBytes::from_static_str("cluster")))
        .with_replica_state(replica)
        .with_topics(vec![topic]);
    let (header, body) = arrive(&encode_request(18, 9, "broker-3-fetcher-0", &request).unwrap());
    assert_eq!(&*header.client_id, "broker-3-fetcher-0");
    let Request::Fetch(request) = decode_request(&header, body).unwrap() else { panic!("not a Fetch") };
    assert_eq!(request.cluster_id.as_deref(), Some("cluster"));
    assert_eq!((request.replica_id, request.replica_epoch), (NodeId(3), BrokerEpoch(44)));
    let asked = &request.topics[0].partitions[0];
    assert_eq!((asked.last_fetched_epoch, asked.high_watermark), (LeaderEpoch(2), Offset(6)));
    assert_eq!(asked.replica_directory_id, Uuid::from_u128(5));

    let partition = FetchedPartition {
        records: Records::Bytes(Bytes::from(vec![7; 5000])),
        ..FetchedPartition::refused(PartitionIndex(0), ErrorCode::None)
    };
    let topic = request.topics[0].topic.clone();
    let response = FetchResponse {
        topics: smallvec::smallvec![FetchedTopic { topic, partitions: smallvec::smallvec![partition] }],
        ..FetchResponse::empty(ErrorCode::None, 0)
    };
    let frame = encode_response(&header, response.into()).unwrap().into_bytes(no_file).slice(4..);
    let range = frame.as_ptr_range();
    let (_, read) = decode_response::<FetchRequest>(18, frame).unwrap();
    let records = read.responses[0].partitions[0].records.as_ref().unwrap();
    assert!(records.len() == 5000 && range.contains(&records.as_ptr()), "a slice of the frame");
}
