//! Election safety (Raft paper 5.2): at most one node leads the quorum in an epoch.

use std::collections::BTreeMap;

use chronik_raft::{Inspection, Role};
use chronik_types::{LeaderEpoch, NodeId};

use super::Violation;

/// Who led in which epoch.
#[derive(Default)]
pub(super) struct Leaders(BTreeMap<LeaderEpoch, NodeId>);

impl Leaders {
    /// True if the node leads in an epoch in which nobody was seen to lead before.
    pub(super) fn check(&mut self, node: NodeId, seen: &Inspection) -> Result<bool, Violation> {
        if seen.role != Role::Leader {
            return Ok(false);
        }
        match self.0.insert(seen.epoch, node) {
            None => Ok(true),
            Some(other) if other == node => Ok(false),
            Some(other) => {
                let what = format!("{node} leads epoch {}, and so did {other}", seen.epoch);
                Err(Violation::new("one leader per epoch", what))
            }
        }
    }
}
