//! Calls to other nodes: one connection per address and purpose, made when it is first needed and kept.
//!
//! Calls on a channel are pipelined and answered in order, so what may wait long at the other end (a forwarded request)
//! has a channel of its own, apart from what must be quick (a heartbeat). A connection begins with ApiVersions, and every
//! call is encoded at the newest version that both sides have. A call that is not answered in time breaks its connection,
//! with all that waits on it: the peer may be frozen, and what follows would wait behind.

use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use chronik_types::ErrorCode;
use chronik_wire::client::{decode_response, encode_request, versions};
use chronik_wire::precheck::Checked;
use chronik_wire::{DecodeError, EncodeError};
use futures_util::task::AtomicWaker;
use kafka_protocol::messages::ApiVersionsRequest;
use kafka_protocol::protocol::{Request, StrBytes};
use parking_lot::Mutex;

use crate::absence::{Absences, Address};
use crate::env::{Broken, Env, Link, Task};

/// A version that every Kafka since 2.4 has.
const API_VERSIONS: i16 = 3;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    /// The quorum's own messages.
    Quorum,
    /// What a broker says to the controller: registration, heartbeats.
    Lifecycle,
    /// What a broker asks of the controller for itself or its clients.
    Forwarding,
    /// A leader's proposals of in-sync replicas.
    InSync,
    /// Whether a broker is there.
    RollCall,
    /// What a follower fetches from its leader; each of its fetchers has a number.
    Replication(u32),
}

/// Why a call has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// There is no connection, or it was lost before the answer.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The answer did not come in time.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// No version of the API is known to both sides.
    #[error("API {api} is not served by the peer at a version that is known here")]
    Unsupported {
        /// Its key.
        api: i16,
    },
    /// The request cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The answer makes no sense.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl CallError {
    /// Whether the peer's host said that nobody is there.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self, CallError::Broken(broken) if broken.gone)
    }
}

/// The versions of a peer's APIs, by key.
#[derive(Clone, Debug, Default)]
pub(crate) struct PeerVersions(BTreeMap<i16, (i16, i16)>);

impl PeerVersions {
    /// The newest version that lies in both ranges.
    pub(crate) fn choose(&self, api: i16, (min, max): (i16, i16)) -> Result<i16, CallError> {
        let both = self.0.get(&api).map(|(oldest, newest)| (min.max(*oldest), max.min(*newest)));
        match both {
            Some((oldest, newest)) if oldest <= newest => Ok(newest),
            _ => Err(CallError::Unsupported { api }),
        }
    }
}

/// A request that is being written: its frame and the version that was chosen.
pub(crate) struct Encoded {
    pub(crate) version: i16,
    pub(crate) frame: Bytes,
}

/// An answer: the version of the request, and the frame without its size.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) version: i16,
    pub(crate) frame: Bytes,
}

type Encode = Box<dyn FnOnce(&PeerVersions, i32) -> Result<Encoded, CallError> + Send>;

/// Where a channel leads, and what for.
type Target = (Arc<str>, u16, Purpose);

/// All channels of a node.
pub(crate) struct Peers {
    env: Arc<dyn Env>,
    client_id: Arc<str>,
    absences: Arc<Absences>,
    channels: Mutex<BTreeMap<Target, Arc<Channel>>>,
}

impl Peers {
    pub(crate) fn new(env: Arc<dyn Env>, client_id: String, absences: Arc<Absences>) -> Arc<Peers> {
        Arc::new(Peers { env, client_id: client_id.into(), absences, channels: Mutex::default() })
    }

    /// The channel to an address for a purpose.
    pub(crate) fn channel(&self, host: &Arc<str>, port: u16, purpose: Purpose) -> Arc<Channel> {
        let key = (Arc::clone(host), port, purpose);
        let mut channels = self.channels.lock();
        let channel = channels.entry(key).or_insert_with(|| {
            Arc::new(Channel {
                env: Arc::clone(&self.env),
                host: Arc::clone(host),
                port,
                purpose,
                client_id: Arc::clone(&self.client_id),
                absences: Arc::clone(&self.absences),
                state: Mutex::default(),
                woken: AtomicWaker::new(),
            })
        });
        Arc::clone(channel)
    }
}

/// A connection to one address, made anew by the first call after it was lost.
pub(crate) struct Channel {
    env: Arc<dyn Env>,
    host: Arc<str>,
    port: u16,
    purpose: Purpose,
    client_id: Arc<str>,
    absences: Arc<Absences>,
    state: Mutex<State>,
    woken: AtomicWaker,
}

#[derive(Default)]
struct State {
    calls: VecDeque<Call>,
    is_running: bool,
}

struct Call {
    encode: Encode,
    timeout: Duration,
    slot: Arc<Slot>,
}

#[derive(Default)]
struct Slot {
    result: Mutex<Option<Result<Answer, CallError>>>,
    waker: AtomicWaker,
}

impl Slot {
    fn fill(&self, result: Result<Answer, CallError>) {
        *self.result.lock() = Some(result);
        self.waker.wake();
    }
}

/// The answer to a call, to come. Dropping it forgets the answer, not the call.
pub(crate) struct Calling {
    slot: Arc<Slot>,
}

impl Future for Calling {
    type Output = Result<Answer, CallError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.slot.waker.register(cx.waker());
        self.slot.result.lock().take().map_or(Poll::Pending, Poll::Ready)
    }
}

impl Channel {
    /// Calls with a frame that `encode` writes, given the peer's versions and the correlation id.
    pub(crate) fn call(
        self: &Arc<Self>,
        timeout: Duration,
        encode: impl FnOnce(&PeerVersions, i32) -> Result<Encoded, CallError> + Send + 'static,
    ) -> Calling {
        let slot = Arc::<Slot>::default();
        let mut state = self.state.lock();
        state.calls.push_back(Call { encode: Box::new(encode), timeout, slot: Arc::clone(&slot) });
        let is_running = std::mem::replace(&mut state.is_running, true);
        drop(state);
        if is_running {
            self.woken.wake();
        } else {
            self.env.spawn(Box::pin(Arc::clone(self).run()));
        }
        Calling { slot }
    }

    /// Calls with a message of the library, made for the version that is chosen. It is called at once, not when the answer
    /// is first waited for.
    ///
    /// # Errors
    /// There is no answer, or none that makes sense.
    pub(crate) fn ask<R, F>(
        self: &Arc<Self>,
        timeout: Duration,
        make: F,
    ) -> impl Future<Output = Result<R::Response, CallError>> + Send + use<R, F>
    where
        F: FnOnce(i16) -> R + Send + 'static,
        R: Request,
        R::Response: Checked,
    {
        let client_id = Arc::clone(&self.client_id);
        let answer = self.call(timeout, move |peer, correlation_id| {
            let version = peer.choose(R::KEY, versions::<R>())?;
            let frame = encode_request(version, correlation_id, &client_id, &make(version))?;
            Ok(Encoded { version, frame })
        });
        async move {
            let answer = answer.await?;
            Ok(decode_response::<R>(answer.version, answer.frame)?.1)
        }
    }

    /// The name that requests carry.
    pub(crate) fn client_id(&self) -> &Arc<str> {
        &self.client_id
    }

    /// Whether it leads to a broker, and not to a controller.
    fn leads_to_broker(&self) -> bool {
        self.is_of_follower() || self.purpose == Purpose::RollCall
    }

    /// Whether it is in use all the time, so that nobody but the peer's end breaks it.
    fn is_of_follower(&self) -> bool {
        matches!(self.purpose, Purpose::Replication(_))
    }

    fn address(&self) -> Address {
        (Arc::clone(&self.host), self.port)
    }

    /// Serves calls until the connection breaks or none is left to make it for; then all that waits is told.
    async fn run(self: Arc<Self>) {
        let first = self.state.lock().calls.front().map_or(Duration::ZERO, |call| call.timeout);
        let mut overdue = self.env.sleep(first);
        let opened = {
            let mut opening = Box::pin(self.open());
            poll_fn(|cx| match opening.as_mut().poll(cx) {
                Poll::Ready(opened) => Poll::Ready(opened),
                Poll::Pending => overdue.as_mut().poll(cx).map(|()| Err(CallError::TimedOut(first))),
            })
            .await
        };
        let (error, in_flight) = match opened {
            Err(error) => {
                if self.leads_to_broker() && error.is_gone() {
                    self.absences.missed(self.address(), self.env.elapsed());
                }
                (error, VecDeque::new())
            }
            Ok((link, versions)) => {
                self.absences.heard(&self.address());
                let mut open = Open { channel: &self, link, versions, next: 1, in_flight: VecDeque::new() };
                let error = open.serve().await;
                if self.is_of_follower() && error.is_gone() {
                    self.absences.lost(self.address(), self.env.elapsed());
                }
                (error, open.in_flight)
            }
        };
        let mut state = self.state.lock();
        state.is_running = false;
        let waiting = std::mem::take(&mut state.calls);
        drop(state);
        let slots = in_flight.into_iter().map(|sent| sent.slot);
        for slot in slots.chain(waiting.into_iter().map(|call| call.slot)) {
            slot.fill(Err(error.clone()));
        }
    }

    async fn open(&self) -> Result<(Box<dyn Link>, PeerVersions), CallError> {
        let mut link = self.env.connect(&self.host, self.port).await?;
        link.send(encode_request(API_VERSIONS, 0, &self.client_id, &sign_of_life())?);
        let frame = poll_fn(|cx| link.poll_receive(cx)).await?;
        let (_, response) = decode_response::<ApiVersionsRequest>(API_VERSIONS, frame)?;
        match ErrorCode::from_code(response.error_code) {
            ErrorCode::None => {}
            code => {
                let reason = format!("the peer answers ApiVersions with {code}");
                return Err(Broken { gone: false, reason }.into());
            }
        }
        let ranges = response.api_keys.iter().map(|api| (api.api_key, (api.min_version, api.max_version)));
        Ok((link, PeerVersions(ranges.collect())))
    }
}

/// What whoever lives answers, whatever its state.
pub(crate) fn sign_of_life() -> ApiVersionsRequest {
    ApiVersionsRequest::default()
        .with_client_software_name(StrBytes::from_static_str("chronik"))
        .with_client_software_version(StrBytes::from_static_str(env!("CARGO_PKG_VERSION")))
}

/// A call that was sent.
struct Sent {
    correlation_id: i32,
    version: i16,
    deadline: Duration,
    timeout: Duration,
    slot: Arc<Slot>,
}

struct Open<'a> {
    channel: &'a Channel,
    link: Box<dyn Link>,
    versions: PeerVersions,
    next: i32,
    in_flight: VecDeque<Sent>,
}

impl Open<'_> {
    /// Sends and receives until something breaks; returns what.
    async fn serve(&mut self) -> CallError {
        let mut timer: Option<(Duration, Task)> = None;
        poll_fn(|cx| {
            loop {
                self.channel.woken.register(cx.waker());
                self.send_waiting();
                match self.link.poll_receive(cx) {
                    Poll::Pending => {}
                    Poll::Ready(Err(broken)) => return Poll::Ready(CallError::Broken(broken)),
                    Poll::Ready(Ok(frame)) => match self.received(frame) {
                        Ok(()) => continue,
                        Err(error) => return Poll::Ready(error),
                    },
                }
                match self.poll_overdue(&mut timer, cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Some(error)) => return Poll::Ready(error),
                    Poll::Ready(None) => {}
                }
            }
        })
        .await
    }

    fn send_waiting(&mut self) {
        let waiting = std::mem::take(&mut self.channel.state.lock().calls);
        for call in waiting {
            let correlation_id = self.next;
            self.next = self.next.checked_add(1).unwrap_or(1);
            match (call.encode)(&self.versions, correlation_id) {
                Err(error) => call.slot.fill(Err(error)),
                Ok(Encoded { version, frame }) => {
                    self.link.send(frame);
                    let deadline = self.channel.env.elapsed() + call.timeout;
                    let (timeout, slot) = (call.timeout, call.slot);
                    self.in_flight.push_back(Sent { correlation_id, version, deadline, timeout, slot });
                }
            }
        }
    }

    fn received(&mut self, frame: Bytes) -> Result<(), CallError> {
        let correlation_id = frame.get(..4).map_or(-1, |mut bytes| bytes.get_i32());
        let first = self.in_flight.pop_front_if(|first| first.correlation_id == correlation_id);
        let Some(first) = first else {
            let reason = format!("the peer answers {correlation_id}, which it was not asked");
            return Err(Broken { gone: false, reason }.into());
        };
        first.slot.fill(Ok(Answer { version: first.version, frame }));
        Ok(())
    }

    /// Ready with an error when the oldest call waited too long, with nothing when the time must be looked at again.
    fn poll_overdue(
        &self,
        timer: &mut Option<(Duration, Task)>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<CallError>> {
        let Some((deadline, timeout)) = self.in_flight.iter().map(|sent| (sent.deadline, sent.timeout)).min()
        else {
            return Poll::Pending;
        };
        let now = self.channel.env.elapsed();
        if deadline <= now {
            return Poll::Ready(Some(CallError::TimedOut(timeout)));
        }
        // A timer that is set for an earlier call is left to fire: moving it for every call would cost more.
        if timer.as_ref().is_none_or(|(at, _)| *at > deadline) {
            *timer = Some((deadline, self.channel.env.sleep(deadline.saturating_sub(now))));
        }
        let Some((_, sleep)) = timer else { return Poll::Pending };
        if sleep.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        *timer = None;
        Poll::Ready(None)
    }
}

#[cfg(test)]
mod tests {
    use chronik_types::Millis;

    use super::*;
    use crate::env::{Blocking, Connecting, Urgency};

    /// A world in which nothing that is spawned ever runs.
    struct Still;

    impl Env for Still {
        fn now(&self) -> Millis {
            Millis(0)
        }
        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }
        fn random(&self) -> u128 {
            0
        }
        fn sleep(&self, _: Duration) -> Task {
            Box::pin(std::future::pending())
        }
        fn spawn(&self, _: Task) {}
        fn connect(&self, _: &str, _: u16) -> Connecting {
            Box::pin(std::future::pending())
        }
        fn block(&self, _: Urgency, work: Blocking) {
            work();
        }
        fn halt(&self, reason: &str) {
            panic!("{reason}");
        }
    }

    #[test]
    fn a_question_is_on_its_way_before_its_answer_is_waited_for() {
        let channel = Peers::new(Arc::new(Still), "t".to_owned(), Arc::default()).channel(
            &"h".into(),
            1,
            Purpose::Quorum,
        );
        let ask = || channel.ask(Duration::from_secs(1), |_| ApiVersionsRequest::default());
        // The second one does not wait until somebody has waited for the first.
        let answers = [ask(), ask()];
        assert_eq!(channel.state.lock().calls.len(), answers.len());
    }
}
