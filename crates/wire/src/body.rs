//! How a body is decoded and encoded: by the message library behind the pre-check, or by a codec of our own.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::protocol::{Decodable, Encodable};

use crate::error::{DecodeError, EncodeError};
use crate::header::{RequestHeader, response_has_tags};
use crate::out::Outgoing;
use crate::precheck::{Checked, check};

/// The body of a request that we serve.
pub(crate) trait RequestBody: Sized {
    fn decode(body: Bytes, version: i16) -> Result<Self, DecodeError>;
}

/// The body of a response that we give.
pub(crate) trait ResponseBody: Sized {
    fn encode(self, header: &RequestHeader) -> Result<Outgoing, EncodeError>;
}

/// Decodes a message of the library from untrusted bytes; what follows the message is ignored.
pub(crate) fn decode_checked<T: Checked + Decodable>(
    mut body: Bytes,
    version: i16,
) -> Result<T, DecodeError> {
    check(&T::SCHEMA, version, &body)?;
    T::decode(&mut body, version.min(T::CODEC_MAX)).map_err(|fault| DecodeError::Body(fault.to_string()))
}

impl<T: Checked + Decodable> RequestBody for T {
    fn decode(body: Bytes, version: i16) -> Result<Self, DecodeError> {
        decode_checked(body, version)
    }
}

impl<T: Checked + Encodable> ResponseBody for T {
    fn encode(self, header: &RequestHeader) -> Result<Outgoing, EncodeError> {
        let (api, version) = (header.api.info(), header.response_version());
        let has_tags = response_has_tags(api, version);
        let codec_version = version.min(T::CODEC_MAX);
        let fault = |fault: &dyn std::fmt::Display| EncodeError::Body {
            api: api.name,
            version,
            reason: fault.to_string(),
        };
        let body_len = self.compute_size(codec_version).map_err(|error| fault(&error))?;
        let size = 4 + usize::from(has_tags) + body_len;
        let mut frame = BytesMut::with_capacity(4 + size);
        frame.put_i32(i32::try_from(size).map_err(|_| EncodeError::TooLarge(size))?);
        frame.put_i32(header.correlation_id);
        if has_tags {
            frame.put_u8(0);
        }
        Encodable::encode(&self, &mut frame, codec_version).map_err(|error| fault(&error))?;
        debug_assert_eq!(frame.len(), 4 + size, "the library's size is what it writes");
        Ok(Outgoing::single(frame.freeze()))
    }
}
