//! Raft's messages against the bytes of Kafka's `RaftUtil` (`clients/codec/Quorum.java`), both ways at every version; and
//! what no sound peer sends.

use std::fmt::Debug;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use chronik_log::batch::{BatchBuilder, Compression, NewRecord};
use chronik_raft::{
    Ack, AddVoterRequest, BeginQuorumEpochRequest, ControlRecord, DirectoryId, EndQuorumEpochRequest,
    Endpoint, Endpoints, EpochResponse, FetchRequest, FetchResponse, FetchSnapshotRequest,
    FetchSnapshotResponse, KRaftVersionRange, LeaderChange, LeaderHint, OffsetAndEpoch, Records,
    RemoveVoterRequest, ReplicaKey, Request, Response, UpdateVoterRequest, VoteRequest, VoteResponse,
};
use chronik_types::{ErrorCode, LeaderEpoch, Millis, NodeId, Offset};
use chronik_wire::add_raft_voter::AddRaftVoterRequest;
use chronik_wire::precheck::{Checked, check};
use chronik_wire::{ApiKey, RequestHeader, StrBytes, decode_request, encode_response, fetch, messages};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request as WireRequest};
use uuid::Uuid;

use super::{Answering, Fault, Inbound, Served, ask, fetched, leader};

const KAFKAS: &str = include_str!("../../../tests/fixtures/quorum-messages.txt");
const CLUSTER: &str = "the-cluster";
const LISTENER: &str = "CONTROLLER";

fn kafkas() -> impl Iterator<Item = (&'static str, i16, Bytes)> {
    KAFKAS.lines().map(|line| {
        let [name, version, hex] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (name, version.parse().unwrap(), (0..hex.len()).step_by(2).map(byte).collect())
    })
}

fn key(id: i32, directory: u128) -> ReplicaKey {
    ReplicaKey::new(NodeId(id), DirectoryId(Uuid::from_u128(directory)))
}

fn at(offset: i64, epoch: i32) -> OffsetAndEpoch {
    OffsetAndEpoch { offset: Offset(offset), epoch: LeaderEpoch(epoch) }
}

fn endpoints() -> Endpoints {
    Endpoints::one(LISTENER, "host-3", 9093)
}

/// The request of a fixture's line; `version` blanks what that version does not carry, unless it is `None`.
fn request(name: &str, version: Option<i16>) -> Option<Request> {
    let since = |first: i16| version.is_none_or(|version| version >= first);
    let known = |first: i16, key: ReplicaKey| {
        if since(first) { key } else { ReplicaKey::without_directory(key.id) }
    };
    let told = |first: i16, key: ReplicaKey| if since(first) { key } else { self::key(-1, 0) };
    let located = |first: i16| if since(first) { endpoints() } else { Endpoints::EMPTY };
    Some(match name {
        "VoteRequest" | "PreVoteRequest" => Request::Vote(VoteRequest {
            voter: told(1, key(2, 22)),
            epoch: LeaderEpoch(5),
            candidate: known(1, key(1, 11)),
            log_end: at(100, 4),
            pre_vote: name == "PreVoteRequest",
        }),
        "BeginQuorumEpochRequest" => Request::BeginQuorumEpoch(BeginQuorumEpochRequest {
            voter: told(1, key(2, 22)),
            leader: NodeId(3),
            epoch: LeaderEpoch(5),
            endpoints: located(1),
        }),
        "EndQuorumEpochRequest" => Request::EndQuorumEpoch(EndQuorumEpochRequest {
            leader: NodeId(3),
            epoch: LeaderEpoch(5),
            preferred: vec![known(1, key(2, 22)), known(1, key(1, 11))],
            endpoints: Endpoints::EMPTY,
        }),
        "FetchRequest" => Request::Fetch(FetchRequest {
            replica: known(17, key(1, 11)),
            current_epoch: LeaderEpoch(5),
            fetch_offset: Offset(100),
            last_fetched_epoch: LeaderEpoch(4),
            high_watermark: Offset(if since(18) { 95 } else { i64::MAX }),
            max_wait: Duration::from_millis(500),
            max_bytes: 1000,
        }),
        "FetchSnapshotRequest" => Request::FetchSnapshot(FetchSnapshotRequest {
            replica: known(1, key(1, 11)),
            current_epoch: LeaderEpoch(5),
            snapshot: at(90, 4),
            position: 64,
            max_bytes: 1000,
        }),
        "AddRaftVoterRequest" | "AddRaftVoterUncommittedRequest" => Request::AddVoter(AddVoterRequest {
            timeout: Duration::from_secs(3),
            voter: key(1, 11),
            endpoints: endpoints(),
            ack_when_committed: name == "AddRaftVoterRequest",
        }),
        "RemoveRaftVoterRequest" => Request::RemoveVoter(RemoveVoterRequest { voter: key(1, 11) }),
        "UpdateRaftVoterRequest" => Request::UpdateVoter(UpdateVoterRequest {
            current_epoch: LeaderEpoch(5),
            voter: key(1, 11),
            endpoints: endpoints(),
            versions: KRaftVersionRange { min: 0, max: 1 },
        }),
        _ => return None,
    })
}

/// The response of a fixture's line, with the error code and what the shell would have read; `located`: with the
/// leader's address.
fn response(name: &str, located: bool) -> Option<(Response, Bytes)> {
    let hint = LeaderHint {
        epoch: LeaderEpoch(5),
        leader: Some(NodeId(3)),
        endpoints: if located { endpoints() } else { Endpoints::EMPTY },
    };
    let refused = ErrorCode::InconsistentClusterId;
    let of_epoch = |error| EpochResponse { error, hint: hint.clone() };
    let fetched = |diverging, snapshot| FetchResponse {
        error: ErrorCode::None,
        hint: hint.clone(),
        high_watermark: Offset(95),
        log_start: Offset(10),
        diverging,
        snapshot,
        records: Records::Empty,
    };
    let piece = |error, bytes| FetchSnapshotResponse {
        error,
        hint: hint.clone(),
        snapshot: at(90, 4),
        size: 1000,
        position: 64,
        max_bytes: 0,
        bytes,
    };
    let read = Bytes::from(vec![7; 600]);
    let ack =
        |error, message: Option<&str>| Response::Ack(Ack { error, message: message.map(str::to_owned) });
    let response = match name {
        "VoteResponse" => Response::Vote(VoteResponse { error: ErrorCode::None, hint, granted: true }),
        "BeginQuorumEpochResponse" => Response::BeginQuorumEpoch(of_epoch(ErrorCode::FencedLeaderEpoch)),
        "EndQuorumEpochResponse" => Response::EndQuorumEpoch(of_epoch(ErrorCode::FencedLeaderEpoch)),
        "FetchResponse" => return Some((Response::Fetch(fetched(None, None)), read)),
        "FetchDivergingResponse" => Response::Fetch(fetched(Some(at(80, 4)), None)),
        "FetchInSnapshotResponse" => Response::Fetch(fetched(None, Some(at(90, 4)))),
        "FetchSnapshotResponse" => {
            return Some((Response::FetchSnapshot(piece(ErrorCode::None, read.clone())), read));
        }
        "AddRaftVoterResponse" => ack(ErrorCode::DuplicateVoter, Some("there")),
        "AddRaftVoterDoneResponse" => ack(ErrorCode::None, None),
        "RemoveRaftVoterResponse" => ack(ErrorCode::VoterNotFound, Some("gone")),
        "UpdateRaftVoterResponse" => Response::UpdateVoter(of_epoch(ErrorCode::None)),
        "VoteRefusal" => Response::Vote(VoteResponse { error: refused, hint, granted: false }),
        "BeginQuorumEpochRefusal" => Response::BeginQuorumEpoch(of_epoch(refused)),
        "EndQuorumEpochRefusal" => Response::EndQuorumEpoch(of_epoch(refused)),
        "FetchRefusal" => Response::Fetch(FetchResponse { error: refused, ..fetched(None, None) }),
        "FetchSnapshotRefusal" => Response::FetchSnapshot(piece(refused, Bytes::new())),
        _ => return None,
    };
    Some((response, Bytes::new()))
}

/// What the server makes of a body; `None` if it is no body of that request.
fn inbound(name: &str, version: i16, body: &Bytes) -> Option<Inbound> {
    fn of<T: Served<Response: Debug> + Checked + Decodable>(version: i16, body: &Bytes) -> Option<Inbound> {
        check(&T::SCHEMA, version, body).ok()?;
        T::decode(&mut body.clone(), version).ok()?.inbound().ok()
    }
    match name {
        "VoteRequest" | "PreVoteRequest" => of::<messages::VoteRequest>(version, body),
        "BeginQuorumEpochRequest" => of::<messages::BeginQuorumEpochRequest>(version, body),
        "EndQuorumEpochRequest" => of::<messages::EndQuorumEpochRequest>(version, body),
        "FetchSnapshotRequest" => of::<messages::FetchSnapshotRequest>(version, body),
        "RemoveRaftVoterRequest" => of::<messages::RemoveRaftVoterRequest>(version, body),
        "UpdateRaftVoterRequest" => of::<messages::UpdateRaftVoterRequest>(version, body),
        "FetchRequest" => match decode_request(&fetch_header(version), body.clone()) {
            Ok(chronik_wire::Request::Fetch(request)) => request.inbound().ok(),
            _ => None,
        },
        _ => of::<AddRaftVoterRequest>(version, body),
    }
}

fn fetch_header(version: i16) -> RequestHeader {
    RequestHeader { api: ApiKey::Fetch, version, correlation_id: 7, client_id: StrBytes::default() }
}

/// The body of the server's answer.
fn answered(name: &str, version: i16) -> Option<Bytes> {
    fn of<T: Served<Response: Checked + Encodable>>(version: i16, response: (Response, Bytes)) -> Bytes {
        let mut body = BytesMut::new();
        T::answer(response.0, Answering { version, listener: LISTENER }, response.1)
            .encode(&mut body, version.min(T::Response::CODEC_MAX))
            .unwrap();
        body.freeze()
    }
    let response = response(name, true)?;
    Some(match response.0 {
        Response::Vote(_) => of::<messages::VoteRequest>(version, response),
        Response::BeginQuorumEpoch(_) => of::<messages::BeginQuorumEpochRequest>(version, response),
        Response::EndQuorumEpoch(_) => of::<messages::EndQuorumEpochRequest>(version, response),
        Response::FetchSnapshot(_) => of::<messages::FetchSnapshotRequest>(version, response),
        Response::UpdateVoter(_) => of::<messages::UpdateRaftVoterRequest>(version, response),
        Response::Ack(_) if name.starts_with("Remove") => {
            of::<messages::RemoveRaftVoterRequest>(version, response)
        }
        Response::Ack(_) => of::<AddRaftVoterRequest>(version, response),
        Response::Fetch(_) => {
            let to = Answering { version, listener: LISTENER };
            let answer = fetch::FetchRequest::answer(response.0, to, response.1);
            let frame = encode_response(&fetch_header(version), answer.into()).unwrap();
            frame.into_bytes(|_, _| unreachable!("no file")).slice(9..)
        }
        Response::ApiVersions(_) => return None,
    })
}

/// The request that a response of that name answers.
fn asked(name: &str) -> Request {
    let kind = name.trim_end_matches("Response").trim_end_matches("Refusal").trim_end_matches("Done");
    let kind = kind.trim_end_matches("Diverging").trim_end_matches("InSnapshot");
    request(&format!("{kind}Request"), None).unwrap()
}

/// What the client makes of a body.
fn read(name: &str, version: i16, body: &[u8]) -> Result<Response, Fault> {
    let asked = asked(name);
    let has_tags = match asked {
        Request::BeginQuorumEpoch(_) => messages::BeginQuorumEpochResponse::header_version(version) >= 1,
        Request::EndQuorumEpoch(_) => messages::EndQuorumEpochResponse::header_version(version) >= 1,
        _ => true,
    };
    let mut frame = BytesMut::from(&7i32.to_be_bytes()[..]);
    frame.put_slice(if has_tags { b"\0" } else { b"" });
    frame.put_slice(body);
    ask::read(&asked, version, frame.freeze(), LISTENER)
}

#[test]
fn requests_are_kafkas_bytes() {
    let cluster_id = StrBytes::from_static_str(CLUSTER);
    let mut seen = 0;
    for (name, version, body) in kafkas() {
        let Some(request) = request(name, None) else { continue };
        let (_, (oldest, newest)) = ask::api(&request);
        assert!((oldest..=newest).contains(&version), "{name} {version}");
        let frame = ask::encode(&request, version, 7, ("me", &cluster_id)).unwrap();
        assert_eq!(frame[frame.len() - body.len()..], body[..], "{name} {version}");
        assert_eq!(frame[8..14], [0, 0, 0, 7, 0, 2], "{name} {version}: correlation and client id");
        seen += 1;
    }
    assert_eq!(seen, 21);
}

#[test]
fn kafkas_requests_are_understood() {
    for (name, version, body) in kafkas() {
        let Some(request) = request(name, Some(version)) else { continue };
        let expected = Inbound { cluster_id: Some(CLUSTER.into()), request };
        assert_eq!(inbound(name, version, &body), Some(expected), "{name} {version}");
    }
}

#[test]
fn responses_are_kafkas_bytes() {
    let mut seen = 0;
    for (name, version, body) in kafkas() {
        if let Some(answered) = answered(name, version) {
            assert_eq!(answered, body, "{name} {version}");
            seen += 1;
        }
    }
    assert_eq!(seen, 48);
}

#[test]
fn kafkas_responses_are_understood() {
    for (name, version, body) in kafkas() {
        let since = match name {
            _ if name.starts_with("Fetch") && !name.starts_with("FetchSnapshot") => 17,
            "UpdateRaftVoterResponse" => 0,
            _ => 1,
        };
        let Some((expected, _)) = response(name, version >= since) else { continue };
        let read = read(name, version, &body);
        match (name, expected) {
            // Its records are no batches.
            ("FetchResponse", _) => assert!(matches!(read, Err(Fault::Batch(_))), "{version}: {read:?}"),
            (name, expected) if name.ends_with("Refusal") => {
                let hint = leader::unknown();
                assert!(
                    format!("{:?}", read.unwrap()).contains(&format!("{hint:?}")),
                    "{name}: {expected:?}"
                );
            }
            (_, expected) => assert_eq!(read, Ok(expected), "{name} {version}"),
        }
    }
}

#[test]
fn an_older_peer_is_not_asked_what_it_cannot_know() {
    let vote = (messages::VoteRequest::KEY, 2);
    assert_eq!(ask::api(&request("PreVoteRequest", None).unwrap()), (vote.0, (2, 2)));
    assert_eq!(ask::api(&request("VoteRequest", None).unwrap()), (vote.0, (0, 2)));
    assert_eq!(ask::api(&request("AddRaftVoterUncommittedRequest", None).unwrap()), (80, (1, 1)));
    assert_eq!(ask::api(&request("AddRaftVoterRequest", None).unwrap()), (80, (0, 1)));
    assert_eq!(ask::api(&request("FetchRequest", None).unwrap()), (1, (13, 18)));
    let cluster_id = StrBytes::from_static_str(CLUSTER);
    for version in 0..=4 {
        assert!(ask::encode(&Request::ApiVersions, version, 1, ("me", &cluster_id)).is_ok());
    }
}

#[test]
fn kraft_versions_are_a_feature_of_the_peer() {
    let range = |version: i16, name: &'static str| {
        let feature = messages::api_versions_response::SupportedFeatureKey::default()
            .with_name(StrBytes::from_static_str(name))
            .with_max_version(1);
        let mut frame = BytesMut::from(&7i32.to_be_bytes()[..]);
        let response = messages::ApiVersionsResponse::default();
        response.with_supported_features(vec![feature]).encode(&mut frame, version).unwrap();
        match ask::read(&Request::ApiVersions, version, frame.freeze(), LISTENER) {
            Ok(Response::ApiVersions(response)) => response.versions,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(range(4, "kraft.version"), Some(KRaftVersionRange { min: 0, max: 1 }));
    assert_eq!(range(4, "metadata.version"), None);
}

#[test]
fn the_address_told_is_the_one_on_the_requests_listener() {
    let other = Endpoint { listener: "OTHER".into(), host: "elsewhere".into(), port: 1 };
    let hint = LeaderHint {
        epoch: LeaderEpoch(5),
        leader: Some(NodeId(3)),
        endpoints: Endpoints(vec![other, endpoints().0.remove(0)]),
    };
    assert_eq!(leader::endpoint(&hint, LISTENER).map(|(_, at)| &*at.host), Some("host-3"));
    assert!(leader::endpoint(&hint, "EXTERNAL").is_none());
    let nobody = LeaderHint { leader: None, ..hint };
    assert!(leader::endpoint(&nobody, LISTENER).is_none());
    assert_eq!(leader::id(&nobody).0, -1);
}

#[test]
fn a_request_about_another_partition_never_reaches_raft() {
    for (name, version, body) in kafkas() {
        let Some(request) = request(name, None) else { continue };
        let about_partition =
            !matches!(request, Request::AddVoter(_) | Request::RemoveVoter(_) | Request::UpdateVoter(_));
        let mut body = body.to_vec();
        let topic = body.windows(18).position(|window| window == b"__cluster_metadata");
        let id = body.windows(16).position(|window| window == Uuid::from_u128(1).as_bytes());
        let Some(name_or_id) = topic.or(id) else {
            assert!(!about_partition, "{name} {version}");
            continue;
        };
        body[name_or_id] ^= 1;
        assert_eq!(inbound(name, version, &body.into()), None, "{name} {version}");
    }
}

/// Control records and data in one answer, as at the start of an epoch.
fn two_batches() -> (Bytes, Bytes) {
    let change = LeaderChange { leader: NodeId(3), voters: vec![key(3, 0)], granting: vec![key(3, 0)] };
    let record = ControlRecord::LeaderChange(change);
    let mut control = BatchBuilder::new(Compression::None).control().base_offset(Offset(100));
    control = control.leader_epoch(LeaderEpoch(5));
    control.push(NewRecord {
        key: Some(&record.key()),
        value: Some(&record.value()),
        ..NewRecord::default()
    });
    let mut data = BatchBuilder::new(Compression::None).base_offset(Offset(101)).leader_epoch(LeaderEpoch(5));
    for n in 0..3 {
        data.push(NewRecord { timestamp: Millis(n), value: Some(b"value"), ..NewRecord::default() });
    }
    (control.build(), data.build())
}

#[test]
fn fetched_batches_are_slices_with_their_control_records() {
    let (control, data) = two_batches();
    let all = Bytes::from([&control[..], &data[..], &data[..70]].concat());
    let Records::Batches(batches) = fetched::batches(all.clone()).unwrap() else { panic!("no batches") };
    let offsets: Vec<_> = batches.iter().map(|batch| (batch.base_offset.0, batch.last_offset.0)).collect();
    assert_eq!(offsets, [(100, 100), (101, 103)]);
    assert!(matches!(batches[0].control[..], [(Offset(100), ControlRecord::LeaderChange(_))]));
    assert!(batches[1].control.is_empty() && batches[1].epoch == LeaderEpoch(5));
    assert_eq!(batches[1].bytes, data);
    assert_eq!(batches[0].bytes.as_ptr(), all.as_ptr(), "nothing is copied");
    assert_eq!(fetched::batches(Bytes::new()).unwrap(), Records::Empty);
    assert_eq!(fetched::batches(data.slice(..70)).unwrap(), Records::Empty);
}

#[test]
fn damaged_batches_are_refused() {
    let (control, data) = two_batches();
    let mut damaged = data.to_vec();
    damaged[65] ^= 1;
    assert!(matches!(fetched::batches(damaged.into()), Err(Fault::Batch(_))));
    // A leader change that ends too early, under a valid checksum.
    let mut short = BatchBuilder::new(Compression::None).control();
    short.push(NewRecord { key: Some(&[0, 0, 0, 2]), value: Some(&[0, 0]), ..NewRecord::default() });
    assert!(matches!(fetched::batches(short.build()), Err(Fault::Control(_))));
    let mut packed = BatchBuilder::new(Compression::Zstd(3)).control();
    packed.push(NewRecord { value: Some(&[0; 500]), ..NewRecord::default() });
    assert!(matches!(fetched::batches(packed.build()), Err(Fault::Batch(_))));
    let again = Bytes::from([&data[..], &control[..]].concat());
    assert!(matches!(fetched::batches(again), Err(Fault::Batch(_))), "offsets rise");
}

#[test]
fn hostile_bytes_are_errors() {
    let mut state = 0x0063_6872_6f6e_696b_u64;
    let mut below = |end: usize| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (state >> 33) as usize % end.max(1)
    };
    let lines: Vec<_> = kafkas().collect();
    let (mut refused, mut taken) = (0, 0);
    for _ in 0..20_000 {
        let (name, version, body) = &lines[below(lines.len())];
        let mut body = body.to_vec();
        for _ in 0..=below(3) {
            let at = below(body.len());
            match below(3) {
                0 => body.truncate(at),
                1 if at < body.len() => body[at] ^= 1 << below(8),
                _ => drop(body.splice(at..at, *b"\xff\xff\xff\xff\x0f")),
            }
        }
        let is_sound = if request(name, None).is_some() {
            inbound(name, *version, &body.into()).is_some()
        } else {
            read(name, *version, &body).is_ok()
        };
        *(if is_sound { &mut taken } else { &mut refused }) += 1;
    }
    assert!(refused > 1000 && taken > 1000, "{refused} refused, {taken} taken");
}
