//! Request and response headers.
//!
//! Request header v1 is key, version, correlation id and client id; v2 (flexible APIs) adds tagged fields, while
//! the client id stays a classic string. Response header v0 is the correlation id, v1 adds tagged fields. The
//! response to ApiVersions always has v0, so that a client can read it before it knows anything (KIP-511).

use bytes::Bytes;
use kafka_protocol::protocol::StrBytes;

use crate::api::{Api, ApiKey};
use crate::error::DecodeError;
use crate::read::Reader;

/// The header of a request, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHeader {
    /// Which API.
    pub api: ApiKey,
    /// At which version. In the API's range, except for ApiVersions: see [`RequestHeader::unsupported_api_versions`].
    pub version: i16,
    /// Comes back in the response.
    pub correlation_id: i32,
    /// The client's own name; a null is taken as empty, as Kafka takes it.
    pub client_id: StrBytes,
}

impl RequestHeader {
    /// Takes the header off a frame (without its size) and returns it with the body.
    ///
    /// # Errors
    /// An API that the table does not have, a version out of its range (but not of ApiVersions), bytes that are no
    /// header. Kafka closes the connection on each of them.
    pub fn parse(frame: Bytes) -> Result<(RequestHeader, Bytes), DecodeError> {
        let mut reader = Reader::new(frame, false);
        let key = reader.i16("API key")?;
        let version = reader.i16("API version")?;
        let api = ApiKey::from_key(key).ok_or(DecodeError::UnknownApi { key })?;
        let info = api.info();
        if !info.has_version(version) && api != ApiKey::ApiVersions {
            return Err(DecodeError::UnsupportedVersion { api: info.name, version });
        }
        let correlation_id = reader.i32("correlation id")?;
        let client_id = reader.nullable_string("client id")?.unwrap_or_default();
        let mut body = Reader::new(reader.rest(), info.is_flexible(version));
        body.skip_tags()?;
        Ok((RequestHeader { api, version, correlation_id, client_id }, body.rest()))
    }

    /// An ApiVersions request at a version that we do not have. It has no body for us; the answer is
    /// `UNSUPPORTED_VERSION` with the range of ApiVersions alone, written at version 0 (KIP-511).
    pub fn unsupported_api_versions(&self) -> bool {
        self.api == ApiKey::ApiVersions && !self.api.info().has_version(self.version)
    }

    /// The version that the response is written at: the request's, or 0 for an ApiVersions we do not know.
    pub fn response_version(&self) -> i16 {
        if self.unsupported_api_versions() { 0 } else { self.version }
    }
}

/// Whether the response at `version` has tagged fields in its header.
pub(crate) fn response_has_tags(api: &Api, version: i16) -> bool {
    api.key != ApiKey::ApiVersions && api.is_flexible(version)
}
