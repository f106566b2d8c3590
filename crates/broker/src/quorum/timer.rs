//! The one timer of the raft machine. It is moved with almost every event, and seldom comes: one task sleeps, and looks
//! again when it wakes; only a time before its own needs another.

use std::time::Duration;

use chronik_raft::Event;

use super::{Quorum, State};

/// What the timer is set to.
#[derive(Default)]
pub(super) struct Timer {
    at: Option<Duration>,
    /// When the task that counts wakes, and which one that is.
    sleeps_until: Option<Duration>,
    generation: u64,
}

impl Timer {
    pub(super) fn clear(&mut self) {
        self.at = None;
    }
}

impl Quorum {
    pub(super) fn set_timer(&self, state: &mut State, at: Duration) {
        state.timer.at = Some(at);
        if state.timer.sleeps_until.is_none_or(|wakes| at < wakes) {
            self.sleep_until(state, at);
        }
    }

    fn sleep_until(&self, state: &mut State, at: Duration) {
        state.timer.sleeps_until = Some(at);
        state.timer.generation += 1;
        let generation = state.timer.generation;
        self.later(at.saturating_sub(self.env.elapsed()), move |this, state| {
            if state.timer.generation != generation {
                return;
            }
            state.timer.sleeps_until = None;
            match state.timer.at {
                None => {}
                Some(at) if at > this.env.elapsed() => this.sleep_until(state, at),
                Some(_) => {
                    state.timer.at = None;
                    this.step(state, Event::Tick);
                }
            }
        });
    }
}
