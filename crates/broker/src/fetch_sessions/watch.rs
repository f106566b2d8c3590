//! What is new in the partitions of a fetch: partitions tell it to whom they are of interest, so that a fetch looks only
//! where something has happened.
//!
//! A partition knows its watches with the slot that it has in each ([`crate::partition::Partition::watch`]). The lock in
//! here is taken under that of a partition or a session and takes none itself.

use std::sync::Arc;

use chronik_types::ErrorCode;
use foldhash::fast::FixedState;
use indexmap::IndexSet;
use parking_lot::Mutex;

use crate::wait::Wait;

/// What happened to a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Its log's end moved: there is more for followers.
    Appended,
    /// Its high watermark moved: there is more for consumers.
    Committed,
    /// What a fetch tells beside the records is different: the log's start, who is in sync. It wakes nobody.
    Changed,
    /// Another leader or epoch, or it is closed, or its disk is gone.
    Role,
}

/// Where one fetch session (or one fetch without a session) learns of news.
pub(crate) struct Watch {
    is_follower: bool,
    marks: Mutex<Marks>,
}

#[derive(Default)]
struct Marks {
    slots: IndexSet<u32, FixedState>,
    /// There are news, not looked at yet, that end a wait.
    is_urgent: bool,
    parked: Option<Arc<Wait>>,
}

impl Watch {
    /// A watch for a follower, or else a consumer.
    pub(crate) fn new(is_follower: bool) -> Arc<Watch> {
        Arc::new(Watch { is_follower, marks: Mutex::default() })
    }

    /// Takes note of news of the partition in `slot`.
    pub(crate) fn note(&self, slot: u32, news: News) {
        if news == News::Appended && !self.is_follower {
            return;
        }
        let mut marks = self.marks.lock();
        marks.slots.insert(slot);
        let wakes = match news {
            News::Appended | News::Role => true,
            News::Committed => !self.is_follower,
            News::Changed => false,
        };
        if wakes {
            marks.is_urgent = true;
            if let Some(wait) = marks.parked.take() {
                wait.complete(ErrorCode::None);
            }
        }
    }

    /// The slots of partitions with news, each once.
    pub(super) fn take(&self) -> IndexSet<u32, FixedState> {
        let mut marks = self.marks.lock();
        marks.is_urgent = false;
        std::mem::take(&mut marks.slots)
    }

    /// Completes `wait` with the next news that may have records, or at once if there are such.
    pub(crate) fn park(&self, wait: &Arc<Wait>) {
        let mut marks = self.marks.lock();
        if marks.is_urgent {
            wait.complete(ErrorCode::None);
        } else {
            marks.parked = Some(Arc::clone(wait));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consumers_wait_for_the_high_watermark_and_followers_for_the_end() {
        let (consumer, follower) = (Watch::new(false), Watch::new(true));
        let (one, other) = (Wait::new(), Wait::new());
        consumer.park(&one);
        follower.park(&other);
        for watch in [&consumer, &follower] {
            watch.note(3, News::Changed);
            watch.note(4, News::Appended);
        }
        assert!(one.outcome().is_none() && other.outcome() == Some(ErrorCode::None));
        consumer.note(4, News::Committed);
        assert_eq!(one.outcome(), Some(ErrorCode::None));
        assert_eq!(consumer.take().into_iter().collect::<Vec<_>>(), [3, 4]);
        assert_eq!(follower.take().len(), 2);
    }

    #[test]
    fn news_between_a_look_and_the_wait_are_not_missed() {
        let watch = Watch::new(false);
        watch.note(0, News::Committed);
        let wait = Wait::new();
        watch.park(&wait);
        assert_eq!(wait.outcome(), Some(ErrorCode::None));
        assert_eq!(watch.take().len(), 1);
        let wait = Wait::new();
        watch.park(&wait);
        assert_eq!(wait.outcome(), None);
    }
}
