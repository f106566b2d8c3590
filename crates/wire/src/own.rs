//! Requests of our own that stand in for the library's where its copy is too old: [`own_request!`](own_request) gives
//! them the library's traits, so that both sides treat them alike. Unknown tagged fields are skipped.

use bytes::BytesMut;

use crate::error::DecodeError;
use crate::read::Reader;

/// A body that is read and written here.
pub(crate) trait Own: Sized {
    /// The bytes.
    ///
    /// Errors: a field is set that the version cannot carry.
    fn write(&self, version: i16) -> Result<BytesMut, &'static str>;

    fn read(body: &mut Reader, version: i16) -> Result<Self, DecodeError>;
}

/// `own_request!(Request = KEY, VERSIONS, flexible VERSION => Response)`.
macro_rules! own_request {
    ($request:ident = $key:literal, $min:literal..=$max:literal, flexible $flexible:literal => $response:ident) => {
        impl kafka_protocol::protocol::Message for $request {
            const VERSIONS: kafka_protocol::protocol::VersionRange =
                kafka_protocol::protocol::VersionRange { min: $min, max: $max };
            const DEPRECATED_VERSIONS: Option<kafka_protocol::protocol::VersionRange> = None;
        }

        impl kafka_protocol::protocol::HeaderVersion for $request {
            fn header_version(version: i16) -> i16 {
                if version >= $flexible { 2 } else { 1 }
            }
        }

        impl kafka_protocol::protocol::Request for $request {
            const KEY: i16 = $key;
            type Response = $response;
        }

        impl kafka_protocol::protocol::Encodable for $request {
            fn encode<B: kafka_protocol::protocol::buf::ByteBufMut>(
                &self,
                to: &mut B,
                version: i16,
            ) -> anyhow::Result<()> {
                to.put_slice(&self.write(version).map_err(anyhow::Error::msg)?);
                Ok(())
            }

            fn compute_size(&self, version: i16) -> anyhow::Result<usize> {
                Ok(self.write(version).map_err(anyhow::Error::msg)?.len())
            }
        }

        impl kafka_protocol::protocol::Decodable for $request {
            fn decode<B: kafka_protocol::protocol::buf::ByteBuf>(
                from: &mut B,
                version: i16,
            ) -> anyhow::Result<Self> {
                let mut body = Reader::new(from.copy_to_bytes(from.remaining()), version >= $flexible);
                Ok(Own::read(&mut body, version)?)
            }
        }
    };
}
pub(crate) use own_request;
