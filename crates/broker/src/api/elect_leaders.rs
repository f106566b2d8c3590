//! ElectLeaders (43), versions 0-2: the preferred replica takes over, or any live one where nobody leads.
//!
//! v1 adds the kind of election and a top-level error (KIP-460), v2 is flexible. The controller decides; the answer comes
//! when it is committed. No list of partitions means all: then only those where there was something to do are answered.
//! A kind that does not exist is INVALID_REQUEST, at every partition too.

use std::sync::Arc;

use chronik_state::cluster::{ElectLeaders, Election, ElectionResults, Refused};
use chronik_state::records::Name;
use chronik_types::{ErrorCode, PartitionIndex};
use chronik_wire::messages::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use chronik_wire::messages::{ElectLeadersRequest, ElectLeadersResponse};

use super::topics::{outcome, topic_name};
use crate::node::Node;

type Partitions = Vec<(Name, Vec<PartitionIndex>)>;

pub(super) async fn handle(
    node: Arc<Node>,
    version: i16,
    request: ElectLeadersRequest,
) -> ElectLeadersResponse {
    let partitions: Option<Partitions> = request.topic_partitions.map(|topics| {
        let topics = topics.into_iter().map(|topic| {
            let indexes = topic.partitions.into_iter().map(PartitionIndex);
            (Name::from(&**topic.topic), indexes.collect())
        });
        topics.collect()
    });
    let election = match request.election_type {
        0 => Election::Preferred,
        1 => Election::Unclean,
        other => {
            let message = format!("Unknown election type {other}");
            return refused(version, partitions, &Refused::new(ErrorCode::InvalidRequest, message));
        }
    };
    match node.ask(ElectLeaders { election, partitions: partitions.clone() }).await {
        Ok(results) => ElectLeadersResponse::default().with_replica_election_results(answered(&results)),
        Err(code) => refused(version, partitions, &Refused::code(code)),
    }
}

/// Version 0 can say what is wrong at the partitions alone.
fn refused(version: i16, partitions: Option<Partitions>, refused: &Refused) -> ElectLeadersResponse {
    let partitions = partitions.unwrap_or_default().into_iter().map(|(name, indexes)| {
        let results = indexes.into_iter().map(|index| (index, Err(refused.clone())));
        (name, results.collect())
    });
    let response =
        ElectLeadersResponse::default().with_replica_election_results(answered(&partitions.collect()));
    if version >= 1 { response.with_error_code(refused.code.code()) } else { response }
}

fn answered(results: &ElectionResults) -> Vec<ReplicaElectionResult> {
    let topics = results.iter().map(|(name, partitions)| {
        let partitions = partitions.iter().map(|(index, result)| {
            let (code, message) = outcome(result);
            PartitionResult::default()
                .with_partition_id(index.0)
                .with_error_code(code)
                .with_error_message(message)
        });
        ReplicaElectionResult::default()
            .with_topic(topic_name(name))
            .with_partition_result(partitions.collect())
    });
    topics.collect()
}
