//! Request and response headers.
//!
//! Request header v1 is key, version, correlation id and client id; v2 (flexible APIs) adds tagged fields, while
//! the client id stays a classic string. Response header v0 is the correlation id, v1 adds tagged fields. The
//! response to ApiVersions always has v0, so that a client can read it before it knows anything (KIP-511).

use bytes::Bytes;
use kafka_protocol::protocol::StrBytes;

use crate::api::{Api, ApiKey, lookup};
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
    /// The client's own name; null is taken as empty, and what is not UTF-8 is replaced, as Kafka does.
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
        let info = lookup(key, version)?;
        let correlation_id = reader.i32("correlation id")?;
        let client_id = reader.lossy_string("client id")?;
        reader.set_flexible(info.is_flexible(version));
        reader.skip_tags()?;
        Ok((RequestHeader { api: info.key, version, correlation_id, client_id }, reader.rest()))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &'static [u8]) -> Result<(RequestHeader, Bytes), DecodeError> {
        RequestHeader::parse(Bytes::from_static(bytes))
    }

    #[test]
    fn a_classic_header_is_followed_by_the_body() {
        let (header, body) = parse(b"\0\x03\0\x01\0\0\0\x05\0\x02me body").unwrap();
        assert_eq!((header.api, header.version, header.correlation_id), (ApiKey::Metadata, 1, 5));
        assert_eq!((&*header.client_id, &body[..]), ("me", &b" body"[..]));
    }

    #[test]
    fn a_flexible_header_has_tagged_fields_which_are_skipped() {
        let (header, body) = parse(b"\0\x03\0\x0c\0\0\0\x05\0\x01x\x01\x07\x03abcbody").unwrap();
        assert_eq!((header.version, &body[..]), (12, &b"body"[..]));
        assert!(parse(b"\0\x03\0\x0c\0\0\0\x05\0\x01x\x01\x07\x04abc").is_err());
    }

    #[test]
    fn a_client_id_may_be_null_or_not_text() {
        assert_eq!(&*parse(b"\0\x12\0\0\0\0\0\x05\xff\xff").unwrap().0.client_id, "");
        assert_eq!(&*parse(b"\0\x12\0\0\0\0\0\x05\0\x01\xff").unwrap().0.client_id, "\u{fffd}");
    }

    #[test]
    fn what_is_no_header_is_refused() {
        assert!(matches!(parse(b""), Err(DecodeError::Short { .. })));
        assert!(matches!(parse(b"\0\x12\0\0\0\0\0"), Err(DecodeError::Short { .. })));
        assert_eq!(parse(b"\x03\xe7\0\0\0\0\0\x05\0\0"), Err(DecodeError::UnknownApi { key: 999 }));
        let produce_2 = DecodeError::UnsupportedVersion { api: "Produce", version: 2 };
        assert_eq!(parse(b"\0\0\0\x02\0\0\0\x05\0\0"), Err(produce_2));
    }

    #[test]
    fn api_versions_of_the_future_is_answered_at_version_0() {
        let (header, _) = parse(b"\0\x12\0\x63\0\0\0\x05\0\0\0").unwrap();
        assert!(header.unsupported_api_versions());
        assert_eq!((header.version, header.response_version()), (99, 0));
        let (header, _) = parse(b"\0\x12\xff\xff\0\0\0\x05\0\0").unwrap();
        assert!(header.unsupported_api_versions());
    }
}
