//! Repeats what failed for a passing reason, with growing pauses, until the deadline.

use std::thread;
use std::time::{Duration, Instant};

use super::{Client, Error};

const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_millis(500);

impl Client {
    /// Calls `attempt` until it succeeds, fails for good, or the command's timeout has passed. The last error
    /// is returned as it was.
    pub fn retry<T>(&mut self, mut attempt: impl FnMut(&mut Client) -> Result<T, Error>) -> Result<T, Error> {
        let deadline = self.deadline();
        let mut pause = PAUSE_MIN;
        loop {
            match attempt(self) {
                Err(error) if self.may_pass(&error) && Instant::now() + pause < deadline => {
                    thread::sleep(pause);
                    pause = (pause * 2).min(PAUSE_MAX);
                }
                result => return result,
            }
        }
    }

    fn may_pass(&self, error: &Error) -> bool {
        error.is_retriable() || (self.was_connected && matches!(error, Error::Connect { .. }))
    }
}
