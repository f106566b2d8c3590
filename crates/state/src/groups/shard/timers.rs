//! What a shard waits for: one deadline for each thing that may become due.

use std::collections::{BTreeMap, BTreeSet};

use chronik_types::Millis;

use crate::records::Name;

/// What may become due.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::groups) enum Timer {
    /// The session of a classic group's member, or of one that was told its id and has not joined with it.
    Session(Name, Name),
    /// The end of a classic group's join phase.
    Join(Name),
    /// The end of the time that a classic group's members have to ask for their assignment.
    Sync(Name),
    /// The session of a consumer group's member.
    ConsumerSession(Name, Name),
    /// The time that a consumer group's member has to give partitions up.
    ConsumerRebalance(Name, Name),
    /// The time that a classic member of a consumer group has to join or sync again.
    ConsumerRejoin(Name, Name),
    /// The next look at offsets that expire.
    Expiry,
}

/// Deadlines on the monotonic clock.
#[derive(Debug, Default)]
pub(in crate::groups) struct Timers {
    deadlines: BTreeMap<Timer, Millis>,
    order: BTreeSet<(Millis, Timer)>,
}

impl Timers {
    /// Sets a timer, again if it was set.
    pub(in crate::groups) fn set(&mut self, timer: Timer, deadline: Millis) {
        if let Some(before) = self.deadlines.insert(timer.clone(), deadline) {
            self.order.remove(&(before, timer.clone()));
        }
        self.order.insert((deadline, timer));
    }

    /// Forgets a timer.
    pub(in crate::groups) fn cancel(&mut self, timer: &Timer) {
        if let Some(before) = self.deadlines.remove(timer) {
            self.order.remove(&(before, timer.clone()));
        }
    }

    /// Whether a timer is set.
    pub(in crate::groups) fn is_set(&self, timer: &Timer) -> bool {
        self.deadlines.contains_key(timer)
    }

    /// The earliest deadline.
    pub(in crate::groups) fn next(&self) -> Option<Millis> {
        self.order.first().map(|(deadline, _)| *deadline)
    }

    /// How many timers are due.
    pub(in crate::groups) fn due_count(&self, clock: Millis) -> usize {
        self.order.iter().take_while(|(deadline, _)| *deadline <= clock).count()
    }

    /// Takes the earliest timer that is due.
    pub(in crate::groups) fn due(&mut self, clock: Millis) -> Option<Timer> {
        let (deadline, _) = self.order.first()?;
        if *deadline > clock {
            return None;
        }
        let (_, timer) = self.order.pop_first()?;
        self.deadlines.remove(&timer);
        Some(timer)
    }
}
