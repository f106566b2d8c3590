//! Files and directories in two states: as programs see them, and as a power failure would leave them.
//!
//! A file's writes since its last sync are kept one by one; a crash lets each sector of each write reach the disk or
//! not, cuts some in the middle, and may apply or forget each change of length. A directory's changes since its last
//! sync are a journal of which a crash keeps a prefix.

use std::collections::BTreeMap;

use super::dice::Dice;

/// The unit that a write is torn into, in bytes.
const SECTOR: usize = 512;

pub(super) type NodeId = u64;

#[derive(Debug)]
pub(super) enum Node {
    File(FileNode),
    Dir(DirNode),
}

#[derive(Debug, Default)]
pub(super) struct FileNode {
    pub(super) live: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Length(usize),
}

fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if content.len() < at + bytes.len() {
        content.resize(at + bytes.len(), 0);
    }
    content[at..at + bytes.len()].copy_from_slice(bytes);
}

impl FileNode {
    pub(super) fn write(&mut self, at: usize, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        put(&mut self.live, at, bytes);
        self.pending.push(Change::Write { at, bytes: bytes.to_vec() });
    }

    pub(super) fn set_len(&mut self, len: usize) {
        self.live.resize(len, 0);
        self.pending.push(Change::Length(len));
    }

    /// Only what has been written since the last sync reaches the disk: what a sync that failed has lost does not.
    pub(super) fn sync(&mut self) {
        for change in self.pending.drain(..) {
            match change {
                Change::Length(len) => self.durable.resize(len, 0),
                Change::Write { at, bytes } => put(&mut self.durable, at, &bytes),
            }
        }
    }

    /// A sync that fails: the kernel forgets what it could not write, though readers still see it.
    pub(super) fn lose_pending(&mut self, dice: &mut Dice) {
        let pending = std::mem::take(&mut self.pending);
        reach_disk(&mut self.durable, pending, dice);
    }

    pub(super) fn crash(&mut self, dice: &mut Dice) {
        self.lose_pending(dice);
        self.live.clone_from(&self.durable);
    }
}

/// Lets an arbitrary part of the changes reach the disk.
fn reach_disk(durable: &mut Vec<u8>, pending: Vec<Change>, dice: &mut Dice) {
    // Now and then all or nothing, which arbitrary parts would hardly ever be.
    let fate = dice.up_to(3);
    for change in pending {
        match change {
            _ if fate == 0 => {}
            Change::Length(len) => {
                if fate == 1 || dice.coin() {
                    durable.resize(len, 0);
                }
            }
            Change::Write { at, bytes } if fate == 1 => put(durable, at, &bytes),
            Change::Write { at, bytes } => tear(durable, at, &bytes, dice),
        }
    }
}

fn tear(durable: &mut Vec<u8>, at: usize, bytes: &[u8], dice: &mut Dice) {
    let end = at + bytes.len();
    let mut from = at;
    while from < end {
        let to = ((from / SECTOR + 1) * SECTOR).min(end);
        let sector = &bytes[from - at..to - at];
        match dice.up_to(7) {
            0..=2 => {}
            3 => put(durable, from, &sector[..dice.up_to(sector.len())]),
            _ => put(durable, from, sector),
        }
        from = to;
    }
    // The length may have reached the disk without the content.
    if dice.up_to(3) == 0 && durable.len() < end {
        durable.resize(end, 0);
    }
}

#[derive(Debug, Default)]
pub(super) struct DirNode {
    pub(super) live: BTreeMap<String, NodeId>,
    durable: BTreeMap<String, NodeId>,
    journal: Vec<Vec<(String, Option<NodeId>)>>,
}

impl DirNode {
    /// Changes some entries at once.
    pub(super) fn change(&mut self, entries: Vec<(String, Option<NodeId>)>) {
        apply(&mut self.live, &entries);
        self.journal.push(entries);
    }

    pub(super) fn sync(&mut self) {
        self.durable.clone_from(&self.live);
        self.journal.clear();
    }

    pub(super) fn crash(&mut self, dice: &mut Dice) {
        let kept = dice.up_to(self.journal.len());
        for entries in self.journal.drain(..).take(kept) {
            apply(&mut self.durable, &entries);
        }
        self.live.clone_from(&self.durable);
    }
}

fn apply(entries: &mut BTreeMap<String, NodeId>, changes: &[(String, Option<NodeId>)]) {
    for (name, node) in changes {
        match node {
            Some(node) => {
                entries.insert(name.clone(), *node);
            }
            None => {
                entries.remove(name);
            }
        }
    }
}
