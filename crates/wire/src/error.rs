//! What can be wrong with bytes, as values.
//!
//! A [`DecodeError`] is the peer's fault: the connection that sent the bytes is closed, as Kafka does for an
//! `InvalidRequestException` (SocketServer). An [`EncodeError`] is ours: a handler filled a field that the
//! negotiated version cannot carry.

use thiserror::Error;

/// Why received bytes are not what they claim to be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The size prefix is negative or above `socket.request.max.bytes`.
    #[error("frame of {size} bytes, allowed are 0 to {max}")]
    FrameSize {
        /// What the prefix says.
        size: i32,
        /// The limit in force.
        max: usize,
    },
    /// An API key that the table does not have on this listener.
    #[error("unknown API key {key}")]
    UnknownApi {
        /// The key from the header.
        key: i16,
    },
    /// A known API at a version outside the table's range.
    #[error("{api} version {version} is not supported")]
    UnsupportedVersion {
        /// The API's name.
        api: &'static str,
        /// The version from the header.
        version: i16,
    },
    /// The bytes end inside a field, or a length points past the end.
    #[error("{what} at byte {at} needs {needed} bytes, {remaining} remain")]
    Short {
        /// The kind of field.
        what: &'static str,
        /// Position from the start of the header or body.
        at: usize,
        /// Bytes the field asks for.
        needed: u64,
        /// Bytes there are.
        remaining: usize,
    },
    /// A field has a value that its type does not allow.
    #[error("{what} at byte {at} is malformed")]
    Malformed {
        /// The kind of field.
        what: &'static str,
        /// Position from the start of the header or body.
        at: usize,
    },
    /// The request would decode to far more memory than the bytes it came in.
    #[error("body of {len} bytes would need more than {budget} bytes of memory")]
    TooManyElements {
        /// The body's length.
        len: usize,
        /// The most that a body of this length may take.
        budget: usize,
    },
    /// The message library refused what the pre-check let pass (text that is not UTF-8, a null in the wrong place).
    #[error("decode body: {0}")]
    Body(String),
}

/// Why a message cannot be written at a version.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// The message library refused a field at this version.
    #[error("encode {api} version {version}: {reason}")]
    Body {
        /// The API's name.
        api: &'static str,
        /// The version to be written.
        version: i16,
        /// The library's words.
        reason: String,
    },
    /// The frame would not fit its four-byte size.
    #[error("frame of {0} bytes is larger than a frame can be")]
    TooLarge(usize),
    /// A text of more than 32,767 bytes in a version whose strings have two-byte lengths.
    #[error("text is longer than a classic string can be")]
    TextTooLong,
}
