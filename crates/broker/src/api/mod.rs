//! One file per API. Each handler is its own specification: its doc comment says what the versions add and what is
//! answered when.
//!
//! A handler that never waits returns its response; one that may wait returns a future, which is polled once at once.

mod allocate_producer_ids;
mod alter_configs;
mod alter_partition;
mod alter_partition_reassignments;
mod api_versions;
mod assign_replicas_to_dirs;
mod broker_heartbeat;
mod broker_registration;
mod configs;
mod consumer_group_describe;
mod consumer_group_heartbeat;
mod controller_registration;
mod create_partitions;
mod create_topics;
mod delete_groups;
mod delete_records;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod describe_groups;
mod describe_log_dirs;
mod describe_producers;
mod describe_quorum;
mod describe_topic_partitions;
mod elect_leaders;
mod envelope;
mod fetch;
mod find_coordinator;
mod groups;
mod heartbeat;
mod incremental_alter_configs;
mod init_producer_id;
mod join_group;
mod leave_group;
mod list_config_resources;
mod list_groups;
mod list_offsets;
mod list_partition_reassignments;
mod metadata;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
mod produce;
mod sync_group;
mod topics;
mod unregister_broker;
mod update_features;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use chronik_wire::{Listener, Request, RequestHeader, Response};

use crate::connection::Client;
use crate::forward::ForController;
use crate::node::Node;

/// How a request ends.
pub(crate) enum Reply {
    /// With a response.
    Response(Response),
    /// With a response that another node has written: header and body, without a size.
    Raw(Bytes),
    /// Without one: a produce that asked for none (acks=0).
    Silent,
    /// With the end of the connection, and the reason.
    Close(String),
}

impl<R: Into<Response>> From<R> for Reply {
    fn from(response: R) -> Reply {
        Reply::Response(response.into())
    }
}

/// A request that has been started.
pub(crate) enum Started {
    /// It is done already.
    Done(Reply),
    /// It waits for something.
    Parked(Pin<Box<dyn Future<Output = Reply> + Send>>),
}

impl<R: Into<Response>> From<R> for Started {
    fn from(response: R) -> Started {
        Started::Done(response.into().into())
    }
}

fn parked<R: Into<Reply>>(future: impl Future<Output = R> + Send + 'static) -> Started {
    Started::Parked(Box::pin(async move { future.await.into() }))
}

/// Starts a request.
pub(crate) fn start(
    node: &Arc<Node>,
    client: &Arc<Client>,
    header: &RequestHeader,
    request: Request,
) -> Started {
    let own = || Arc::clone(node);
    let asker = || Arc::clone(client);
    let version = header.version;
    let listener = || Arc::clone(&client.peer.listener_name);
    let quorum = node.quorum();
    match request {
        Request::Vote(request) => parked(quorum.serve(request, version, listener())),
        Request::BeginQuorumEpoch(request) => parked(quorum.serve(request, version, listener())),
        Request::EndQuorumEpoch(request) => parked(quorum.serve(request, version, listener())),
        Request::FetchSnapshot(request) => parked(quorum.serve(request, version, listener())),
        Request::UpdateRaftVoter(request) => parked(quorum.serve(request, version, listener())),
        Request::AddRaftVoter(request) => parked(quorum.serve(request, version, listener())),
        Request::RemoveRaftVoter(request) => parked(quorum.serve(request, version, listener())),
        Request::Fetch(request) if client.peer.listener == Listener::Controller => {
            parked(quorum.serve(request, version, listener()))
        }
        Request::DescribeQuorum(request) => describe_quorum::handle(node, version, request).into(),
        Request::Envelope(request) => parked(envelope::handle(own(), Arc::clone(client), request)),
        Request::BrokerRegistration(request) => parked(request.decide(own())),
        Request::BrokerHeartbeat(request) => {
            parked(broker_heartbeat::handle(own(), Arc::clone(client), request))
        }
        Request::ControllerRegistration(request) => parked(request.decide(own())),
        Request::AllocateProducerIds(request) => parked(request.decide(own())),
        Request::AlterPartition(request) => parked(request.decide(own())),
        Request::AssignReplicasToDirs(request) => parked(request.decide(own())),
        Request::ElectLeaders(request) => parked(elect_leaders::handle(own(), version, request)),
        Request::AlterPartitionReassignments(request) => {
            parked(alter_partition_reassignments::handle(own(), version, request))
        }
        Request::ListPartitionReassignments(request) => {
            list_partition_reassignments::handle(node, request).into()
        }
        Request::UpdateFeatures(request) => parked(update_features::handle(own(), version, request)),
        Request::UnregisterBroker(request) => parked(unregister_broker::handle(own(), request)),
        Request::FindCoordinator(request) => {
            parked(find_coordinator::handle(own(), asker(), version, request))
        }
        Request::JoinGroup(request) => parked(join_group::handle(own(), asker(), header.clone(), request)),
        Request::SyncGroup(request) => parked(sync_group::handle(own(), asker(), version, request)),
        Request::Heartbeat(request) => parked(heartbeat::handle(own(), asker(), request)),
        Request::LeaveGroup(request) => parked(leave_group::handle(own(), asker(), version, request)),
        Request::OffsetCommit(request) => parked(offset_commit::handle(own(), asker(), version, request)),
        Request::OffsetFetch(request) => parked(offset_fetch::handle(own(), asker(), version, request)),
        Request::OffsetDelete(request) => parked(offset_delete::handle(own(), asker(), request)),
        Request::ListGroups(request) => parked(list_groups::handle(own(), asker(), version, request)),
        Request::DescribeGroups(request) => parked(describe_groups::handle(own(), asker(), version, request)),
        Request::DeleteGroups(request) => parked(delete_groups::handle(own(), asker(), request)),
        Request::ConsumerGroupHeartbeat(request) => {
            parked(consumer_group_heartbeat::handle(own(), asker(), header.clone(), request))
        }
        Request::ConsumerGroupDescribe(request) => {
            parked(consumer_group_describe::handle(own(), asker(), version, request))
        }
        Request::Produce(request) => produce::start(node, client, header, request),
        Request::Fetch(request) => fetch::start(node, client, version, request),
        Request::ListOffsets(request) => parked(list_offsets::handle(own(), version, request)),
        Request::Metadata(request) => parked(metadata::handle(own(), Arc::clone(client), version, request)),
        Request::ApiVersions(request) => api_versions::handle(node, client, header, request).into(),
        Request::CreateTopics(request) => parked(create_topics::handle(own(), version, request)),
        Request::DeleteTopics(request) => parked(delete_topics::handle(own(), version, request)),
        Request::DeleteRecords(request) => parked(delete_records::handle(own(), request)),
        Request::InitProducerId(request) => parked(init_producer_id::handle(own(), request)),
        Request::OffsetForLeaderEpoch(request) => offset_for_leader_epoch::handle(node, request).into(),
        Request::DescribeConfigs(request) => describe_configs::handle(node, version, request).into(),
        Request::AlterConfigs(request) => parked(alter_configs::handle(own(), request)),
        Request::DescribeLogDirs(request) => describe_log_dirs::handle(node, request).into(),
        Request::CreatePartitions(request) => parked(create_partitions::handle(own(), request)),
        Request::IncrementalAlterConfigs(request) => {
            parked(incremental_alter_configs::handle(own(), request))
        }
        Request::DescribeCluster(request) => describe_cluster::handle(node, client, version, request).into(),
        Request::DescribeProducers(request) => describe_producers::handle(node, request).into(),
        Request::ListConfigResources(request) => list_config_resources::handle(node, version, request).into(),
        Request::DescribeTopicPartitions(request) => {
            describe_topic_partitions::handle(node, client, request).into()
        }
    }
}
