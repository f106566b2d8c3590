//! One client connection: requests are started in the order they came and answered in that order.
//!
//! Starting a request runs it as far as it gets without waiting, so a pipelined produce is appended before the next
//! one is decoded. What must wait is parked; only the oldest is polled, since its answer is due first. After a drain
//! of the socket the shell calls [`Connection::settle`], which makes durable, in one go, all that the drain appended.
//!
//! The shell reads while [`Connection::wants_more`], and drops the connection on [`Refused`].

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use chronik_types::{BrokerEpoch, ErrorCode, NodeId};
use chronik_wire::{
    DecodeError, Listener, Outgoing, RequestHeader, Response, decode_request, encode_response,
};
use parking_lot::Mutex;
use smallvec::SmallVec;

use crate::api::{self, Reply, Started};
use crate::forward;
use crate::groups::Shard;
use crate::node::Node;
use crate::partition::Partition;
use crate::wait::Wait;

/// Requests of one connection that may be in progress.
const REQUESTS_MAX: usize = 1024;
/// Their bytes; a single larger request is still taken.
const REQUEST_BYTES_MAX: usize = 16 << 20;

/// Who is at the other end.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Which kind of listener it came in by.
    pub listener: Listener,
    /// The listener's name.
    pub listener_name: Arc<str>,
    /// Its address.
    pub address: IpAddr,
}

/// What a handler knows about the connection.
pub(crate) struct Client {
    pub(crate) peer: Peer,
    /// Partitions that this connection appended to and that have not been seen durable since.
    dirty: Mutex<SmallVec<[Arc<Partition>; 4]>>,
    /// Shards of the group coordinator that this connection's requests have changed since.
    shards: Mutex<SmallVec<[Arc<Shard>; 1]>>,
    /// A fetch of a follower that waits for data, until the next request comes.
    waiting: Mutex<Option<Arc<Wait>>>,
    /// The broker whose heartbeats come by this connection.
    broker: Mutex<Option<(NodeId, BrokerEpoch)>>,
}

impl Client {
    /// A broker's heartbeat came by this connection: when it ends, the broker may be gone.
    pub(crate) fn heard_heartbeat(&self, broker: (NodeId, BrokerEpoch)) {
        *self.broker.lock() = Some(broker);
    }

    /// Ends `wait` (with `REQUEST_TIMED_OUT`) when the next request comes by this connection.
    pub(crate) fn waits_for_more(&self, wait: &Arc<Wait>) {
        *self.waiting.lock() = Some(Arc::clone(wait));
    }

    /// Has [`Connection::settle`] give out the shard's answers, once what it wrote is durable.
    pub(crate) fn asked(&self, shard: &Arc<Shard>) {
        let mut shards = self.shards.lock();
        if !shards.iter().any(|known| Arc::ptr_eq(known, shard)) {
            shards.push(Arc::clone(shard));
        }
    }

    /// Has [`Connection::settle`] make the partition durable.
    pub(crate) fn appended_to(&self, partition: &Arc<Partition>) {
        let mut dirty = self.dirty.lock();
        if !dirty.iter().any(|known| Arc::ptr_eq(known, partition)) {
            dirty.push(Arc::clone(partition));
        }
    }
}

/// Why a connection is to be closed: its bytes made no sense, or the answer could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// What came in cannot be understood.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The answer is that the connection closes (a produce with acks=0 failed, as in Kafka).
    #[error("{0}")]
    Closed(String),
}

struct InProgress {
    header: RequestHeader,
    started: Started,
    bytes: usize,
    since: Duration,
}

/// The state of one connection. Dropping it abandons what is parked; what was appended stays and becomes durable.
pub struct Connection {
    node: Arc<Node>,
    client: Arc<Client>,
    in_progress: VecDeque<InProgress>,
    bytes: usize,
}

impl Connection {
    /// A connection that was just accepted.
    pub fn new(node: Arc<Node>, peer: Peer) -> Self {
        let client = Arc::new(Client {
            peer,
            dirty: Mutex::default(),
            shards: Mutex::default(),
            waiting: Mutex::default(),
            broker: Mutex::default(),
        });
        Connection { node, client, in_progress: VecDeque::new(), bytes: 0 }
    }

    /// Starts the request in `frame` (without its size prefix).
    ///
    /// Errors: the connection is to be closed; what was started before is lost to the client.
    pub fn start(&mut self, frame: Bytes, cx: &mut Context<'_>) -> Result<(), Refused> {
        if let Some(wait) = self.client.waiting.lock().take() {
            // Answers go out in order: a follower that asks again wants the wait to end.
            wait.complete(ErrorCode::RequestTimedOut);
        }
        let bytes = frame.len();
        // Only what may go to another node is kept whole.
        let whole = forward::may_forward(&self.client, &frame).then(|| frame.clone());
        let (header, body) = RequestHeader::parse(frame)?;
        if !header.api.info().listeners.contains(&self.client.peer.listener) {
            return Err(DecodeError::UnknownApi { key: header.api.key() }.into());
        }
        let request = decode_request(&header, body)?;
        let since = self.node.env.elapsed();
        let mut started = match whole.filter(|_| !self.node.quorum().is_controlling()) {
            Some(whole) => forward::start(&self.node, &self.client, &header, whole),
            None => api::start(&self.node, &self.client, &header, request),
        };
        if let Started::Parked(future) = &mut started
            && let Poll::Ready(reply) = future.as_mut().poll(cx)
        {
            started = Started::Done(reply);
        }
        self.bytes += bytes;
        self.node.in_flight.take(bytes);
        self.in_progress.push_back(InProgress { header, started, bytes, since });
        Ok(())
    }

    /// Whether more requests may be started now; if not, an answer must be written first.
    pub fn wants_more(&self) -> bool {
        self.in_progress.is_empty()
            || (self.in_progress.len() < REQUESTS_MAX
                && self.bytes < REQUEST_BYTES_MAX
                && self.node.in_flight.has_room())
    }

    /// Whether no request is in progress.
    pub fn is_idle(&self) -> bool {
        self.in_progress.is_empty()
    }

    /// The next answer in order. `Ready(None)`: nothing is in progress.
    ///
    /// Errors: the connection is to be closed.
    pub fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Outgoing>, Refused>> {
        while let Some(first) = self.in_progress.front_mut() {
            if let Started::Parked(future) = &mut first.started {
                match future.as_mut().poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(reply) => first.started = Started::Done(reply),
                }
            }
            let Some(done) = self.in_progress.pop_front() else { break };
            self.bytes -= done.bytes;
            self.node.in_flight.give_back(done.bytes);
            self.node.metrics.answered(done.header.api, self.node.env.elapsed().saturating_sub(done.since));
            let Started::Done(reply) = done.started else { break };
            if let Some(answer) = encode(&done.header, reply)? {
                return Poll::Ready(Ok(Some(answer)));
            }
        }
        Poll::Ready(Ok(None))
    }

    /// Starts to make durable what this connection appended. With little to do it is done on return, and answers
    /// that waited for it are ready.
    pub fn settle(&mut self) {
        if self.client.dirty.lock().is_empty() {
            return;
        }
        let dirty = std::mem::take(&mut *self.client.dirty.lock());
        for partition in dirty {
            if partition.sync(&*self.node.env) {
                self.client.appended_to(&partition);
            }
        }
        let shards = std::mem::take(&mut *self.client.shards.lock());
        for shard in shards {
            shard.settled(&*self.node.env);
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.node.in_flight.give_back(self.bytes);
        // Nobody waits here any more: a sync that is running is not to leave the next one to this connection.
        self.in_progress.clear();
        self.settle();
        let broker = self.client.broker.lock().take();
        if let Some((id, epoch)) = broker {
            self.node.quorum().detached(id, epoch);
        }
    }
}

fn encode(header: &RequestHeader, reply: Reply) -> Result<Option<Outgoing>, Refused> {
    let response: Response = match reply {
        Reply::Response(response) => response,
        Reply::Raw(bytes) => return Ok(Some(Outgoing::framed(bytes))),
        Reply::Silent => return Ok(None),
        Reply::Close(reason) => return Err(Refused::Closed(reason)),
    };
    let frame = encode_response(header, response).expect("a handler fills only fields that the version has");
    Ok(Some(frame))
}
