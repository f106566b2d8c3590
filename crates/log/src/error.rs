//! What can go wrong with a log, by who has to act: the client ([`AppendError::code`]), or the owner of the disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chronik_types::{ErrorCode, LeaderEpoch, Offset};

use crate::disk::is_full;
use crate::producers::ProducerError;

/// The disk's fault, or what was found on it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LogError {
    /// The disk is full. The log is as it was before the call and can be used: the same call may work later.
    #[error("disk full: {what} {}", path.display())]
    DiskFull {
        /// What was tried, such as `append to`.
        what: &'static str,
        /// On which file.
        path: PathBuf,
    },
    /// A file operation failed. The log is as it was before the call, but its directory should go offline.
    #[error("{what} {}: {source}", path.display())]
    Io {
        /// What was tried, such as `read`.
        what: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: Arc<io::Error>,
    },
    /// A sync or the undoing of a write failed earlier: what is on disk is not known any more, so the log takes no
    /// writes until it is opened again.
    #[error("log {} is offline after a failed write or sync", path.display())]
    Poisoned {
        /// The log's directory.
        path: PathBuf,
    },
    /// The files contradict each other or what the caller knows.
    #[error("{}: {reason}", path.display())]
    Corrupt {
        /// Which file or directory.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl LogError {
    /// A failed file operation: `DiskFull` or `Io`.
    pub fn io(what: &'static str, path: &Path, source: io::Error) -> LogError {
        let path = path.to_owned();
        if is_full(&source) {
            LogError::DiskFull { what, path }
        } else {
            LogError::Io { what, path, source: Arc::new(source) }
        }
    }

    /// What reading batches from a log file ended with: `Corrupt` if they are not what they should be, else what
    /// the disk says.
    pub fn of_read(path: &Path, source: io::Error) -> LogError {
        match source.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                LogError::corrupt(path, source.to_string())
            }
            _ => LogError::io("read", path, source),
        }
    }

    pub(crate) fn corrupt(path: &Path, reason: impl Into<String>) -> LogError {
        LogError::Corrupt { path: path.to_owned(), reason: reason.into() }
    }

    /// Whether more room is all that is needed.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, LogError::DiskFull { .. })
    }
}

/// Why nothing was appended. The log is unchanged.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// The producer's sequence, epoch or transaction forbids it.
    #[error(transparent)]
    Producer(#[from] ProducerError),
    /// The batch is larger than a segment may be (`segment.bytes`).
    #[error("batch of {size} bytes exceeds the segment size of {segment_bytes}")]
    TooLarge {
        /// Size of what was to be appended, in bytes.
        size: usize,
        /// `segment.bytes`.
        segment_bytes: u32,
    },
    /// A follower was given batches that do not follow its log's end.
    #[error("batches start at offset {first} but the log ends at {end}")]
    UnexpectedOffset {
        /// First offset of the batches.
        first: Offset,
        /// Where the log ends.
        end: Offset,
    },
    /// The epoch is older than the log's last one.
    #[error("leader epoch {given} is older than the log's last epoch {last}")]
    OldEpoch {
        /// The epoch given.
        given: LeaderEpoch,
        /// The newest epoch that the log holds.
        last: LeaderEpoch,
    },
    /// A control batch that cannot be understood.
    #[error("malformed control batch: {0}")]
    Control(String),
    /// The disk's fault.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl AppendError {
    /// What the client is told.
    pub fn code(&self) -> ErrorCode {
        match self {
            AppendError::Producer(error) => error.code(),
            AppendError::TooLarge { .. } => ErrorCode::RecordListTooLarge,
            AppendError::UnexpectedOffset { .. } | AppendError::OldEpoch { .. } => {
                ErrorCode::UnknownServerError
            }
            AppendError::Control(_) => ErrorCode::InvalidRecord,
            AppendError::Log(_) => ErrorCode::KafkaStorageError,
        }
    }
}

/// Why nothing can be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadError {
    /// The offset is below the log's start or beyond its end.
    #[error("offset {offset} is outside [{start}, {end}]")]
    OffsetOutOfRange {
        /// What was asked for.
        offset: Offset,
        /// The log's first offset.
        start: Offset,
        /// The offset after its last.
        end: Offset,
    },
    /// The disk's fault.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl ReadError {
    /// What the client is told.
    pub fn code(&self) -> ErrorCode {
        match self {
            ReadError::OffsetOutOfRange { .. } => ErrorCode::OffsetOutOfRange,
            ReadError::Log(_) => ErrorCode::KafkaStorageError,
        }
    }
}

/// Names the file and what was tried in an error of the disk's.
pub(crate) trait Context<T> {
    fn context(self, what: &'static str, path: &Path) -> Result<T, LogError>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, what: &'static str, path: &Path) -> Result<T, LogError> {
        self.map_err(|error| LogError::io(what, path, error))
    }
}
