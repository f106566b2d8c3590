//! A client in the simulated network: it connects to any node's listener, sends requests and gets the answers in order,
//! unless the connection breaks or its patience ends.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use chronik_broker::Link;
use chronik_wire::client::{decode_response, encode_request};
use chronik_wire::precheck::Checked;
use kafka_protocol::protocol::Request;

use crate::network::{Host, Network};
use crate::world::{CLIENTS, World};

/// How long a client waits for a connection or an answer.
const PATIENCE: Duration = Duration::from_secs(4);

/// The connection broke or nothing came; what was asked and not answered may or may not have been done.
#[derive(Debug)]
pub struct Lost;

/// Where a node lets connections in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Its host.
    pub host: Host,
    /// Its port.
    pub port: u16,
}

/// A connection to a node.
pub struct Session {
    world: World,
    link: Box<dyn Link>,
    correlation: i32,
}

impl Session {
    /// Connects from a host.
    ///
    /// # Errors
    /// Nobody listens there, or nothing is heard.
    pub async fn open(world: &World, network: &Network, from: &Host, to: &Address) -> Result<Session, Lost> {
        let mut connecting = network.connect(from, CLIENTS, &to.host, to.port);
        let mut patience = world.sleep(CLIENTS, PATIENCE);
        let link = poll_fn(|cx| match connecting.as_mut().poll(cx) {
            Poll::Ready(link) => Poll::Ready(link.map_err(|_| Lost)),
            Poll::Pending => patience.as_mut().poll(cx).map(|()| Err(Lost)),
        });
        Ok(Session { world: world.clone(), link: link.await?, correlation: 0 })
    }

    /// Sends a request, without waiting for its answer.
    pub fn send<R: Request>(&mut self, version: i16, request: &R) -> Result<(), Lost> {
        self.correlation += 1;
        let frame = encode_request(version, self.correlation, "sim", request).map_err(|_| Lost)?;
        self.link.send(frame);
        Ok(())
    }

    /// The next answer.
    pub async fn receive<R: Request>(&mut self, version: i16) -> Result<R::Response, Lost>
    where
        R::Response: Checked,
    {
        let mut patience = self.world.sleep(CLIENTS, PATIENCE);
        let frame = poll_fn(|cx| match self.link.poll_receive(cx) {
            Poll::Ready(frame) => Poll::Ready(frame.map_err(|_| Lost)),
            Poll::Pending => patience.as_mut().poll(cx).map(|()| Err(Lost)),
        });
        let (_, response) = decode_response::<R>(version, frame.await?).map_err(|_| Lost)?;
        Ok(response)
    }

    /// Sends a request and waits for its answer.
    pub async fn call<R: Request>(&mut self, version: i16, request: &R) -> Result<R::Response, Lost>
    where
        R::Response: Checked,
    {
        self.send(version, request)?;
        self.receive::<R>(version).await
    }
}
