//! What administrators ask of the controller is answered as Apache Kafka 4.3.1 answers it: codes where Kafka has them.

mod support;

use chronik_log::disk::memory::MemoryDisk;
use chronik_types::ErrorCode;
use chronik_wire::Listener;
use chronik_wire::StrBytes;
use kafka_protocol::messages::*;
use support::{Client, node, requests};

fn name(text: &str) -> TopicName {
    TopicName(StrBytes::from_string(text.to_owned()))
}

/// A client of a node that has the topic `here` with two partitions.
fn client(listener: Listener) -> Client {
    let node = node(&MemoryDisk::new(1), &[]);
    let mut client = Client::new(&node, listener);
    let topic = create_topics_request::CreatableTopic::default()
        .with_name(name("here"))
        .with_num_partitions(2)
        .with_replication_factor(1);
    let created = client.call(7, &CreateTopicsRequest::default().with_topics(vec![topic]));
    assert_eq!(created.topics[0].error_code, 0, "{created:?}");
    client
}

#[test]
fn who_asks_for_topics_by_id_asks_by_nothing_else() {
    let mut client = client(Listener::Broker);
    let wanted = |name: Option<&str>, id: u128| {
        let name = name.map(|text| TopicName(StrBytes::from_string(text.to_owned())));
        metadata_request::MetadataRequestTopic::default()
            .with_name(name)
            .with_topic_id(uuid::Uuid::from_u128(id))
    };
    let by_name = MetadataRequest::default().with_topics(Some(vec![wanted(Some("here"), 0)]));
    let id = client.call(13, &by_name).topics[0].topic_id.as_u128();
    // Kafka's consumer leaves its names empty, not null.
    let topics = vec![wanted(Some(""), id), wanted(None, 5), wanted(Some("not-made"), 0)];
    let request = MetadataRequest::default().with_topics(Some(topics)).with_allow_auto_topic_creation(true);
    let answered = client.call(13, &request);
    let told: Vec<_> = answered.topics.iter().map(|topic| (topic.error_code, topic.name.clone())).collect();
    assert_eq!(told, [(0, Some(name("here"))), (ErrorCode::UnknownTopicId.code(), None)]);
}

#[test]
fn the_quorum_knows_its_own_log_and_no_other() {
    let mut client = client(Listener::Broker);
    let described = client.call(2, &requests::describe_quorum("__cluster_metadata"));
    let partition = &described.topics[0].partitions[0];
    assert_eq!((partition.error_code, partition.leader_id), (0, BrokerId(1)));
    assert_eq!(described.nodes.len(), 1);
    let described = client.call(2, &requests::describe_quorum("here"));
    let partition = &described.topics[0].partitions[0];
    assert_eq!(described.error_code, 0, "the request is no error");
    assert_eq!(partition.error_code, ErrorCode::UnknownTopicOrPartition.code());
}

#[test]
fn elections_are_answered_for_each_partition() {
    let mut client = client(Listener::Broker);
    let answer = client.call(2, &requests::elect_leaders(2));
    let results = &answer.replica_election_results[0].partition_result;
    let codes: Vec<i16> = results.iter().map(|result| result.error_code).collect();
    let expected = [ErrorCode::ElectionNotNeeded.code(), ErrorCode::UnknownTopicOrPartition.code()];
    assert_eq!((answer.error_code, codes), (0, expected.to_vec()));
    let answer = client.call(2, &requests::elect_leaders_by_a_strange_kind(2));
    assert_eq!(answer.error_code, ErrorCode::InvalidRequest.code());
    let all = ElectLeadersRequest::default().with_topic_partitions(None);
    assert!(client.call(2, &all).replica_election_results.is_empty(), "there is nothing to do");
}

#[test]
fn moves_that_are_none_are_told_apart() {
    let mut client = client(Listener::Controller);
    let answer = client.call(1, &requests::alter_partition_reassignments(1));
    let codes: Vec<i16> =
        answer.responses[0].partitions.iter().map(|partition| partition.error_code).collect();
    assert_eq!(codes, [0, ErrorCode::NoReassignmentInProgress.code()]);
    let listed = client.call(0, &requests::list_partition_reassignments(0));
    assert!(listed.topics.is_empty(), "a move to where the replicas are is done at once");
}

#[test]
fn features_change_all_or_none() {
    let mut client = client(Listener::Broker);
    let refused = client.call(1, &requests::update_features("no.such"));
    assert_eq!(refused.error_code, ErrorCode::InvalidUpdateVersion.code());
    assert!(refused.results.is_empty());
    let key = |upgrade| {
        update_features_request::FeatureUpdateKey::default()
            .with_feature(StrBytes::from_static_str("share.version"))
            .with_max_version_level(0)
            .with_upgrade_type(upgrade)
    };
    for (upgrade, code) in
        [(1, ErrorCode::InvalidUpdateVersion), (9, ErrorCode::InvalidUpdateVersion), (2, ErrorCode::None)]
    {
        let request = UpdateFeaturesRequest::default().with_feature_updates(vec![key(upgrade)]);
        assert_eq!(client.call(2, &request).error_code, code.code(), "kind {upgrade}");
    }
    let features = client.call(3, &api_versions()).finalized_features;
    let is_on = features.iter().any(|feature| &*feature.name == "share.version");
    assert!(!is_on, "it was turned off: {features:?}");
}

fn api_versions() -> ApiVersionsRequest {
    let text = StrBytes::from_static_str("test");
    ApiVersionsRequest::default().with_client_software_name(text.clone()).with_client_software_version(text)
}

#[test]
fn a_broker_that_is_not_there_cannot_leave() {
    let mut client = client(Listener::Broker);
    let answer = client.call(0, &requests::unregister_broker(0));
    assert_eq!(answer.error_code, ErrorCode::BrokerIdNotRegistered.code());
    assert_eq!(answer.error_message.as_deref(), Some("Broker ID 7 is not currently registered"));
}
