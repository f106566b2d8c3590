//! Time, tasks and their order. Nothing happens but by a step, and every choice is drawn from the seed.
//!
//! A task belongs to a life: a node's run from start to crash, or the clients' (life 0, which never ends). Ending a life
//! drops its tasks, timers and unfinished work at once, as a killed process does. A panic with [`Halted`] ends the life
//! it happens in; any other panic is a bug that the seed reproduces, and goes on up.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

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
    tasks: BTreeMap<u64, (Life, Option<Task>)>,
    ready: Vec<u64>,
    events: BTreeMap<(Duration, u64), (Life, Event)>,
    alive: BTreeSet<Life>,
    /// Lives that halted themselves on another's task.
    halted: Vec<Life>,
    steps: u64,
    trace: u64,
}

enum Event {
    Timer(Arc<Timer>),
    Work(Box<dyn FnOnce() + Send>),
}

#[derive(Default)]
struct Timer {
    state: Mutex<(bool, Option<Waker>)>,
}

struct TaskWaker {
    world: World,
    task: u64,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
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
            halted: Vec::new(),
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

    /// Ends a life. Everything that is left may notice.
    pub fn end(&self, life: Life) {
        let (tasks, events) = {
            let mut state = self.lock();
            state.alive.remove(&life);
            let ended: Vec<u64> =
                state.tasks.iter().filter(|(_, (of, _))| *of == life).map(|(id, _)| *id).collect();
            let tasks: Vec<_> = ended.iter().filter_map(|id| state.tasks.remove(id)).collect();
            let keys: Vec<_> =
                state.events.iter().filter(|(_, (of, _))| *of == life).map(|(key, _)| *key).collect();
            let events: Vec<_> = keys.iter().filter_map(|key| state.events.remove(key)).collect();
            let left: Vec<u64> = state.tasks.keys().copied().collect();
            for task in left {
                state.make_ready(task);
            }
            (tasks, events)
        };
        // Outside of the lock: what they hold may call back when it is dropped.
        drop((tasks, events));
    }

    /// Whether the life goes on.
    pub fn is_alive(&self, life: Life) -> bool {
        self.lock().alive.contains(&life)
    }

    /// Runs a task in a life; in one that has ended it is dropped.
    pub fn spawn(&self, life: Life, task: Task) {
        let mut state = self.lock();
        if state.alive.contains(&life) {
            let id = state.fresh();
            state.tasks.insert(id, (life, Some(task)));
            state.make_ready(id);
        }
    }

    /// Runs work after a while, if the life lasts so long.
    pub fn work(&self, life: Life, after: Duration, work: Box<dyn FnOnce() + Send>) {
        let mut state = self.lock();
        if state.alive.contains(&life) {
            let key = (state.now + after, state.fresh());
            state.events.insert(key, (life, Event::Work(work)));
        }
    }

    /// Completes after a while.
    pub fn sleep(&self, life: Life, after: Duration) -> Task {
        let timer = Arc::new(Timer::default());
        let mut state = self.lock();
        let key = (state.now + after, state.fresh());
        state.events.insert(key, (life, Event::Timer(Arc::clone(&timer))));
        Box::pin(std::future::poll_fn(move |cx| {
            let mut timer = timer.state.lock().unwrap_or_else(PoisonError::into_inner);
            if timer.0 {
                return Poll::Ready(());
            }
            timer.1 = Some(cx.waker().clone());
            Poll::Pending
        }))
    }

    /// Runs a node's code on another life's task; `None` if the node halted itself in it, which the next step reports.
    pub fn halting<T>(&self, life: Life, work: impl FnOnce() -> T) -> Option<T> {
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(result) => Some(result),
            Err(panic) => {
                if let Some(life) = halted(life, panic) {
                    self.lock().halted.push(life);
                }
                None
            }
        }
    }

    /// Does the next thing. `None`: nothing is left to be done, ever. `Some(Some(life))`: that life halted itself.
    pub fn step(&self) -> Option<Option<Life>> {
        let mut state = self.lock();
        state.steps += 1;
        if let Some(life) = state.halted.pop() {
            return Some(Some(life));
        }
        if state.ready.is_empty() {
            let ((at, _), (life, event)) = state.events.pop_first()?;
            state.now = state.now.max(at);
            state.note(at.as_nanos() as u64);
            drop(state);
            return Some(Self::happen(life, event));
        }
        let count = state.ready.len();
        let chosen = state.dice.random_range(0..count);
        let id = state.ready.swap_remove(chosen);
        state.note(id);
        let taken = state.tasks.get_mut(&id).and_then(|(life, task)| task.take().map(|task| (*life, task)));
        drop(state);
        let Some((life, task)) = taken else { return Some(None) };
        Some(self.poll(id, life, task))
    }

    fn poll(&self, id: u64, life: Life, mut task: Task) -> Option<Life> {
        let waker = Waker::from(Arc::new(TaskWaker { world: self.clone(), task: id }));
        let polled = catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(&mut Context::from_waker(&waker))));
        match polled {
            Ok(Poll::Pending) => {
                let mut state = self.lock();
                if let Some((_, place)) = state.tasks.get_mut(&id) {
                    *place = Some(task);
                    return None;
                }
                drop(state);
                drop(task);
                None
            }
            Ok(Poll::Ready(())) => {
                self.lock().tasks.remove(&id);
                None
            }
            Err(panic) => {
                self.lock().tasks.remove(&id);
                halted(life, panic)
            }
        }
    }

    fn happen(life: Life, event: Event) -> Option<Life> {
        match event {
            Event::Timer(timer) => {
                let waker = {
                    let mut timer = timer.state.lock().unwrap_or_else(PoisonError::into_inner);
                    timer.0 = true;
                    timer.1.take()
                };
                waker.into_iter().for_each(Waker::wake);
                None
            }
            Event::Work(work) => {
                catch_unwind(AssertUnwindSafe(work)).err().and_then(|panic| halted(life, panic))
            }
        }
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

fn halted(life: Life, panic: Box<dyn Any + Send>) -> Option<Life> {
    if panic.is::<Halted>() { Some(life) } else { resume_unwind(panic) }
}

impl State {
    fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn make_ready(&mut self, task: u64) {
        if self.tasks.contains_key(&task) && !self.ready.contains(&task) {
            self.ready.push(task);
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
