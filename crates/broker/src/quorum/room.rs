//! A full disk holds this node's part in the quorum up, and does not end it.
//!
//! The metadata log's appends wait in `State::unappended`, with the leadership handed to another voter. A new epoch, a vote or a
//! piece of a snapshot that cannot be written down waits at the head of `State::actions`, and everything that raft
//! has asked for since waits behind it: no answer and no message that rests on it leaves this node before it is durable. To the
//! others the node is as one that is slow. Raft itself goes on taking messages in, and so knows who leads; what it is not
//! told meanwhile is the time, and what is durable ([`chronik_raft::Event::Durable`] speaks of the log as raft left
//! it, and a truncation may be waiting). A crash loses nothing but what nobody was told.
//!
//! Invariant: a node that is held up does not decide. A leader that loses its lead is told so (`Resigned`) before the new
//! epoch is to be written down, and one that gains it begins to control behind the writing.

use std::collections::VecDeque;
use std::time::Duration;

use chronik_log::LogError;
use chronik_raft::{Action, Event};

use super::{Quorum, State};

/// How often a full disk is tried again.
pub(super) const RETRY: Duration = Duration::from_millis(100);

/// While so many actions wait, raft is given no more requests of others: they go unanswered, as the ones before.
const WAITING_MAX: usize = 1000;

/// Whether there is room, as far as is known.
#[derive(Default)]
pub(super) struct Room {
    /// The operator has been told that there is none.
    is_missed: bool,
    /// A retry is on its way.
    will_retry: bool,
}

impl Room {
    /// Takes timers out of a queue that waits, if there are newer ones: only the last matters.
    pub(super) fn make_way(waiting: &mut VecDeque<Option<Action>>, coming: &[Action]) {
        if coming.iter().any(is_timer) {
            waiting.retain(|action| !action.as_ref().is_some_and(is_timer));
        }
    }
}

fn is_timer(action: &Action) -> bool {
    matches!(action, Action::SetTimer { .. } | Action::ClearTimer)
}

impl State {
    /// Whether what raft asks for waits for room. False while it is being carried out.
    pub(super) fn is_held_up(&self) -> bool {
        self.actions.front().is_some_and(Option::is_some)
    }

    /// Whether anything of this node's part in the quorum waits for room: nothing is decided until there is.
    pub(super) fn waits_for_room(&self) -> bool {
        self.is_held_up() || !self.unappended.is_empty()
    }

    /// Whether raft can be asked more: what it answers has a place to wait.
    pub(super) fn takes_requests(&self) -> bool {
        self.actions.len() < WAITING_MAX
    }
}

impl Quorum {
    /// The disk has refused something for want of room: it is tried again soon.
    pub(super) fn wait_for_room(&self, state: &mut State, full: &LogError) {
        if !std::mem::replace(&mut state.room.is_missed, true) {
            tracing::warn!(
                error = %full,
                "the metadata log waits for room on the disk: nothing is decided or voted for here until there is, reads go on"
            );
        }
        if !std::mem::replace(&mut state.room.will_retry, true) {
            self.later(RETRY, |this, state| this.try_again(state));
        }
    }

    fn try_again(&self, state: &mut State) {
        state.room.will_retry = false;
        self.append_pending(state);
        if state.is_held_up() {
            self.work_off(state);
        }
        if state.waits_for_room() {
            return;
        }
        if std::mem::take(&mut state.room.is_missed) {
            tracing::info!("the metadata log has room again");
        }
        self.tell_durable(state);
    }

    /// Tells raft how much of its log is on the disk, unless what it has done to the log since is still to happen.
    pub(super) fn tell_durable(&self, state: &mut State) {
        if !state.is_held_up() {
            let end = state.log.durable_offset();
            self.step(state, Event::Durable { end });
        }
    }

    /// A leader whose log takes nothing is of no use to the others: one of them should lead.
    pub(super) fn hand_over(&self, state: &mut State) {
        let own = state.store.node_id();
        if state.raft.is_leader() && state.raft.voters().ids().any(|id| id != own) {
            let epoch = state.raft.epoch();
            self.step(state, Event::Resign { epoch });
        }
    }
}
