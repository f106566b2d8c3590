//! A node on a memory disk in an environment without time: what blocks runs at once, timers fire when the test says so,
//! and the test polls everything itself.

#![allow(unreachable_pub, dead_code, clippy::unwrap_used, reason = "a test's own module")]

pub mod groups;
pub mod records;
pub mod requests;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Buf, Bytes};
use chronik_broker::{
    Blocking, Broken, Connecting, Connection, Env, Node, Options, Peer, Refused, Task, Urgency,
};
use chronik_log::disk::memory::MemoryDisk;
use chronik_state::config::NodeConfig;
use chronik_types::Millis;
use chronik_wire::Listener;
use chronik_wire::client::{decode_response, encode_request};
use chronik_wire::precheck::Checked;
use kafka_protocol::protocol::Request;

/// The wall clock stands here.
pub const NOW: Millis = Millis(1_700_000_000_000);

#[derive(Default)]
pub struct TestEnv {
    drawn: AtomicU64,
    /// How often the clock has been moved on.
    turn: Arc<AtomicU64>,
    /// Since the start, in ms.
    elapsed: AtomicU64,
    /// What was spawned and is not done: it runs beside its spawner, never inside of it.
    spawned: Mutex<Vec<Task>>,
}

impl TestEnv {
    /// Polls what was spawned, once each, and what that spawned. What is not done is kept for the next time.
    pub fn run_spawned(&self) {
        let mut waiting = Vec::new();
        loop {
            let tasks = std::mem::take(&mut *self.spawned.lock().unwrap());
            if tasks.is_empty() {
                break;
            }
            for mut task in tasks {
                if task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
                    waiting.push(task);
                }
            }
        }
        self.spawned.lock().unwrap().extend(waiting);
    }

    /// All sleeps are over; then as [`TestEnv::run_spawned`].
    pub fn wake_all(&self) {
        self.turn.fetch_add(1, Ordering::Relaxed);
        self.run_spawned();
    }

    /// Lets time pass, with nobody noticing: no timer fires.
    pub fn pass(&self, ms: u64) {
        self.elapsed.fetch_add(ms, Ordering::Relaxed);
    }

    /// Drops all tasks: they hold on to the node.
    pub fn end_spawned(&self) {
        drop(std::mem::take(&mut *self.spawned.lock().unwrap()));
    }
}

impl Env for TestEnv {
    fn now(&self) -> Millis {
        NOW
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.elapsed.load(Ordering::Relaxed))
    }

    fn random(&self) -> u128 {
        let next = self.drawn.fetch_add(1, Ordering::Relaxed) + 1;
        u128::from(next.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64 | u128::from(next)
    }

    fn sleep(&self, duration: Duration) -> Task {
        let (turn, began) = (Arc::clone(&self.turn), self.turn.load(Ordering::Relaxed));
        let is_over = move || duration.is_zero() || turn.load(Ordering::Relaxed) > began;
        Box::pin(std::future::poll_fn(move |_| if is_over() { Poll::Ready(()) } else { Poll::Pending }))
    }

    fn spawn(&self, task: Task) {
        self.spawned.lock().unwrap().push(task);
    }

    fn connect(&self, host: &str, port: u16) -> Connecting {
        let reason = format!("nobody listens at {host}:{port} in this test");
        Box::pin(std::future::ready(Err(Broken { gone: true, reason })))
    }

    fn block(&self, _urgency: Urgency, work: Blocking) {
        work();
    }

    fn halt(&self, reason: &str) {
        panic!("the node halts: {reason}");
    }
}

/// A node of its own, with a few keys set. Its tasks have been looked at once, and are gone.
pub fn node(disk: &MemoryDisk, set: &[(&str, &str)]) -> Arc<Node> {
    let (node, env) = node_and_tasks(disk, set);
    env.end_spawned();
    node
}

/// As [`node`], with its tasks.
pub fn node_and_tasks(disk: &MemoryDisk, set: &[(&str, &str)]) -> (Arc<Node>, Arc<TestEnv>) {
    let env = Arc::new(TestEnv::default());
    let mut starting = pin!(Node::start(Arc::<TestEnv>::clone(&env), options(disk, set)));
    for _ in 0..3 {
        let started = starting.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        env.run_spawned();
        if let Poll::Ready(node) = started {
            return (node.unwrap(), env);
        }
    }
    panic!("what it waits for does not come");
}

/// What [`node`] starts with.
pub fn options(disk: &MemoryDisk, set: &[(&str, &str)]) -> Options {
    let mut file: BTreeMap<String, String> = [
        ("process.roles", "broker,controller"),
        ("node.id", "1"),
        ("listeners", "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093"),
        ("controller.listener.names", "CONTROLLER"),
        ("controller.quorum.bootstrap.servers", "localhost:9093"),
        ("log.dirs", "/data"),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect();
    file.extend(set.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    let config = NodeConfig::resolve(&file).unwrap();
    Options { config, file, disk: Arc::new(disk.clone()), open_files_max: 64 }
}

/// A client on its own connection.
pub struct Client {
    connection: Connection,
    /// Whose tasks run while the client waits.
    world: Option<Arc<TestEnv>>,
}

impl Client {
    pub fn new(node: &Arc<Node>, listener: Listener) -> Client {
        let listener_name = match listener {
            Listener::Broker => "PLAINTEXT",
            Listener::Controller => "CONTROLLER",
        };
        let peer = Peer { listener, listener_name: listener_name.into(), address: [127, 0, 0, 1].into() };
        Client { connection: Connection::new(Arc::clone(node), peer), world: None }
    }

    /// As [`Client::new`], of a node whose tasks run too.
    pub fn beside(node: &Arc<Node>, listener: Listener, world: &Arc<TestEnv>) -> Client {
        Client { world: Some(Arc::clone(world)), ..Client::new(node, listener) }
    }

    /// Sends the bytes of a request (without size) and returns those of the answer; `None`: there is none, now.
    pub fn raw(&mut self, frame: Bytes) -> Result<Option<Bytes>, Refused> {
        let mut cx = Context::from_waker(Waker::noop());
        self.connection.start(frame, &mut cx)?;
        for _ in 0..2 {
            if let Poll::Ready(answer) = self.connection.poll_answer(&mut cx)
                && let Some(frame) = answer?
            {
                return Ok(Some(frame.into_bytes(|_, _| Bytes::new()).slice(4..)));
            }
            self.connection.settle();
            if let Some(world) = &self.world {
                world.run_spawned();
            }
        }
        Ok(None)
    }

    /// The next answer, if it is ready.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Option<Bytes> {
        match self.connection.poll_answer(cx) {
            Poll::Ready(Ok(Some(frame))) => Some(frame.into_bytes(|_, _| Bytes::new())),
            _ => None,
        }
    }

    /// Asks, at a version that the message library has.
    pub fn call<R: Request>(&mut self, version: i16, request: &R) -> R::Response
    where
        R::Response: Checked,
    {
        let frame = encode(version, request);
        let answer = self.raw(frame).unwrap().expect("an answer");
        let (correlation, response) = decode_response::<R>(version, answer).unwrap();
        assert_eq!(correlation, 7);
        response
    }
}

/// A request's bytes, without the size.
pub fn encode<R: Request>(version: i16, request: &R) -> Bytes {
    let mut frame = encode_request(version, 7, "test", request).unwrap();
    frame.advance(4);
    frame
}
