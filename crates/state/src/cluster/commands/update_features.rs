//! UpdateFeatures (57): change the levels of features (KIP-584, KIP-778, KIP-1022).
//!
//! All updates are made or none. Every registered broker and controller must be able to work at a new level, and it
//! may only go down if the request says so and, for `metadata.version`, only if no record would be lost.
//! `kraft.version` is the quorum's own and stays as it is.

use std::collections::BTreeMap;

use chronik_types::ErrorCode;

use super::activate::min_insync_replicas;
use super::{Change, Context, Decision, MIN_INSYNC_REPLICAS, Refused};
use crate::cluster::{
    ConfigResource, ELIGIBLE_LEADER_REPLICAS_VERSION, KRAFT_VERSION, METADATA_VERSION, MetadataVersion,
    SUPPORTED_FEATURES,
};
use crate::records::{FeatureLevelRecord, FeatureRangeRecord, Name};

/// Change levels of features, all or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateFeatures {
    /// Which, to what.
    pub updates: Vec<FeatureUpdate>,
    /// Say what would come of it and change nothing.
    pub validate_only: bool,
    /// The controller's own id, for the words of a refusal.
    pub controller: chronik_types::NodeId,
}

/// A level for one feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureUpdate {
    /// The feature.
    pub name: Name,
    /// Its level; 0: off.
    pub level: i16,
    /// How far down it may go.
    pub upgrade: FeatureUpgrade,
}

/// How far down a feature's level may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureUpgrade {
    /// Not at all.
    Upgrade,
    /// If nothing is lost.
    SafeDowngrade,
    /// In any case.
    UnsafeDowngrade,
}

pub(super) fn decide(
    context: &Context<'_>,
    command: UpdateFeatures,
) -> Decision<Change, Result<(), Refused>> {
    let mut changes = Vec::new();
    let mut levels: BTreeMap<Name, i16> =
        context.state.features().map(|(name, level)| (name.clone(), level)).collect();
    for update in &command.updates {
        levels.insert(update.name.clone(), update.level);
    }
    for update in &command.updates {
        let outcome = check(context, &command, update).and_then(|()| check_dependencies(update, &levels));
        if let Err(why) = outcome {
            let message =
                format!("The update failed for all features since the following feature had an error: {why}");
            return Decision::reply(Err(Refused::new(ErrorCode::InvalidUpdateVersion, message)));
        }
        if &*update.name != KRAFT_VERSION {
            changes.push(Change::new(FeatureLevelRecord {
                name: update.name.clone(),
                feature_level: update.level,
                ..Default::default()
            }));
        }
        changes.extend(turned_on(context, update));
    }
    if command.validate_only {
        changes.clear();
    }
    Decision { changes, reply: Ok(()) }
}

/// Eligible leader replicas depend on a `min.insync.replicas` that the whole cluster agrees on.
fn turned_on(context: &Context<'_>, update: &FeatureUpdate) -> Vec<Change> {
    let was_off = context.state.feature_level(&update.name) == 0;
    if &*update.name != ELIGIBLE_LEADER_REPLICAS_VERSION || update.level == 0 || !was_off {
        return Vec::new();
    }
    let mut changes = Vec::new();
    let is_set = |resource: &ConfigResource| {
        context.state.config(resource).is_some_and(|o| o.contains_key(MIN_INSYNC_REPLICAS))
    };
    if !is_set(&ConfigResource::all_brokers()) {
        changes.push(min_insync_replicas(context));
    }
    let brokers = context.state.configs().map(|(resource, _)| resource);
    let own =
        brokers.filter(|r| r.kind == crate::cluster::ResourceKind::Broker && !r.name.is_empty() && is_set(r));
    changes.extend(own.map(|resource| super::alter_configs::record(resource, MIN_INSYNC_REPLICAS, None)));
    changes
}

fn check(context: &Context<'_>, command: &UpdateFeatures, update: &FeatureUpdate) -> Result<(), String> {
    let FeatureUpdate { name, level, upgrade } = update;
    let invalid = |why: &str| Err(format!("Invalid update version {level} for feature {name}. {why}"));
    if *level < 0 {
        return invalid("A feature version cannot be less than 0.");
    }
    if let Some(why) = unsupported(context, command, update) {
        return invalid(&why);
    }
    if &**name == KRAFT_VERSION {
        // The quorum's voters are recorded since this cluster was formed, and that cannot be undone.
        return if *level == 0 { invalid("Can't downgrade the version of this feature.") } else { Ok(()) };
    }
    let current = context.state.feature_level(name);
    if *level < current && *upgrade == FeatureUpgrade::Upgrade {
        return invalid(
            "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.",
        );
    }
    if *level > current && *upgrade != FeatureUpgrade::Upgrade {
        return invalid("Can't downgrade to a newer version.");
    }
    let lossy = MetadataVersion(current).changed_since(MetadataVersion(*level));
    if &**name == METADATA_VERSION && *level < current && lossy {
        let why = match upgrade {
            FeatureUpgrade::UnsafeDowngrade => "Unsafe metadata downgrade is not supported in this version.",
            _ => "Refusing to perform the requested downgrade because it might delete metadata information.",
        };
        return Err(format!("Unsupported metadata.version downgrade from {current} to {level}. {why}"));
    }
    Ok(())
}

/// Who can't work at the level, in Kafka's words.
fn unsupported(context: &Context<'_>, command: &UpdateFeatures, update: &FeatureUpdate) -> Option<String> {
    let says = |who: String, range: Option<(i16, i16)>| match range {
        None if update.level == 0 => None,
        None => Some(format!("{who} does not support this feature.")),
        Some((min, max)) if update.level < min || update.level > max => {
            Some(format!("{who} only supports versions {min}-{max}"))
        }
        Some(_) => None,
    };
    let range_in = |features: &[FeatureRangeRecord]| {
        let range = features.iter().find(|feature| feature.name == update.name)?;
        Some((range.min_supported_version, range.max_supported_version))
    };
    let own = SUPPORTED_FEATURES.iter().find(|feature| *feature.name == *update.name);
    says(format!("Local controller {}", command.controller), own.map(|feature| (feature.min, feature.max)))
        .or_else(|| {
            let others = context.state.controllers().filter(|controller| controller.id != command.controller);
            others.map(|c| says(format!("Controller {}", c.id), range_in(&c.features))).find_map(|why| why)
        })
        .or_else(|| {
            let brokers = context.state.brokers();
            brokers.map(|b| says(format!("Broker {}", b.id), range_in(&b.features))).find_map(|why| why)
        })
}

/// Levels that need another feature's level (`FeatureVersion.dependencies`).
fn check_dependencies(update: &FeatureUpdate, levels: &BTreeMap<Name, i16>) -> Result<(), String> {
    const ELR_NEEDS: i16 = 23;
    let metadata = levels.get(METADATA_VERSION).copied().unwrap_or(MetadataVersion::MIN.0);
    let elr = levels.get(ELIGIBLE_LEADER_REPLICAS_VERSION).copied().unwrap_or(0);
    let concerned = [METADATA_VERSION, ELIGIBLE_LEADER_REPLICAS_VERSION].contains(&&*update.name);
    if concerned && elr > 0 && metadata < ELR_NEEDS {
        return Err(format!(
            "{ELIGIBLE_LEADER_REPLICAS_VERSION} could not be set to {elr} because it depends on {METADATA_VERSION} level {ELR_NEEDS}"
        ));
    }
    Ok(())
}
