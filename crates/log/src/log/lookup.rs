//! Finding an offset by time (ListOffsets): planned under the owner's lock, searched outside of it.

use chronik_types::{LeaderEpoch, Millis, Offset};

use super::Log;
use crate::error::LogError;

/// What ListOffsets can ask of the log itself. "Latest" is not here: it is the high watermark or the last stable offset,
/// which the owner knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampQuery {
    /// -2, and -4 (earliest local: there is no remote tier): the log's start.
    Earliest,
    /// -3 (KIP-734): the record with the largest timestamp; the first such.
    MaxTimestamp,
    /// -5 (KIP-1005): the last offset in the remote tier, of which there is none.
    LatestTiered,
    /// The first record with this timestamp or a later one.
    AtOrAfter(Millis),
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located {
    /// The record's timestamp, or -1 for `Earliest`.
    pub timestamp: Millis,
    /// Its offset.
    pub offset: Offset,
    /// The leader epoch of its batch, if known.
    pub leader_epoch: Option<LeaderEpoch>,
}

/// A search that has been planned. Holds what is needed without the log.
#[derive(Debug)]
pub struct Lookup {}

impl Lookup {
    /// Searches. Blocks, and may decompress one batch; needs no lock. `None`: there is no such record.
    pub fn run(&self) -> Result<Option<Located>, LogError> {
        todo!()
    }
}

impl Log {
    /// Plans a search. The answer does not regard the high watermark: the owner refuses what lies beyond it.
    pub fn lookup(&self, query: TimestampQuery) -> Lookup {
        let _ = query;
        todo!()
    }
}
