//! A node's life in its cluster (Kafka's `BrokerLifecycleManager` and `ControllerRegistrationManager`): it introduces itself
//! to the active controller, says that it lives, and takes its leave.
//!
//! Everything here goes to whoever controls at the moment; a change of controller is followed at once, so that the new
//! one hears of every broker that lives.

use std::sync::Arc;
use std::time::Duration;

use chronik_state::cluster::SUPPORTED_FEATURES;
use chronik_state::config::Endpoint;
use chronik_types::{BrokerEpoch, ErrorCode};
use chronik_wire::StrBytes;
use chronik_wire::broker_heartbeat::BrokerHeartbeatRequest;
use chronik_wire::messages::broker_registration_request::{Feature, Listener};
use chronik_wire::messages::controller_registration_request as of_controller;
use chronik_wire::messages::{
    BrokerHeartbeatResponse, BrokerId, BrokerRegistrationRequest, ControllerRegistrationRequest,
};

use crate::node::{Node, StartError};
use crate::peers::Purpose;
use crate::replication;
use crate::wait::{Wait, WaitOrDeadline};

/// Before a request that found no controller, or was refused for a moment, is repeated.
const BACKOFF: Duration = Duration::from_millis(50);
/// How long a leaving node waits for others to take over from it.
const LEAVE_MAX: Duration = Duration::from_secs(30);

/// Brings a node into its cluster.
pub(crate) async fn join(node: &Arc<Node>) -> Result<(), StartError> {
    if node.options.is_controller {
        let registering = Arc::clone(node);
        node.env.spawn(Box::pin(async move { register_controller(&registering).await }));
    }
    if !node.options.is_broker {
        return Ok(());
    }
    let deadline = node.env.elapsed() + Duration::from_millis(node.options.registration_timeout_ms);
    loop {
        let changed = node.quorum().leader_changed();
        match register(node).await {
            Ok(()) => break,
            Err(Attempt::Refused(reason)) => {
                return Err(StartError::Refused { what: "the broker's registration", reason });
            }
            Err(Attempt::Again(last)) if node.env.elapsed() >= deadline => {
                let waited_ms = node.options.registration_timeout_ms;
                return Err(StartError::NoController { waited_ms, last });
            }
            Err(Attempt::Again(last)) => {
                tracing::debug!(last, "not registered yet");
                pause(node, &changed, BACKOFF).await;
            }
        }
    }
    catch_up(node).await;
    node.begin_partitions();
    replication::tell_directories(node);
    be_unfenced(node).await;
    let beating = Arc::clone(node);
    node.env.spawn(Box::pin(async move { keep_beating(&beating).await }));
    Ok(())
}

/// Asks to be unfenced, once the controller knows in which directories the replicas are: it elects by that.
async fn be_unfenced(node: &Arc<Node>) {
    loop {
        let settled = node.replication.directories.settled();
        if node.replication.directories.is_settled() {
            break;
        }
        beat(node, Wish::StayFenced).await;
        pause(node, &settled, Duration::from_millis(node.options.heartbeat_interval_ms)).await;
    }
    while beat(node, Wish::Serve).await.is_none_or(|answer| answer.is_fenced) {
        let changed = node.quorum().image_changed();
        pause(node, &changed, BACKOFF).await;
    }
}

/// Why an attempt did not succeed.
enum Attempt {
    /// It may, another time.
    Again(String),
    /// It will not.
    Refused(String),
}

async fn register(node: &Arc<Node>) -> Result<(), Attempt> {
    let timeout = request_timeout(node);
    let answer = node.ask_controller(Purpose::Lifecycle, timeout, registration(node)).await;
    let answer = answer.map_err(|code| Attempt::Again(code.to_string()))?;
    match ErrorCode::from_code(answer.error_code) {
        ErrorCode::None => {
            node.set_broker_epoch(BrokerEpoch(answer.broker_epoch));
            Ok(())
        }
        code @ ErrorCode::DuplicateBrokerRegistration => {
            // A predecessor that was killed is given up soon; another process that lives is not.
            Err(Attempt::Again(format!(
                "{code}: another process is registered as node {} and lives. If there is one, give this one another \
                 node.id",
                node.id()
            )))
        }
        code if code.is_retriable() || code == ErrorCode::NotController => {
            Err(Attempt::Again(code.to_string()))
        }
        code => Err(Attempt::Refused(code.to_string())),
    }
}

fn registration(node: &Node) -> BrokerRegistrationRequest {
    let listener = |endpoint: &Endpoint| {
        Listener::default()
            .with_name(text(&endpoint.listener))
            .with_host(text(&endpoint.host))
            .with_port(endpoint.port)
            .with_security_protocol(endpoint.protocol.code())
    };
    let features = SUPPORTED_FEATURES.iter().map(|feature| {
        Feature::default()
            .with_name(text(feature.name))
            .with_min_supported_version(feature.min)
            .with_max_supported_version(feature.max)
    });
    BrokerRegistrationRequest::default()
        .with_broker_id(BrokerId(node.id().0))
        .with_cluster_id(text(node.cluster_id()))
        .with_incarnation_id(node.incarnation)
        .with_listeners(node.options.listeners.advertised_broker.iter().map(listener).collect())
        .with_features(features.collect())
        .with_rack(node.options.rack.as_deref().map(text))
        .with_log_dirs(node.broker_dirs().map(|dir| dir.data.id).collect())
        .with_previous_broker_epoch(node.previous_epoch.0)
}

/// Waits until this node's image has its own registration.
async fn catch_up(node: &Arc<Node>) {
    loop {
        let changed = node.quorum().image_changed();
        if node.image().end.0 > node.broker_epoch().0 {
            return;
        }
        pause(node, &changed, BACKOFF).await;
    }
}

/// Says at once that a log directory has failed, which every later heartbeat says too.
pub(crate) async fn directory_failed(node: &Arc<Node>) {
    beat(node, Wish::Serve).await;
}

/// What a broker asks of the controller with a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    StayFenced,
    Serve,
    Leave,
}

/// Says that the broker lives. `None`: nobody heard it.
async fn beat(node: &Arc<Node>, wish: Wish) -> Option<BrokerHeartbeatResponse> {
    let failed = node.broker_dirs().filter(|dir| dir.data.is_offline()).map(|dir| dir.data.id);
    let request = BrokerHeartbeatRequest {
        broker_id: node.id().0,
        broker_epoch: node.broker_epoch().0,
        current_metadata_offset: node.image().end.0 - 1,
        want_fence: wish == Wish::StayFenced,
        want_shut_down: wish == Wish::Leave,
        offline_log_dirs: failed.collect(),
        cordoned_log_dirs: None,
    };
    let sent = node.env.elapsed();
    let answer = node.ask_controller(Purpose::Lifecycle, request_timeout(node), request).await.ok()?;
    match ErrorCode::from_code(answer.error_code) {
        ErrorCode::None => {
            if !answer.is_fenced {
                node.heard_at(sent);
            }
            Some(answer)
        }
        ErrorCode::StaleBrokerEpoch | ErrorCode::BrokerIdNotRegistered => {
            tracing::info!(broker = %node.id(), "the controller does not know this registration: registering anew");
            if let Err(Attempt::Refused(reason)) = register(node).await {
                tracing::error!(reason, "the controller refuses to register this broker anew");
            }
            None
        }
        code => {
            tracing::debug!(%code, "a heartbeat was refused");
            None
        }
    }
}

async fn keep_beating(node: &Arc<Node>) {
    let interval = Duration::from_millis(node.options.heartbeat_interval_ms);
    loop {
        let changed = node.quorum().leader_changed();
        let heard = beat(node, Wish::Serve).await;
        let fenced = heard.as_ref().is_none_or(|answer| answer.is_fenced);
        let wait = if fenced { BACKOFF.max(interval / 20) } else { interval };
        pause(node, &changed, wait).await;
    }
}

/// Every controller introduces itself, whoever is the active one.
async fn register_controller(node: &Arc<Node>) {
    loop {
        let changed = node.quorum().image_changed();
        let known = node.image();
        let mut controllers = known.state.controllers();
        if controllers.any(|known| known.id == node.id() && known.incarnation == node.incarnation) {
            return;
        }
        let (timeout, request) = (request_timeout(node), controller_registration(node));
        match node.ask_controller(Purpose::Lifecycle, timeout, request).await {
            Ok(answer) if answer.error_code == 0 => return,
            Ok(answer) => {
                let code = ErrorCode::from_code(answer.error_code);
                tracing::debug!(%code, "the controller's registration was refused");
            }
            Err(code) => tracing::debug!(%code, "the controller is not registered yet"),
        }
        pause(node, &changed, BACKOFF).await;
    }
}

fn controller_registration(node: &Node) -> ControllerRegistrationRequest {
    let listener = |endpoint: &Endpoint| {
        of_controller::Listener::default()
            .with_name(text(&endpoint.listener))
            .with_host(text(&endpoint.host))
            .with_port(endpoint.port)
            .with_security_protocol(endpoint.protocol.code())
    };
    let features = SUPPORTED_FEATURES.iter().map(|feature| {
        of_controller::Feature::default()
            .with_name(text(feature.name))
            .with_min_supported_version(feature.min)
            .with_max_supported_version(feature.max)
    });
    ControllerRegistrationRequest::default()
        .with_controller_id(node.id().0)
        .with_incarnation_id(node.incarnation)
        .with_listeners(node.options.listeners.advertised_controller.iter().map(listener).collect())
        .with_features(features.collect())
}

/// Hands over what others can take, and resigns.
pub(crate) async fn leave(node: &Arc<Node>) {
    let others = node.image().state.brokers().any(|broker| broker.id != node.id() && broker.is_active());
    if node.options.is_broker && node.options.controlled_shutdown && others {
        let deadline = node.env.elapsed() + LEAVE_MAX;
        tracing::info!("stopping: handing over partitions");
        while node.env.elapsed() < deadline {
            if beat(node, Wish::Leave).await.is_some_and(|answer| answer.should_shut_down) {
                break;
            }
            node.env.sleep(BACKOFF).await;
        }
    }
    node.quorum().resign().await;
}

/// Waits for a change, but not longer than `most`.
async fn pause(node: &Node, changed: &Wait, most: Duration) {
    let mut deadline = node.env.sleep(most);
    WaitOrDeadline { wait: changed, deadline: &mut deadline }.await;
}

fn request_timeout(node: &Node) -> Duration {
    Duration::from_millis(node.options.session_timeout_ms / 2).max(Duration::from_millis(100))
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
