//! Leader completeness (Raft paper 5.4): what was ever committed is in the log of every later leader.
//!
//! By log matching it is enough that the leader's log holds the last committed record in its epoch, or a snapshot of it.
//! Votes may come so late that a leader of a later epoch has committed already: nothing is asked then, since what that one
//! committed need not be in an earlier leader's log.

use chronik_raft::Inspection;
use chronik_types::{LeaderEpoch, NodeId, Offset};

use super::{Committed, Violation};

pub(super) fn check(node: NodeId, seen: &Inspection, committed: &Committed) -> Result<(), Violation> {
    let Some((end, epoch)) = committed.last() else { return Ok(()) };
    if epoch > seen.epoch {
        return Ok(());
    }
    let in_snapshot = seen.snapshot.is_some_and(|snapshot| snapshot.offset >= end);
    let in_log = seen.log_end >= end && epoch_at(seen, Offset(end.0 - 1)) == Some(epoch);
    if in_snapshot || in_log {
        return Ok(());
    }
    let what = format!(
        "{node} leads epoch {} without the record before {end} of epoch {epoch}: {seen:?}",
        seen.epoch
    );
    Err(Violation::new("leader completeness", what))
}

fn epoch_at(seen: &Inspection, offset: Offset) -> Option<LeaderEpoch> {
    let after = seen.epochs.partition_point(|entry| entry.start_offset <= offset);
    seen.epochs.get(after.checked_sub(1)?).map(|entry| entry.epoch)
}
