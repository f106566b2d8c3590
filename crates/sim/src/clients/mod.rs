//! What clients do to a cluster, and the oracles that remember what they were told.
//!
//! [`produce`] and [`consume`] move records, judged by [`records`]; [`admin`] creates and deletes topics, judged by
//! [`topics`]; [`voters`] changes the quorum. A time-out is unknown, not a failure: what was asked may be done later.

pub mod admin;
pub mod consume;
pub mod produce;
pub mod records;
pub mod topics;
pub mod voters;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
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
    stop: Arc<AtomicBool>,
    busy: Arc<AtomicUsize>,
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
            stop: Arc::default(),
            busy: Arc::default(),
        }
    }

    /// The same, but each may wait so long with nothing to wait for.
    pub fn at_leisure(self, leisure: Duration) -> Clients {
        Clients { leisure, ..self }
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
        self.busy.load(Ordering::Relaxed) > 0
    }

    /// Runs a client on a host of its own; [`Clients::are_busy`] until it is done.
    pub fn run<F>(&self, host: &str, client: impl FnOnce(Clients) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.busy.fetch_add(1, Ordering::Relaxed);
        let busy = Arc::clone(&self.busy);
        let task = client(Clients { host: host.into(), ..self.clone() });
        self.world.spawn(
            CLIENTS,
            Box::pin(async move {
                task.await;
                busy.fetch_sub(1, Ordering::Relaxed);
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
