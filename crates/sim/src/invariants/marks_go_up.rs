//! The quorum's high watermark never goes back while a node lives, and never lies beyond the node's log (Raft paper 5.3).

use chronik_raft::Inspection;
use chronik_types::NodeId;

use super::Violation;

pub(super) fn check(node: NodeId, before: Option<&Inspection>, seen: &Inspection) -> Result<(), Violation> {
    let Some(mark) = seen.high_watermark else { return Ok(()) };
    let former = before.and_then(|before| before.high_watermark).unwrap_or_default();
    if mark >= former && mark <= seen.log_end {
        return Ok(());
    }
    let what = format!(
        "the high watermark of {node} goes from {former} to {mark}, the log ends at {}",
        seen.log_end
    );
    Err(Violation::new("high watermarks go up", what))
}
