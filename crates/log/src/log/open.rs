//! Opening a log: quick after a clean stop, with a scan from the recovery point after any other.

use std::path::PathBuf;
use std::sync::Arc;

use chronik_types::{Millis, Offset, TopicId};

use super::{Log, Recovery};
use crate::error::LogError;
use crate::files::Files;
use crate::options::LogOptions;

/// How to open a log.
#[derive(Clone, Debug)]
pub struct Open {
    /// The directory, `<log dir>/<topic>-<partition>`; it need not exist.
    pub dir: PathBuf,
    /// Written to `partition.metadata` when the directory is made; compared when it exists. `TopicId::ZERO`: no such
    /// file (only for logs outside of the cluster's topics).
    pub topic_id: TopicId,
    /// The topic's options.
    pub options: Arc<LogOptions>,
    /// From `log-start-offset-checkpoint`; 0 if it is not there.
    pub start_offset: Offset,
    /// From `recovery-point-offset-checkpoint`; 0 if it is not there.
    pub recovery_point: Offset,
    /// Whether the directory was shut down cleanly ([`crate::LogDir`] knows): then nothing is scanned.
    pub clean: bool,
    /// For the expiry of producers.
    pub now: Millis,
}

impl Log {
    /// Opens a log, or an empty one if there are no files. Blocks.
    ///
    /// Errors: `Corrupt` if the directory belongs to another topic id or the files contradict each other beyond
    /// repair; `Io`.
    pub fn open(files: &Arc<Files>, open: Open) -> Result<(Log, Recovery), LogError> {
        let _ = (files, open);
        todo!()
    }

    /// Closes it cleanly: everything synced, indexes and a producer snapshot written. Afterwards its recovery point is its
    /// end. Blocks.
    pub fn close(self) -> Result<Offset, LogError> {
        todo!()
    }
}
