//! ApiVersions (18), versions 0-4.
//!
//! v1 adds the throttle time, v3 is flexible, names the client's software (KIP-511) and tells the cluster's features
//! (KIP-584), v4 allows features whose minimum is 0 (KIP-584's follow-up). The response header is always the oldest one.
//! A version that is not known is answered with `UNSUPPORTED_VERSION` at version 0 and the range of ApiVersions alone, so
//! that the client can ask again.

use std::sync::Arc;

use chronik_state::cluster::{KRAFT_VERSION, SUPPORTED_FEATURES};
use chronik_types::ErrorCode;
use chronik_wire::RequestHeader;
use chronik_wire::api::{ApiKey, announced};
use chronik_wire::messages::api_versions_response::{FinalizedFeatureKey, SupportedFeatureKey};
use chronik_wire::messages::{ApiVersionsRequest, ApiVersionsResponse};

use super::topics::text;
use crate::connection::Client;
use crate::node::Node;

pub(super) fn handle(
    node: &Arc<Node>,
    client: &Arc<Client>,
    header: &RequestHeader,
    request: ApiVersionsRequest,
) -> ApiVersionsResponse {
    let mut announced = announced(client.peer.listener);
    if header.unsupported_api_versions() {
        announced.retain(|api| api.api_key == ApiKey::ApiVersions.key());
        return refused(ErrorCode::UnsupportedVersion).with_api_keys(announced);
    }
    if header.version >= 3
        && !(is_software_text(&request.client_software_name)
            && is_software_text(&request.client_software_version))
    {
        return refused(ErrorCode::InvalidRequest);
    }
    let response = ApiVersionsResponse::default().with_api_keys(announced);
    if header.version < 3 {
        return response;
    }
    let image = node.image();
    // A client before version 4 takes a minimum of 0 for an error.
    let from = i16::from(header.version < 4);
    let supported = SUPPORTED_FEATURES.iter().filter(|feature| feature.min >= from).map(|feature| {
        SupportedFeatureKey::default()
            .with_name(text(feature.name))
            .with_min_version(feature.min)
            .with_max_version(feature.max)
    });
    // The quorum's own version is in its control records, not in the image; 0 is not told.
    let kraft = (KRAFT_VERSION, node.quorum().kraft_version());
    let levels = image.state.features().map(|(name, level)| (&**name, level));
    let finalized = levels.chain((kraft.1 > 0).then_some(kraft)).map(|(name, level)| {
        FinalizedFeatureKey::default()
            .with_name(text(name))
            .with_min_version_level(level)
            .with_max_version_level(level)
    });
    response
        .with_supported_features(supported.collect())
        .with_finalized_features_epoch(image.end.0 - 1)
        .with_finalized_features(finalized.collect())
}

fn refused(code: ErrorCode) -> ApiVersionsResponse {
    ApiVersionsResponse::default().with_error_code(code.code())
}

/// `ApiVersionsRequest.SOFTWARE_NAME_VERSION_PATTERN`: letters, digits, dots and dashes, not at the ends a dot or dash.
fn is_software_text(text: &str) -> bool {
    let bytes = text.as_bytes();
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    ends(bytes.first()) && ends(bytes.last()) && bytes.iter().all(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_names_are_checked_as_kafka_checks_them() {
        for good in ["librdkafka", "apache-kafka-java", "4.3.1", "a"] {
            assert!(is_software_text(good), "{good}");
        }
        for bad in ["", "-x", "x-", "a b", ".", "\u{e4}"] {
            assert!(!is_software_text(bad), "{bad}");
        }
    }
}
