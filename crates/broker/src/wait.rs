//! Parking: a request waits here until an offset is reached, something changes, or its time is up.
//!
//! A [`Wait`] is completed once, by whoever brings the condition about; the request's future sees the outcome at its
//! next poll. Nothing is polled in between, and a wait that nobody looks at any more costs its memory only until the
//! condition comes.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::task::{Context, Poll};

use chronik_types::ErrorCode;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;

use crate::env::Task;

const PENDING: i32 = i32::MIN;

/// One parked condition, shared between the request that waits and the partition (or controller) that completes it.
pub(crate) struct Wait {
    outcome: AtomicI32,
    waker: AtomicWaker,
}

impl Wait {
    /// A condition that has not come about yet.
    pub(crate) fn new() -> Arc<Wait> {
        Arc::new(Wait { outcome: AtomicI32::new(PENDING), waker: AtomicWaker::new() })
    }

    /// Completes the wait and wakes the request. The first outcome stands.
    pub(crate) fn complete(&self, outcome: ErrorCode) {
        let code = i32::from(outcome.code());
        if self.outcome.compare_exchange(PENDING, code, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            self.waker.wake();
        }
    }

    /// Wakes the request without an outcome, for it to look after its own progress. Returns whether somebody was there
    /// to be woken.
    pub(crate) fn nudge(self: &Arc<Self>) -> bool {
        let waker = self.waker.take();
        let is_there = waker.is_some() && Arc::strong_count(self) > 1;
        if let Some(waker) = waker {
            waker.wake();
        }
        is_there
    }

    /// The outcome, if there is one.
    pub(crate) fn outcome(&self) -> Option<ErrorCode> {
        match self.outcome.load(Ordering::Acquire) {
            PENDING => None,
            code => Some(ErrorCode::from_code(code as i16)),
        }
    }

    /// The outcome, or `Pending` with the task's waker left behind.
    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<ErrorCode> {
        if let Some(outcome) = self.outcome() {
            return Poll::Ready(outcome);
        }
        self.waker.register(cx.waker());
        self.outcome().map_or(Poll::Pending, Poll::Ready)
    }
}

/// Who wants to know that something changed: each waits once and asks again.
#[derive(Default)]
pub(crate) struct Changes {
    waiting: Mutex<Vec<Arc<Wait>>>,
}

impl Changes {
    /// Completes with the next change. To be asked for before looking at what may change.
    pub(crate) fn next(&self) -> Arc<Wait> {
        let wait = Wait::new();
        let mut waiting = self.waiting.lock();
        // Those that were given up are dropped when they are many.
        if waiting.len() > 64 {
            waiting.retain(|wait| Arc::strong_count(wait) > 1);
        }
        waiting.push(Arc::clone(&wait));
        wait
    }

    /// Something has changed.
    pub(crate) fn notify(&self) {
        for wait in std::mem::take(&mut *self.waiting.lock()) {
            wait.complete(ErrorCode::None);
        }
    }
}

/// Completes when it is polled again. A connection polls each request once when it comes, and after that only the oldest one:
/// whoever waits for this goes on when its answer is due.
pub(crate) async fn until_due() {
    let mut has_come = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut has_come, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Waits for `wait`, or until `deadline` completes: then the outcome is `RequestTimedOut`.
pub(crate) struct WaitOrDeadline<'a> {
    pub(crate) wait: &'a Wait,
    pub(crate) deadline: &'a mut Task,
}

impl Future for WaitOrDeadline<'_> {
    type Output = ErrorCode;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ErrorCode> {
        let this = self.get_mut();
        if let Poll::Ready(outcome) = this.wait.poll(cx) {
            return Poll::Ready(outcome);
        }
        this.deadline.as_mut().poll(cx).map(|()| ErrorCode::RequestTimedOut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_outcome_stands() {
        let wait = Wait::new();
        assert_eq!(wait.outcome(), None);
        wait.complete(ErrorCode::KafkaStorageError);
        wait.complete(ErrorCode::None);
        assert_eq!(wait.outcome(), Some(ErrorCode::KafkaStorageError));
    }

    #[test]
    fn a_deadline_that_has_passed_times_the_request_out() {
        let wait = Wait::new();
        let mut deadline: Task = Box::pin(std::future::ready(()));
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut both = WaitOrDeadline { wait: &wait, deadline: &mut deadline };
        assert_eq!(Pin::new(&mut both).poll(&mut cx), Poll::Ready(ErrorCode::RequestTimedOut));
    }
}
