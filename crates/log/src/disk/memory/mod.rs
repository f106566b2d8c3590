//! A disk in RAM that can lose power, fill up and fail on order: deterministic from its seed.
//!
//! [`MemoryDisk::crash`] is a power failure: of what was not synced, an arbitrary part has reached the disk. Files that
//! were open before it answer with errors. Locks are given up by a crash, as by a process that dies.

mod dice;
mod fault;
mod node;

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, IoSlice};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::{Disk, Entry, File, Lock, Mode, Space};
use dice::Dice;
use fault::Faults;
pub use fault::{Failure, Fault, Operation};
use node::{DirNode, FileNode, Node, NodeId};

const ROOT: NodeId = 0;

/// The disk. Clones share it.
#[derive(Clone, Debug)]
pub struct MemoryDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    dice: Dice,
    nodes: BTreeMap<NodeId, Node>,
    next_node: NodeId,
    /// Counts crashes: what was opened before one is dead after it.
    generation: u64,
    capacity: u64,
    faults: Faults,
    locks: Vec<PathBuf>,
}

impl MemoryDisk {
    /// An empty disk of unlimited size.
    pub fn new(seed: u64) -> MemoryDisk {
        let state = State {
            dice: Dice::new(seed),
            nodes: BTreeMap::from([(ROOT, Node::Dir(DirNode::default()))]),
            next_node: ROOT + 1,
            generation: 0,
            capacity: u64::MAX,
            faults: Faults::default(),
            locks: Vec::new(),
        };
        MemoryDisk { state: Arc::new(Mutex::new(state)) }
    }

    /// The same, as the log takes it.
    pub fn shared(seed: u64) -> Arc<dyn Disk> {
        Arc::new(MemoryDisk::new(seed))
    }

    /// The power fails and comes back. What was not synced is lost, torn or there, as the seed will have it. Faults are
    /// forgotten.
    pub fn crash(&self) {
        let state = &mut *self.state.lock();
        for node in state.nodes.values_mut() {
            match node {
                Node::File(file) => file.crash(&mut state.dice),
                Node::Dir(dir) => dir.crash(&mut state.dice),
            }
        }
        state.generation += 1;
        state.locks.clear();
        state.faults.clear();
        state.drop_unreachable();
    }

    /// The process that used the disk is killed: its locks are given up and its open files are dead, what it wrote is
    /// there, synced or not. Faults are kept.
    pub fn kill(&self) {
        let mut state = self.state.lock();
        state.generation += 1;
        state.locks.clear();
    }

    /// Limits the sum of all files' lengths.
    pub fn set_capacity(&self, bytes: u64) {
        self.state.lock().capacity = bytes;
    }

    /// Orders a fault.
    pub fn inject(&self, fault: Fault) {
        self.state.lock().faults.add(fault);
    }

    /// Lets the power go in the middle of the operation that comes after `count` others that change something.
    pub fn power_off_after(&self, count: u64) {
        self.inject(Fault {
            operation: None,
            path: String::new(),
            after: count,
            times: 1,
            failure: Failure::PowerOff,
        });
    }

    /// Takes all ordered faults back, and switches the power on again without a crash.
    pub fn clear_faults(&self) {
        self.state.lock().faults.clear();
    }

    /// Whether a [`Failure::PowerOff`] has happened.
    pub fn is_off(&self) -> bool {
        self.state.lock().faults.off
    }

    /// How many operations that change something there have been.
    pub fn operations(&self) -> u64 {
        self.state.lock().faults.count
    }

    /// The sum of all files' lengths.
    pub fn used_bytes(&self) -> u64 {
        self.state.lock().used()
    }

    /// The content of a file as programs see it.
    pub fn content(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut state = self.state.lock();
        let node = state.find(path)?;
        Ok(state.file(node)?.live.clone())
    }
}

impl State {
    fn check(&mut self, operation: Operation, path: &Path) -> io::Result<()> {
        match self.faults.check(operation, &path.to_string_lossy()) {
            None => Ok(()),
            Some(failure) => Err(failure.error()),
        }
    }

    fn used(&self) -> u64 {
        let files =
            self.nodes.values().map(|node| if let Node::File(file) = node { file.live.len() } else { 0 });
        files.sum::<usize>() as u64
    }

    /// The node at a path. Relative paths start at the root.
    fn find(&mut self, path: &Path) -> io::Result<NodeId> {
        let mut at = ROOT;
        for component in path.components() {
            if let Component::Normal(name) = component {
                let name = name.to_str().ok_or(ErrorKind::InvalidFilename)?;
                at = *self.dir(at)?.live.get(name).ok_or(ErrorKind::NotFound)?;
            }
        }
        Ok(at)
    }

    fn parent_and_name<'a>(&mut self, path: &'a Path) -> io::Result<(NodeId, &'a str)> {
        let parent = self.find(path.parent().ok_or(ErrorKind::InvalidInput)?)?;
        let name = path.file_name().and_then(|name| name.to_str()).ok_or(ErrorKind::InvalidFilename)?;
        self.dir(parent)?;
        Ok((parent, name))
    }

    fn dir(&mut self, id: NodeId) -> io::Result<&mut DirNode> {
        match self.nodes.get_mut(&id) {
            Some(Node::Dir(dir)) => Ok(dir),
            Some(Node::File(_)) => Err(ErrorKind::NotADirectory.into()),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    fn file(&mut self, id: NodeId) -> io::Result<&mut FileNode> {
        match self.nodes.get_mut(&id) {
            Some(Node::File(file)) => Ok(file),
            Some(Node::Dir(_)) => Err(ErrorKind::IsADirectory.into()),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    fn insert(&mut self, parent: NodeId, name: &str, node: Node) -> io::Result<NodeId> {
        let id = self.next_node;
        self.next_node += 1;
        self.nodes.insert(id, node);
        self.dir(parent)?.change(vec![(name.to_owned(), Some(id))]);
        Ok(id)
    }

    /// Forgets nodes that no directory names. Only after a crash: before one, open files and journals may name them.
    fn drop_unreachable(&mut self) {
        let mut reachable = vec![ROOT];
        let mut at = 0;
        while let Some(&id) = reachable.get(at) {
            if let Some(Node::Dir(dir)) = self.nodes.get(&id) {
                reachable.extend(dir.live.values());
            }
            at += 1;
        }
        reachable.sort_unstable();
        self.nodes.retain(|id, _| reachable.binary_search(id).is_ok());
    }
}

#[derive(Debug)]
struct MemoryFile {
    state: Arc<Mutex<State>>,
    path: PathBuf,
    node: NodeId,
    generation: u64,
}

impl MemoryFile {
    fn state(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.state.lock();
        if state.generation != self.generation {
            return Err(io::Error::other("the file was opened before a crash"));
        }
        Ok(state)
    }
}

impl File for MemoryFile {
    fn read_append(&self, into: &mut Vec<u8>, at: u64, len: usize) -> io::Result<usize> {
        let mut state = self.state()?;
        state.check(Operation::Read, &self.path)?;
        let content = &state.file(self.node)?.live;
        let from = (at as usize).min(content.len());
        let to = from.saturating_add(len).min(content.len());
        into.extend_from_slice(&content[from..to]);
        Ok(to - from)
    }

    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        let mut read = Vec::new();
        let len = self.read_append(&mut read, at, buf.len())?;
        buf[..len].copy_from_slice(&read);
        Ok(len)
    }

    fn write_all_at(&self, parts: &mut [IoSlice<'_>], at: u64) -> io::Result<()> {
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        let mut guard = self.state()?;
        let state = &mut *guard;
        let failure = state.faults.check(Operation::Write, &self.path.to_string_lossy());
        let grows = (at + bytes.len() as u64).saturating_sub(state.file(self.node)?.live.len() as u64);
        let room =
            if state.capacity == u64::MAX { u64::MAX } else { state.capacity.saturating_sub(state.used()) };
        let (written, result) = match failure {
            Some(failure) => (Failure::part(&mut state.dice, bytes.len()), Err(failure.error())),
            None if grows > room => {
                // A full disk takes what fits.
                let fits = (bytes.len() as u64).saturating_sub(grows - room) as usize;
                (fits, Err(ErrorKind::StorageFull.into()))
            }
            None => (bytes.len(), Ok(())),
        };
        state.file(self.node)?.write(at as usize, &bytes[..written]);
        result
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut guard = self.state()?;
        let state = &mut *guard;
        if let Err(error) = state.check(Operation::Sync, &self.path) {
            let mut dice = state.dice.clone();
            if !state.faults.off {
                state.file(self.node)?.lose_pending(&mut dice);
                state.dice = dice;
            }
            return Err(error);
        }
        state.file(self.node)?.sync();
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state()?;
        let checked = state.check(Operation::SetLen, &self.path);
        if checked.is_ok() || (state.faults.off && state.dice.coin()) {
            state.file(self.node)?.set_len(len as usize);
        }
        checked
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.state()?.file(self.node)?.live.len() as u64)
    }
}

#[derive(Debug)]
struct MemoryLock {
    state: Arc<Mutex<State>>,
    path: PathBuf,
    generation: u64,
}

impl Lock for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        let mut state = self.state.lock();
        if state.generation == self.generation {
            state.locks.retain(|path| *path != self.path);
        }
    }
}

impl Disk for MemoryDisk {
    fn open(&self, path: &Path, mode: Mode) -> io::Result<Arc<dyn File>> {
        let mut state = self.state.lock();
        if state.faults.off {
            return Err(Failure::PowerOff.error());
        }
        let node = match state.find(path) {
            Ok(node) => {
                state.file(node)?;
                if mode == Mode::Truncate {
                    state.check(Operation::Create, path)?;
                    state.file(node)?.set_len(0);
                }
                node
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if matches!(mode, Mode::Read | Mode::Write) {
                    return Err(error);
                }
                let (parent, name) = state.parent_and_name(path)?;
                state.check(Operation::Create, path)?;
                state.insert(parent, name, Node::File(FileNode::default()))?
            }
            Err(error) => return Err(error),
        };
        let generation = state.generation;
        Ok(Arc::new(MemoryFile { state: self.state.clone(), path: path.to_owned(), node, generation }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        let node = state.find(from)?;
        let (from_dir, from_name) = state.parent_and_name(from)?;
        let (to_dir, to_name) = state.parent_and_name(to)?;
        state.check(Operation::Rename, to)?;
        if from_dir == to_dir {
            let both = vec![(from_name.to_owned(), None), (to_name.to_owned(), Some(node))];
            state.dir(from_dir)?.change(both);
        } else {
            state.dir(to_dir)?.change(vec![(to_name.to_owned(), Some(node))]);
            state.dir(from_dir)?.change(vec![(from_name.to_owned(), None)]);
        }
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        let node = state.find(path)?;
        state.file(node)?;
        let (parent, name) = state.parent_and_name(path)?;
        state.check(Operation::Remove, path)?;
        state.dir(parent)?.change(vec![(name.to_owned(), None)]);
        Ok(())
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        match state.find(path) {
            Ok(node) => state.dir(node)?,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let (parent, name) = state.parent_and_name(path)?;
        state.check(Operation::Remove, path)?;
        state.dir(parent)?.change(vec![(name.to_owned(), None)]);
        Ok(())
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        let mut made = PathBuf::new();
        for component in path.components() {
            made.push(component);
            match state.find(&made) {
                Ok(node) => {
                    state.dir(node)?;
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    state.check(Operation::Create, &made)?;
                    let (parent, name) = state.parent_and_name(&made)?;
                    state.insert(parent, name, Node::Dir(DirNode::default()))?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        let mut state = self.state.lock();
        let node = state.find(dir)?;
        let names: Vec<(String, NodeId)> =
            state.dir(node)?.live.iter().map(|(name, id)| (name.clone(), *id)).collect();
        let entries = names.into_iter().map(|(name, id)| match &state.nodes[&id] {
            Node::File(file) => Entry { name, is_dir: false, len: file.live.len() as u64 },
            Node::Dir(_) => Entry { name, is_dir: true, len: 0 },
        });
        Ok(entries.collect())
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        Ok(self.state.lock().find(path).is_ok())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        let node = state.find(dir)?;
        state.check(Operation::SyncDir, dir)?;
        state.dir(node)?.sync();
        Ok(())
    }

    fn space(&self, _path: &Path) -> io::Result<Space> {
        let state = self.state.lock();
        let available_bytes = state.capacity.saturating_sub(state.used());
        Ok(Space { available_bytes, total_bytes: state.capacity })
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        self.open(path, Mode::Create)?;
        let mut state = self.state.lock();
        if state.locks.iter().any(|held| held == path) {
            return Err(ErrorKind::WouldBlock.into());
        }
        state.locks.push(path.to_owned());
        let generation = state.generation;
        Ok(Box::new(MemoryLock { state: self.state.clone(), path: path.to_owned(), generation }))
    }
}

#[cfg(test)]
mod tests;
