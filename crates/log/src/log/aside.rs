//! What a truncation takes away is kept: the batches in one file, with a report beside it that says why.
//!
//! Both are in the log's own directory, `<first offset>-<leader epoch>.truncated` and `....truncated.json`: Kafka and this
//! crate pass over files with such names, and they go when the partition goes. The batches are as they were in the log,
//! so that they can be produced again.

use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chronik_types::{LeaderEpoch, Offset};

use super::{Context, Log};
use crate::disk::{Disk, File, Mode, replace_file};
use crate::error::LogError;

/// The batches' file ends with this.
const SUFFIX: &str = "truncated";

/// A file that takes what is about to be cut off. Blocks; needs no lock.
#[derive(Debug)]
pub struct Aside {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    file: Arc<dyn File>,
    bytes: u64,
}

impl Log {
    /// Makes the file for what begins at `from` and is cut off for a leader in `epoch`. A file of that name is from an
    /// attempt that a crash interrupted, and is written anew.
    pub fn set_aside(&self, from: Offset, epoch: LeaderEpoch) -> Result<Aside, LogError> {
        let path = self.dir.join(format!("{:020}-{epoch}.{SUFFIX}", from.0));
        let disk = Arc::clone(self.files.disk());
        let file = disk.open(&path, Mode::Truncate).context("make", &path)?;
        Ok(Aside { disk, path, file, bytes: 0 })
    }
}

impl Aside {
    /// Where the batches are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes were taken.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes whole batches, in order.
    pub fn write(&mut self, batches: &[u8]) -> Result<(), LogError> {
        let written = self.file.write_all_at(&mut [IoSlice::new(batches)], self.bytes);
        written.context("write", &self.path)?;
        self.bytes += batches.len() as u64;
        Ok(())
    }

    /// Makes all durable, and the report (a JSON text) with it. Only then may the log be cut.
    pub fn finish(self, report: &str) -> Result<(), LogError> {
        self.file.sync_data().context("sync", &self.path)?;
        let path = self.path.with_extension(format!("{SUFFIX}.json"));
        replace_file(&*self.disk, &path, report.as_bytes()).context("write", &path)
    }

    /// Takes it back: the log was not cut after all.
    pub fn discard(self) -> Result<(), LogError> {
        self.disk.remove_file(&self.path).context("remove", &self.path)
    }
}
