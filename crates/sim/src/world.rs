//! Time, tasks and their order. Nothing happens but by a step, and every choice is drawn from the seed.
//!
//! A task belongs to a life: a node's run from start to crash, or the clients' (life 0, which never ends). Ending a life
//! drops its tasks, timers and unfinished work at once, as a killed process does; a paused one is not scheduled. A panic
//! with [`Halted`] ends the life it happens in; any other panic is a bug that the seed reproduces, and goes on up.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::journal;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A future that the world runs.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Which run of which node something belongs to. 0: the clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Life(pub u64);

/// The life of the clients.
pub const CLIENTS: Life = Life(0);

/// What a node panics with when it stops itself.
pub struct Halted;

/// A handle on the world; clones share it.
#[derive(Clone)]
pub struct World {
    state: Arc<Mutex<State>>,
}

struct State {
    now: Duration,
    dice: ChaCha8Rng,
    next: u64,
    tasks: BTreeMap<u64, Place>,
    ready: Vec<u64>,
    events: BTreeMap<Key, (Life, Event)>,
    alive: BTreeSet<Life>,
    paused: BTreeMap<Life, Held>,
    steps: u64,
    trace: u64,
}

/// When an event comes, and which of those at that time it is.
type Key = (Duration, u64);

struct Place {
    life: Life,
    /// `None` while it is polled.
    task: Option<Task>,
    waker: Waker,
    /// Whether it is among those that are ready, or held back by a pause.
    is_ready: bool,
}

/// What a paused life would have done.
#[derive(Default)]
struct Held {
    ready: Vec<u64>,
    work: Vec<Box<dyn FnOnce() + Send>>,
}

enum Event {
    Timer(Arc<Timer>),
    Work(Box<dyn FnOnce() + Send>),
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Whose step it was.
    pub life: Life,
    /// The life halted itself: it is to be ended.
    pub halted: bool,
}

#[derive(Default)]
struct Timer {
    state: Mutex<(bool, Option<Waker>)>,
}

/// A timer that goes with whoever waits for it.
struct Sleep {
    world: World,
    key: Key,
    timer: Arc<Timer>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut timer = self.timer.state.lock().unwrap_or_else(PoisonError::into_inner);
        if timer.0 {
            return Poll::Ready(());
        }
        timer.1 = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.world.lock().events.remove(&self.key);
    }
}

struct TaskWaker {
    world: World,
    task: u64,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.world.lock().make_ready(self.task);
    }
}

impl World {
    /// A world at time zero.
    pub fn new(seed: u64) -> World {
        let state = State {
            now: Duration::ZERO,
            dice: ChaCha8Rng::seed_from_u64(seed),
            next: 1,
            tasks: BTreeMap::new(),
            ready: Vec::new(),
            events: BTreeMap::new(),
            alive: BTreeSet::from([CLIENTS]),
            paused: BTreeMap::new(),
            steps: 0,
            trace: seed,
        };
        World { state: Arc::new(Mutex::new(state)) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Time since the world began.
    pub fn now(&self) -> Duration {
        self.lock().now
    }

    /// How many steps there have been.
    pub fn steps(&self) -> u64 {
        self.lock().steps
    }

    /// A number that depends on every step so far: equal for equal runs.
    pub fn trace(&self) -> u64 {
        self.lock().trace
    }

    /// 64 bits of the seed.
    pub fn bits(&self) -> u64 {
        self.lock().dice.next_u64()
    }

    /// A number below `bound`.
    pub fn below(&self, bound: u64) -> u64 {
        self.lock().dice.random_range(0..bound)
    }

    /// One of these; `None` if there are none.
    pub fn pick<T: Clone>(&self, from: &[T]) -> Option<T> {
        let at = self.below((from.len() as u64).max(1)) as usize;
        from.get(at).cloned()
    }

    /// Whether something happens that has the chance `percent` of 100.
    pub fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A duration between the two, most often near the lower one.
    pub fn duration(&self, least: Duration, most: Duration) -> Duration {
        let share = self.lock().dice.random_range(0.0..1.0f64).powi(3);
        least + most.saturating_sub(least).mul_f64(share)
    }

    /// Begins a life.
    pub fn begin(&self) -> Life {
        let mut state = self.lock();
        let life = Life(state.fresh());
        state.alive.insert(life);
        life
    }

    /// Ends a life, at once and without a word.
    pub fn end(&self, life: Life) {
        let (tasks, events, held) = {
            let mut state = self.lock();
            state.alive.remove(&life);
            let held = state.paused.remove(&life);
            let ended: Vec<u64> =
                state.tasks.iter().filter(|(_, place)| place.life == life).map(|(id, _)| *id).collect();
            let tasks: Vec<_> = ended.iter().filter_map(|id| state.tasks.remove(id)).collect();
            let keys: Vec<_> =
                state.events.iter().filter(|(_, (of, _))| *of == life).map(|(key, _)| *key).collect();
            let events: Vec<_> = keys.iter().filter_map(|key| state.events.remove(key)).collect();
            (tasks, events, held)
        };
        // Outside of the lock: what they hold may call back when it is dropped.
        drop((tasks, events, held));
    }

    /// Whether the life goes on.
    pub fn is_alive(&self, life: Life) -> bool {
        self.lock().alive.contains(&life)
    }

    /// Stops a life from doing anything, as SIGSTOP does, until [`World::resume`]. Time goes on without it.
    pub fn pause(&self, life: Life) {
        let state = &mut *self.lock();
        if !state.alive.contains(&life) || state.paused.contains_key(&life) {
            return;
        }
        let of_life = |id: &u64| state.tasks.get(id).is_some_and(|place| place.life == life);
        let (ready, others) = std::mem::take(&mut state.ready).into_iter().partition(of_life);
        state.ready = others;
        state.paused.insert(life, Held { ready, work: Vec::new() });
    }

    /// Lets a paused life go on.
    pub fn resume(&self, life: Life) {
        let state = &mut *self.lock();
        let Some(held) = state.paused.remove(&life) else { return };
        state.ready.extend(held.ready);
        for work in held.work {
            let key = (state.now, state.fresh());
            state.events.insert(key, (life, Event::Work(work)));
        }
    }

    /// Runs a task in a life; in one that has ended it is dropped.
    pub fn spawn(&self, life: Life, task: Task) {
        let mut state = self.lock();
        if state.alive.contains(&life) {
            let id = state.fresh();
            let waker = Waker::from(Arc::new(TaskWaker { world: self.clone(), task: id }));
            state.tasks.insert(id, Place { life, task: Some(task), waker, is_ready: false });
            state.make_ready(id);
        }
    }

    /// Runs work after a while, if the life lasts so long.
    pub fn work(&self, life: Life, after: Duration, work: Box<dyn FnOnce() + Send>) {
        let mut state = self.lock();
        if state.alive.contains(&life) {
            let key = (state.now.saturating_add(after), state.fresh());
            state.events.insert(key, (life, Event::Work(work)));
        }
    }

    /// Completes after a while.
    pub fn sleep(&self, life: Life, after: Duration) -> Task {
        let timer = Arc::new(Timer::default());
        let mut state = self.lock();
        let key = (state.now.saturating_add(after), state.fresh());
        state.events.insert(key, (life, Event::Timer(Arc::clone(&timer))));
        Box::pin(Sleep { world: self.clone(), key, timer })
    }

    /// Does the next thing. `None`: nothing is left to be done, ever.
    pub fn step(&self) -> Option<Step> {
        let mut state = self.lock();
        state.steps += 1;
        if state.ready.is_empty() {
            let ((at, _), (life, event)) = state.events.pop_first()?;
            state.now = state.now.max(at);
            state.note(at.as_nanos() as u64);
            journal::step(state.now, life);
            let halted = match event {
                Event::Timer(timer) => {
                    drop(state);
                    let waker = {
                        let mut timer = timer.state.lock().unwrap_or_else(PoisonError::into_inner);
                        timer.0 = true;
                        timer.1.take()
                    };
                    waker.into_iter().for_each(Waker::wake);
                    false
                }
                Event::Work(work) => match state.paused.get_mut(&life) {
                    Some(held) => {
                        held.work.push(work);
                        false
                    }
                    None => {
                        drop(state);
                        catch_unwind(AssertUnwindSafe(work)).is_err_and(is_halt)
                    }
                },
            };
            return Some(Step { life, halted });
        }
        let count = state.ready.len();
        let chosen = state.dice.random_range(0..count);
        let id = state.ready.swap_remove(chosen);
        state.note(id);
        let Some(place) = state.tasks.get_mut(&id) else {
            return Some(Step { life: CLIENTS, halted: false });
        };
        place.is_ready = false;
        let (life, waker, task) = (place.life, place.waker.clone(), place.task.take());
        journal::step(state.now, life);
        drop(state);
        let halted = task.is_some_and(|task| self.poll(id, &waker, task));
        Some(Step { life, halted })
    }

    /// Whether the task halted its life.
    fn poll(&self, id: u64, waker: &Waker, mut task: Task) -> bool {
        let polled = catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(&mut Context::from_waker(waker))));
        if let Ok(Poll::Pending) = polled {
            let mut state = self.lock();
            match state.tasks.get_mut(&id) {
                Some(place) => place.task = Some(task),
                None => {
                    drop(state);
                    drop(task);
                }
            }
            return false;
        }
        self.lock().tasks.remove(&id);
        // What it holds may call back when it is dropped, and even halt.
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(task)));
        let halted = polled.is_err_and(is_halt);
        dropped.is_err_and(is_halt) || halted
    }
}

/// Keeps panics with [`Halted`] from being reported as what they are not.
pub fn quiet_halts() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !info.payload().is::<Halted>() {
            report(info);
        }
    }));
}

/// True; any other panic is a bug, and goes on up.
fn is_halt(panic: Box<dyn Any + Send>) -> bool {
    if panic.is::<Halted>() { true } else { resume_unwind(panic) }
}

impl State {
    fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn make_ready(&mut self, task: u64) {
        let Some(place) = self.tasks.get_mut(&task).filter(|place| !place.is_ready) else { return };
        place.is_ready = true;
        match self.paused.get_mut(&place.life) {
            Some(held) => held.ready.push(task),
            None => self.ready.push(task),
        }
    }

    fn note(&mut self, what: u64) {
        self.trace = (self.trace ^ what).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(seed: u64) -> (u64, Vec<u64>) {
        let world = World::new(seed);
        let seen = Arc::new(Mutex::new(Vec::new()));
        for id in 0..5 {
            let (here, seen) = (world.clone(), Arc::clone(&seen));
            world.spawn(
                CLIENTS,
                Box::pin(async move {
                    for _ in 0..3 {
                        let nap = here.duration(Duration::ZERO, Duration::from_millis(9));
                        here.sleep(CLIENTS, nap).await;
                        seen.lock().unwrap().push(id);
                    }
                }),
            );
        }
        while world.step().is_some() {}
        let seen = seen.lock().unwrap().clone();
        (world.trace(), seen)
    }

    #[test]
    fn the_same_seed_is_the_same_world() {
        assert_eq!(run(7), run(7));
        assert_ne!(run(7).0, run(8).0);
        assert_eq!(run(7).1.len(), 15);
    }

    #[test]
    fn a_paused_life_does_everything_later() {
        let world = World::new(3);
        let life = world.begin();
        let done = Arc::new(Mutex::new(Vec::new()));
        let (here, there) = (Arc::clone(&done), Arc::clone(&done));
        let nap = world.sleep(life, Duration::from_millis(1));
        world.spawn(
            life,
            Box::pin(async move {
                nap.await;
                here.lock().unwrap().push("task");
            }),
        );
        world.work(life, Duration::from_millis(2), Box::new(move || there.lock().unwrap().push("work")));
        world.pause(life);
        while world.step().is_some() {}
        assert!(done.lock().unwrap().is_empty());
        world.resume(life);
        while world.step().is_some() {}
        assert_eq!(done.lock().unwrap().len(), 2);
    }

    #[test]
    fn an_ended_life_does_nothing_more() {
        let world = World::new(1);
        let life = world.begin();
        world.work(life, Duration::from_millis(1), Box::new(|| panic!("it is over")));
        world.end(life);
        world.spawn(life, Box::pin(async { panic!("it is over") }));
        while world.step().is_some() {}
        assert!(!world.is_alive(life));
    }
}
