//! What clients do to a cluster, and the oracles that remember what they were told.
//!
//! [`produce`] and [`consume`] move records, judged by [`records`]; [`admin`] creates and deletes topics, judged by
//! [`topics`]; [`voters`] changes the quorum. A time-out is unknown, not a failure: what was asked may be done later.

pub mod admin;
pub mod consume;
pub mod groups;
pub mod produce;
pub mod records;
pub mod topics;
pub mod voters;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::client::{Address, Lost, Session};
use crate::network::{Host, Network};
use crate::world::{CLIENTS, World};

/// What all clients of a run share; clones share it too.
#[derive(Clone)]
pub struct Clients {
    /// The world they live in.
    pub world: World,
    /// What connects them to the nodes.
    pub network: Network,
    /// The brokers they know.
    pub brokers: Arc<Vec<Address>>,
    /// The controllers they know.
    pub controllers: Arc<Vec<Address>>,
    /// The host of this client.
    pub host: Host,
    /// How long a client that has nothing to wait for may wait all the same.
    pub leisure: Duration,
    /// Nodes may stop cleanly, and then know only the last batch of a producer.
    pub may_stop_cleanly: bool,
    stop: Arc<AtomicBool>,
    busy: Arc<Mutex<BTreeMap<usize, &'static str>>>,
    number: usize,
}

impl Clients {
    /// Clients that have not begun.
    pub fn new(
        world: &World,
        network: &Network,
        brokers: Vec<Address>,
        controllers: Vec<Address>,
    ) -> Clients {
        Clients {
            world: world.clone(),
            network: network.clone(),
            brokers: Arc::new(brokers),
            controllers: Arc::new(controllers),
            host: "c".into(),
            leisure: Duration::ZERO,
            may_stop_cleanly: false,
            stop: Arc::default(),
            busy: Arc::default(),
            number: 0,
        }
    }

    /// The same, but each may wait so long with nothing to wait for, and nodes may stop cleanly.
    pub fn at_leisure(self, leisure: Duration) -> Clients {
        Clients { leisure, may_stop_cleanly: true, ..self }
    }

    /// Has them finish what they have begun.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether they are to finish.
    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Whether something is still to be finished.
    pub fn are_busy(&self) -> bool {
        !self.lock().is_empty()
    }

    /// What is being done, for messages.
    pub fn describe(&self) -> String {
        format!("{:?}", self.lock())
    }

    /// What this client is about to do, for messages.
    pub fn does(&self, what: &'static str) {
        if let Some(does) = self.lock().get_mut(&self.number) {
            *does = what;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, &'static str>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a client on a host of its own; [`Clients::are_busy`] until it is done.
    pub fn run<F>(&mut self, host: &str, client: impl FnOnce(Clients) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.number += 1;
        let number = self.number;
        self.lock().insert(number, "begins");
        let busy = Arc::clone(&self.busy);
        let task = client(Clients { host: host.into(), ..self.clone() });
        self.world.spawn(
            CLIENTS,
            Box::pin(async move {
                task.await;
                busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
            }),
        );
    }

    /// Waits a little.
    pub async fn pause(&self) {
        let pause = self.world.duration(Duration::from_millis(1), Duration::from_millis(50));
        self.world.sleep(CLIENTS, pause).await;
    }

    /// Lets others go first, and takes its time.
    pub async fn breathe(&self) {
        let moment = self.world.duration(Duration::from_micros(20), Duration::from_millis(2) + self.leisure);
        self.world.sleep(CLIENTS, moment).await;
    }

    /// Connects to an address.
    ///
    /// # Errors
    /// Nobody listens there, or nothing is heard.
    pub async fn open(&self, to: &Address) -> Result<Session, Lost> {
        Session::open(&self.world, &self.network, &self.host, to).await
    }

    /// Connects to one of the brokers, whichever lets the client in.
    pub async fn open_any(&self) -> Session {
        loop {
            if let Some(to) = self.world.pick(&self.brokers)
                && let Ok(session) = self.open(&to).await
            {
                return session;
            }
            self.pause().await;
        }
    }
}
