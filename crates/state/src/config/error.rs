//! What can be wrong with a configuration. The text is the message for the client or the operator, worded as Kafka's.

use chronik_types::ErrorCode;

/// A key or a value that cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// There is no such key in this scope.
    #[error("Unknown {scope} config name: {name}{}", nearest.map(|key| format!(" (did you mean {key}?)")).unwrap_or_default())]
    Unknown {
        /// The name that was given.
        name: String,
        /// `topic`, `broker`, `group` or `client metrics`.
        scope: &'static str,
        /// The known name that looks most like it.
        nearest: Option<&'static str>,
    },
    /// The value does not fit the key.
    #[error("Invalid value {value} for configuration {name}{}", if reason.is_empty() { String::new() } else { format!(": {reason}") })]
    Invalid {
        /// The key.
        name: String,
        /// The value, or `[hidden]`.
        value: String,
        /// Why.
        reason: String,
    },
    /// The key is known, but what it asks for is not built, and to ignore it would do harm.
    #[error("{name}={value} is refused: {what} is not supported by this version of Chronik")]
    Unsupported {
        /// The key.
        name: String,
        /// The value, or `[hidden]`.
        value: String,
        /// What is missing.
        what: &'static str,
    },
    /// The keys contradict each other, or the change is not allowed.
    #[error("{0}")]
    Conflict(String),
    /// The request itself makes no sense.
    #[error("{0}")]
    Request(String),
}

impl ConfigError {
    /// The error code of the response: INVALID_REQUEST or INVALID_CONFIG.
    pub fn code(&self) -> ErrorCode {
        match self {
            ConfigError::Request(_) => ErrorCode::InvalidRequest,
            _ => ErrorCode::InvalidConfig,
        }
    }
}
