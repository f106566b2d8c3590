//! The server's side of a simulated connection: what `chronik`'s shell does with a socket, in the node's life.

use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes, BytesMut};
use chronik_broker::{Connection, Link, Node, Peer};
use chronik_wire::{Chunk, Listener, Outgoing};

use crate::network::{Host, Network, Plug};
use crate::world::{Life, World};

/// Lets connections in to a node.
pub fn listen(world: &World, network: &Network, life: Life, node: &Arc<Node>, at: (&Host, u16, Listener)) {
    let (host, port, listener) = at;
    let listener_name = match listener {
        Listener::Broker => "PLAINTEXT",
        Listener::Controller => "CONTROLLER",
    };
    let peer = Peer { listener, listener_name: listener_name.into(), address: IpAddr::from([127, 0, 0, 1]) };
    let (world, node) = (world.clone(), Arc::clone(node));
    let accept = move |plug: Plug| {
        let serving = Serving { connection: Connection::new(Arc::clone(&node), peer.clone()), plug };
        world.spawn(life, Box::pin(serving.run()));
    };
    network.listen(host, port, life, Arc::new(accept));
}

struct Serving {
    connection: Connection,
    plug: Plug,
}

/// The connection is to be closed.
struct Ended;

impl Serving {
    async fn run(mut self) {
        poll_fn(|cx| match self.turns(cx) {
            Ok(()) => Poll::Pending,
            Err(Ended) => Poll::Ready(()),
        })
        .await;
    }

    /// Goes on as far as possible.
    fn turns(&mut self, cx: &mut Context<'_>) -> Result<(), Ended> {
        loop {
            let read = self.read(cx)?;
            let answered = self.answer(cx)?;
            self.connection.settle();
            let settled = self.answer(cx)?;
            if !(read || answered || settled) {
                return Ok(());
            }
        }
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Result<bool, Ended> {
        let mut has_read = false;
        while self.connection.wants_more()
            && let Poll::Ready(frame) = self.plug.poll_receive(cx)
        {
            let frame = frame.map_err(|_| Ended)?;
            self.connection.start(frame, cx).map_err(|_| Ended)?;
            has_read = true;
        }
        Ok(has_read)
    }

    fn answer(&mut self, cx: &mut Context<'_>) -> Result<bool, Ended> {
        let mut has_answered = false;
        while let Poll::Ready(answer) = self.connection.poll_answer(cx) {
            let Some(answer) = answer.map_err(|_| Ended)? else { break };
            self.plug.send(whole(answer));
            has_answered = true;
        }
        Ok(has_answered)
    }
}

fn whole(answer: Outgoing) -> Bytes {
    let mut frame = BytesMut::new();
    for chunk in answer.chunks {
        match chunk {
            Chunk::Bytes(bytes) => frame.put(bytes),
            Chunk::File { .. } => unreachable!("the broker answers with bytes"),
        }
    }
    frame.freeze()
}
