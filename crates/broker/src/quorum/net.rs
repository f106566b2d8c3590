//! The quorum's messages, out and in: raft's requests go to other nodes, theirs come to raft.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use chronik_raft::{Address, Event, Records, Request, RequestId, Response, Token};
use chronik_types::{ErrorCode, Offset};
use chronik_wire::StrBytes;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;

use super::committed::read_batches;
use super::messages::{Answering, Inbound, Served, ask};
use super::snapshots::Piece;
use super::{Quorum, State};
use crate::peers::Purpose;

/// What a leader may hold a Fetch for, beside the time that a request may take.
const HOLD: Duration = Duration::from_millis(500);

/// Where raft's answer to a request of another node is put.
#[derive(Default)]
pub(super) struct Slot {
    answer: Mutex<Option<(Response, Bytes)>>,
    waker: AtomicWaker,
}

/// Raft's answer to come. Dropping it tells raft that nobody waits any more.
struct Answered {
    quorum: Arc<Quorum>,
    token: Token,
    slot: Arc<Slot>,
    is_done: bool,
}

impl Future for Answered {
    type Output = (Response, Bytes);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.slot.waker.register(cx.waker());
        let answer = self.slot.answer.lock().take();
        self.is_done = answer.is_some();
        answer.map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        if !self.is_done {
            let mut state = self.quorum.state.lock();
            if state.inbound.remove(&self.token).is_some() {
                self.quorum.step(&mut state, Event::RequestGone { token: self.token });
            }
        }
    }
}

impl Quorum {
    /// Serves a message of the quorum.
    pub(crate) fn serve<R: Served>(
        self: &Arc<Self>,
        request: R,
        version: i16,
        listener: Arc<str>,
    ) -> impl Future<Output = R::Response> + Send + use<R>
    where
        R::Response: Send,
    {
        let inbound = request.inbound().map(|inbound| self.take_in(inbound));
        async move {
            match inbound {
                Err(refused) => refused,
                Ok(answered) => {
                    let (response, read) = answered.await;
                    R::answer(response, Answering { version, listener: &listener }, read)
                }
            }
        }
    }

    /// Raises `kraft.version` (UpdateFeatures, KIP-853).
    ///
    /// Errors: the code and the reason that it is not done.
    pub(crate) async fn upgrade_kraft_version(
        self: &Arc<Self>,
        version: i16,
    ) -> Result<(), (ErrorCode, Option<String>)> {
        let answered = self.awaiting(|token| Event::UpgradeKRaftVersion { token, version });
        match answered.await.0 {
            Response::Ack(ack) if ack.error == ErrorCode::None => Ok(()),
            Response::Ack(ack) => Err((ack.error, ack.message)),
            other => unreachable!("raft answers an upgrade with an Ack, not with {other:?}"),
        }
    }

    fn take_in(self: &Arc<Self>, inbound: Inbound) -> Answered {
        let Inbound { cluster_id, request } = inbound;
        self.awaiting(|token| Event::Request { token, cluster_id, request })
    }

    fn awaiting(self: &Arc<Self>, event: impl FnOnce(Token) -> Event) -> Answered {
        let slot = Arc::<Slot>::default();
        let mut state = self.state.lock();
        let token = Token(state.next_token);
        state.next_token += 1;
        state.inbound.insert(token, Arc::clone(&slot));
        if state.takes_requests() {
            self.step(&mut state, event(token));
        }
        self.settle(state);
        Answered { quorum: Arc::clone(self), token, slot, is_done: false }
    }

    /// Answers a request of another node, with what the answer says is to be read.
    pub(super) fn respond(&self, state: &mut State, token: Token, mut response: Response) {
        let Some(slot) = state.inbound.remove(&token) else { return };
        let read = match &mut response {
            Response::Fetch(answer) => match answer.records {
                Records::Read { from, to, max_bytes } => self.read_records(state, from, to, max_bytes),
                _ => Bytes::new(),
            },
            Response::FetchSnapshot(answer) if answer.error == ErrorCode::None => {
                let max = answer.max_bytes as usize;
                match Self::read_piece(state, answer.snapshot, answer.position, max) {
                    Piece::Found { size, bytes } => {
                        answer.size = size;
                        bytes
                    }
                    Piece::NotFound => {
                        answer.error = ErrorCode::SnapshotNotFound;
                        Bytes::new()
                    }
                    Piece::OutOfRange => {
                        answer.error = ErrorCode::PositionOutOfRange;
                        Bytes::new()
                    }
                }
            }
            _ => Bytes::new(),
        };
        *slot.answer.lock() = Some((response, read));
        slot.waker.wake();
    }

    /// Whole batches, as many as fit into `max_bytes`, but one at least.
    fn read_records(&self, state: &State, from: Offset, to: Offset, max_bytes: u32) -> Bytes {
        // What a full disk has kept out of the log cannot be read: whoever asks comes again.
        let to = to.min(state.log.end_offset());
        if from >= to {
            return Bytes::new();
        }
        match read_batches(&state.log, from, to, max_bytes as usize) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.env.halt(&format!("metadata log cannot be read for a follower: {error}"));
                Bytes::new()
            }
        }
    }

    /// Sends raft's request to another node; what comes of it is an event.
    pub(super) fn send(&self, state: &State, id: RequestId, to: &Address, request: Request) {
        let terms = Arc::clone(&state.terms);
        let channel = self.peers.channel(&to.host, to.port, Purpose::Quorum);
        let cluster_id = StrBytes::from_string(terms.cluster.cluster_id.clone());
        self.sending.fetch_add(1, Ordering::AcqRel);
        let (this, peer) = (self.this.clone(), to.clone());
        self.env.spawn(Box::pin(async move {
            let timeout = terms.request_timeout + HOLD;
            let event = match ask(&channel, timeout, request, cluster_id, &terms.quorum_listener).await {
                Ok(response) => Event::Response { id, response },
                Err(error) => {
                    tracing::debug!(?peer, %error, "a message of the quorum was not answered");
                    Event::SendFailed { id, gone: error.is_gone() }
                }
            };
            if let Some(this) = this.upgrade() {
                this.sending.fetch_sub(1, Ordering::AcqRel);
                this.happened(event);
            }
        }));
    }
}
