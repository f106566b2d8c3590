//! Listeners: `name://host:port` lists, the protocol of each, and which of them is advertised to whom.
//!
//! Rules of Kafka's `SocketServerConfigs.listenerListToEndPoints` and of `KafkaConfig`'s cross checks, for a node that is
//! a broker, a controller or both. Nothing is resolved here: a host is text.

use std::fmt;
use std::sync::Arc;

use super::layers::FileReader;
use super::{ConfigError, Lookup};

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

impl ListenerConfig {
    /// Reads `listeners` and all that goes with it.
    ///
    /// # Errors
    /// A value has another form, or two keys contradict each other.
    pub fn resolve(
        file: &dyn Lookup,
        is_broker: bool,
        is_controller: bool,
    ) -> Result<ListenerConfig, ConfigError> {
        let read = FileReader(file);
        let controller_names = upper(&read.required_list("controller.listener.names")?);
        let protocols = protocol_map(file, &controller_names)?;
        let all = endpoints("listeners", &read.list("listeners")?, &protocols)?;
        // Whoever asks for TLS has no use for hints on how to make the rest of it fit.
        let unbuilt = all.iter().find_map(Endpoint::unbuilt);
        let arranged = Self::arrange(file, all, (is_broker, is_controller), (controller_names, &protocols));
        arranged.map_err(|fault| unbuilt.unwrap_or(fault))
    }

    fn arrange(
        file: &dyn Lookup,
        all: Vec<Endpoint>,
        (is_broker, is_controller): (bool, bool),
        (controller_names, protocols): (Vec<Arc<str>>, &Protocols),
    ) -> Result<ListenerConfig, ConfigError> {
        let read = FileReader(file);
        let (controller, broker): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|endpoint| controller_names.contains(&endpoint.listener));
        check_roles(is_broker, is_controller, &broker, &controller)?;
        let advertised = endpoints("advertised.listeners", &read.list("advertised.listeners")?, protocols)?;
        let (advertised_broker, advertised_controller) =
            advertise(&broker, &controller, advertised, &controller_names)?;
        let inter_broker = inter_broker(file, protocols, is_broker, &advertised_broker)?;
        let controller_protocol = protocol_of(&controller_names[0], protocols)?;
        Ok(ListenerConfig {
            broker,
            controller,
            advertised_broker,
            advertised_controller,
            inter_broker,
            controller_names,
            controller_protocol,
        })
    }
}

impl Endpoint {
    /// What must be said about a listener that cannot be run here: with TLS or SASL.
    pub(super) fn unbuilt(&self) -> Option<ConfigError> {
        (self.protocol != SecurityProtocol::Plaintext).then(|| ConfigError::Unsupported {
            name: "listeners".to_owned(),
            value: format!("{self} ({})", self.protocol.name()),
            what: "a listener with TLS or SASL",
        })
    }
}

type Protocols = [(Arc<str>, SecurityProtocol)];

/// `listener.security.protocol.map`. As long as nobody sets it, controller listeners are plain too.
fn protocol_map(
    file: &dyn Lookup,
    controller_names: &[Arc<str>],
) -> Result<Vec<(Arc<str>, SecurityProtocol)>, ConfigError> {
    const NAME: &str = "listener.security.protocol.map";
    let text = FileReader(file).text(NAME)?.unwrap_or_default();
    let mut map = Vec::new();
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let Some((listener, protocol)) = entry.rsplit_once(':') else {
            return Err(conflict(format!("{NAME}: {entry} is not of the form listener:protocol")));
        };
        let Some(known) = SecurityProtocol::from_name(protocol.trim()) else {
            return Err(conflict(format!("Invalid security protocol `{protocol}` defined in {NAME}")));
        };
        map.push((Arc::from(listener.trim().to_uppercase()), known));
    }
    if file.get(NAME).is_none() {
        for listener in controller_names {
            if !map.iter().any(|(known, _)| known == listener) {
                map.push((listener.clone(), SecurityProtocol::Plaintext));
            }
        }
    }
    Ok(map)
}

fn protocol_of(listener: &str, protocols: &Protocols) -> Result<SecurityProtocol, ConfigError> {
    protocols.iter().find(|(known, _)| **known == *listener).map(|(_, protocol)| *protocol).ok_or_else(|| {
        conflict(format!(
            "No security protocol defined for listener {listener}; name it in listener.security.protocol.map"
        ))
    })
}

fn endpoints(key: &str, list: &[Arc<str>], protocols: &Protocols) -> Result<Vec<Endpoint>, ConfigError> {
    let fail = |reason: String| conflict(format!("{key}={}: {reason}", list.join(",")));
    let mut all: Vec<Endpoint> = Vec::new();
    for text in list {
        let endpoint = parse_endpoint(text, protocols).map_err(|error| fail(error.to_string()))?;
        if all.iter().any(|other| other.listener == endpoint.listener) {
            return Err(fail("Each listener must have a different name".to_owned()));
        }
        let clash = |other: &Endpoint| {
            other.port == endpoint.port && endpoint.port != 0 && !two_families(other, &endpoint)
        };
        if key == "listeners" && all.iter().any(clash) {
            return Err(fail("Each listener must have a different port".to_owned()));
        }
        all.push(endpoint);
    }
    Ok(all)
}

/// One IPv4 and one IPv6 address may share a port.
fn two_families(a: &Endpoint, b: &Endpoint) -> bool {
    let family =
        |endpoint: &Endpoint| endpoint.host.parse::<std::net::IpAddr>().ok().map(|address| address.is_ipv6());
    matches!((family(a), family(b)), (Some(one), Some(other)) if one != other)
}

fn check_roles(
    is_broker: bool,
    is_controller: bool,
    broker: &[Endpoint],
    controller: &[Endpoint],
) -> Result<(), ConfigError> {
    let fault = if is_controller && controller.is_empty() {
        "controller.listener.names must contain at least one value appearing in the 'listeners' configuration when running the KRaft controller role"
    } else if !is_controller && !controller.is_empty() {
        "controller.listener.names must not contain a value appearing in the 'listeners' configuration when running KRaft with just the broker role"
    } else if !is_broker && !broker.is_empty() {
        "The listeners config must only contain KRaft controller listeners from controller.listener.names when process.roles=controller"
    } else if is_broker && broker.is_empty() {
        "There must be at least one broker advertised listener. Perhaps all listeners appear in controller.listener.names?"
    } else {
        return Ok(());
    };
    Err(conflict(fault.to_owned()))
}

/// What is told to others: the advertised listeners, and for those that are not among them the listeners themselves.
fn advertise(
    broker: &[Endpoint],
    controller: &[Endpoint],
    advertised: Vec<Endpoint>,
    controller_names: &[Arc<str>],
) -> Result<(Vec<Endpoint>, Vec<Endpoint>), ConfigError> {
    let explicit = !advertised.is_empty();
    let (for_controllers, for_brokers): (Vec<_>, Vec<_>) =
        advertised.into_iter().partition(|endpoint| controller_names.contains(&endpoint.listener));
    let to_brokers = if explicit { for_brokers } else { broker.to_vec() };
    if let Some(endpoint) =
        to_brokers.iter().chain(&for_controllers).find(|e| matches!(&*e.host, "0.0.0.0" | "::"))
    {
        return Err(conflict(format!(
            "advertised.listeners cannot use the nonroutable meta-address {}. Use a routable IP address: \
             set advertised.listeners={}://<host that clients can reach>:{}",
            endpoint.host, endpoint.listener, endpoint.port
        )));
    }
    if !broker.is_empty() && to_brokers.is_empty() {
        return Err(conflict(
            "There must be at least one broker advertised listener. Perhaps all listeners appear in controller.listener.names?"
                .to_owned(),
        ));
    }
    let own = |endpoint: &Endpoint| match &*endpoint.host {
        "0.0.0.0" | "::" => Endpoint { host: "".into(), ..endpoint.clone() },
        _ => endpoint.clone(),
    };
    let advertised_of =
        |e: &Endpoint| for_controllers.iter().find(|other| other.listener == e.listener).cloned();
    let to_controllers = controller.iter().map(|e| advertised_of(e).unwrap_or_else(|| own(e))).collect();
    Ok((to_brokers, to_controllers))
}

fn inter_broker(
    file: &dyn Lookup,
    protocols: &Protocols,
    is_broker: bool,
    advertised: &[Endpoint],
) -> Result<Arc<str>, ConfigError> {
    let read = FileReader(file);
    let named = file.get("inter.broker.listener.name").is_some();
    if named && file.get("security.inter.broker.protocol").is_some() {
        return Err(conflict(
            "Only one of inter.broker.listener.name and security.inter.broker.protocol should be set."
                .to_owned(),
        ));
    }
    let name = if named {
        read.text("inter.broker.listener.name")?
    } else {
        read.text("security.inter.broker.protocol")?
    };
    let name: Arc<str> = name.unwrap_or_default().to_uppercase().into();
    if named && !protocols.iter().any(|(listener, _)| *listener == name) {
        return Err(conflict(format!(
            "Listener with name {name} defined in inter.broker.listener.name not found in listener.security.protocol.map."
        )));
    }
    if is_broker && !advertised.iter().any(|endpoint| endpoint.listener == name) {
        let known: Vec<&str> = advertised.iter().map(|endpoint| &*endpoint.listener).collect();
        return Err(conflict(format!(
            "inter.broker.listener.name must be a listener name defined in advertised.listeners. \
             The valid options based on currently configured listeners are {}",
            known.join(",")
        )));
    }
    Ok(name)
}

fn upper(names: &[Arc<str>]) -> Vec<Arc<str>> {
    names.iter().map(|name| Arc::from(name.to_uppercase())).collect()
}

fn conflict(text: String) -> ConfigError {
    ConfigError::Conflict(text)
}

/// Reads one `name://host:port`; `protocols` gives the protocol of a listener's name.
///
/// # Errors
/// The text has another form, or the listener has no protocol.
pub fn parse_endpoint(
    text: &str,
    protocols: &[(Arc<str>, SecurityProtocol)],
) -> Result<Endpoint, ConfigError> {
    let unreadable = || conflict(format!("Unable to parse {text} to a broker endpoint"));
    let (listener, address) = text.trim().split_once("://").ok_or_else(unreadable)?;
    let (host, port) = parse_address(address).ok_or_else(unreadable)?;
    let listener = listener.to_uppercase();
    let protocol = protocol_of(&listener, protocols)?;
    Ok(Endpoint { listener: listener.into(), host, port, protocol })
}

/// Reads `host:port`, with brackets around an IPv6 address.
pub fn parse_address(text: &str) -> Option<(Arc<str>, u16)> {
    let (host, port) = text.trim().rsplit_once(':')?;
    let port = port.parse().ok()?;
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match bare {
        Some(address) => Some((address.into(), port)),
        None if host.contains([':', '/', '@', ' ']) => None,
        None => Some((host.into(), port)),
    }
}
