//! What can go wrong between a command and a cluster, in words that say what to do.

use std::io;

use chronik_types::{ErrorCode, NodeId};

use super::Address;

/// A failed call.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no address to connect to; name one with --bootstrap-server host:port")]
    NoAddress,
    #[error("could not connect to {address}: {cause}; is the broker running? start one with `chronik start`")]
    Connect { address: Address, cause: io::Error },
    #[error(
        "could not connect to {address}, where the cluster says that a broker is: {cause}; \
         check `advertised.listeners` of that broker"
    )]
    ConnectAdvertised { address: Address, cause: io::Error },
    #[error("lost the connection to {address}: {cause}")]
    Lost { address: Address, cause: io::Error },
    #[error("{address} did not answer within {seconds} s; is it a Kafka broker, and is it healthy?")]
    Silent { address: Address, seconds: u64 },
    #[error("{address} does not speak Kafka's protocol: {reason}")]
    Malformed { address: Address, reason: String },
    #[error("the request could not be encoded: {reason}")]
    Unsendable { reason: String },
    #[error("{address} does not offer {api} in a version that this command speaks (it speaks {spoken})")]
    Unsupported { address: Address, api: String, spoken: String },
    #[error("node {node} is not known to the cluster")]
    UnknownNode { node: NodeId },
    #[error(
        "there is no topic {name}; see `chronik topic list`, or create it with `chronik topic create {name}`"
    )]
    MissingTopic { name: String },
    #[error("topic {topic} has no partition {partition}; it has {count}, numbered from 0")]
    MissingPartition { topic: String, partition: i32, count: usize },
    #[error("{subject} has no leader at the moment")]
    NoLeader { subject: String },
    #[error("{subject}: {}{}", .code.name(), explanation(*.code, .message.as_deref()))]
    Refused { subject: String, code: ErrorCode, message: Option<String> },
}

impl Error {
    /// What a response's error code amounts to: nothing if it is `NONE`.
    pub fn check(subject: impl Into<String>, code: i16, message: Option<&str>) -> Result<(), Error> {
        if code == 0 {
            return Ok(());
        }
        let message = message.filter(|text| !text.is_empty()).map(String::from);
        Err(Error::Refused { subject: subject.into(), code: ErrorCode::from_code(code), message })
    }

    /// Whether the same call may succeed a moment later.
    pub fn is_retriable(&self) -> bool {
        match self {
            Error::Lost { .. } | Error::NoLeader { .. } | Error::ConnectAdvertised { .. } => true,
            Error::Refused { code, .. } => code.is_retriable(),
            _ => false,
        }
    }

    /// Whether the connection may hold half a request or half an answer, and must not be used again.
    pub fn breaks_connection(&self) -> bool {
        matches!(self, Error::Lost { .. } | Error::Silent { .. } | Error::Malformed { .. })
    }

    /// The same error, for an address that came from the cluster and not from the user.
    pub(super) fn advertised(self) -> Error {
        match self {
            Error::Connect { address, cause } => Error::ConnectAdvertised { address, cause },
            other => other,
        }
    }
}

/// The broker's own words if it gave any, and what a user can do about the common codes.
fn explanation(code: ErrorCode, message: Option<&str>) -> String {
    let remedy = match code {
        ErrorCode::UnknownTopicOrPartition => Some(
            "there is no such topic or partition; see `chronik topic list`, create it with `chronik topic create`",
        ),
        ErrorCode::TopicAlreadyExists => Some("see `chronik topic describe`"),
        ErrorCode::InvalidReplicationFactor => {
            Some("there are not that many brokers; lower --replication-factor")
        }
        ErrorCode::MessageTooLarge | ErrorCode::RecordListTooLarge => {
            Some("raise the topic's max.message.bytes or send smaller records")
        }
        ErrorCode::NotEnoughReplicas => Some("fewer replicas are in sync than min.insync.replicas asks for"),
        ErrorCode::KafkaStorageError => Some("the broker's log directory is offline; see the broker's log"),
        ErrorCode::OffsetOutOfRange => {
            Some("that offset is not in the log; use --from beginning or --from end")
        }
        _ => None,
    };
    let parts: Vec<&str> = [message, remedy].into_iter().flatten().collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::Error;

    #[test]
    fn a_refusal_names_the_subject_the_code_and_a_remedy() {
        let error = Error::check("topic orders", 3, None).unwrap_err();
        assert!(
            error.to_string().starts_with("topic orders: UNKNOWN_TOPIC_OR_PARTITION (there is no such topic")
        );
        assert!(error.is_retriable());
        let error = Error::check("topic orders", 44, Some("no")).unwrap_err();
        assert_eq!(error.to_string(), "topic orders: POLICY_VIOLATION (no)");
        assert!(Error::check("x", 0, None).is_ok());
    }
}
