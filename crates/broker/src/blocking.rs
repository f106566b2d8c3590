//! Waiting, in a future, for work that blocks on the disk and runs on another thread.

use std::future::{Future, poll_fn};
use std::sync::Arc;

use chronik_types::ErrorCode;
use parking_lot::Mutex;

use crate::env::{Env, Urgency};
use crate::wait::Wait;

/// Runs `work` in the background and yields what it returns. The work is started at once and runs to its end even if
/// the future is dropped.
pub(crate) fn run<T: Send + 'static>(
    env: &dyn Env,
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = T> + Send {
    let done = Arc::new((Wait::new(), Mutex::new(None)));
    let here = Arc::clone(&done);
    let run = move || {
        *done.1.lock() = Some(work());
        done.0.complete(ErrorCode::None);
    };
    env.block(Urgency::Background, Box::new(run));
    async move {
        poll_fn(|cx| here.0.poll(cx)).await;
        let result = here.1.lock().take();
        result.expect("the result is put in before the wait completes")
    }
}
