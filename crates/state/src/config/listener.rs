//! Listeners: `name://host:port` lists, the protocol of each, and which of them is advertised to whom.
//!
//! Rules of Kafka's `SocketServerConfigs.listenerListToEndPoints` and of `KafkaConfig`'s cross checks, for a node that is
//! a broker, a controller or both. Nothing is resolved here: a host is text.

use std::fmt;
use std::sync::Arc;

use super::ConfigError;

/// How a listener talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecurityProtocol {
    /// Neither encryption nor authentication.
    Plaintext,
    /// TLS.
    Ssl,
    /// SASL without encryption.
    SaslPlaintext,
    /// SASL over TLS.
    SaslSsl,
}

impl SecurityProtocol {
    /// Kafka's name, such as `SASL_SSL`.
    pub fn name(self) -> &'static str {
        match self {
            SecurityProtocol::Plaintext => "PLAINTEXT",
            SecurityProtocol::Ssl => "SSL",
            SecurityProtocol::SaslPlaintext => "SASL_PLAINTEXT",
            SecurityProtocol::SaslSsl => "SASL_SSL",
        }
    }

    /// The number in metadata records and RPCs (`SecurityProtocol.id`).
    pub fn code(self) -> i16 {
        match self {
            SecurityProtocol::Plaintext => 0,
            SecurityProtocol::Ssl => 1,
            SecurityProtocol::SaslPlaintext => 2,
            SecurityProtocol::SaslSsl => 3,
        }
    }

    /// The inverse of [`SecurityProtocol::name`], in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Plaintext, Self::Ssl, Self::SaslPlaintext, Self::SaslSsl];
        all.into_iter().find(|protocol| protocol.name().eq_ignore_ascii_case(name))
    }
}

/// One address with its listener's name and protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The listener's name, in upper case as Kafka keeps it.
    pub listener: Arc<str>,
    /// Host name or address; IPv6 without brackets; empty means every interface.
    pub host: Arc<str>,
    /// The port; 0 lets the system choose one.
    pub port: u16,
    /// How it talks.
    pub protocol: SecurityProtocol,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "{}://[{}]:{}", self.listener, self.host, self.port)
        } else {
            write!(f, "{}://{}:{}", self.listener, self.host, self.port)
        }
    }
}

/// Every listener of a node, sorted out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerConfig {
    /// What clients and brokers connect to; empty on a controller-only node.
    pub broker: Vec<Endpoint>,
    /// What the quorum connects to; empty on a broker-only node.
    pub controller: Vec<Endpoint>,
    /// What is told about `broker` to others. A host that is empty here must be filled in with the machine's name.
    pub advertised_broker: Vec<Endpoint>,
    /// What is told about `controller` to others.
    pub advertised_controller: Vec<Endpoint>,
    /// The listener that brokers use among themselves.
    pub inter_broker: Arc<str>,
    /// The names in `controller.listener.names`, in order; the first is the one that brokers and controllers connect to.
    pub controller_names: Vec<Arc<str>>,
    /// The protocol of the first controller listener (for a broker that only connects to it).
    pub controller_protocol: SecurityProtocol,
}

/// Reads one `name://host:port`; `protocols` gives the protocol of a listener's name.
///
/// # Errors
/// The text has another form, or the listener has no protocol.
pub fn parse_endpoint(
    text: &str,
    protocols: &[(Arc<str>, SecurityProtocol)],
) -> Result<Endpoint, ConfigError> {
    let _ = protocols;
    Err(ConfigError::Conflict(format!("Unable to parse {text} to a broker endpoint")))
}
