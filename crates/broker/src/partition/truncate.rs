//! Cutting a follower's log where it leaves its leader's: first what goes is written aside with a report of what it was and
//! why it went, then the recovery points are lowered on disk, then the log is cut.
//!
//! Only the last step is done under the partition's lock. The log does not change meanwhile, since nobody but the caller
//! appends to a follower's; if the role has changed, the cut is given up.

use std::fmt::Write;

use chronik_log::{LogError, Truncation};
use chronik_types::{LeaderEpoch, Millis, NodeId, Offset};

use super::Partition;

/// Bytes that are written aside at a time.
const CHUNK: usize = 1 << 20;

/// A cut that is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cutting {
    /// In which epoch this broker follows.
    pub(crate) epoch: LeaderEpoch,
    /// Whom it follows.
    pub(crate) leader: NodeId,
    /// The log is to end here.
    pub(crate) to: Offset,
    /// Why.
    pub(crate) reason: &'static str,
}

impl Partition {
    /// Writes aside what lies at or past the cut, and holds the recovery point there. If nothing
    /// does, or this broker does not follow in that epoch, nothing is written. Blocks.
    pub(crate) fn prepare_cut(&self, cutting: &Cutting, now: Millis) -> Result<(), LogError> {
        let begun = {
            let mut state = self.state.lock();
            if state.following(cutting.epoch).is_none() {
                return Ok(());
            }
            let high_watermark = state.high_watermark;
            let Some(log) = &mut state.log else { return Ok(()) };
            let (to, end) = (cutting.to.max(log.start_offset()), log.end_offset());
            log.hold_recovery_point(Some(cutting.to));
            if to >= end { None } else { Some((log.set_aside(to, cutting.epoch)?, to, end, high_watermark)) }
        };
        let Some((mut aside, to, end, high_watermark)) = begun else { return Ok(()) };
        let mut at = to;
        while at < end {
            let slice = self.with_log(|log, _| log.read(at, CHUNK, end, true));
            let Some(Ok(slice)) = slice else { break };
            let path = aside.path().to_owned();
            let bytes =
                slice.load().map_err(|error| LogError::Corrupt { path, reason: error.to_string() })?;
            let last = chronik_log::batch::BatchIter::new(&bytes).filter_map(Result::ok).last();
            let Some(last) = last else { break };
            at = last.header().next_offset();
            aside.write(&bytes)?;
        }
        let report = self.report(cutting, (to, end), high_watermark, now, aside.bytes());
        aside.finish(&report)?;
        let lost = high_watermark > to;
        if lost {
            tracing::warn!(
                partition = %self.name, from = %to, end = %end, high_watermark = %high_watermark,
                leader = %cutting.leader, epoch = %cutting.epoch, reason = cutting.reason,
                "committed records are cut off: the leader does not have them; they are kept beside the log"
            );
        } else {
            // An ordinary failover does this. Was the election unclean, the controller has warned of it.
            tracing::info!(
                partition = %self.name, from = %to, end = %end, leader = %cutting.leader, epoch = %cutting.epoch,
                reason = cutting.reason, "cutting off what the leader does not have; it is kept beside the log"
            );
        }
        Ok(())
    }

    /// Cuts, after the recovery points have been written. Blocks.
    pub(crate) fn cut(&self, cutting: &Cutting, now: Millis) -> Result<Option<Truncation>, LogError> {
        let mut state = self.state.lock();
        let state = &mut *state;
        let follows = state.following(cutting.epoch).is_some();
        let Some(log) = &mut state.log else { return Ok(None) };
        if !follows {
            log.hold_recovery_point(None);
            return Ok(None);
        }
        let cut = log.truncate_to(cutting.to, now);
        log.hold_recovery_point(None);
        state.high_watermark = state.high_watermark.min(log.end_offset());
        cut
    }

    /// Nothing is to be cut after all, or not now.
    pub(crate) fn give_up_cut(&self) {
        self.with_log(|log, _| log.hold_recovery_point(None));
    }

    /// Removes everything and goes on at `start`: the leader's log begins there, beyond the end of this one. Blocks; the
    /// recovery points are to be written first, as for a cut.
    pub(crate) fn start_over(
        &self,
        epoch: LeaderEpoch,
        start: Offset,
        now: Millis,
    ) -> Result<Option<Truncation>, LogError> {
        let mut state = self.state.lock();
        let state = &mut *state;
        let follows = state.following(epoch).is_some();
        let Some(log) = &mut state.log else { return Ok(None) };
        if !follows {
            log.hold_recovery_point(None);
            return Ok(None);
        }
        let removed = log.truncate_fully_and_start_at(start, now);
        log.hold_recovery_point(None);
        state.high_watermark = start;
        state.dirty_bytes = 0;
        removed.map(Some)
    }

    fn report(
        &self,
        cutting: &Cutting,
        (from, end): (Offset, Offset),
        high_watermark: Offset,
        now: Millis,
        bytes: u64,
    ) -> String {
        let epoch_of = |offset: Offset| {
            let epoch = self.with_log(|log, _| log.epoch_at(offset)).flatten();
            epoch.unwrap_or(LeaderEpoch::NONE)
        };
        let mut report = String::new();
        let _ = writeln!(
            report,
            "{{\"topic\":\"{}\",\"topicId\":\"{}\",\"partition\":{},\"firstOffset\":{from},\"endOffset\":{end},\
             \"highWatermark\":{high_watermark},\"bytes\":{bytes},\"firstEpoch\":{},\"lastEpoch\":{},\
             \"leader\":{},\"leaderEpoch\":{},\"reason\":\"{}\",\"timestamp\":{now}}}",
            self.name.topic,
            self.topic_id,
            self.name.partition,
            epoch_of(from),
            epoch_of(end.plus(-1)),
            cutting.leader,
            cutting.epoch,
            cutting.reason,
        );
        report
    }
}
