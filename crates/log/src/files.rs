//! The open files of all logs of a process: a bounded cache of handles over a [`Disk`].
//!
//! A segment asks for its file each time and gets the open one, or it is opened and another one, not used lately, is
//! closed (second chance). Whoever holds an `Arc<dyn File>` keeps it open all the same: files with data that is not
//! synced are held by their log until the sync, since closing them could lose the error that the sync would report.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::disk::{Disk, File, Mode};

/// A disk and the open files on it. One for all logs of a process.
#[derive(Debug)]
pub struct Files {
    disk: Arc<dyn Disk>,
    open_max: usize,
    clock: Mutex<Clock>,
}

#[derive(Debug, Default)]
struct Clock {
    handles: Vec<Weak<Handle>>,
    hand: usize,
}

/// The place of one file in the cache: open or not.
#[derive(Debug, Default)]
pub(crate) struct Handle {
    file: Mutex<Option<Arc<dyn File>>>,
    used: AtomicBool,
}

impl Files {
    /// At most `open_max` (at least 1) idle files stay open.
    pub fn new(disk: Arc<dyn Disk>, open_max: usize) -> Arc<Files> {
        Arc::new(Files { disk, open_max: open_max.max(1), clock: Mutex::default() })
    }

    /// The disk itself.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// How many files the cache holds open.
    pub fn open_count(&self) -> usize {
        let clock = self.clock.lock();
        clock.handles.iter().filter_map(Weak::upgrade).filter(|handle| handle.file.lock().is_some()).count()
    }

    /// The file behind a handle, opened at `path` (which must exist) if it is not open.
    pub(crate) fn get(
        &self,
        handle: &Arc<Handle>,
        path: impl FnOnce() -> Box<Path>,
    ) -> io::Result<Arc<dyn File>> {
        let mut slot = handle.file.lock();
        handle.used.store(true, Ordering::Relaxed);
        if let Some(file) = &*slot {
            return Ok(file.clone());
        }
        let file = self.disk.open(&path(), Mode::Write)?;
        *slot = Some(file.clone());
        drop(slot);
        self.admit(handle);
        Ok(file)
    }

    /// Makes a file and remembers it as open.
    pub(crate) fn create(&self, handle: &Arc<Handle>, path: &Path) -> io::Result<Arc<dyn File>> {
        let file = self.disk.open(path, Mode::Truncate)?;
        *handle.file.lock() = Some(file.clone());
        handle.used.store(true, Ordering::Relaxed);
        self.admit(handle);
        Ok(file)
    }

    /// Notes an opened file, and closes another if there are too many.
    fn admit(&self, handle: &Arc<Handle>) {
        let mut clock = self.clock.lock();
        if clock.handles.len() < self.open_max {
            clock.handles.push(Arc::downgrade(handle));
            return;
        }
        // Two rounds suffice: the first takes every second chance away.
        for _ in 0..=2 * clock.handles.len() {
            let at = clock.hand;
            clock.hand = (at + 1) % clock.handles.len();
            let free = match clock.handles[at].upgrade() {
                None => true,
                Some(other) => {
                    !other.used.swap(false, Ordering::Relaxed) && {
                        // A handle in use at this moment is passed over, never waited for.
                        other.file.try_lock().is_some_and(|mut file| {
                            *file = None;
                            true
                        })
                    }
                }
            };
            if free {
                clock.handles[at] = Arc::downgrade(handle);
                return;
            }
        }
        // All are busy right now: one more is open for a while.
        clock.handles.push(Arc::downgrade(handle));
    }
}

impl Handle {
    /// Closes the file, unless somebody else holds it.
    pub(crate) fn close(&self) {
        *self.file.lock() = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::memory::MemoryDisk;

    #[test]
    fn no_more_than_the_bound_stay_open() {
        let disk = MemoryDisk::shared(1);
        let files = Files::new(disk.clone(), 3);
        let handles: Vec<Arc<Handle>> = (0..10).map(|_| Arc::new(Handle::default())).collect();
        for (n, handle) in handles.iter().enumerate() {
            files.create(handle, Path::new(&format!("/f{n}"))).unwrap();
            assert!(files.open_count() <= 3);
        }
        for round in 0..3 {
            for (n, handle) in handles.iter().enumerate() {
                let file = files.get(handle, || Path::new(&format!("/f{n}")).into()).unwrap();
                file.set_len(round).unwrap();
                assert!(files.open_count() <= 3);
            }
        }
        drop(handles);
        assert_eq!(files.open_count(), 0);
    }

    #[test]
    fn an_open_file_is_not_opened_again() {
        let disk = MemoryDisk::shared(1);
        let files = Files::new(disk.clone(), 2);
        let handle = Arc::new(Handle::default());
        files.create(&handle, Path::new("/f")).unwrap();
        files.get(&handle, || panic!("it is open")).unwrap();
        handle.close();
        assert!(files.get(&handle, || Path::new("/g").into()).is_err());
    }
}
