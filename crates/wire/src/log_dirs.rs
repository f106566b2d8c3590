//! The DescribeLogDirs (35) response, versions 1-5: version 5 (cordoned directories, KIP-1066) is newer than the
//! message library, so the whole response is written here.
//!
//! v2 is flexible, v3 adds the top-level error, v4 the sizes of the volume (KIP-827), v5 whether it is cordoned.

use chronik_types::{ErrorCode, PartitionIndex};
use kafka_protocol::protocol::StrBytes;

use crate::body::ResponseBody;
use crate::error::EncodeError;
use crate::header::RequestHeader;
use crate::out::Outgoing;
use crate::write::Writer;

/// What each log directory holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DescribeLogDirsResponse {
    /// For how long the client was held back.
    pub throttle_time_ms: i32,
    /// The request as a whole (v3).
    pub error: Option<ErrorCode>,
    /// One entry a directory.
    pub dirs: Vec<LogDir>,
}

/// One log directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogDir {
    /// `KAFKA_STORAGE_ERROR` when it is offline.
    pub error: ErrorCode,
    /// Its absolute path.
    pub path: StrBytes,
    /// What it holds.
    pub topics: Vec<LogDirTopic>,
    /// Size of its volume (v4); -1: unknown.
    pub total_bytes: i64,
    /// Space left on its volume (v4); -1: unknown.
    pub usable_bytes: i64,
    /// Whether new partitions are kept off it (v5).
    pub is_cordoned: bool,
}

/// One topic's partitions in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogDirTopic {
    /// The topic.
    pub name: StrBytes,
    /// Its partitions there.
    pub partitions: Vec<LogDirPartition>,
}

/// One partition in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogDirPartition {
    /// Which partition.
    pub index: PartitionIndex,
    /// Bytes of its segments.
    pub size: i64,
    /// How far its end is behind the high watermark, or behind the current replica for a future one.
    pub offset_lag: i64,
    /// Whether it is to replace the current replica when it has caught up.
    pub is_future: bool,
}

impl ResponseBody for DescribeLogDirsResponse {
    fn encode(self, header: &RequestHeader) -> Result<Outgoing, EncodeError> {
        let version = header.response_version();
        let mut out = Writer::response(header);
        out.i32(self.throttle_time_ms);
        if version >= 3 {
            out.i16(self.error.unwrap_or(ErrorCode::None).code());
        }
        out.array(&self.dirs, |out, dir| {
            out.i16(dir.error.code());
            out.string(&dir.path);
            out.array(&dir.topics, |out, topic| {
                out.string(&topic.name);
                out.array(&topic.partitions, |out, partition| {
                    out.i32(partition.index.0);
                    out.i64(partition.size);
                    out.i64(partition.offset_lag);
                    out.bool(partition.is_future);
                    out.no_tags();
                });
                out.no_tags();
            });
            if version >= 4 {
                out.i64(dir.total_bytes);
                out.i64(dir.usable_bytes);
            }
            if version >= 5 {
                out.bool(dir.is_cordoned);
            }
            out.no_tags();
        });
        out.no_tags();
        out.finish()
    }
}
