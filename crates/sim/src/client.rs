//! A client of a simulated node: it sends frames into a broker's connection and gets the answers, in order, unless the
//! node's life ends first.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bytes::{Buf, Bytes};
use chronik_broker::{Connection, Node, Peer};
use chronik_wire::Listener;
use chronik_wire::client::{decode_response, encode_request};
use kafka_protocol::protocol::Request;

use crate::world::{CLIENTS, Life, World};

/// A node that is up, and the life it is up in.
type Up = (Life, Arc<Node>);

/// Where clients find the node that is up, if one is.
#[derive(Clone, Default)]
pub struct Address {
    node: Arc<Mutex<Option<Up>>>,
}

impl Address {
    /// A node can be reached here from now on.
    pub fn publish(&self, life: Life, node: Arc<Node>) {
        *self.lock() = Some((life, node));
    }

    /// It cannot any more.
    pub fn withdraw(&self) -> Option<Arc<Node>> {
        self.lock().take().map(|(_, node)| node)
    }

    /// Whether a node can be reached, for messages.
    pub fn describe(&self) -> &'static str {
        if self.lock().is_some() { "the node is up" } else { "the node is down" }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Up>> {
        self.node.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connection broke; what was asked and not answered may or may not have been done.
#[derive(Debug)]
pub struct Lost;

/// A connection to a node.
pub struct Link {
    world: World,
    life: Life,
    connection: Option<Connection>,
    correlation: i32,
}

impl Link {
    /// Connects, waiting until there is a node.
    pub async fn connect(world: &World, address: &Address) -> Link {
        loop {
            let found = address.lock().clone();
            if let Some((life, node)) = found {
                let peer = Peer {
                    listener: Listener::Broker,
                    listener_name: "PLAINTEXT".into(),
                    address: std::net::IpAddr::from([127, 0, 0, 1]),
                };
                let connection = Connection::new(node, peer);
                return Link { world: world.clone(), life, connection: Some(connection), correlation: 0 };
            }
            world.sleep(CLIENTS, Duration::from_millis(5)).await;
        }
    }

    /// Sends a request, without waiting for its answer.
    pub async fn send<R: Request>(&mut self, version: i16, request: &R) -> Result<(), Lost> {
        travel(&self.world.clone(), self.life).await?;
        self.correlation += 1;
        let mut frame = encode_request(version, self.correlation, "sim", request).map_err(|_| Lost)?;
        frame.advance(4);
        let mut frame = Some(frame);
        poll_fn(|cx| {
            let Some(frame) = frame.take() else { return Poll::Ready(false) };
            let started = self.in_node(|connection| connection.start(frame, cx));
            Poll::Ready(started.is_ok_and(|started| started.is_ok()))
        })
        .await
        .then_some(())
        .ok_or(Lost)
    }

    /// Runs the node's code on the client's task. A node that halts in it takes its own life, not the client's.
    fn in_node<T>(&mut self, work: impl FnOnce(&mut Connection) -> T) -> Result<T, Lost> {
        let connection = self.connection.as_mut().ok_or(Lost)?;
        self.world.halting(self.life, || work(connection)).ok_or(Lost)
    }

    /// The next answer.
    pub async fn receive<R: Request>(&mut self, version: i16) -> Result<R::Response, Lost>
    where
        R::Response: chronik_wire::precheck::Checked,
    {
        let frame = poll_fn(|cx| {
            if !self.world.is_alive(self.life) {
                return Poll::Ready(Err(Lost));
            }
            for settled in [false, true] {
                let answer = self.in_node(|connection| {
                    if settled {
                        connection.settle();
                    }
                    connection.poll_answer(cx)
                });
                match answer {
                    Ok(Poll::Ready(Ok(Some(frame)))) => {
                        return Poll::Ready(Ok(frame.into_bytes(|_, _| Bytes::new())));
                    }
                    Ok(Poll::Ready(Ok(None)) | Poll::Pending) => {}
                    Ok(Poll::Ready(Err(_))) | Err(Lost) => return Poll::Ready(Err(Lost)),
                }
            }
            Poll::Pending
        })
        .await?;
        travel(&self.world.clone(), self.life).await?;
        let (_, response) = decode_response::<R>(version, frame.slice(4..)).map_err(|_| Lost)?;
        Ok(response)
    }

    /// Sends a request and waits for its answer.
    pub async fn call<R: Request>(&mut self, version: i16, request: &R) -> Result<R::Response, Lost>
    where
        R::Response: chronik_wire::precheck::Checked,
    {
        self.send(version, request).await?;
        self.receive::<R>(version).await
    }
}

/// The network takes its time, and now and then breaks.
async fn travel(world: &World, life: Life) -> Result<(), Lost> {
    let delay = world.duration(Duration::from_micros(20), Duration::from_millis(2));
    world.sleep(CLIENTS, delay).await;
    if !world.is_alive(life) || world.below(2000) == 0 {
        return Err(Lost);
    }
    Ok(())
}

impl Drop for Link {
    fn drop(&mut self) {
        // What the connection appended is settled as it goes: that is the node's code too.
        let connection = self.connection.take();
        self.world.halting(self.life, || drop(connection));
    }
}
