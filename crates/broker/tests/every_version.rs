//! Every API at every version that ApiVersions announces is answered, with something that a client can decode.
//!
//! A handler that fills a field which the version cannot carry would break here, and not in front of an old client.

mod support;

use bytes::{Bytes, BytesMut};
use chronik_log::batch::{BatchBuilder, Compression, NewRecord};
use chronik_log::disk::memory::MemoryDisk;
use chronik_wire::api::{APIS, ApiKey};
use chronik_wire::precheck::Checked;
use chronik_wire::{Listener, StrBytes};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::Request;
use support::{Client, NOW, encode, groups, node, node_and_tasks, requests};
use uuid::Uuid;

struct World {
    client: Client,
    topic_id: Uuid,
}

fn name(text: &str) -> TopicName {
    TopicName(StrBytes::from_string(text.to_owned()))
}

fn batch() -> Bytes {
    let mut batch = BatchBuilder::new(Compression::None);
    batch.push(NewRecord { timestamp: NOW, value: Some(b"hello"), ..NewRecord::default() });
    batch.build()
}

impl World {
    fn new(listener: Listener) -> World {
        let (node, tasks) = node_and_tasks(&MemoryDisk::new(1), &[("offsets.topic.replication.factor", "1")]);
        let mut client = Client::beside(&node, listener, &tasks);
        let topic = create_topics_request::CreatableTopic::default()
            .with_name(name("here"))
            .with_num_partitions(2)
            .with_replication_factor(1);
        let created = client.call(7, &CreateTopicsRequest::default().with_topics(vec![topic]));
        assert_eq!(created.topics[0].error_code, 0, "{created:?}");
        World { client, topic_id: created.topics[0].topic_id }
    }

    /// Asks at every version of the API. Versions that the library does not have are asked with the bytes of its newest
    /// (they differ in the response only), and must be answered too.
    fn ask<R: Request>(&mut self, api: ApiKey, request: impl Fn(i16) -> R)
    where
        R::Response: Checked + std::fmt::Debug,
    {
        let info = api.info();
        for version in info.min..=info.max {
            let known = version.min(R::VERSIONS.max);
            let mut frame = BytesMut::from(&encode(known, &request(version))[..]);
            frame[2..4].copy_from_slice(&version.to_be_bytes());
            let answer = self.client.raw(frame.freeze()).expect("the connection stays open");
            let answer = answer.unwrap_or_else(|| panic!("{} {version} is not answered", info.name));
            if version == known {
                let decoded = chronik_wire::client::decode_response::<R>(version, answer);
                assert!(decoded.is_ok(), "{} {version}: {decoded:?}", info.name);
            }
        }
    }

    fn ask_about_records(&mut self, api: ApiKey) {
        let topic_id = self.topic_id;
        match api {
            ApiKey::Produce => self.ask(api, |version| produce(version, topic_id)),
            ApiKey::Fetch => self.ask(api, |version| fetch(version, topic_id)),
            ApiKey::ListOffsets => self.ask(api, |_| list_offsets()),
            ApiKey::OffsetForLeaderEpoch => self.ask(api, |version| {
                let partition = offset_for_leader_epoch_request::OffsetForLeaderPartition::default();
                let topic = offset_for_leader_epoch_request::OffsetForLeaderTopic::default()
                    .with_topic(name("here"))
                    .with_partitions(vec![partition]);
                let request = OffsetForLeaderEpochRequest::default().with_topics(vec![topic]);
                if version >= 3 { request } else { request.with_replica_id(BrokerId(-2)) }
            }),
            ApiKey::DeleteRecords => self.ask(api, |_| {
                let partitions = [0, 9].map(|index| {
                    delete_records_request::DeleteRecordsPartition::default().with_partition_index(index)
                });
                let topic = delete_records_request::DeleteRecordsTopic::default()
                    .with_name(name("here"))
                    .with_partitions(partitions.to_vec());
                DeleteRecordsRequest::default().with_topics(vec![topic])
            }),
            ApiKey::DescribeProducers => self.ask(api, |_| {
                let topic = describe_producers_request::TopicRequest::default()
                    .with_name(name("here"))
                    .with_partition_indexes(vec![0, 9]);
                DescribeProducersRequest::default().with_topics(vec![topic])
            }),
            ApiKey::InitProducerId => {
                self.ask(api, |_| InitProducerIdRequest::default().with_transactional_id(None));
                self.ask(api, |_| {
                    let id = TransactionalId(StrBytes::from_static_str("x"));
                    InitProducerIdRequest::default().with_transactional_id(Some(id))
                });
            }
            ApiKey::DescribeLogDirs => self.ask(api, |_| DescribeLogDirsRequest::default().with_topics(None)),
            other => self.ask_groups(other),
        }
    }

    fn ask_groups(&mut self, api: ApiKey) {
        let id = self.topic_id;
        match api {
            ApiKey::FindCoordinator => {
                for kind in [0, 1, 2, 9] {
                    self.ask(api, |version| groups::find_coordinator(version, kind));
                }
            }
            ApiKey::JoinGroup => self.ask(api, |version| groups::join(version, "", None)),
            ApiKey::SyncGroup => self.ask(api, |version| groups::sync(version, "nobody", 1)),
            ApiKey::Heartbeat => self.ask(api, |version| groups::heartbeat(version, "nobody", 1)),
            ApiKey::LeaveGroup => self.ask(api, |version| groups::leave(version, "nobody")),
            ApiKey::OffsetCommit => {
                self.ask(api, |version| groups::commit(version, ("here", id), -1));
                self.ask(api, |version| groups::commit(version, ("gone", Uuid::from_u128(5)), 7));
            }
            ApiKey::OffsetFetch => {
                self.ask(api, |version| groups::fetch(version, Some(("here", id))));
                self.ask(api, |version| groups::fetch(version, Some(("gone", Uuid::from_u128(5)))));
                self.ask(api, |version| groups::fetch(version, (version < 2).then_some(("here", id))));
            }
            ApiKey::OffsetDelete => self.ask(api, |_| groups::delete_offsets()),
            ApiKey::ListGroups => self.ask(api, groups::list),
            ApiKey::DescribeGroups => self.ask(api, groups::describe),
            ApiKey::DeleteGroups => self.ask(api, |_| groups::delete()),
            ApiKey::ConsumerGroupHeartbeat => {
                self.ask(api, |version| groups::consumer_heartbeat(version, 0));
                self.ask(api, |version| groups::consumer_heartbeat(version, 7));
            }
            ApiKey::ConsumerGroupDescribe => self.ask(api, |_| groups::describe_consumer()),
            other => self.ask_to_administrate(other),
        }
    }

    fn ask_to_administrate(&mut self, api: ApiKey) {
        match api {
            ApiKey::ElectLeaders => {
                self.ask(api, requests::elect_leaders);
                self.ask(api, requests::elect_leaders_by_a_strange_kind);
            }
            ApiKey::AlterPartitionReassignments => self.ask(api, requests::alter_partition_reassignments),
            ApiKey::ListPartitionReassignments => self.ask(api, requests::list_partition_reassignments),
            ApiKey::UpdateFeatures => {
                self.ask(api, |_| requests::update_features("group.version"));
                self.ask(api, |_| requests::update_features("no.such"));
            }
            ApiKey::UnregisterBroker => self.ask(api, requests::unregister_broker),
            ApiKey::AssignReplicasToDirs => self.ask(api, requests::assign_replicas_to_dirs),
            other => self.ask_the_quorum(other),
        }
    }

    fn ask_the_quorum(&mut self, api: ApiKey) {
        let topic_id = self.topic_id;
        match api {
            ApiKey::Vote => self.ask(api, requests::vote),
            ApiKey::BeginQuorumEpoch => self.ask(api, requests::begin_quorum_epoch),
            ApiKey::EndQuorumEpoch => self.ask(api, requests::end_quorum_epoch),
            ApiKey::FetchSnapshot => self.ask(api, requests::fetch_snapshot),
            ApiKey::DescribeQuorum => {
                self.ask(api, |_| requests::describe_quorum("__cluster_metadata"));
                self.ask(api, |_| requests::describe_quorum("here"));
            }
            ApiKey::AddRaftVoter => self.ask(api, requests::add_raft_voter),
            ApiKey::RemoveRaftVoter => self.ask(api, requests::remove_raft_voter),
            ApiKey::UpdateRaftVoter => self.ask(api, requests::update_raft_voter),
            ApiKey::Envelope => self.ask(api, requests::envelope),
            ApiKey::BrokerRegistration => self.ask(api, requests::broker_registration),
            ApiKey::BrokerHeartbeat => self.ask(api, requests::broker_heartbeat),
            ApiKey::AlterPartition => self.ask(api, |version| requests::alter_partition(version, topic_id)),
            ApiKey::AllocateProducerIds => self.ask(api, requests::allocate_producer_ids),
            ApiKey::ControllerRegistration => self.ask(api, requests::controller_registration),
            other => panic!("{other:?} has no request in this test: write one"),
        }
    }

    fn ask_about_the_cluster(&mut self, api: ApiKey) {
        let topic_id = self.topic_id;
        match api {
            ApiKey::Metadata => self.ask(api, |version| metadata(version, topic_id)),
            ApiKey::ApiVersions => self.ask(api, |version| {
                let text = StrBytes::from_static_str("test");
                let request = ApiVersionsRequest::default();
                if version < 3 {
                    return request;
                }
                request.with_client_software_name(text.clone()).with_client_software_version(text)
            }),
            ApiKey::DescribeCluster => self.ask(api, |version| {
                let request =
                    DescribeClusterRequest::default().with_include_cluster_authorized_operations(true);
                // Who is asked may be the wrong one: that is an answer too.
                if version >= 2 { request.with_include_fenced_brokers(true) } else { request }
            }),
            ApiKey::DescribeTopicPartitions => self.ask(api, |_| {
                let topics = ["here", "gone"].map(|topic| {
                    describe_topic_partitions_request::TopicRequest::default().with_name(name(topic))
                });
                DescribeTopicPartitionsRequest::default().with_topics(topics.to_vec()).with_cursor(None)
            }),
            ApiKey::ListConfigResources => self.ask(api, |_| ListConfigResourcesRequest::default()),
            ApiKey::CreateTopics => self.ask(api, |version| {
                let topics = [format!("new-{version}"), "here".to_owned()].map(|topic| {
                    create_topics_request::CreatableTopic::default()
                        .with_name(name(&topic))
                        .with_num_partitions(1)
                        .with_replication_factor(1)
                });
                CreateTopicsRequest::default().with_topics(topics.to_vec())
            }),
            ApiKey::DeleteTopics => self.ask(api, |version| {
                let names = vec![name(&format!("new-{version}")), name("gone")];
                if version < 6 {
                    return DeleteTopicsRequest::default().with_topic_names(names);
                }
                let topics = names
                    .into_iter()
                    .map(|name| delete_topics_request::DeleteTopicState::default().with_name(Some(name)));
                DeleteTopicsRequest::default().with_topics(topics.collect())
            }),
            ApiKey::CreatePartitions => self.ask(api, |version| {
                let topics = ["here", "gone"].map(|topic| {
                    create_partitions_request::CreatePartitionsTopic::default()
                        .with_name(name(topic))
                        .with_count(3 + i32::from(version))
                        .with_assignments(None)
                });
                CreatePartitionsRequest::default().with_topics(topics.to_vec())
            }),
            ApiKey::DescribeConfigs => self.ask(api, describe_configs),
            ApiKey::AlterConfigs => self.ask(api, |_| {
                let config = alter_configs_request::AlterableConfig::default()
                    .with_name(StrBytes::from_static_str("retention.ms"))
                    .with_value(Some(StrBytes::from_static_str("1000")));
                let resource = alter_configs_request::AlterConfigsResource::default()
                    .with_resource_type(2)
                    .with_resource_name(StrBytes::from_static_str("here"))
                    .with_configs(vec![config]);
                AlterConfigsRequest::default().with_resources(vec![resource])
            }),
            ApiKey::IncrementalAlterConfigs => self.ask(api, |_| {
                let config = incremental_alter_configs_request::AlterableConfig::default()
                    .with_name(StrBytes::from_static_str("retention.ms"))
                    .with_value(Some(StrBytes::from_static_str("2000")));
                let resource = incremental_alter_configs_request::AlterConfigsResource::default()
                    .with_resource_type(2)
                    .with_resource_name(StrBytes::from_static_str("here"))
                    .with_configs(vec![config]);
                IncrementalAlterConfigsRequest::default().with_resources(vec![resource.clone(), resource])
            }),
            other => self.ask_about_records(other),
        }
    }
}

fn produce(version: i16, topic_id: Uuid) -> ProduceRequest {
    // A partition that is there, one that is not, and one whose batch is damaged.
    let mut damaged = batch().to_vec();
    damaged[70] ^= 1;
    let data = [(0, batch()), (9, batch()), (1, damaged.into())].map(|(index, records)| {
        produce_request::PartitionProduceData::default().with_index(index).with_records(Some(records))
    });
    let topic = produce_request::TopicProduceData::default().with_partition_data(data.to_vec());
    let topic = if version >= 13 { topic.with_topic_id(topic_id) } else { topic.with_name(name("here")) };
    ProduceRequest::default().with_transactional_id(None).with_acks(-1).with_topic_data(vec![topic])
}

fn fetch(version: i16, topic_id: Uuid) -> FetchRequest {
    let partitions = [0, 9].map(|index| {
        fetch_request::FetchPartition::default().with_partition(index).with_partition_max_bytes(1000)
    });
    let topic = fetch_request::FetchTopic::default().with_partitions(partitions.to_vec());
    let topic = if version >= 13 { topic.with_topic_id(topic_id) } else { topic.with_topic(name("here")) };
    FetchRequest::default().with_max_bytes(1000).with_isolation_level(1).with_topics(vec![topic])
}

fn list_offsets() -> ListOffsetsRequest {
    let partitions = [-1, -2, -3, -4, -5, -6, 5]
        .map(|timestamp| list_offsets_request::ListOffsetsPartition::default().with_timestamp(timestamp));
    let topics = partitions.map(|partition| {
        list_offsets_request::ListOffsetsTopic::default()
            .with_name(name("here"))
            .with_partitions(vec![partition])
    });
    ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(topics.to_vec())
}

fn metadata(version: i16, topic_id: Uuid) -> MetadataRequest {
    let by_name = ["here", "made-on-demand", "not/legal"]
        .map(|topic| metadata_request::MetadataRequestTopic::default().with_name(Some(name(topic))));
    let by_id = [topic_id, Uuid::from_u128(5)]
        .map(|id| metadata_request::MetadataRequestTopic::default().with_name(None).with_topic_id(id));
    // Ids count, names beside them do not.
    let topics = if version == 12 { by_id.to_vec() } else { by_name.to_vec() };
    let request = MetadataRequest::default().with_topics(Some(topics));
    match version {
        0..8 => request,
        8..=10 => request
            .with_include_cluster_authorized_operations(true)
            .with_include_topic_authorized_operations(true),
        _ => request.with_include_topic_authorized_operations(true),
    }
}

fn describe_configs(version: i16) -> DescribeConfigsRequest {
    let resources =
        [(2, "here"), (2, "gone"), (4, "1"), (4, ""), (4, "9"), (8, "1"), (16, "x"), (32, "g"), (99, "z")];
    let resources = resources.map(|(kind, name)| {
        describe_configs_request::DescribeConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(StrBytes::from_static_str(name))
            .with_configuration_keys(None)
    });
    let request =
        DescribeConfigsRequest::default().with_resources(resources.to_vec()).with_include_synonyms(true);
    if version >= 3 { request.with_include_documentation(true) } else { request }
}

#[test]
fn every_announced_version_is_answered() {
    for listener in [Listener::Broker, Listener::Controller] {
        let mut world = World::new(listener);
        for api in APIS.iter().filter(|api| api.listeners.contains(&listener)) {
            world.ask_about_the_cluster(api.key);
        }
    }
}

#[test]
fn an_api_of_brokers_is_refused_on_a_controller_listener() {
    let node = node(&MemoryDisk::new(1), &[]);
    let mut client = Client::new(&node, Listener::Controller);
    assert!(client.raw(encode(9, &MetadataRequest::default())).is_err());
    let described = client.call(1, &DescribeClusterRequest::default().with_endpoint_type(2));
    assert_eq!((described.error_code, described.controller_id), (0, BrokerId(1)));
}
