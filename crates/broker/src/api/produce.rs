//! Produce (0), versions 3-13.
//!
//! v5 adds the log start offset, v8 record errors (KIP-467), v9 is flexible, v10 adds the current leader (KIP-951),
//! v13 names topics by id (KIP-516). acks=0 is not answered; if it fails the connection is closed, since there is no
//! other way to tell. acks=1 is answered when the batch is in the leader's log, acks=all when it is committed: on the
//! disk of every in-sync replica, unless `flush.messages` says otherwise.
//!
//! Every partition is appended to before anything is waited for, in the request's order.

use std::sync::Arc;

use chronik_log::batch::{BatchError, validate};
use chronik_types::{ErrorCode, Millis, Offset, PartitionIndex};
use chronik_wire::messages::produce_response::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, PartitionProduceResponse, TopicProduceResponse,
};
use chronik_wire::messages::{BrokerId, ProduceResponse};
use chronik_wire::produce::{ProducePartition, ProduceRequest};
use chronik_wire::{RequestHeader, TopicKey};
use smallvec::SmallVec;
use std::time::Duration;

use super::topics::{find, name_and_id, text};
use super::{Reply, Started};
use crate::connection::Client;
use crate::node::Node;
use crate::partition::{Partition, Placed, Refusal};
use crate::wait::{Wait, WaitOrDeadline};
use chronik_state::cluster::{Topic, is_internal_topic};

/// A partition whose commit is awaited: where its answer is, and what completes it.
struct Awaited {
    topic: usize,
    partition: usize,
    wait: Arc<Wait>,
}

type AllAwaited = SmallVec<[Awaited; 1]>;

pub(super) fn start(
    node: &Arc<Node>,
    client: &Arc<Client>,
    header: &RequestHeader,
    request: ProduceRequest,
) -> Started {
    let acks = request.acks;
    let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
    let (response, awaited) = append_all(node, client, header, request);
    if acks == 0 {
        return Started::Done(silent(&response));
    }
    if awaited.is_empty() {
        return response.into();
    }
    let deadline = node.env.sleep(timeout);
    Started::Parked(Box::pin(commit(response, awaited, deadline)))
}

async fn commit(mut response: ProduceResponse, awaited: AllAwaited, mut deadline: crate::env::Task) -> Reply {
    let mut timed_out = false;
    for Awaited { topic, partition, wait } in awaited {
        let outcome = if timed_out {
            wait.outcome().unwrap_or(ErrorCode::RequestTimedOut)
        } else {
            WaitOrDeadline { wait: &wait, deadline: &mut deadline }.await
        };
        timed_out |= outcome == ErrorCode::RequestTimedOut;
        if outcome != ErrorCode::None {
            let answer = &mut response.responses[topic].partition_responses[partition];
            answer.error_code = outcome.code();
            answer.base_offset = -1;
            answer.log_append_time_ms = -1;
        }
    }
    response.into()
}

fn silent(response: &ProduceResponse) -> Reply {
    let mut partitions = response.responses.iter().flat_map(|topic| &topic.partition_responses);
    match partitions.find(|partition| partition.error_code != 0) {
        None => Reply::Silent,
        Some(failed) => {
            let code = ErrorCode::from_code(failed.error_code);
            Reply::Close(format!("a produce with acks=0 failed for partition {}: {code}", failed.index))
        }
    }
}

fn append_all(
    node: &Arc<Node>,
    client: &Arc<Client>,
    header: &RequestHeader,
    request: ProduceRequest,
) -> (ProduceResponse, AllAwaited) {
    let image = node.image();
    let mut awaited = AllAwaited::new();
    let mut responses = Vec::with_capacity(request.topics.len());
    let context = Produce {
        node,
        client,
        all: request.acks == -1,
        acks_valid: (-1..=1).contains(&request.acks),
        may_write_internal: &*header.client_id == "__admin_client",
        now: node.env.now(),
    };
    for topic in request.topics {
        let found = find(&image.state, &topic.topic);
        let mut answers = Vec::with_capacity(topic.partitions.len());
        for partition in topic.partitions {
            let (answer, wait) = context.append(found, &topic.topic, partition);
            if let Some(wait) = wait {
                awaited.push(Awaited { topic: responses.len(), partition: answers.len(), wait });
            }
            answers.push(answer);
        }
        let (name, id) = name_and_id(&topic.topic);
        let response = TopicProduceResponse::default().with_name(name).with_topic_id(id);
        responses.push(response.with_partition_responses(answers));
    }
    (ProduceResponse::default().with_responses(responses), awaited)
}

struct Produce<'a> {
    node: &'a Arc<Node>,
    client: &'a Arc<Client>,
    all: bool,
    acks_valid: bool,
    may_write_internal: bool,
    now: Millis,
}

/// Why a batch was not appended.
enum Failure {
    Code(ErrorCode),
    Batch(BatchError),
    Refused(Refusal),
}

impl Produce<'_> {
    fn append(
        &self,
        topic: Result<&Arc<Topic>, ErrorCode>,
        key: &TopicKey,
        partition: ProducePartition,
    ) -> (PartitionProduceResponse, Option<Arc<Wait>>) {
        let answer = PartitionProduceResponse::default().with_index(partition.index.0);
        let placed = topic.map_err(Failure::Code).and_then(|topic| self.place(topic, key, partition));
        match placed {
            Ok(Placed { appended, committed, .. }) => {
                let answer = answer
                    .with_base_offset(appended.first_offset.0)
                    .with_log_append_time_ms(appended.log_append_time.0)
                    .with_log_start_offset(appended.log_start_offset.0);
                (answer, committed)
            }
            Err(failure) => {
                self.node.metrics.batches_refused.inc();
                (self.refused(answer, failure, key), None)
            }
        }
    }

    fn place(&self, topic: &Topic, key: &TopicKey, wanted: ProducePartition) -> Result<Placed, Failure> {
        if !self.acks_valid {
            return Err(Failure::Code(ErrorCode::InvalidRequiredAcks));
        }
        if is_internal_topic(&topic.name) && !self.may_write_internal {
            return Err(Failure::Code(ErrorCode::InvalidTopicException));
        }
        let partition = self.partition(topic, key, &wanted)?;
        let settings = partition.settings();
        let records = wanted.records.unwrap_or_default();
        let mut batch = validate(records, &settings.validate_options(self.now)).map_err(Failure::Batch)?;
        if batch.header().is_transactional() {
            return Err(Failure::Code(ErrorCode::InvalidTxnState));
        }
        let placed = partition.append(&mut batch, self.all, None, self.now).map_err(Failure::Refused)?;
        if placed.wants_sync || placed.committed.is_some() {
            self.client.appended_to(&partition);
        }
        Ok(placed)
    }

    fn partition(
        &self,
        topic: &Topic,
        key: &TopicKey,
        wanted: &ProducePartition,
    ) -> Result<Arc<Partition>, Failure> {
        let image = self.node.image();
        let found = match key {
            TopicKey::Name(_) => self.node.led_partition(&image, &topic.name, wanted.index),
            TopicKey::Id(id) => self.node.led_by_id(&image, *id, wanted.index),
        };
        found.map_err(Failure::Code)
    }

    fn refused(
        &self,
        answer: PartitionProduceResponse,
        failure: Failure,
        key: &TopicKey,
    ) -> PartitionProduceResponse {
        let answer =
            answer.with_base_offset(Offset::NONE.0).with_log_append_time_ms(-1).with_log_start_offset(-1);
        match failure {
            Failure::Code(code) => self.led_elsewhere(answer.with_error_code(code.code()), code, key),
            Failure::Batch(error) => {
                let records = error.record_errors().iter().map(|record| {
                    BatchIndexAndErrorMessage::default()
                        .with_batch_index(record.batch_index)
                        .with_batch_index_error_message(Some(text(&record.message)))
                });
                let records = records.collect();
                answer
                    .with_error_code(error.code().code())
                    .with_error_message(Some(text(&error.to_string())))
                    .with_record_errors(records)
            }
            Failure::Refused(refusal) => {
                let mut answer =
                    self.led_elsewhere(answer.with_error_code(refusal.code().code()), refusal.code(), key);
                if let Refusal::Append(error) = &refusal {
                    answer = answer.with_error_message(Some(text(&error.to_string())));
                }
                answer
            }
        }
    }

    /// Who asked the wrong broker is told which one leads (KIP-951).
    fn led_elsewhere(
        &self,
        answer: PartitionProduceResponse,
        code: ErrorCode,
        key: &TopicKey,
    ) -> PartitionProduceResponse {
        if code != ErrorCode::NotLeaderOrFollower {
            return answer;
        }
        let image = self.node.image();
        let topic = find(&image.state, key).ok();
        let Some(leads) = topic.and_then(|topic| topic.partition(PartitionIndex(answer.index))) else {
            return answer;
        };
        let leader = LeaderIdAndEpoch::default()
            .with_leader_id(BrokerId(leads.leader.0))
            .with_leader_epoch(leads.leader_epoch.0);
        answer.with_current_leader(leader)
    }
}
