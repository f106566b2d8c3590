//! The one table of APIs: key, versions, first flexible version, listeners, request and response types.
//!
//! From it come the dispatch enums ([`ApiKey`], [`Request`], [`Response`]), the check of every request's version,
//! and what ApiVersions answers. To add an API: one line here, one schema for the pre-check, one handler file in
//! the broker. The client's side ([`crate::client`]) needs the schema alone.
//!
//! Message types are `kafka-protocol`'s, except where its copy is too slow (Produce, Fetch) or too old
//! (DescribeLogDirs, AddRaftVoter, BrokerHeartbeat, OffsetCommit, OffsetFetch).

use bytes::Bytes;
use kafka_protocol::messages;
use kafka_protocol::messages::api_versions_response::ApiVersion;

use crate::body::{RequestBody, ResponseBody};
use crate::error::{DecodeError, EncodeError};
use crate::header::RequestHeader;
use crate::out::Outgoing;
use crate::{add_raft_voter, broker_heartbeat, fetch, log_dirs, offset_commit, offset_fetch, produce};

/// Which kind of listener serves an API (`listeners` in Kafka's message definitions).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// Clients and brokers connect here.
    Broker,
    /// The quorum connects here (`controller.listener.names`).
    Controller,
}

/// One line of the table.
#[derive(Debug)]
pub struct Api {
    /// The API.
    pub key: ApiKey,
    /// Its name, as Kafka's metrics and tools write it.
    pub name: &'static str,
    /// Oldest version served.
    pub min: i16,
    /// Newest version served.
    pub max: i16,
    /// First version in the flexible encoding (KIP-482); `i16::MAX` for none.
    pub flexible: i16,
    /// Where it is served.
    pub listeners: &'static [Listener],
}

impl Api {
    /// Whether the version is served.
    pub fn has_version(&self, version: i16) -> bool {
        (self.min..=self.max).contains(&version)
    }

    /// Whether the version uses the flexible encoding.
    pub fn is_flexible(&self, version: i16) -> bool {
        version >= self.flexible
    }
}

macro_rules! apis {
    ($($name:ident = $key:literal, $min:literal..=$max:literal, flexible $flexible:expr, [$($listener:ident),+],
        $request:ty => $response:ty;)*) => {
        /// The APIs that we serve; the number is the key on the wire.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i16)]
        pub enum ApiKey {
            $(#[allow(missing_docs)] $name = $key,)*
        }

        /// Every API, in the order of the keys.
        pub static APIS: &[&Api] = &[$(ApiKey::$name.info()),*];

        impl ApiKey {
            /// The API's line in the table.
            pub const fn info(self) -> &'static Api {
                match self {
                    $(ApiKey::$name => {
                        const API: Api = Api {
                            key: ApiKey::$name,
                            name: stringify!($name),
                            min: $min,
                            max: $max,
                            flexible: $flexible,
                            listeners: &[$(Listener::$listener),+],
                        };
                        &API
                    })*
                }
            }

            /// The API with this key, if we have it.
            pub fn from_key(key: i16) -> Option<ApiKey> {
                match key {
                    $($key => Some(ApiKey::$name),)*
                    _ => None,
                }
            }
        }

        /// A request, decoded.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Request {
            $(#[allow(missing_docs)] $name($request),)*
        }

        /// A response to be encoded; the variant is the request's.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Response {
            $(#[allow(missing_docs)] $name($response),)*
        }

        impl Response {
            /// The API it answers.
            pub fn api(&self) -> ApiKey {
                match self {
                    $(Response::$name(_) => ApiKey::$name,)*
                }
            }
        }

        $(impl From<$response> for Response {
            fn from(response: $response) -> Self {
                Response::$name(response)
            }
        })*

        fn decode_body(api: ApiKey, version: i16, body: Bytes) -> Result<Request, DecodeError> {
            match api {
                $(ApiKey::$name => <$request as RequestBody>::decode(body, version).map(Request::$name),)*
            }
        }

        fn encode_body(header: &RequestHeader, response: Response) -> Result<Outgoing, EncodeError> {
            match response {
                $(Response::$name(response) => <$response as ResponseBody>::encode(response, header),)*
            }
        }
    };
}

apis! {
    Produce = 0, 3..=13, flexible 9, [Broker],
        produce::ProduceRequest => messages::ProduceResponse;
    Fetch = 1, 4..=18, flexible 12, [Broker, Controller],
        fetch::FetchRequest => fetch::FetchResponse;
    ListOffsets = 2, 1..=11, flexible 6, [Broker],
        messages::ListOffsetsRequest => messages::ListOffsetsResponse;
    Metadata = 3, 0..=13, flexible 9, [Broker],
        messages::MetadataRequest => messages::MetadataResponse;
    OffsetCommit = 8, 2..=10, flexible 8, [Broker],
        offset_commit::OffsetCommitRequest => messages::OffsetCommitResponse;
    OffsetFetch = 9, 1..=10, flexible 6, [Broker],
        offset_fetch::OffsetFetchRequest => messages::OffsetFetchResponse;
    FindCoordinator = 10, 0..=6, flexible 3, [Broker],
        messages::FindCoordinatorRequest => messages::FindCoordinatorResponse;
    JoinGroup = 11, 0..=9, flexible 6, [Broker],
        messages::JoinGroupRequest => messages::JoinGroupResponse;
    Heartbeat = 12, 0..=4, flexible 4, [Broker],
        messages::HeartbeatRequest => messages::HeartbeatResponse;
    LeaveGroup = 13, 0..=5, flexible 4, [Broker],
        messages::LeaveGroupRequest => messages::LeaveGroupResponse;
    SyncGroup = 14, 0..=5, flexible 4, [Broker],
        messages::SyncGroupRequest => messages::SyncGroupResponse;
    DescribeGroups = 15, 0..=6, flexible 5, [Broker],
        messages::DescribeGroupsRequest => messages::DescribeGroupsResponse;
    ListGroups = 16, 0..=5, flexible 3, [Broker],
        messages::ListGroupsRequest => messages::ListGroupsResponse;
    ApiVersions = 18, 0..=4, flexible 3, [Broker, Controller],
        messages::ApiVersionsRequest => messages::ApiVersionsResponse;
    CreateTopics = 19, 2..=7, flexible 5, [Broker, Controller],
        messages::CreateTopicsRequest => messages::CreateTopicsResponse;
    DeleteTopics = 20, 1..=6, flexible 4, [Broker, Controller],
        messages::DeleteTopicsRequest => messages::DeleteTopicsResponse;
    DeleteRecords = 21, 0..=2, flexible 2, [Broker],
        messages::DeleteRecordsRequest => messages::DeleteRecordsResponse;
    InitProducerId = 22, 0..=5, flexible 2, [Broker],
        messages::InitProducerIdRequest => messages::InitProducerIdResponse;
    OffsetForLeaderEpoch = 23, 2..=4, flexible 4, [Broker],
        messages::OffsetForLeaderEpochRequest => messages::OffsetForLeaderEpochResponse;
    DescribeConfigs = 32, 1..=4, flexible 4, [Broker, Controller],
        messages::DescribeConfigsRequest => messages::DescribeConfigsResponse;
    AlterConfigs = 33, 0..=2, flexible 2, [Broker, Controller],
        messages::AlterConfigsRequest => messages::AlterConfigsResponse;
    DescribeLogDirs = 35, 1..=5, flexible 2, [Broker],
        messages::DescribeLogDirsRequest => log_dirs::DescribeLogDirsResponse;
    CreatePartitions = 37, 0..=3, flexible 2, [Broker, Controller],
        messages::CreatePartitionsRequest => messages::CreatePartitionsResponse;
    DeleteGroups = 42, 0..=2, flexible 2, [Broker],
        messages::DeleteGroupsRequest => messages::DeleteGroupsResponse;
    ElectLeaders = 43, 0..=2, flexible 2, [Broker, Controller],
        messages::ElectLeadersRequest => messages::ElectLeadersResponse;
    IncrementalAlterConfigs = 44, 0..=1, flexible 1, [Broker, Controller],
        messages::IncrementalAlterConfigsRequest => messages::IncrementalAlterConfigsResponse;
    AlterPartitionReassignments = 45, 0..=1, flexible 0, [Broker, Controller],
        messages::AlterPartitionReassignmentsRequest => messages::AlterPartitionReassignmentsResponse;
    ListPartitionReassignments = 46, 0..=0, flexible 0, [Broker, Controller],
        messages::ListPartitionReassignmentsRequest => messages::ListPartitionReassignmentsResponse;
    OffsetDelete = 47, 0..=0, flexible i16::MAX, [Broker],
        messages::OffsetDeleteRequest => messages::OffsetDeleteResponse;
    Vote = 52, 0..=2, flexible 0, [Controller],
        messages::VoteRequest => messages::VoteResponse;
    BeginQuorumEpoch = 53, 0..=1, flexible 1, [Controller],
        messages::BeginQuorumEpochRequest => messages::BeginQuorumEpochResponse;
    EndQuorumEpoch = 54, 0..=1, flexible 1, [Controller],
        messages::EndQuorumEpochRequest => messages::EndQuorumEpochResponse;
    DescribeQuorum = 55, 0..=2, flexible 0, [Broker, Controller],
        messages::DescribeQuorumRequest => messages::DescribeQuorumResponse;
    AlterPartition = 56, 2..=3, flexible 0, [Controller],
        messages::AlterPartitionRequest => messages::AlterPartitionResponse;
    UpdateFeatures = 57, 0..=2, flexible 0, [Broker, Controller],
        messages::UpdateFeaturesRequest => messages::UpdateFeaturesResponse;
    Envelope = 58, 0..=0, flexible 0, [Controller],
        messages::EnvelopeRequest => messages::EnvelopeResponse;
    FetchSnapshot = 59, 0..=1, flexible 0, [Controller],
        messages::FetchSnapshotRequest => messages::FetchSnapshotResponse;
    DescribeCluster = 60, 0..=2, flexible 0, [Broker, Controller],
        messages::DescribeClusterRequest => messages::DescribeClusterResponse;
    DescribeProducers = 61, 0..=0, flexible 0, [Broker],
        messages::DescribeProducersRequest => messages::DescribeProducersResponse;
    BrokerRegistration = 62, 0..=4, flexible 0, [Controller],
        messages::BrokerRegistrationRequest => messages::BrokerRegistrationResponse;
    BrokerHeartbeat = 63, 0..=2, flexible 0, [Controller],
        broker_heartbeat::BrokerHeartbeatRequest => messages::BrokerHeartbeatResponse;
    UnregisterBroker = 64, 0..=0, flexible 0, [Broker, Controller],
        messages::UnregisterBrokerRequest => messages::UnregisterBrokerResponse;
    AllocateProducerIds = 67, 0..=0, flexible 0, [Controller],
        messages::AllocateProducerIdsRequest => messages::AllocateProducerIdsResponse;
    ConsumerGroupHeartbeat = 68, 0..=1, flexible 0, [Broker],
        messages::ConsumerGroupHeartbeatRequest => messages::ConsumerGroupHeartbeatResponse;
    ConsumerGroupDescribe = 69, 0..=1, flexible 0, [Broker],
        messages::ConsumerGroupDescribeRequest => messages::ConsumerGroupDescribeResponse;
    ControllerRegistration = 70, 0..=0, flexible 0, [Controller],
        messages::ControllerRegistrationRequest => messages::ControllerRegistrationResponse;
    AssignReplicasToDirs = 73, 0..=0, flexible 0, [Controller],
        messages::AssignReplicasToDirsRequest => messages::AssignReplicasToDirsResponse;
    ListConfigResources = 74, 0..=1, flexible 0, [Broker],
        messages::ListConfigResourcesRequest => messages::ListConfigResourcesResponse;
    DescribeTopicPartitions = 75, 0..=0, flexible 0, [Broker],
        messages::DescribeTopicPartitionsRequest => messages::DescribeTopicPartitionsResponse;
    AddRaftVoter = 80, 0..=1, flexible 0, [Broker, Controller],
        add_raft_voter::AddRaftVoterRequest => messages::AddRaftVoterResponse;
    RemoveRaftVoter = 81, 0..=0, flexible 0, [Broker, Controller],
        messages::RemoveRaftVoterRequest => messages::RemoveRaftVoterResponse;
    UpdateRaftVoter = 82, 0..=0, flexible 0, [Controller],
        messages::UpdateRaftVoterRequest => messages::UpdateRaftVoterResponse;
}

impl ApiKey {
    /// The number on the wire.
    pub fn key(self) -> i16 {
        self as i16
    }

    /// The API's name.
    pub fn name(self) -> &'static str {
        self.info().name
    }
}

/// The API with this key, if it has this version; ApiVersions is found at any version (KIP-511).
///
/// # Errors
/// What Kafka closes the connection for.
pub(crate) fn lookup(key: i16, version: i16) -> Result<&'static Api, DecodeError> {
    let api = ApiKey::from_key(key).ok_or(DecodeError::UnknownApi { key })?.info();
    if api.has_version(version) || api.key == ApiKey::ApiVersions {
        Ok(api)
    } else {
        Err(DecodeError::UnsupportedVersion { api: api.name, version })
    }
}

/// The APIs of a listener, in the order of the keys.
pub fn supported(listener: Listener) -> impl Iterator<Item = &'static Api> {
    APIS.iter().copied().filter(move |api| api.listeners.contains(&listener))
}

/// The ranges as ApiVersions answers them.
///
/// Produce is announced from version 0 on a broker listener though 0-2 are refused: librdkafka before 2.11
/// takes a higher minimum for a broker without compression support (KAFKA-18659,
/// `ApiKeys.PRODUCE_API_VERSIONS_RESPONSE_MIN_VERSION`).
pub fn announced(listener: Listener) -> Vec<ApiVersion> {
    supported(listener).map(|api| announce(api, listener)).collect()
}

fn announce(api: &Api, listener: Listener) -> ApiVersion {
    let min = if api.key == ApiKey::Produce && listener == Listener::Broker { 0 } else { api.min };
    ApiVersion::default().with_api_key(api.key as i16).with_min_version(min).with_max_version(api.max)
}

/// Decodes the body that [`RequestHeader::parse`] left. Bytes after the body are ignored, as Kafka ignores them.
///
/// # Errors
/// The body is not what the header says: the connection is to be closed.
pub fn decode_request(header: &RequestHeader, body: Bytes) -> Result<Request, DecodeError> {
    if header.unsupported_api_versions() {
        return Ok(Request::ApiVersions(messages::ApiVersionsRequest::default()));
    }
    decode_body(header.api, header.version, body)
}

/// Frames the response to a request: size, response header, body.
///
/// # Errors
/// A field is set that the version cannot carry: a handler's fault.
///
/// # Panics
/// The response is not of the request's API.
pub fn encode_response(header: &RequestHeader, response: Response) -> Result<Outgoing, EncodeError> {
    assert_eq!(response.api(), header.api, "a handler answers the API it was asked");
    encode_body(header, response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_keys() {
        assert!(APIS.is_sorted_by(|one, next| one.key < next.key));
        for api in APIS {
            assert_eq!(ApiKey::from_key(api.key.key()), Some(api.key));
            assert_eq!(api.key.name(), api.name);
        }
    }

    #[test]
    fn produce_is_announced_from_version_0_and_served_from_3() {
        let announced = announced(Listener::Broker);
        let produce = announced.iter().find(|api| api.api_key == 0).unwrap();
        assert_eq!((produce.min_version, produce.max_version), (0, 13));
        assert!(lookup(0, 2).is_err() && lookup(0, 3).is_ok());
        assert!(
            announced.iter().all(|api| api.api_key == 0
                || api.min_version == lookup(api.api_key, api.max_version).unwrap().min)
        );
    }

    #[test]
    fn versions_and_listeners_are_kafkas() {
        // Written by clients/codec/Table.java.
        let table = include_str!("../tests/fixtures/table.txt");
        for api in APIS {
            let listeners: String = [(Listener::Broker, " broker"), (Listener::Controller, " controller")]
                .iter()
                .filter_map(|(listener, name)| api.listeners.contains(listener).then_some(*name))
                .collect();
            let line = format!("{} {} {} {}{listeners}", api.key.key(), api.name, api.min, api.max);
            assert!(table.lines().any(|kafkas| kafkas == line), "not Kafka's: {line}");
        }
    }

    #[test]
    fn a_version_is_flexible_where_the_library_writes_a_tagged_header() {
        use kafka_protocol::messages::ApiKey as Library;
        for api in APIS {
            let library = Library::try_from(api.key.key()).unwrap();
            for version in api.min..=api.max {
                assert_eq!(
                    library.request_header_version(version) == 2,
                    api.is_flexible(version),
                    "{}",
                    api.name
                );
                let tags = crate::header::response_has_tags(api, version);
                assert_eq!(library.response_header_version(version) == 1, tags, "{}", api.name);
            }
        }
    }
}
