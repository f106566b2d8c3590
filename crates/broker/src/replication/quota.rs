//! Quotas of replication (KIP-73): how fast this broker serves or copies the replicas that an operator has listed as throttled
//! and that are not in sync. Two of them, one for each side; source: `ReplicationQuotaManager`.
//!
//! The rate is measured over `replication.quota.window.num` samples of `replication.quota.window.size.seconds` each, and
//! what goes beyond the limit is held back until it has fallen below it again.

use std::collections::VecDeque;
use std::time::Duration;

use chronik_types::{NodeId, PartitionIndex};
use parking_lot::Mutex;

/// What may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    /// Bytes per second; `None` is without limit.
    pub(crate) rate: Option<u64>,
    /// The length of a sample.
    pub(crate) window: Duration,
    /// How many samples count.
    pub(crate) windows: u32,
}

/// One side's quota: what has passed of late.
#[derive(Default)]
pub(crate) struct Quota {
    /// When each sample began, and its bytes.
    samples: Mutex<VecDeque<(Duration, u64)>>,
}

impl Quota {
    /// So many bytes have passed.
    pub(crate) fn record(&self, limit: Limit, now: Duration, bytes: u64) {
        let mut samples = self.samples.lock();
        forget(&mut samples, limit, now);
        match samples.back_mut() {
            Some((begun, sum)) if now.saturating_sub(*begun) < limit.window => *sum += bytes,
            _ => samples.push_back((now, bytes)),
        }
    }

    /// For how long nothing more is to pass; `None`: the rate is within the limit.
    pub(crate) fn exceeded_for(&self, limit: Limit, now: Duration) -> Option<Duration> {
        let rate = limit.rate?;
        let mut samples = self.samples.lock();
        forget(&mut samples, limit, now);
        let oldest = samples.front()?.0;
        let sum: u64 = samples.iter().map(|(_, bytes)| bytes).sum();
        let elapsed = now.saturating_sub(oldest).max(limit.window);
        let needed = Duration::from_secs_f64(sum as f64 / (rate.max(1)) as f64);
        needed.checked_sub(elapsed).filter(|wait| !wait.is_zero())
    }
}

fn forget(samples: &mut VecDeque<(Duration, u64)>, limit: Limit, now: Duration) {
    let age_max = limit.window.saturating_mul(limit.windows);
    while samples.front().is_some_and(|(begun, _)| now.saturating_sub(*begun) >= age_max) {
        samples.pop_front();
    }
}

/// Whether a topic's list of throttled replicas (`*`, or `partition:broker` and so on) holds this broker's replica.
pub(crate) fn is_listed(list: &str, partition: PartitionIndex, broker: NodeId) -> bool {
    let is_it = |entry: &str| {
        entry.split_once(':').is_some_and(|(index, id)| {
            index.trim().parse() == Ok(partition.0) && id.trim().parse() == Ok(broker.0)
        })
    };
    list.trim() == "*" || list.split(',').any(is_it)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit { rate: Some(100), window: Duration::from_secs(1), windows: 11 };

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn what_goes_beyond_the_rate_is_held_back_until_it_is_within() {
        let quota = Quota::default();
        assert_eq!(quota.exceeded_for(LIMIT, at(0)), None);
        quota.record(LIMIT, at(0), 100);
        assert_eq!(quota.exceeded_for(LIMIT, at(0)), None, "a second's worth");
        quota.record(LIMIT, at(0), 400);
        assert_eq!(quota.exceeded_for(LIMIT, at(0)), Some(at(4000)));
        assert_eq!(quota.exceeded_for(LIMIT, at(3000)), Some(at(2000)));
        assert_eq!(quota.exceeded_for(LIMIT, at(5000)), None);
        quota.record(LIMIT, at(5000), 200);
        assert_eq!(quota.exceeded_for(LIMIT, at(5000)), Some(at(2000)));
        // The first sample no longer counts.
        assert_eq!(quota.exceeded_for(LIMIT, at(11_000)), None);
        assert_eq!(quota.exceeded_for(Limit { rate: None, ..LIMIT }, at(5000)), None);
    }

    #[test]
    fn a_list_names_replicas_or_all() {
        let listed = |list, partition, broker| is_listed(list, PartitionIndex(partition), NodeId(broker));
        assert!(listed("*", 7, 3) && listed("0:1,7:3", 7, 3));
        assert!(!listed("0:1,7:3", 0, 3) && !listed("", 0, 0) && !listed("x", 0, 0));
    }
}
