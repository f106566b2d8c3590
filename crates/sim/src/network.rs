//! The network between the hosts of a world: listeners, connections, and what goes wrong with them.
//!
//! A connection is TCP's: while it lives, its frames arrive once and in order. Loss is delay; a cut makes it silent
//! until the cut ends, or until what was sent has been unacknowledged for too long and the connection breaks. Whose
//! process was killed says so by a reset; whose host lost power says nothing, until it is back and is asked again. A cut
//! has a direction, so that one host may hear and not be heard.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use chronik_broker::{Broken, Connecting, Link};

use crate::world::{CLIENTS, Life, World};

/// A connection whose data is not acknowledged for so long is broken (`TCP_USER_TIMEOUT` of the real one).
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(10);
/// When a connection that gets no answer is tried again.
const SYN_AFTER: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];
/// A lost segment is sent again after about so long.
const RETRANSMISSION: Duration = Duration::from_millis(200);

/// A host's name.
pub type Host = Arc<str>;

/// What takes in a connection.
pub type Accept = Arc<dyn Fn(Plug) + Send + Sync>;

/// What the network is like.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// The longest way of a frame; most take much less.
    pub delay_max: Duration,
    /// How many of 1,000 frames must be sent again.
    pub loss: u64,
    /// How many of 10,000 frames break their connection.
    pub resets: u64,
}

impl Weather {
    /// A local network on a good day.
    pub const FINE: Weather = Weather { delay_max: Duration::from_millis(2), loss: 0, resets: 0 };
}

/// The network; clones share it.
#[derive(Clone)]
pub struct Network {
    world: World,
    state: Arc<Mutex<State>>,
}

struct State {
    weather: Weather,
    down: BTreeSet<Host>,
    cuts: BTreeSet<(Host, Host)>,
    slow: BTreeMap<(Host, Host), Duration>,
    listeners: BTreeMap<(Host, u16), (Life, Accept)>,
    wires: BTreeMap<u64, Wire>,
    next: u64,
}

/// A connection: what the first end sends is in the first pipe.
struct Wire {
    ends: [End; 2],
    pipes: [Pipe; 2],
}

struct End {
    host: Host,
    life: Life,
    inbox: VecDeque<Bytes>,
    /// Told to whoever reads, after the inbox.
    broken: Option<Broken>,
    waker: Option<Waker>,
    is_open: bool,
}

#[derive(Default)]
struct Pipe {
    items: VecDeque<Item>,
    is_scheduled: bool,
}

struct Item {
    sent: Duration,
    at: Duration,
    /// `None`: the sender's end is closed.
    frame: Option<Bytes>,
}

/// One end of a connection. Dropping it closes it.
pub struct Plug {
    network: Network,
    wire: u64,
    side: usize,
}

impl Network {
    /// A network without listeners.
    pub fn new(world: &World) -> Network {
        let state = State {
            weather: Weather::FINE,
            down: BTreeSet::new(),
            cuts: BTreeSet::new(),
            slow: BTreeMap::new(),
            listeners: BTreeMap::new(),
            wires: BTreeMap::new(),
            next: 0,
        };
        Network { world: world.clone(), state: Arc::new(Mutex::new(state)) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets connections in, as long as the life lasts.
    pub fn listen(&self, host: &Host, port: u16, life: Life, accept: Accept) {
        self.lock().listeners.insert((Arc::clone(host), port), (life, accept));
    }

    /// Changes the weather.
    pub fn set_weather(&self, weather: Weather) {
        self.lock().weather = weather;
    }

    /// Nothing gets from the first host to the second any more.
    pub fn cut(&self, from: &Host, to: &Host) {
        if from != to {
            self.lock().cuts.insert((Arc::clone(from), Arc::clone(to)));
        }
    }

    /// Everything that the first host sends to the second takes so much longer.
    pub fn slow_down(&self, from: &Host, to: &Host, by: Duration) {
        self.lock().slow.insert((Arc::clone(from), Arc::clone(to)), by);
    }

    /// No cuts and no slow ways any more.
    pub fn heal(&self) {
        let mut state = self.lock();
        state.cuts.clear();
        state.slow.clear();
    }

    /// A process ends: its host resets what it had open.
    pub fn life_ends(&self, life: Life) {
        self.forget(life, true);
    }

    /// A host loses power, with the process on it: nobody is told.
    pub fn host_goes_down(&self, host: &Host, life: Life) {
        self.lock().down.insert(Arc::clone(host));
        self.forget(life, false);
    }

    /// A host is there again.
    pub fn host_comes_up(&self, host: &Host) {
        self.lock().down.remove(host);
    }

    fn forget(&self, life: Life, says_so: bool) {
        let mut state = self.lock();
        let listeners = std::mem::take(&mut state.listeners);
        let (gone, left) = listeners.into_iter().partition(|(_, (of, _))| *of == life);
        state.listeners = left;
        let ended: Vec<(u64, usize)> = state
            .wires
            .iter()
            .flat_map(|(id, wire)| {
                [(*id, 0), (*id, 1)].into_iter().filter(|(_, side)| wire.ends[*side].life == life)
            })
            .collect();
        for (id, side) in ended {
            let Some(wire) = state.wires.get_mut(&id) else { continue };
            wire.ends[side].close();
            if says_so {
                self.put(&mut state, id, side, None);
            } else {
                wire.pipes[side].items.clear();
                state.remove_if_done(id);
            }
        }
        drop(state);
        // Outside of the lock: they hold the node.
        drop::<BTreeMap<(Host, u16), (Life, Accept)>>(gone);
    }

    /// Breaks some connections, as a box in the middle does that lost its tables. Returns how many.
    pub fn reset_some(&self, percent: u64) -> usize {
        let mut state = self.lock();
        let ids: Vec<u64> = state.wires.keys().copied().filter(|_| self.world.chance(percent)).collect();
        for id in &ids {
            state.reset(*id);
        }
        ids.len()
    }

    /// Connects from a host, in a life, to an address.
    pub fn connect(&self, from: &Host, life: Life, host: &str, port: u16) -> Connecting {
        let (this, from, to) = (self.clone(), Arc::clone(from), Host::from(host));
        Box::pin(
            async move { this.open(from, life, to, port).await.map(|plug| Box::new(plug) as Box<dyn Link>) },
        )
    }

    async fn open(&self, from: Host, life: Life, to: Host, port: u16) -> Result<Plug, Broken> {
        for pause in SYN_AFTER {
            let way = pause + self.delay(&self.lock(), &from, &to);
            self.world.sleep(life, way).await;
            if !self.passes(&from, &to) || !self.passes(&to, &from) {
                continue;
            }
            let accepting = self.lock().listeners.get(&(Arc::clone(&to), port)).cloned();
            let accepting = accepting.filter(|(other, _)| self.world.is_alive(*other));
            let plug = accepting.map(|(other, accept)| {
                let id = self.lock().insert([(Arc::clone(&from), life), (Arc::clone(&to), other)]);
                let plug = |side| Plug { network: self.clone(), wire: id, side };
                accept(plug(1));
                plug(0)
            });
            let way = self.delay(&self.lock(), &to, &from);
            self.world.sleep(life, way).await;
            return plug
                .ok_or_else(|| Broken { gone: true, reason: format!("{to}:{port} refuses the connection") });
        }
        Err(Broken { gone: false, reason: format!("{to}:{port} does not answer") })
    }

    fn passes(&self, from: &Host, to: &Host) -> bool {
        self.lock().passes(from, to)
    }

    fn delay(&self, state: &State, from: &Host, to: &Host) -> Duration {
        let mut delay = self.world.duration(Duration::from_micros(30), state.weather.delay_max);
        while self.world.below(1000) < state.weather.loss {
            delay += RETRANSMISSION;
        }
        let slow = (!state.slow.is_empty()).then(|| state.slow.get(&(Arc::clone(from), Arc::clone(to))));
        delay + slow.flatten().copied().unwrap_or_default()
    }

    /// Sends a frame, or that the end is closed.
    fn send(&self, id: u64, side: usize, frame: Option<Bytes>) {
        let mut state = self.lock();
        self.put(&mut state, id, side, frame);
    }

    fn put(&self, state: &mut State, id: u64, side: usize, frame: Option<Bytes>) {
        let Some(wire) = state.wires.get(&id) else { return };
        if frame.is_some() && self.world.below(10_000) < state.weather.resets {
            return state.reset(id);
        }
        let delay = self.delay(state, &wire.ends[side].host, &wire.ends[1 - side].host);
        let Some(wire) = state.wires.get_mut(&id) else { return };
        let sent = self.world.now();
        let pipe = &mut wire.pipes[side];
        let at = (sent + delay).max(pipe.items.back().map_or(Duration::ZERO, |last| last.at));
        pipe.items.push_back(Item { sent, at, frame });
        self.schedule(pipe, id, side);
    }

    fn schedule(&self, pipe: &mut Pipe, id: u64, side: usize) {
        let Some(first) = pipe.items.front() else { return };
        if !std::mem::replace(&mut pipe.is_scheduled, true) {
            let after = first.at.saturating_sub(self.world.now());
            let this = self.clone();
            self.world.work(CLIENTS, after, Box::new(move || this.deliver(id, side)));
        }
    }

    /// What has come to the end of a pipe gets out of it, unless the way is cut.
    fn deliver(&self, id: u64, side: usize) {
        let state = &mut *self.lock();
        let now = self.world.now();
        let Some(wire) = state.wires.get_mut(&id) else { return };
        wire.pipes[side].is_scheduled = false;
        let (from, to) = (Arc::clone(&wire.ends[side].host), Arc::clone(&wire.ends[1 - side].host));
        let passes = state.passes(&from, &to);
        let Some(wire) = state.wires.get_mut(&id) else { return };
        while let Some(first) = wire.pipes[side].items.front_mut().filter(|first| first.at <= now) {
            if passes {
                let item = wire.pipes[side].items.pop_front();
                if !wire.arrive(1 - side, item.and_then(|item| item.frame)) {
                    // Nobody is there to take it, and the host says so.
                    wire.ends[side].break_off(true, "reset by the peer's host");
                    wire.pipes[side].items.clear();
                }
            } else if now.saturating_sub(first.sent) > UNACKNOWLEDGED_MAX {
                wire.ends[side].break_off(false, "what was sent is not acknowledged");
                wire.pipes[side].items.clear();
            } else {
                first.at = now + RETRANSMISSION;
            }
        }
        self.schedule(&mut wire.pipes[side], id, side);
        state.remove_if_done(id);
    }
}

impl State {
    fn passes(&self, from: &Host, to: &Host) -> bool {
        let is_cut = !self.cuts.is_empty() && self.cuts.contains(&(Arc::clone(from), Arc::clone(to)));
        !is_cut && (self.down.is_empty() || !(self.down.contains(to) || self.down.contains(from)))
    }

    fn insert(&mut self, ends: [(Host, Life); 2]) -> u64 {
        let ends = ends.map(|(host, life)| End {
            host,
            life,
            inbox: VecDeque::new(),
            broken: None,
            waker: None,
            is_open: true,
        });
        self.next += 1;
        self.wires.insert(self.next, Wire { ends, pipes: Default::default() });
        self.next
    }

    fn reset(&mut self, id: u64) {
        if let Some(wire) = self.wires.get_mut(&id) {
            for side in [0, 1] {
                wire.pipes[side].items.clear();
                wire.ends[side].break_off(true, "reset on the way");
            }
            self.remove_if_done(id);
        }
    }

    fn remove_if_done(&mut self, id: u64) {
        let is_done = |wire: &Wire| {
            wire.ends.iter().all(|end| !end.is_open) && wire.pipes.iter().all(|pipe| pipe.items.is_empty())
        };
        if self.wires.get(&id).is_some_and(is_done) {
            self.wires.remove(&id);
        }
    }
}

impl Wire {
    /// Something arrives at an end. False: it is a frame, and nobody is there.
    fn arrive(&mut self, side: usize, frame: Option<Bytes>) -> bool {
        let end = &mut self.ends[side];
        match frame {
            None => end.break_off(true, "closed by the peer"),
            Some(_) if !end.is_open || end.broken.is_some() => return false,
            Some(frame) => {
                end.inbox.push_back(frame);
                end.waker.take().into_iter().for_each(Waker::wake);
            }
        }
        true
    }
}

impl End {
    fn break_off(&mut self, gone: bool, reason: &str) {
        self.broken.get_or_insert_with(|| Broken { gone, reason: reason.to_owned() });
        self.waker.take().into_iter().for_each(Waker::wake);
    }

    fn close(&mut self) {
        self.is_open = false;
        self.inbox.clear();
        self.waker = None;
    }
}

impl Link for Plug {
    fn send(&mut self, frame: Bytes) {
        let is_broken = {
            let state = self.network.lock();
            state.wires.get(&self.wire).is_none_or(|wire| wire.ends[self.side].broken.is_some())
        };
        if !is_broken {
            self.network.send(self.wire, self.side, Some(frame.slice(4..)));
        }
    }

    fn poll_receive(&mut self, cx: &mut std::task::Context<'_>) -> Poll<Result<Bytes, Broken>> {
        let mut state = self.network.lock();
        let Some(wire) = state.wires.get_mut(&self.wire) else {
            return Poll::Ready(Err(Broken { gone: true, reason: "closed".to_owned() }));
        };
        let end = &mut wire.ends[self.side];
        if let Some(frame) = end.inbox.pop_front() {
            return Poll::Ready(Ok(frame));
        }
        if let Some(broken) = &end.broken {
            return Poll::Ready(Err(broken.clone()));
        }
        end.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Plug {
    fn drop(&mut self) {
        let mut state = self.network.lock();
        let Some(wire) = state.wires.get_mut(&self.wire) else { return };
        if !wire.ends[self.side].is_open {
            return;
        }
        let tells = wire.ends[self.side].broken.is_none();
        wire.ends[self.side].close();
        if tells {
            self.network.put(&mut state, self.wire, self.side, None);
        }
        state.remove_if_done(self.wire);
    }
}
