//! What a fetcher does with an answer: append, sync, and look after partitions whose logs have parted from their leader's.

use std::future::poll_fn;
use std::sync::Arc;

use chronik_log::EpochEnd;
use chronik_log::batch::verify;
use chronik_types::{ErrorCode, LeaderEpoch, Offset, PartitionIndex, TopicId};
use chronik_wire::messages::FetchResponse;
use chronik_wire::messages::fetch_response::PartitionData;

use super::Key;
use super::fetcher::Fetcher;
use crate::partition::{Copied, Fetched, Partition, Unfollowed};

/// What is left to do for a partition.
enum Left {
    Nothing,
    Sync(Arc<Partition>),
    Cut(EpochEnd),
    FindPlace,
    PutOff(ErrorCode),
}

impl Fetcher {
    /// Takes an answer to a request that was made at the session epoch `epoch`.
    pub(super) async fn answered(&mut self, epoch: i32, response: FetchResponse) {
        let error = ErrorCode::from_code(response.error_code);
        if let Err(code) = self.session.answered(epoch, error, response.session_id) {
            tracing::debug!(leader = %self.leader(), %code, "the leader refuses the fetch session");
            self.ask_anew();
            if !is_of_session(code) {
                for key in self.followed.keys().copied().collect::<Vec<_>>() {
                    self.put_off(key, code);
                }
            }
            return;
        }
        let mut syncs = Vec::new();
        let mut parted = Vec::new();
        for topic in response.responses {
            for data in topic.partitions {
                let key = (TopicId(topic.topic_id), PartitionIndex(data.partition_index));
                let committed = Offset(data.high_watermark);
                match self.take(key, epoch, data) {
                    Left::Nothing => self.went_well(key, committed),
                    Left::Sync(partition) => {
                        self.went_well(key, committed);
                        syncs.push(partition);
                    }
                    Left::Cut(end) => {
                        self.went_well(key, committed);
                        parted.push((key, Some(end)));
                    }
                    Left::FindPlace => {
                        self.may_have_moved(key);
                        parted.push((key, None));
                    }
                    Left::PutOff(code) => self.put_off(key, code),
                }
            }
        }
        let inline = syncs.len() == 1;
        let waits: Vec<_> =
            syncs.iter().filter_map(|one| one.make_durable(&*self.node.env, inline)).collect();
        for wait in waits {
            poll_fn(|cx| wait.poll(cx)).await;
        }
        for (key, end) in parted {
            match end {
                Some(end) => self.cut_for(key, end).await,
                None => self.find_place(key).await,
            }
        }
    }

    fn take(&self, key: Key, epoch: i32, data: PartitionData) -> Left {
        let (Some(one), Some(told)) = (self.followed.get(&key), self.session.told(&key, epoch)) else {
            return Left::Nothing;
        };
        if one.epoch != told.epoch || one.partition.position(one.epoch) != Some(told.position) {
            // The log has moved since: this is the answer to an older question.
            return Left::Nothing;
        }
        match ErrorCode::from_code(data.error_code) {
            ErrorCode::None => {}
            ErrorCode::OffsetOutOfRange => return Left::FindPlace,
            code => return Left::PutOff(code),
        }
        let diverging = &data.diverging_epoch;
        if diverging.end_offset >= 0 {
            let epoch = LeaderEpoch(diverging.epoch);
            return Left::Cut(EpochEnd { epoch, end_offset: Offset(diverging.end_offset) });
        }
        let records = match verify(data.records.unwrap_or_default()) {
            Ok(records) => records,
            Err(error) => {
                tracing::warn!(
                    partition = %one.partition.name, leader = %self.leader(), %error,
                    "the leader sent records that are damaged"
                );
                return Left::PutOff(ErrorCode::CorruptMessage);
            }
        };
        let fetched = Fetched {
            from: told.position.end,
            records,
            high_watermark: Offset(data.high_watermark),
            log_start: Offset(data.log_start_offset),
        };
        let bytes = fetched.records.as_ref().map_or(0, |records| records.bytes().len());
        let copied = one.partition.copy(one.epoch, &fetched, self.node.env.now());
        if copied.is_ok() && bytes > 0 && self.is_throttled(&one.partition) {
            self.count_copied(bytes);
        }
        match copied {
            Ok(Copied::Nothing | Copied::Cached) | Err(Unfollowed::Stale) => Left::Nothing,
            Ok(Copied::Appended(_)) => Left::Sync(Arc::clone(&one.partition)),
            Err(Unfollowed::Append(error)) => {
                let code = error.code();
                if code != ErrorCode::KafkaStorageError {
                    tracing::warn!(
                        partition = %one.partition.name, leader = %self.leader(), %error,
                        "what the leader sent does not fit its follower's log"
                    );
                }
                // Part of it may have been taken, which the next fetch vouches for.
                one.partition.sync(&*self.node.env);
                Left::PutOff(code)
            }
        }
    }
}

/// Whether a new session, begun at once, is the remedy.
fn is_of_session(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::FetchSessionIdNotFound
            | ErrorCode::InvalidFetchSessionEpoch
            | ErrorCode::FetchSessionTopicIdError
    )
}
