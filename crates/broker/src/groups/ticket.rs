//! What somebody who asked a shard holds until the answer comes.

use std::sync::Arc;
use std::time::Duration;

use chronik_state::groups::Reply;
use chronik_types::ErrorCode;
use parking_lot::Mutex;

use crate::env::Env;
use crate::wait::{Wait, WaitOrDeadline};

/// The place for one answer.
pub(super) struct Ticket {
    wait: Arc<Wait>,
    reply: Mutex<Option<Reply>>,
}

impl Ticket {
    pub(super) fn new() -> Arc<Ticket> {
        Arc::new(Ticket { wait: Wait::new(), reply: Mutex::new(None) })
    }

    /// Answers.
    pub(super) fn answer(&self, reply: Reply) {
        *self.reply.lock() = Some(reply);
        self.wait.complete(ErrorCode::None);
    }

    /// There is no answer, for this reason.
    pub(super) fn refuse(&self, code: ErrorCode) {
        self.wait.complete(code);
    }
}

/// A request that a shard has decided or parked.
pub(crate) struct Asked {
    ticket: Arc<Ticket>,
    /// For those that wait for a commit only, and for no other member.
    timeout: Option<Duration>,
    env: Arc<dyn Env>,
}

impl Asked {
    pub(super) fn new(ticket: Arc<Ticket>, timeout: Option<Duration>, env: &Arc<dyn Env>) -> Asked {
        Asked { ticket, timeout, env: Arc::clone(env) }
    }

    /// The answer.
    ///
    /// Errors: `NOT_COORDINATOR` if the lead was lost, `COORDINATOR_NOT_AVAILABLE` if the commit takes longer than
    /// `offsets.commit.timeout.ms`: whether it will be done is not known.
    pub(crate) async fn answer(self) -> Result<Reply, ErrorCode> {
        let wait = &self.ticket.wait;
        let outcome = match (wait.outcome(), self.timeout) {
            (Some(outcome), _) => outcome,
            (None, None) => std::future::poll_fn(|cx| wait.poll(cx)).await,
            (None, Some(timeout)) => {
                let mut deadline = self.env.sleep(timeout);
                WaitOrDeadline { wait, deadline: &mut deadline }.await
            }
        };
        match outcome {
            ErrorCode::None => {
                Ok(self.ticket.reply.lock().take().expect("the reply is put in before the wait completes"))
            }
            ErrorCode::RequestTimedOut => Err(ErrorCode::CoordinatorNotAvailable),
            code => Err(code),
        }
    }
}
