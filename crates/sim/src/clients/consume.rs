//! Readers that follow a partition and tell the oracle what they see.

use chronik_log::batch::{BatchIter, Records};
use chronik_types::ErrorCode;
use kafka_protocol::messages::FetchRequest;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};

use super::Clients;
use super::produce::topic;
use super::records::{Oracle, Partition, RecordId};
use crate::client::{Lost, Session};

const FETCH: i16 = 11;

impl Clients {
    /// Reads a partition from its start, again and again from where it was, until told to stop.
    pub async fn follow(self, oracle: Oracle, partition: Partition) {
        let mut at = 0;
        while !self.is_stopping() {
            self.does("find the leader, to read");
            let mut session = self.open_leader(partition).await;
            self.does("read");
            while !self.is_stopping()
                && let Ok(records) = read(&oracle, &mut session, partition, at).await
            {
                for (offset, id) in records {
                    oracle.saw(partition, offset, id);
                    at = offset + 1;
                }
                if self.world.chance(5) {
                    at = 0;
                }
            }
            self.pause().await;
        }
    }

    /// Everything in a partition, once the cluster is at rest.
    pub async fn read_all(&self, oracle: &Oracle, partition: Partition) -> Vec<(i64, RecordId)> {
        let mut all: Vec<(i64, RecordId)> = Vec::new();
        loop {
            let mut session = self.open_leader(partition).await;
            while let Ok(records) = read(oracle, &mut session, partition, all.len() as i64).await {
                if records.is_empty() {
                    return all;
                }
                all.extend(records);
            }
            self.pause().await;
        }
    }
}

async fn read(
    oracle: &Oracle,
    session: &mut Session,
    partition: Partition,
    at: i64,
) -> Result<Vec<(i64, RecordId)>, Lost> {
    let wanted = FetchPartition::default()
        .with_partition(partition)
        .with_fetch_offset(at)
        .with_partition_max_bytes(1 << 14);
    let request = FetchRequest::default()
        .with_max_wait_ms(100)
        .with_min_bytes(1)
        .with_max_bytes(1 << 16)
        .with_session_epoch(-1)
        .with_topics(vec![FetchTopic::default().with_topic(topic()).with_partitions(vec![wanted])]);
    let response = session.call(FETCH, &request).await?;
    let answer = &response.responses[0].partitions[0];
    match ErrorCode::from_code(answer.error_code) {
        ErrorCode::None => Ok(records(answer.records.as_deref().unwrap_or_default())
            .into_iter()
            .filter(|(offset, _)| *offset >= at)
            .collect()),
        code if code.is_retriable() => Err(Lost),
        code => {
            oracle.violated(format!("reader of {partition} at {at}: {code}"));
            Err(Lost)
        }
    }
}

fn records(bytes: &[u8]) -> Vec<(i64, RecordId)> {
    let mut found = Vec::new();
    for batch in BatchIter::new(bytes) {
        let Ok(batch) = batch else { break };
        for record in Records::new(batch.header(), batch.body()) {
            let record = record.expect("the log holds what was sent");
            let text = std::str::from_utf8(record.value.unwrap_or_default()).unwrap_or_default();
            let id = text.split_once(':').and_then(|(producer, number)| {
                Some(RecordId { producer: producer.parse().ok()?, number: number.parse().ok()? })
            });
            found.push((record.offset.0, id.expect("the log holds what was sent")));
        }
    }
    found
}
