//! State that a panic must not leave half changed.
//!
//! A panic while a connection's bytes are handled costs that connection. A panic under one of these locks (a partition's
//! log, the quorum) means that the state behind it can no longer be trusted, and the process has to end. The lock cannot
//! end it by itself, since the simulation must survive to report; it marks the thread, and the shell's panic hook asks.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};

use parking_lot::{Mutex, MutexGuard};

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Whether this thread is changing state that a panic would leave in pieces: to be asked by a panic hook.
pub fn is_inside() -> bool {
    DEPTH.with(Cell::get) > 0
}

/// A lock around such state.
pub(crate) struct Critical<T> {
    state: Mutex<T>,
}

/// The state, locked.
pub(crate) struct Locked<'a, T> {
    state: MutexGuard<'a, T>,
}

impl<T> Critical<T> {
    pub(crate) fn new(state: T) -> Self {
        Critical { state: Mutex::new(state) }
    }

    pub(crate) fn lock(&self) -> Locked<'_, T> {
        let state = self.state.lock();
        DEPTH.with(|depth| depth.set(depth.get() + 1));
        Locked { state }
    }
}

impl<T> Drop for Locked<'_, T> {
    fn drop(&mut self) {
        DEPTH.with(|depth| depth.set(depth.get() - 1));
    }
}

impl<T> Deref for Locked<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.state
    }
}

impl<T> DerefMut for Locked<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_inside_while_it_holds_a_lock() {
        let (one, other) = (Critical::new(1), Critical::new(2));
        assert!(!is_inside());
        let first = one.lock();
        let second = other.lock();
        drop(first);
        assert!(is_inside());
        drop(second);
        assert!(!is_inside());
    }
}
