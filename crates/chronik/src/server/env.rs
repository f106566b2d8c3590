//! The world for real: tokio's timers and tasks, the system's clock and randomness, and two ways to wait for the disk.
//!
//! Inline work blocks the thread that asked, after tokio has been told to move its other tasks elsewhere: a sync of a
//! small append costs less than waking another thread twice. Background work goes to a few threads of our own.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chronik_broker::{Blocking, Connecting, Env, Task, Urgency};
use chronik_types::Millis;
use tokio::runtime::Handle;
use tracing::{Instrument, Span};

/// Threads for background work. It waits for the disk, so there may be more of them than cores.
const BACKGROUND_THREADS: usize = 3;

/// The environment of a real node.
pub struct TokioEnv {
    runtime: Handle,
    started: Instant,
    background: Sender<Blocking>,
    span: Span,
}

impl TokioEnv {
    /// An environment on the runtime, with its background threads. What happens in it is logged within `span`.
    pub fn new(runtime: Handle, span: Span) -> std::io::Result<Arc<TokioEnv>> {
        let (background, work) = channel::<Blocking>();
        let work = Arc::new(Mutex::new(work));
        for _ in 0..BACKGROUND_THREADS {
            let work = Arc::clone(&work);
            let span = span.clone();
            let thread = thread::Builder::new().name("chronik-disk".to_owned());
            thread.spawn(move || span.in_scope(|| run(&work)))?;
        }
        Ok(Arc::new(TokioEnv { runtime, started: Instant::now(), background, span }))
    }
}

fn run(work: &Mutex<Receiver<Blocking>>) {
    loop {
        let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        // A job works on a log: after a panic in it, nobody knows what is on disk.
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(job)).is_err() {
            std::process::abort();
        }
    }
}

impl Env for TokioEnv {
    fn now(&self) -> Millis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn random(&self) -> u128 {
        rand::random()
    }

    fn sleep(&self, duration: Duration) -> Task {
        Box::pin(tokio::time::sleep(duration))
    }

    fn spawn(&self, task: Task) {
        self.runtime.spawn(task.instrument(self.span.clone()));
    }

    fn connect(&self, host: &str, port: u16) -> Connecting {
        Box::pin(super::link::connect(host.to_owned(), port))
    }

    fn block(&self, urgency: Urgency, work: Blocking) {
        match urgency {
            Urgency::Inline => tokio::task::block_in_place(work),
            // The threads live as long as the sender, which is ours.
            Urgency::Background => drop(self.background.send(work)),
        }
    }

    fn halt(&self, reason: &str) {
        tracing::error!(reason, "the node stops at once");
        std::process::exit(1);
    }
}
