//! One log directory (`log.dirs`) of the node: it is good until a write or a sync on it fails, and then it is not.
//!
//! A directory that failed never comes back while the process lives: what is on it is not known any more. Its
//! partitions answer KAFKA_STORAGE_ERROR. A full disk is not a failure: writes are refused until there is room.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use chronik_log::LogError;
use chronik_log::disk::Disk;
use chronik_types::ErrorCode;
use parking_lot::Mutex;
use uuid::Uuid;

use crate::wait::Wait;

/// Recovery after a crash should not have to read and write more than this, in bytes, before all recovery points move.
const RECOVERED_BYTES_MAX: u64 = 128 << 20;

/// A log directory.
pub(crate) struct DataDir {
    pub(crate) path: PathBuf,
    /// `directory.id` of its `meta.properties`.
    pub(crate) id: Uuid,
    disk: Arc<dyn Disk>,
    offline: AtomicBool,
    full: AtomicBool,
    /// Bytes that have been synced since the recovery points were last written.
    synced_bytes: AtomicU64,
    on_failure: Mutex<Vec<Arc<Wait>>>,
}

impl DataDir {
    /// A directory in good order.
    pub(crate) fn new(path: PathBuf, id: Uuid, disk: &Arc<dyn Disk>) -> Arc<DataDir> {
        Arc::new(DataDir {
            path,
            id,
            disk: Arc::clone(disk),
            offline: AtomicBool::new(false),
            full: AtomicBool::new(false),
            synced_bytes: AtomicU64::new(0),
            on_failure: Mutex::default(),
        })
    }

    /// So many bytes of batches are being synced.
    pub(crate) fn syncs(&self, bytes: u64) {
        self.synced_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Whether so much has been synced that the recovery points are to be written before their time
    /// (`log.flush.offset.checkpoint.interval.ms`).
    pub(crate) fn is_far_ahead(&self) -> bool {
        self.synced_bytes.load(Ordering::Relaxed) > RECOVERED_BYTES_MAX
    }

    /// The recovery points are about to be written.
    pub(crate) fn is_checkpointed(&self) {
        self.synced_bytes.store(0, Ordering::Relaxed);
    }

    /// Whether it has failed.
    pub(crate) fn is_offline(&self) -> bool {
        self.offline.load(Ordering::Acquire)
    }

    /// Takes note of a fault: a full disk is reported once until there is room again, anything else takes the
    /// directory offline.
    pub(crate) fn failed(&self, error: &LogError) {
        if error.is_disk_full() {
            if !self.full.swap(true, Ordering::AcqRel) {
                tracing::error!(
                    dir = %self.path.display(), %error,
                    "log directory is full: writes are refused until there is room, reads go on"
                );
            }
            return;
        }
        if !self.offline.swap(true, Ordering::AcqRel) {
            tracing::error!(
                dir = %self.path.display(), %error,
                "log directory failed and is offline: check the disk, then restart the node"
            );
            for wait in self.on_failure.lock().drain(..) {
                wait.complete(ErrorCode::KafkaStorageError);
            }
        }
    }

    /// A write went through: the disk is not full (any more), unless it just fitted into what a file had left of its last
    /// block.
    pub(crate) fn has_room(&self) {
        if !self.full.load(Ordering::Relaxed) {
            return;
        }
        let is_full = self.disk.space(&self.path).is_ok_and(|space| space.available_bytes == 0);
        if !is_full && self.full.swap(false, Ordering::AcqRel) {
            tracing::info!(dir = %self.path.display(), "log directory has room again: writes are taken");
        }
    }

    /// Completes `wait` when the directory fails, or at once if it has.
    pub(crate) fn on_failure(&self, wait: &Arc<Wait>) {
        self.on_failure.lock().push(Arc::clone(wait));
        if self.is_offline() {
            wait.complete(ErrorCode::KafkaStorageError);
        }
    }
}
