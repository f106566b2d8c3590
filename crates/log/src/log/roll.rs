//! Beginning a new segment: by size, by time, when an index is full, when offsets no longer fit.

use chronik_types::Millis;

use super::Log;
use crate::error::LogError;

impl Log {
    /// Begins a new segment if the active one has anything in it.
    pub fn roll(&mut self, now: Millis) -> Result<(), LogError> {
        let _ = now;
        todo!()
    }
}
