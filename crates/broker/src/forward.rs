//! Requests that the controller decides (KIP-590): whichever broker a client asks, the active controller gets the request,
//! in an `Envelope`, and the client gets its one answer.
//!
//! While there is no controller the request waits; an envelope that comes to a controller that no longer is one comes
//! back, and goes to the next. A request whose connection broke is sent again: what it does is decided anew, so that it
//! may meet its own effect (`TOPIC_ALREADY_EXISTS`), as in Kafka.

use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use chronik_types::ErrorCode;
use chronik_wire::messages::EnvelopeRequest;
use chronik_wire::{ApiKey, Listener, RequestHeader, Response, decode_request};
use kafka_protocol::protocol::Request;

use crate::api::{self, Reply, Started};
use crate::connection::Client;
use crate::node::Node;
use crate::peers::{CallError, Purpose};
use crate::wait::WaitOrDeadline;

/// How long a client's request is tried on (`request.timeout.ms` is 30 s in Kafka's clients and brokers).
const FORWARD_MAX: Duration = Duration::from_secs(30);
/// Before it is tried again.
const BACKOFF: Duration = Duration::from_millis(20);

/// Whether the controller decides about requests of this API (`forwardable` in `ApiKeys`).
pub(crate) fn is_forwardable(api: ApiKey) -> bool {
    matches!(
        api,
        ApiKey::CreateTopics
            | ApiKey::DeleteTopics
            | ApiKey::AlterConfigs
            | ApiKey::CreatePartitions
            | ApiKey::ElectLeaders
            | ApiKey::IncrementalAlterConfigs
            | ApiKey::AlterPartitionReassignments
            | ApiKey::ListPartitionReassignments
            | ApiKey::DescribeQuorum
            | ApiKey::UpdateFeatures
            | ApiKey::UnregisterBroker
            | ApiKey::AddRaftVoter
            | ApiKey::RemoveRaftVoter
    )
}

/// Whether the request in `frame` is one that a broker takes to the controller.
pub(crate) fn may_forward(client: &Client, frame: &[u8]) -> bool {
    let key = frame.first_chunk().map(|key| i16::from_be_bytes(*key));
    client.peer.listener == Listener::Broker && key.and_then(ApiKey::from_key).is_some_and(is_forwardable)
}

/// Takes a request to the controller; `frame` is all of it, without its size.
pub(crate) fn start(node: &Arc<Node>, client: &Arc<Client>, header: &RequestHeader, frame: Bytes) -> Started {
    let (node, client, header) = (Arc::clone(node), Arc::clone(client), header.clone());
    Started::Parked(Box::pin(async move { forward(&node, &client, &header, frame).await }))
}

async fn forward(node: &Arc<Node>, client: &Arc<Client>, header: &RequestHeader, frame: Bytes) -> Reply {
    let deadline = node.env.elapsed() + FORWARD_MAX;
    loop {
        let changed = node.quorum().leader_changed();
        let leadership = node.quorum().leadership();
        if leadership.is_controlling || node.env.elapsed() >= deadline {
            // A node that does not control answers that there is no controller, in the API's own way.
            return here(node, client, header, frame).await;
        }
        if let Some(to) = leadership.address {
            let (principal, host) = (anonymous(), client.peer.address);
            let data = frame.clone();
            let channel = node.peers.channel(&to.host, to.port, Purpose::Forwarding);
            let answer = channel.ask(FORWARD_MAX, move |_| {
                let host = match host {
                    std::net::IpAddr::V4(host) => Bytes::copy_from_slice(&host.octets()),
                    std::net::IpAddr::V6(host) => Bytes::copy_from_slice(&host.octets()),
                };
                EnvelopeRequest::default()
                    .with_request_data(data)
                    .with_request_principal(Some(principal))
                    .with_client_host_address(host)
            });
            match answer.await {
                Ok(answer) => match ErrorCode::from_code(answer.error_code) {
                    ErrorCode::None => return Reply::Raw(answer.response_data.unwrap_or_default()),
                    ErrorCode::NotController => {}
                    code => return Reply::Close(format!("the controller refuses the envelope: {code}")),
                },
                Err(error) => tracing::debug!(%error, "a request did not reach the controller"),
            }
        }
        let mut pause = node.env.sleep(BACKOFF);
        WaitOrDeadline { wait: &changed, deadline: &mut pause }.await;
    }
}

/// Serves the request on this node.
async fn here(node: &Arc<Node>, client: &Arc<Client>, header: &RequestHeader, frame: Bytes) -> Reply {
    let decoded = RequestHeader::parse(frame).and_then(|(header, body)| decode_request(&header, body));
    match decoded {
        Err(error) => Reply::Close(error.to_string()),
        Ok(request) => match api::start(node, client, header, request) {
            Started::Done(reply) => reply,
            Started::Parked(future) => future.await,
        },
    }
}

/// Whoever is not authenticated, as `DefaultKafkaPrincipalBuilder` writes him: version 0, type, name, no token.
fn anonymous() -> Bytes {
    let mut out = BytesMut::new();
    out.put_i16(0);
    for text in ["User", "ANONYMOUS"] {
        out.put_u8(text.len() as u8 + 1);
        out.put_slice(text.as_bytes());
    }
    out.put_slice(&[0, 0]);
    out.freeze()
}

/// Whether an answer says that this node is not the controller: then it is not the answer that the client shall see.
pub(crate) fn is_not_controller(response: &Response) -> bool {
    let is = |code: i16| code == ErrorCode::NotController.code();
    match response {
        Response::CreateTopics(all) => all.topics.iter().any(|topic| is(topic.error_code)),
        Response::DeleteTopics(all) => all.responses.iter().any(|topic| is(topic.error_code)),
        Response::CreatePartitions(all) => all.results.iter().any(|topic| is(topic.error_code)),
        Response::AlterConfigs(all) => all.responses.iter().any(|resource| is(resource.error_code)),
        Response::IncrementalAlterConfigs(all) => {
            all.responses.iter().any(|resource| is(resource.error_code))
        }
        Response::ElectLeaders(answer) => {
            let mut partitions =
                answer.replica_election_results.iter().flat_map(|topic| &topic.partition_result);
            is(answer.error_code) || partitions.any(|partition| is(partition.error_code))
        }
        Response::AlterPartitionReassignments(answer) => is(answer.error_code),
        Response::UpdateFeatures(answer) => is(answer.error_code),
        Response::UnregisterBroker(answer) => is(answer.error_code),
        // The quorum's own APIs know no controllers, but leaders.
        Response::DescribeQuorum(answer) => {
            let mut partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
            partitions.any(|partition| partition.error_code == ErrorCode::NotLeaderOrFollower.code())
        }
        Response::AddRaftVoter(answer) => answer.error_code == ErrorCode::NotLeaderOrFollower.code(),
        Response::RemoveRaftVoter(answer) => answer.error_code == ErrorCode::NotLeaderOrFollower.code(),
        _ => false,
    }
}

/// A request of this node to the controller: asked over the wire, or decided here.
pub(crate) trait ForController: Request + Clone {
    /// Answers it on the node that controls.
    fn decide(self, node: Arc<Node>) -> impl Future<Output = Self::Response> + Send;
}

impl Node {
    /// Asks the active controller once, wherever it is.
    ///
    /// # Errors
    /// `NOT_CONTROLLER` if nobody is known to control, `NETWORK_EXCEPTION` or `REQUEST_TIMED_OUT` if the answer did not
    /// come: whether it was done is not known. `UNSUPPORTED_VERSION` if the controller does not have the API.
    pub(crate) async fn ask_controller<R>(
        self: &Arc<Node>,
        purpose: Purpose,
        timeout: Duration,
        request: R,
    ) -> Result<R::Response, ErrorCode>
    where
        R: ForController + Send + Sync + 'static,
        R::Response: chronik_wire::precheck::Checked + Send,
    {
        let leadership = self.quorum().leadership();
        if leadership.is_controlling {
            return Ok(request.decide(Arc::clone(self)).await);
        }
        let to = leadership.address.ok_or(ErrorCode::NotController)?;
        if to.id == self.id() {
            // Elected, but what came before is not known as committed yet.
            return Err(ErrorCode::NotController);
        }
        let channel = self.peers.channel(&to.host, to.port, purpose);
        channel.ask(timeout, move |_| request).await.map_err(|error| match error {
            CallError::TimedOut(_) => ErrorCode::RequestTimedOut,
            CallError::Unsupported { .. } => ErrorCode::UnsupportedVersion,
            CallError::Broken(_) | CallError::Encode(_) | CallError::Decode(_) => {
                tracing::debug!(%error, "the controller gave no answer");
                ErrorCode::NetworkException
            }
        })
    }
}
