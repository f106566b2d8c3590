//! UpdateFeatures (57), versions 0-2: change the levels of features (KIP-584, KIP-778).
//!
//! v1 adds the kind of change and a rehearsal (`validate_only`), v2 leaves out the results of single features, since all are
//! updated or none. Version 0's permission to downgrade is one to downgrade safely. `kraft.version` is the quorum's own
//! (KIP-853): the quorum raises it once the controller has found the whole request good.

use std::sync::Arc;

use chronik_state::cluster::{FeatureUpdate, FeatureUpgrade, KRAFT_VERSION, Refused, UpdateFeatures};
use chronik_types::ErrorCode;
use chronik_wire::messages::update_features_request::FeatureUpdateKey;
use chronik_wire::messages::update_features_response::UpdatableFeatureResult;
use chronik_wire::messages::{UpdateFeaturesRequest, UpdateFeaturesResponse};

use super::topics::{outcome, text};
use crate::node::Node;

pub(super) async fn handle(
    node: Arc<Node>,
    version: i16,
    request: UpdateFeaturesRequest,
) -> UpdateFeaturesResponse {
    let names: Vec<_> = request.feature_updates.iter().map(|update| update.feature.clone()).collect();
    let result = update(&node, version, request).await;
    let (code, message) = outcome(&result);
    let response = UpdateFeaturesResponse::default().with_error_code(code).with_error_message(message);
    if version >= 2 || result.is_err() {
        return response;
    }
    let results = names.into_iter().map(|name| {
        UpdatableFeatureResult::default().with_feature(name).with_error_message(Some(text("NONE")))
    });
    response.with_results(results.collect())
}

async fn update(node: &Node, version: i16, request: UpdateFeaturesRequest) -> Result<(), Refused> {
    let updates = request.feature_updates.iter().map(|update| wanted(version, update));
    let updates = updates.collect::<Result<Vec<_>, _>>()?;
    let kraft_version =
        updates.iter().find(|update| &*update.name == KRAFT_VERSION).map(|update| update.level);
    let command =
        |validate_only| UpdateFeatures { updates: updates.clone(), validate_only, controller: node.id() };
    if let Some(level) = kraft_version.filter(|_| !request.validate_only) {
        node.ask(command(true)).await.unwrap_or_else(|code| Err(Refused::code(code)))?;
        let raised = node.quorum().upgrade_kraft_version(level).await;
        raised.map_err(|(code, message)| Refused { code, message })?;
    }
    node.ask(command(request.validate_only)).await.unwrap_or_else(|code| Err(Refused::code(code)))
}

fn wanted(version: i16, update: &FeatureUpdateKey) -> Result<FeatureUpdate, Refused> {
    let upgrade = match (version, update.upgrade_type) {
        (0, _) if update.allow_downgrade => FeatureUpgrade::SafeDowngrade,
        (0, _) | (_, 1) => FeatureUpgrade::Upgrade,
        (_, 2) => FeatureUpgrade::SafeDowngrade,
        (_, 3) => FeatureUpgrade::UnsafeDowngrade,
        _ => {
            let message = format!(
                "The update failed for all features since the following feature had an error: Invalid update version {} for feature {}. The controller does not support the given upgrade type.",
                update.max_version_level, update.feature
            );
            return Err(Refused::new(ErrorCode::InvalidUpdateVersion, message));
        }
    };
    Ok(FeatureUpdate { name: (*update.feature).into(), level: update.max_version_level, upgrade })
}
