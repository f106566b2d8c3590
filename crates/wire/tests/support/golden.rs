//! The messages that Kafka's own classes wrote (`clients/codec`), one a line: NAME VERSION HEX.

use bytes::Bytes;
use chronik_wire::add_raft_voter::AddRaftVoterRequest;
use chronik_wire::broker_heartbeat::BrokerHeartbeatRequest;
use chronik_wire::messages::*;
use chronik_wire::offset_commit::OffsetCommitRequest;
use chronik_wire::offset_fetch::OffsetFetchRequest;
use kafka_protocol::protocol::{HeaderVersion, Request};

/// The kept file.
pub(crate) const KEPT: &str = include_str!("../fixtures/golden.txt");

/// Gives every request and its response to a macro: first those whose requests have decoders without the pre-check.
/// An API may be here before it is in the table.
macro_rules! with_every_api {
    ($then:ident) => {
        $then! {
            unchecked { ProduceRequest ProduceResponse, FetchRequest FetchResponse }
            checked {
                ListOffsetsRequest ListOffsetsResponse, MetadataRequest MetadataResponse,
                ApiVersionsRequest ApiVersionsResponse, CreateTopicsRequest CreateTopicsResponse,
                DeleteTopicsRequest DeleteTopicsResponse, DeleteRecordsRequest DeleteRecordsResponse,
                InitProducerIdRequest InitProducerIdResponse,
                OffsetForLeaderEpochRequest OffsetForLeaderEpochResponse,
                DescribeConfigsRequest DescribeConfigsResponse, AlterConfigsRequest AlterConfigsResponse,
                DescribeLogDirsRequest DescribeLogDirsResponse, CreatePartitionsRequest CreatePartitionsResponse,
                ElectLeadersRequest ElectLeadersResponse,
                IncrementalAlterConfigsRequest IncrementalAlterConfigsResponse,
                AlterPartitionReassignmentsRequest AlterPartitionReassignmentsResponse,
                ListPartitionReassignmentsRequest ListPartitionReassignmentsResponse,
                VoteRequest VoteResponse, BeginQuorumEpochRequest BeginQuorumEpochResponse,
                EndQuorumEpochRequest EndQuorumEpochResponse, DescribeQuorumRequest DescribeQuorumResponse,
                AlterPartitionRequest AlterPartitionResponse, UpdateFeaturesRequest UpdateFeaturesResponse,
                EnvelopeRequest EnvelopeResponse, FetchSnapshotRequest FetchSnapshotResponse,
                DescribeClusterRequest DescribeClusterResponse,
                DescribeProducersRequest DescribeProducersResponse,
                BrokerRegistrationRequest BrokerRegistrationResponse,
                BrokerHeartbeatRequest BrokerHeartbeatResponse,
                UnregisterBrokerRequest UnregisterBrokerResponse,
                AllocateProducerIdsRequest AllocateProducerIdsResponse,
                ControllerRegistrationRequest ControllerRegistrationResponse,
                AssignReplicasToDirsRequest AssignReplicasToDirsResponse,
                ListConfigResourcesRequest ListConfigResourcesResponse,
                DescribeTopicPartitionsRequest DescribeTopicPartitionsResponse,
                AddRaftVoterRequest AddRaftVoterResponse, RemoveRaftVoterRequest RemoveRaftVoterResponse,
                UpdateRaftVoterRequest UpdateRaftVoterResponse,
                FindCoordinatorRequest FindCoordinatorResponse, JoinGroupRequest JoinGroupResponse,
                SyncGroupRequest SyncGroupResponse, HeartbeatRequest HeartbeatResponse,
                LeaveGroupRequest LeaveGroupResponse, OffsetCommitRequest OffsetCommitResponse,
                OffsetFetchRequest OffsetFetchResponse, ListGroupsRequest ListGroupsResponse,
                DescribeGroupsRequest DescribeGroupsResponse, DeleteGroupsRequest DeleteGroupsResponse,
                OffsetDeleteRequest OffsetDeleteResponse,
                ConsumerGroupHeartbeatRequest ConsumerGroupHeartbeatResponse,
                ConsumerGroupDescribeRequest ConsumerGroupDescribeResponse
            }
        }
    };
}
pub(crate) use with_every_api;

/// One of its lines.
pub(crate) struct Golden<'a> {
    /// `MetadataRequest`, say.
    pub(crate) message: &'a str,
    /// The API's number.
    pub(crate) key: i16,
    pub(crate) version: i16,
    /// Whether the request's header has tagged fields at this version.
    pub(crate) flexible: bool,
    /// The body.
    pub(crate) bytes: Bytes,
}

impl<'a> Golden<'a> {
    pub(crate) fn parse(line: &'a str) -> Self {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap_or_else(|| panic!("NAME VERSION HEX, not {line}"));
        let (message, version, hex) = (word(), word().parse().unwrap(), word());
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let bytes = if hex == "-" { Bytes::new() } else { (0..hex.len()).step_by(2).map(byte).collect() };
        let (key, flexible) = key_and_flexible(message, version);
        Golden { message, key, version, flexible, bytes }
    }

    pub(crate) fn is_request(&self) -> bool {
        self.message.ends_with("Request")
    }
}

fn key_and_flexible(message: &str, version: i16) -> (i16, bool) {
    macro_rules! find {
        ($($kind:ident { $($request:ident $response:ident),* })*) => {
            match message {
                $($(stringify!($request) | stringify!($response) => {
                    (<$request as Request>::KEY, $request::header_version(version) >= 2)
                })*)*
                other => panic!("{other} is in the fixture and not in the list of messages"),
            }
        };
    }
    with_every_api!(find)
}
