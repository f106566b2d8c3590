//! What a node needs from the world: time, randomness, timers, tasks, other nodes, and somewhere to wait for the disk.
//!
//! `chronik` implements it on tokio, `sim` on a seeded executor. Nothing in this crate reads a clock or spawns a
//! thread by any other way, and its futures wait only for each other and for [`Env::sleep`].

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use chronik_types::Millis;

/// A future that the environment can run.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Work that blocks on the disk.
pub type Blocking = Box<dyn FnOnce() + Send>;

/// A connection to another node, or why there is none.
pub type Connecting = Pin<Box<dyn Future<Output = Result<Box<dyn Link>, Broken>> + Send>>;

/// A connection to another node: frames go out in order, answers come in. Dropping it closes it.
pub trait Link: Send {
    /// Hands over a frame, its size prefix included. It never waits: what the peer does not take yet is kept.
    fn send(&mut self, frame: Bytes);

    /// The next frame from the peer, without its size prefix. Polling it also writes what waits to be sent.
    ///
    /// Errors: the connection is of no further use.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Broken>>;
}

/// Why a connection cannot be had, or is lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Broken {
    /// The peer's host said that nobody is there: refused, reset or closed, as for a process that was killed. Else
    /// (no route, a time-out) nobody knows.
    pub gone: bool,
    /// What happened.
    pub reason: String,
}

/// How much an asynchronous job is in a hurry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// A client waits and little is to be done: the calling thread should do it, a hand-off would cost more.
    Inline,
    /// There is much to do, or nobody waits: another thread should do it.
    Background,
}

/// The world around a node.
pub trait Env: Send + Sync + 'static {
    /// Wall-clock time, as record timestamps count it.
    fn now(&self) -> Millis;

    /// Time since some fixed moment; it never goes back.
    fn elapsed(&self) -> Duration;

    /// A random number, for ids and for spreading work.
    fn random(&self) -> u128;

    /// Completes once `duration` has passed.
    fn sleep(&self, duration: Duration) -> Task;

    /// Runs a task beside the caller.
    fn spawn(&self, task: Task);

    /// Connects to another node. It may take as long as the system's own time-out.
    fn connect(&self, host: &str, port: u16) -> Connecting;

    /// Runs work that blocks. With [`Urgency::Inline`] it is done when this returns, if the environment can afford
    /// that; a caller may rely on neither.
    fn block(&self, urgency: Urgency, work: Blocking);

    /// A fault that this node is to have, for the simulation to find.
    #[cfg(feature = "planted")]
    fn planted_fault(&self) -> Option<crate::PlantedFault> {
        None
    }

    /// Ends the process: the state in memory can no longer be trusted, or the node cannot go on.
    fn halt(&self, reason: &str);
}
