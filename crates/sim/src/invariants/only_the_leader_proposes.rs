//! Nobody proposes but the leader (DESIGN section 2): no proposal is ever refused because its node does not lead.

use chronik_raft::Inspection;
use chronik_types::NodeId;

use super::Violation;

pub(super) fn check(node: NodeId, seen: &Inspection) -> Result<(), Violation> {
    if seen.refused_proposals == 0 {
        return Ok(());
    }
    let what = format!(
        "{node} proposed while it was {:?} in epoch {}, led by {:?}",
        seen.role, seen.epoch, seen.leader
    );
    Err(Violation::new("only the leader proposes", what))
}
