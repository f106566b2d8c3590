//! The disk, as the log sees it: everything that touches files goes through [`Disk`] and [`File`].
//!
//! Two implementations: [`real`] on the operating system, [`memory`] in RAM with crashes, torn writes and injected
//! faults, for tests and the simulation. Nothing is durable until it has been synced: data by [`File::sync_data`],
//! a directory's entries (creations, renames, removals) by [`Disk::sync_dir`].

pub mod memory;
pub mod real;

use std::fmt::Debug;
use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::Arc;

/// An open file. Positions and lengths are in bytes. Methods block and may be called from several threads.
pub trait File: Send + Sync + Debug {
    /// Reads at most `len` bytes at `at` and appends them to `into`; fewer only at the end of the file. Returns how
    /// many were read. Nothing is zeroed first.
    fn read_append(&self, into: &mut Vec<u8>, at: u64, len: usize) -> io::Result<usize>;

    /// Fills `buf` from `at`; returns fewer than its length only at the end of the file.
    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize>;

    /// Writes all parts, one after the other, at `at`. On an error any prefix of them may have been written.
    fn write_all_at(&self, parts: &mut [IoSlice<'_>], at: u64) -> io::Result<()>;

    /// Makes content and length durable (`fdatasync`).
    fn sync_data(&self) -> io::Result<()>;

    /// Cuts the file, or lengthens it with zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Whether it has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// The descriptor, for `sendfile`; `None` if there is none behind it.
    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// How [`Disk::open`] opens a file. All but `Read` may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It must exist.
    Read,
    /// It must exist.
    Write,
    /// Made if it does not exist, kept if it does.
    Create,
    /// Made if it does not exist, emptied if it does.
    Truncate,
}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name within the directory.
    pub name: String,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// Length of a file in bytes; 0 for a directory.
    pub len: u64,
}

/// Proof that this process alone uses a directory; given up when dropped.
pub trait Lock: Send + Sync + Debug {}

/// A file system. Paths are absolute or relative to the process; methods block.
pub trait Disk: Send + Sync + Debug {
    /// Opens a file. Errors: `NotFound`, and what the system says.
    fn open(&self, path: &Path, mode: Mode) -> io::Result<Arc<dyn File>>;

    /// Renames a file or directory, replacing a file that is there. Atomic, but durable only after [`Disk::sync_dir`].
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file. Whoever has it open keeps it.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes a directory and all in it; fine if it is not there.
    fn remove_dir_all(&self, path: &Path) -> io::Result<()>;

    /// Makes a directory and those above it; fine if it is there.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;

    /// The entries of a directory, sorted by name; names that are not UTF-8 are left out. Error: `NotFound`.
    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>>;

    /// Whether a file or directory is there.
    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// Makes creations, renames and removals within a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Bytes that can still be written to the file system that holds `path`, and its size.
    fn space(&self, path: &Path) -> io::Result<Space>;

    /// Takes the exclusive lock that the file at `path` stands for (made if need be). Error: `WouldBlock` when
    /// another process holds it.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>>;
}

/// Room on a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes that can still be written.
    pub available_bytes: u64,
    /// Size of the file system in bytes.
    pub total_bytes: u64,
}

/// Whether an error says that the disk is full (or a quota used up).
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Reads a whole file. Errors: `NotFound`, and what the system says.
pub fn read_file(disk: &dyn Disk, path: &Path) -> io::Result<Vec<u8>> {
    let file = disk.open(path, Mode::Read)?;
    let len = file.len()? as usize;
    let mut bytes = Vec::with_capacity(len);
    file.read_append(&mut bytes, 0, len)?;
    Ok(bytes)
}

/// Replaces a file so that after a crash either the old content is there or the new: writes `<path>.tmp`, syncs it,
/// renames it, syncs the directory.
pub fn replace_file(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    let tmp = Path::new(&name);
    let file = disk.open(tmp, Mode::Truncate)?;
    file.write_all_at(&mut [IoSlice::new(bytes)], 0)?;
    file.sync_data()?;
    drop(file);
    disk.rename(tmp, path)?;
    path.parent().map_or(Ok(()), |dir| disk.sync_dir(dir))
}
