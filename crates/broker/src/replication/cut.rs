//! A follower whose log has parted from its leader's: it is cut where they part, or begun anew where the leader's begins.
//! What is cut off is kept ([`crate::partition::Cutting`]).

use std::sync::Arc;
use std::time::Duration;

use chronik_log::{EpochEnd, LogError};
use chronik_types::{ErrorCode, LeaderEpoch, Offset};
use chronik_wire::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use chronik_wire::messages::{BrokerId, ListOffsetsRequest, TopicName};

use super::Key;
use super::fetcher::Fetcher;
use crate::blocking;
use crate::chores;
use crate::partition::{Cutting, Partition};
use crate::peers::{CallError, Channel};

/// The end of the leader's log, as ListOffsets names it for a replica.
const LATEST: i64 = -1;
/// Its start.
const EARLIEST: i64 = -2;

impl Fetcher {
    /// The leader says where its log leaves this one.
    pub(super) async fn cut_for(&mut self, key: Key, end: EpochEnd) {
        let Some(one) = self.followed.get(&key) else { return };
        let (partition, epoch) = (Arc::clone(&one.partition), one.epoch);
        if let Some(to) = partition.cut_for(epoch, end) {
            let reason = "the leader's log has other records from here on";
            self.cut(key, partition, Cutting { epoch, leader: self.leader(), to, reason }).await;
        }
    }

    async fn cut(&mut self, key: Key, partition: Arc<Partition>, cutting: Cutting) {
        let node = Arc::clone(&self.node);
        let cut = blocking::run(&*self.node.env, move || {
            let now = node.env.now();
            // Without the lowered recovery point on disk, a crash would have what comes in place of the cut trusted unread.
            let done = partition
                .prepare_cut(&cutting, now)
                .and_then(|()| chores::write_checkpoints_for(&node, &partition))
                .and_then(|()| partition.cut(&cutting, now));
            done.map(drop).inspect_err(|error| {
                partition.give_up_cut();
                partition.dir.failed(error);
            })
        });
        if let Err(error) = cut.await {
            self.failed(key, &error);
        }
    }

    fn failed(&mut self, key: Key, error: &LogError) {
        tracing::debug!(%error, "a follower's log was not cut");
        self.put_off(key, ErrorCode::KafkaStorageError);
    }

    /// The leader's log does not reach to where this one ends (`AbstractFetcherThread.fetchOffsetAndTruncate`).
    pub(super) async fn find_place(&mut self, key: Key) {
        let Some(one) = self.followed.get(&key) else { return };
        let (partition, epoch) = (Arc::clone(&one.partition), one.epoch);
        let Some(position) = partition.position(epoch) else { return };
        let latest = match ask_offset(self.channel(), self.question(&partition, epoch, LATEST)).await {
            Ok(latest) => latest,
            Err(code) => return self.put_off(key, code),
        };
        if latest < position.end {
            let reason = "the leader's log ends here";
            let cutting = Cutting { epoch, leader: self.leader(), to: latest, reason };
            return self.cut(key, partition, cutting).await;
        }
        let earliest = match ask_offset(self.channel(), self.question(&partition, epoch, EARLIEST)).await {
            Ok(earliest) => earliest,
            Err(code) => return self.put_off(key, code),
        };
        if earliest <= position.end {
            // It was in range after all, by now.
            return self.put_off(key, ErrorCode::OffsetOutOfRange);
        }
        tracing::info!(
            partition = %partition.name, end = %position.end, start = %earliest, leader = %self.leader(),
            "the leader's log begins beyond the end of this one: beginning anew there"
        );
        let node = Arc::clone(&self.node);
        let begun = blocking::run(&*self.node.env, move || {
            let begun = partition.start_over(epoch, earliest, node.env.now());
            chores::write_checkpoints(&node);
            begun.map(drop).inspect_err(|error| partition.dir.failed(error))
        });
        if let Err(error) = begun.await {
            self.failed(key, &error);
        }
    }

    fn question(&self, partition: &Partition, epoch: LeaderEpoch, timestamp: i64) -> Question {
        let wanted = ListOffsetsPartition::default()
            .with_partition_index(partition.name.partition.0)
            .with_current_leader_epoch(epoch.0)
            .with_timestamp(timestamp);
        let name = TopicName(chronik_wire::StrBytes::from_string(partition.name.topic.to_string()));
        let topic = ListOffsetsTopic::default().with_name(name).with_partitions(vec![wanted]);
        let request = ListOffsetsRequest::default()
            .with_replica_id(BrokerId(self.node.id().0))
            .with_topics(vec![topic]);
        Question { request, timeout: Duration::from_millis(self.config().timeout_ms) }
    }
}

/// Where the leader's log begins or ends.
struct Question {
    request: ListOffsetsRequest,
    timeout: Duration,
}

async fn ask_offset(
    channel: Result<Arc<Channel>, CallError>,
    question: Question,
) -> Result<Offset, ErrorCode> {
    let channel = channel.map_err(|_| ErrorCode::NetworkException)?;
    let Question { request, timeout } = question;
    let answer = channel.ask(timeout, move |_| request).await.map_err(|error| {
        tracing::debug!(%error, "the leader did not say where its log begins and ends");
        ErrorCode::NetworkException
    })?;
    let found = answer.topics.into_iter().flat_map(|topic| topic.partitions).next();
    let found = found.ok_or(ErrorCode::UnknownServerError)?;
    match ErrorCode::from_code(found.error_code) {
        ErrorCode::None => Ok(Offset(found.offset)),
        code => Err(code),
    }
}
