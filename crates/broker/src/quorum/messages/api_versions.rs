//! ApiVersions (18), as the leader asks it of a node that wants to vote.
//!
//! A `kraft.version` range that begins with 0 is listed from version 4 on only (KAFKA-17011); of an older node none is
//! known, and it cannot be added.

use bytes::Bytes;
use chronik_raft::{ApiVersionsResponse, KRaftVersionRange, Response};
use chronik_types::ErrorCode;
use chronik_wire::StrBytes;
use chronik_wire::client::decode_response;
use chronik_wire::messages::ApiVersionsRequest;

use super::Fault;

const KRAFT_VERSION: &str = "kraft.version";

pub(super) fn request() -> ApiVersionsRequest {
    ApiVersionsRequest::default()
        .with_client_software_name(StrBytes::from_static_str("chronik"))
        .with_client_software_version(StrBytes::from_static_str(env!("CARGO_PKG_VERSION")))
}

pub(super) fn read(version: i16, frame: Bytes) -> Result<Response, Fault> {
    let (_, response) = decode_response::<ApiVersionsRequest>(version, frame)?;
    let feature = response.supported_features.iter().find(|feature| &*feature.name == KRAFT_VERSION);
    Ok(Response::ApiVersions(ApiVersionsResponse {
        error: ErrorCode::from_code(response.error_code),
        versions: feature
            .map(|feature| KRaftVersionRange { min: feature.min_version, max: feature.max_version }),
    }))
}
