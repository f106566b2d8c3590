//! DescribeLogDirs (35), versions 1-5.
//!
//! v2 is flexible, v3 adds a top-level error, v4 the size of the volume (KIP-827), v5 whether it is cordoned (KIP-1066).
//! No list of topics means all. A directory that failed is `KAFKA_STORAGE_ERROR` and tells nothing of its partitions.

use std::collections::BTreeMap;
use std::sync::Arc;

use chronik_types::{ErrorCode, PartitionIndex};
use chronik_wire::log_dirs::{DescribeLogDirsResponse, LogDir, LogDirPartition, LogDirTopic};
use chronik_wire::messages::DescribeLogDirsRequest;

use super::topics::text;
use crate::node::Node;
use crate::partition::Partition;
use crate::reconcile::Dir;

pub(super) fn handle(node: &Arc<Node>, request: DescribeLogDirsRequest) -> DescribeLogDirsResponse {
    let partitions: Vec<Arc<Partition>> = match &request.topics {
        None => node.partitions.all(),
        Some(topics) => {
            let image = node.image();
            let named = topics.iter().flat_map(|topic| {
                topic
                    .partitions
                    .iter()
                    .filter_map(|&index| node.led_partition(&image, &topic.topic, PartitionIndex(index)).ok())
            });
            named.collect()
        }
    };
    let dirs = node.dirs.iter().map(|dir| describe(dir, &partitions)).collect();
    DescribeLogDirsResponse { throttle_time_ms: 0, error: None, dirs }
}

fn describe(dir: &Dir, partitions: &[Arc<Partition>]) -> LogDir {
    let space = dir.log_dir.space();
    let offline = dir.data.is_offline() || space.is_err();
    let mut topics: BTreeMap<Arc<str>, Vec<LogDirPartition>> = BTreeMap::new();
    for partition in partitions.iter().filter(|partition| !offline && Arc::ptr_eq(&partition.dir, &dir.data))
    {
        let Some(size) = partition.with_log(|log, _| log.size_bytes()) else { continue };
        let index = partition.name.partition;
        topics.entry(partition.name.topic.clone()).or_default().push(LogDirPartition {
            index,
            size: size as i64,
            offset_lag: 0,
            is_future: false,
        });
    }
    let topics = topics.into_iter().map(|(name, partitions)| LogDirTopic { name: text(&name), partitions });
    LogDir {
        error: if offline { ErrorCode::KafkaStorageError } else { ErrorCode::None },
        path: text(&dir.data.path.to_string_lossy()),
        topics: topics.collect(),
        total_bytes: space.as_ref().map_or(-1, |space| space.total_bytes as i64),
        usable_bytes: space.as_ref().map_or(-1, |space| space.available_bytes as i64),
        is_cordoned: false,
    }
}
