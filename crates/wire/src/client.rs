//! The client's side: requests framed, responses decoded; for our command line, for brokers that ask other
//! brokers, and for tests.
//!
//! Messages are the message library's types, or have its traits. Versions are those that both the server and the library
//! have: see [`versions`].

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::protocol::{Encodable, HeaderVersion, Request};

use crate::body::decode_checked;
use crate::error::{DecodeError, EncodeError};
use crate::precheck::Checked;
use crate::read::Reader;

/// The versions of a request that can be asked of a server: oldest and newest of the library.
pub fn versions<R: Request>() -> (i16, i16) {
    (R::VERSIONS.min, R::VERSIONS.max)
}

/// Frames a request: size, header, body.
///
/// # Errors
/// A field is set that the version cannot carry.
pub fn encode_request<R: Request>(
    version: i16,
    correlation_id: i32,
    client_id: &str,
    request: &R,
) -> Result<Bytes, EncodeError> {
    let fault = |fault: &dyn std::fmt::Display| EncodeError::Body {
        api: crate::ApiKey::from_key(R::KEY).map_or("request", crate::ApiKey::name),
        version,
        reason: fault.to_string(),
    };
    let body_len = request.compute_size(version).map_err(|error| fault(&error))?;
    let has_tags = R::header_version(version) >= 2;
    let client_id_len = i16::try_from(client_id.len()).map_err(|_| EncodeError::TextTooLong)?;
    let size = 10 + client_id.len() + usize::from(has_tags) + body_len;
    let mut frame = BytesMut::with_capacity(4 + size);
    frame.put_i32(i32::try_from(size).map_err(|_| EncodeError::TooLarge(size))?);
    frame.put_i16(R::KEY);
    frame.put_i16(version);
    frame.put_i32(correlation_id);
    frame.put_i16(client_id_len);
    frame.put_slice(client_id.as_bytes());
    if has_tags {
        frame.put_u8(0);
    }
    Encodable::encode(request, &mut frame, version).map_err(|error| fault(&error))?;
    Ok(frame.freeze())
}

/// Decodes the response to a request sent at `version` from a frame without its size; returns its correlation id
/// with it.
///
/// # Errors
/// The bytes are not such a response: the connection is of no further use.
pub fn decode_response<R: Request>(version: i16, frame: Bytes) -> Result<(i32, R::Response), DecodeError>
where
    R::Response: Checked,
{
    let mut header = Reader::new(frame, <R::Response as HeaderVersion>::header_version(version) >= 1);
    let correlation_id = header.i32("correlation id")?;
    header.skip_tags()?;
    let response = decode_checked::<R::Response>(header.rest(), version)?;
    Ok((correlation_id, response))
}
