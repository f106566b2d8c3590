//! A broker process introduces itself (BrokerRegistration, KIP-631, KIP-858, KIP-966).
//!
//! The answer is the broker's epoch, which is where the log ended when it registered; whoever acts for the broker
//! with an older one is refused. A new registration is fenced until the broker has caught up with the metadata. If the
//! process before did not shut down cleanly, its replicas may have lost what they had and are in sync no more.

use std::collections::BTreeSet;

use chronik_types::{BrokerEpoch, ErrorCode, NodeId, uuid_to_text};
use uuid::Uuid;

use super::{Change, Context, Decision, Refused};
use crate::cluster::leadership::{self, Event};
use crate::cluster::{
    Broker, ELIGIBLE_LEADER_REPLICAS_VERSION, KRAFT_VERSION, METADATA_VERSION, RESERVED_DIRECTORIES,
};
use crate::records::{EndpointRecord, FeatureRangeRecord, Name};

/// A broker process introduces itself.
#[derive(Clone, Debug, PartialEq)]
pub struct RegisterBroker {
    /// Its id.
    pub id: NodeId,
    /// The cluster that it believes to be part of.
    pub cluster_id: String,
    /// This run of its process.
    pub incarnation: Uuid,
    /// Where it listens.
    pub endpoints: Vec<EndpointRecord>,
    /// What it can do.
    pub features: Vec<FeatureRangeRecord>,
    /// `broker.rack`.
    pub rack: Option<Name>,
    /// Its log directories.
    pub log_dirs: Vec<Uuid>,
    /// The epoch that it had when it last shut down cleanly; -1: unknown.
    pub previous_epoch: BrokerEpoch,
    /// Whether the process that is registered now was heard of within the session timeout, as the shell knows.
    pub session_is_valid: bool,
}

pub(super) fn decide(
    context: &Context<'_>,
    command: RegisterBroker,
) -> Decision<Change, Result<BrokerEpoch, Refused>> {
    match register(context, command) {
        Ok((changes, epoch)) => Decision { changes, reply: Ok(epoch) },
        Err(refused) => Decision::reply(Err(refused)),
    }
}

fn register(context: &Context<'_>, command: RegisterBroker) -> Result<(Vec<Change>, BrokerEpoch), Refused> {
    if command.cluster_id != context.options.cluster_id {
        let expected = &context.options.cluster_id;
        let message = format!("Expected cluster ID {expected}, but got cluster ID {}", command.cluster_id);
        return Err(Refused::new(ErrorCode::InconsistentClusterId, message));
    }
    let existing = context.state.broker(command.id).map(|broker| &**broker);
    let same_process = existing.filter(|broker| broker.incarnation == command.incarnation);
    if existing.is_some() && same_process.is_none() && command.session_is_valid {
        let message = "Another broker is registered with that broker id. If the broker was recently restarted this should self-resolve once the heartbeat manager expires the broker's session.";
        return Err(Refused::new(ErrorCode::DuplicateBrokerRegistration, message));
    }
    check_directories(context, &command)?;
    check_features(context, &command)?;
    let mut changes = Vec::new();
    let epoch = match same_process {
        Some(broker) => broker.epoch,
        None => {
            // A broker that was unregistered may be eligible still, and nobody knows what it has lost since.
            let clean = existing.is_some_and(|broker| broker.epoch == command.previous_epoch);
            changes = clean_up(context, command.id, clean);
            BrokerEpoch(context.at.end.0)
        }
    };
    let broker = Broker {
        id: command.id,
        epoch,
        incarnation: command.incarnation,
        endpoints: command.endpoints,
        features: command.features,
        rack: command.rack,
        fenced: same_process.is_none_or(|broker| broker.fenced),
        in_controlled_shutdown: same_process.is_some_and(|broker| broker.in_controlled_shutdown),
        is_migrating_zk_broker: false,
        log_dirs: command.log_dirs,
        cordoned_log_dirs: None,
    };
    changes.push(broker.to_change(context.state.metadata_version()));
    Ok((changes, epoch))
}

/// What the process before leaves behind.
fn clean_up(context: &Context<'_>, id: NodeId, clean: bool) -> Vec<Change> {
    let elr = context.state.feature_level(ELIGIBLE_LEADER_REPLICAS_VERSION) > 0;
    let event = if elr && !clean { Event::Crashed(id) } else { Event::Gone(id) };
    leadership::changes(context, event)
}

fn check_directories(context: &Context<'_>, command: &RegisterBroker) -> Result<(), Refused> {
    if !context.state.metadata_version().has_directories() {
        return Ok(());
    }
    let refused = |message: String| Err(Refused::new(ErrorCode::InvalidRegistration, message));
    if command.log_dirs.is_empty() {
        return refused("No directories specified in request".to_owned());
    }
    if command.log_dirs.iter().any(|directory| *directory < RESERVED_DIRECTORIES) {
        return refused("Reserved directory ID in request".to_owned());
    }
    let distinct: BTreeSet<_> = command.log_dirs.iter().collect();
    if distinct.len() != command.log_dirs.len() {
        return refused("Duplicate directory ID in request".to_owned());
    }
    for other in context.state.brokers().filter(|broker| broker.id != command.id) {
        if let Some(taken) = other.log_dirs.iter().find(|directory| distinct.contains(directory)) {
            let directory = uuid_to_text(*taken);
            return refused(format!("Broker {} is already registered with directory {directory}", other.id));
        }
    }
    Ok(())
}

/// A broker must be able to work at every level that the cluster is at.
fn check_features(context: &Context<'_>, command: &RegisterBroker) -> Result<(), Refused> {
    let unsupported = |message| Err(Refused::new(ErrorCode::UnsupportedVersion, message));
    if !command.features.iter().any(|feature| &*feature.name == METADATA_VERSION) {
        return Err(Refused::new(
            ErrorCode::InvalidRegistration,
            format!("Request features do not contain '{METADATA_VERSION}'"),
        ));
    }
    for (name, level) in context.state.features().filter(|(name, _)| &***name != KRAFT_VERSION) {
        let range = command.features.iter().find(|feature| feature.name == *name);
        let (min, max) =
            range.map_or((0, 0), |range| (range.min_supported_version, range.max_supported_version));
        if level < min || level > max {
            return unsupported(format!(
                "Unable to register because the broker does not support finalized version {level} of {name}. The broker wants a version between {min} and {max}, inclusive."
            ));
        }
    }
    Ok(())
}
