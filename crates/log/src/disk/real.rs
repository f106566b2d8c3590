//! The operating system's files. Positional reads and writes only, so that threads share a descriptor.

use std::fs;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use rustix::buffer::spare_capacity;
use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::{Disk, Entry, File, Lock, Mode, Space};

/// The most parts one `pwritev` takes (`IOV_MAX`).
const PARTS_MAX: usize = 1024;

/// How much more than was asked for may be read into a vector that has the room, in bytes.
const SURPLUS_MAX: usize = 4096;

/// The file system of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl RealDisk {
    /// As the log takes it.
    pub fn shared() -> Arc<dyn Disk> {
        Arc::new(RealDisk)
    }
}

#[derive(Debug)]
struct RealFile(fs::File);

impl File for RealFile {
    fn read_append(&self, into: &mut Vec<u8>, at: u64, len: usize) -> io::Result<usize> {
        let start = into.len();
        into.reserve_exact(len);
        if into.capacity() - start > len + SURPLUS_MAX {
            // All spare room would be read into: clearing what is wanted is cheaper than reading what is not.
            into.resize(start + len, 0);
            let read = self.read_at(&mut into[start..], at);
            into.truncate(start + *read.as_ref().unwrap_or(&0));
            return read;
        }
        while into.len() - start < len {
            let position = at + (into.len() - start) as u64;
            // The vector may have more room than was asked for: the surplus is cut off below.
            match rustix::io::pread(&self.0, spare_capacity(into), position) {
                Ok(0) => break,
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => {
                    into.truncate(start);
                    return Err(error.into());
                }
            }
        }
        into.truncate(start + len);
        Ok(into.len() - start)
    }

    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buf.len() {
            match self.0.read_at(&mut buf[filled..], at + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn write_all_at(&self, mut parts: &mut [IoSlice<'_>], mut at: u64) -> io::Result<()> {
        IoSlice::advance_slices(&mut parts, 0);
        while !parts.is_empty() {
            let some = &parts[..parts.len().min(PARTS_MAX)];
            match rustix::io::pwritev(&self.0, some, at) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    at += written as u64;
                    IoSlice::advance_slices(&mut parts, written);
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

#[derive(Debug)]
struct RealLock {
    // Closing the descriptor gives the lock up.
    _file: fs::File,
}

impl Lock for RealLock {}

impl Disk for RealDisk {
    fn open(&self, path: &Path, mode: Mode) -> io::Result<Arc<dyn File>> {
        let file = fs::OpenOptions::new()
            .read(true)
            .write(mode != Mode::Read)
            .create(matches!(mode, Mode::Create | Mode::Truncate))
            .truncate(mode == Mode::Truncate)
            .open(path)?;
        Ok(Arc::new(RealFile(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            // A file may vanish between the listing and the look at it: someone else's temporary file.
            match fs::metadata(entry.path()) {
                Ok(metadata) => {
                    let is_dir = metadata.is_dir();
                    entries.push(Entry { name, is_dir, len: if is_dir { 0 } else { metadata.len() } });
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        entries.sort();
        Ok(entries)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        fs::File::open(dir)?.sync_all()
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        let stat = rustix::fs::statvfs(path)?;
        Ok(Space {
            available_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
            total_bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
        })
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        let file = fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Box::new(RealLock { _file: file }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_in_parts_and_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let file = RealDisk.open(&dir.path().join("f"), Mode::Create).unwrap();
        let parts: Vec<Vec<u8>> = (0..3000u32).map(|n| n.to_be_bytes().to_vec()).collect();
        let mut slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
        file.write_all_at(&mut slices, 5).unwrap();
        let mut read = vec![9];
        assert_eq!(file.read_append(&mut read, 5, 20_000).unwrap(), 12_000);
        assert_eq!(read[0], 9);
        assert_eq!(read[1..], parts.concat());
        let mut roomy = Vec::with_capacity(1 << 16);
        roomy.push(9);
        assert_eq!(file.read_append(&mut roomy, 6, 10).unwrap(), 10);
        assert_eq!((roomy[0], &roomy[1..]), (9, &parts.concat()[1..11]));
        assert_eq!(file.read_append(&mut roomy, 12_004, 10).unwrap(), 1);
        assert_eq!(roomy.len(), 12);
        let mut buf = [0; 8];
        assert_eq!(file.read_at(&mut buf, 12_001).unwrap(), 4);
        file.set_len(3).unwrap();
        assert_eq!(file.len().unwrap(), 3);
    }

    #[test]
    fn a_second_lock_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let lock = RealDisk.lock(&dir.path().join(".lock")).unwrap();
        let error = RealDisk.lock(&dir.path().join(".lock")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        drop(lock);
        RealDisk.lock(&dir.path().join(".lock")).unwrap();
    }

    #[test]
    fn lists_sorted_and_measures_space() {
        let dir = tempfile::tempdir().unwrap();
        RealDisk.create_dir_all(&dir.path().join("b/c")).unwrap();
        RealDisk.open(&dir.path().join("a"), Mode::Create).unwrap().set_len(7).unwrap();
        let entries = RealDisk.list(dir.path()).unwrap();
        assert_eq!(
            entries,
            [
                Entry { name: "a".into(), is_dir: false, len: 7 },
                Entry { name: "b".into(), is_dir: true, len: 0 }
            ]
        );
        assert!(RealDisk.space(dir.path()).unwrap().total_bytes > 0);
        RealDisk.remove_dir_all(&dir.path().join("b")).unwrap();
        RealDisk.remove_dir_all(&dir.path().join("b")).unwrap();
        assert!(!RealDisk.exists(&dir.path().join("b")).unwrap());
    }
}
