//! One log on one disk: batches, segments, indexes, recovery, retention, producers and epochs.
//!
//! Kafka's files, byte for byte: a directory written here opens in Kafka and the other way round. The library is
//! synchronous and knows neither requests nor replication. It reads no clock: `now` is an argument.
//!
//! A [`Log`] is used under a lock of the caller's; what blocks is taken out of it as a job: [`SyncJob`] (make durable),
//! [`ReadSlice`] (read), [`Lookup`] (find by time), [`RemovalJob`] (delete files), [`CheckpointJob`], [`Cleaning`] (compact).
//! A [`LogDir`] is the directory that holds the logs of one disk, with its checkpoints and its lock.

pub mod batch;
mod checkpoint;
mod clean;
mod dir;
pub mod disk;
mod epochs;
mod error;
mod files;
mod index;
mod log;
mod options;
mod producers;
mod segment;

pub use checkpoint::MetaProperties;
pub use clean::{Cleaned, Cleaning, OffsetMap, Step};
pub use dir::{DirKind, DirName, Found, FoundLog, LogDir};
pub use epochs::EpochEnd;
pub use error::{AppendError, LogError, ReadError};
pub use files::Files;
pub use index::AbortedTxn;
pub use log::{
    Appended, Aside, CheckpointJob, Checkpointed, Cut, Dirt, Located, Log, Lookup, Open, ReadSlice, Recovery,
    RemovalJob, SyncJob, Synced, TimestampQuery, Truncation,
};
pub use options::{LogOptions, ProducerOptions};
pub use producers::{ProducerError, ProducerSummary};
