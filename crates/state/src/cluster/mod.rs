//! The cluster machine: what the controller decides, and the state that every node derives from it.
//!
//! One file per command in `commands`. A command names what its asker believed (broker epoch, partition epoch, ...)
//! and is refused if that is no longer so. Messages of refusals are Kafka's words, since its tools show them.

mod commands;
mod configuration;
mod leadership;
mod options;
mod placement;
mod random;
mod sessions;
mod state;
mod topic_name;

use crate::machine::{At, Decision, Machine};
use crate::records::Change;

pub use commands::*;
pub use options::Options;
pub use placement::{Placement, PlacementError, Slot, place};
pub use random::{Random, Seed};
pub use sessions::Sessions;
pub use state::*;
pub use topic_name::{META_TOPIC, check_topic_name, is_internal_topic};

/// The controller's machine.
#[derive(Clone, Debug)]
pub struct ClusterMachine {
    options: Options,
    state: ClusterState,
}

impl ClusterMachine {
    /// A machine that continues from `state`, which is a new cluster's if it is empty.
    pub fn new(options: Options, state: ClusterState) -> Self {
        ClusterMachine { options, state }
    }

    /// What the changes so far add up to.
    pub fn state(&self) -> &ClusterState {
        &self.state
    }

    /// What the node's configuration adds to decisions.
    pub fn options(&self) -> &Options {
        &self.options
    }
}

impl Machine for ClusterMachine {
    type Command = Command;
    type Change = Change;
    type Reply = Reply;

    fn decide(&self, at: At, command: Command) -> Decision<Change, Reply> {
        commands::decide(&Context { options: &self.options, state: &self.state, at }, command)
    }

    fn apply(&mut self, change: &Change) {
        self.state.apply(change);
    }
}

/// What a decision may look at.
pub(crate) struct Context<'a> {
    pub(crate) options: &'a Options,
    pub(crate) state: &'a ClusterState,
    pub(crate) at: At,
}
