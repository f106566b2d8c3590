//! Faults on order: the n-th operation, or those on certain files, fail or are the last before the power goes.

use std::io;

use super::dice::Dice;

/// What an operation does to the disk. Reading, listing and opening what exists are not counted: they change nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A file or directory is made, or emptied on opening.
    Create,
    /// `write_all_at`.
    Write,
    /// `set_len`.
    SetLen,
    /// `sync_data`.
    Sync,
    /// `sync_dir`.
    SyncDir,
    /// `rename`.
    Rename,
    /// `remove_file`, `remove_dir_all`.
    Remove,
    /// A read of a file's content. Counted apart from the others: only faults by path meet it.
    Read,
}

/// How an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// With this kind of error. A write may have written any part of its bytes, a sync any part of what was pending.
    Error(io::ErrorKind),
    /// The power goes in the middle of it; every later operation fails until [`super::MemoryDisk::crash`].
    PowerOff,
}

/// A rule for failures to come.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Which operations; `None` for any that changes something.
    pub operation: Option<Operation>,
    /// A part of the path; empty for any.
    pub path: String,
    /// How many that match succeed first.
    pub after: u64,
    /// How many that match fail then.
    pub times: u64,
    /// How.
    pub failure: Failure,
}

#[derive(Debug, Default)]
pub(super) struct Faults {
    rules: Vec<Fault>,
    /// Operations that changed something, or tried to.
    pub(super) count: u64,
    pub(super) off: bool,
}

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        self.rules.push(fault);
    }

    pub(super) fn clear(&mut self) {
        self.rules.clear();
        self.off = false;
    }

    /// Whether this operation fails, and how.
    pub(super) fn check(&mut self, operation: Operation, path: &str) -> Option<Failure> {
        if self.off {
            return Some(Failure::PowerOff);
        }
        if operation != Operation::Read {
            self.count += 1;
        }
        for rule in &mut self.rules {
            let matches = match rule.operation {
                Some(which) => which == operation,
                None => operation != Operation::Read,
            };
            if !matches || rule.times == 0 || !path.contains(&rule.path) {
                continue;
            }
            if rule.after > 0 {
                rule.after -= 1;
                continue;
            }
            rule.times -= 1;
            self.off = rule.failure == Failure::PowerOff;
            return Some(rule.failure);
        }
        None
    }
}

impl Failure {
    pub(super) fn error(self) -> io::Error {
        match self {
            Failure::Error(kind) => kind.into(),
            Failure::PowerOff => io::Error::other("the power is off"),
        }
    }

    /// How many of `len` bytes a failing write has written.
    pub(super) fn part(dice: &mut Dice, len: usize) -> usize {
        match dice.up_to(2) {
            0 => 0,
            1 => len,
            _ => dice.up_to(len),
        }
    }
}
