//! Who a node is and where it lives: the keys that only a restart changes, checked against each other.
//!
//! The checks and their words are those of `KafkaConfig.validateValues`. One thing differs: a controller without
//! `controller.quorum.voters` and `controller.quorum.bootstrap.servers` is a quorum of its own.

use std::path::PathBuf;
use std::sync::Arc;

use chronik_types::NodeId;

use super::checks::check_values;
use super::layers::{FileReader, missing};
use super::listener::parse_address;
use super::{ConfigError, Layers, ListenerConfig, Lookup, QuorumConfig};

/// Who the node is and where it lives: read-only keys, checked against each other.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeConfig {
    /// `node.id`.
    pub node_id: NodeId,
    /// `process.roles` contains `broker`.
    pub is_broker: bool,
    /// `process.roles` contains `controller`.
    pub is_controller: bool,
    /// `cluster.id`: the cluster that an empty directory is formatted for, and that any other must belong to.
    pub cluster_id: Option<Arc<str>>,
    /// `broker.rack`.
    pub rack: Option<Arc<str>>,
    /// The listeners and what is advertised.
    pub listeners: ListenerConfig,
    /// `log.dirs`, or `log.dir`.
    pub log_dirs: Vec<PathBuf>,
    /// `metadata.log.dir`, or the first of `log_dirs`.
    pub metadata_log_dir: PathBuf,
    /// `controller.quorum.*`.
    pub quorum: QuorumConfig,
    /// `chronik.http.listener`: where the metrics and health pages are served; `None` is nowhere.
    pub http_listener: Option<(Arc<str>, u16)>,
    /// `broker.heartbeat.interval.ms`.
    pub heartbeat_interval_ms: u64,
    /// `broker.session.timeout.ms`.
    pub session_timeout_ms: u64,
    /// `initial.broker.registration.timeout.ms`.
    pub registration_timeout_ms: u64,
    /// `controlled.shutdown.enable`.
    pub controlled_shutdown: bool,
    /// `leader.imbalance.check.interval.seconds`, in milliseconds; `None` without `auto.leader.rebalance.enable`.
    pub balance_interval_ms: Option<u64>,
    /// `unclean.leader.election.interval.ms`.
    pub unclean_interval_ms: u64,
}

impl NodeConfig {
    /// Reads what the node was started with.
    ///
    /// # Errors
    /// A required key is missing, a value does not fit, or two keys contradict each other.
    pub fn resolve(file: &dyn Lookup) -> Result<NodeConfig, ConfigError> {
        let read = FileReader(file);
        let roles = read.required_list("process.roles")?;
        let has = |role: &str| roles.iter().any(|known| **known == *role);
        let (is_broker, is_controller) = (has("broker"), has("controller"));
        let node_id = node_id(file)?;
        let log_dirs = match read.list("log.dirs")? {
            dirs if dirs.is_empty() => read.list("log.dir")?,
            dirs => dirs,
        };
        let log_dirs: Vec<PathBuf> = log_dirs.iter().map(|dir| PathBuf::from(&**dir)).collect();
        let metadata_log_dir = read.some_text("metadata.log.dir")?.map(|dir| PathBuf::from(&*dir));
        let quorum = QuorumConfig::resolve(file)?;
        check_quorum(&quorum, node_id, is_controller)?;
        check_values(&Layers { file, ..Layers::none() })?;
        Ok(NodeConfig {
            node_id,
            is_broker,
            is_controller,
            cluster_id: read.some_text("cluster.id")?,
            rack: read.some_text("broker.rack")?,
            listeners: ListenerConfig::resolve(file, is_broker, is_controller)?,
            metadata_log_dir: metadata_log_dir.unwrap_or_else(|| log_dirs[0].clone()),
            log_dirs,
            quorum,
            http_listener: http_listener(file)?,
            heartbeat_interval_ms: read.size("broker.heartbeat.interval.ms")?,
            session_timeout_ms: read.size("broker.session.timeout.ms")?,
            registration_timeout_ms: read.size("initial.broker.registration.timeout.ms")?,
            controlled_shutdown: read.flag("controlled.shutdown.enable")?,
            balance_interval_ms: balance_interval_ms(&read)?,
            unclean_interval_ms: read.size("unclean.leader.election.interval.ms")?,
        })
    }

    /// Refuses what is a valid configuration of Kafka but cannot be run here yet.
    ///
    /// # Errors
    /// [`ConfigError::Unsupported`]: encrypted or authenticated listeners.
    pub fn check_built(&self) -> Result<(), ConfigError> {
        let mut all = self.listeners.broker.iter().chain(&self.listeners.controller);
        all.find_map(super::Endpoint::unbuilt).map_or(Ok(()), Err)
    }
}

fn balance_interval_ms(read: &FileReader<'_>) -> Result<Option<u64>, ConfigError> {
    let seconds = read.size("leader.imbalance.check.interval.seconds")?;
    Ok(read.flag("auto.leader.rebalance.enable")?.then_some(seconds.saturating_mul(1000)))
}

fn node_id(file: &dyn Lookup) -> Result<NodeId, ConfigError> {
    let read = FileReader(file);
    let former = read.value("broker.id")?.and_then(|value| value.as_integer()).filter(|id| *id >= 0);
    let id = read.value("node.id")?.and_then(|value| value.as_integer());
    match (id, former) {
        (Some(id), Some(former)) if id != former => {
            Err(ConfigError::Conflict("You must set `node.id` to the same value as `broker.id`.".to_owned()))
        }
        (Some(id), _) | (None, Some(id)) => Ok(NodeId(id as i32)),
        (None, None) => Err(missing("node.id")),
    }
}

fn check_quorum(quorum: &QuorumConfig, node_id: NodeId, is_controller: bool) -> Result<(), ConfigError> {
    let ids: Vec<String> = quorum.voters.iter().map(|voter| voter.id.to_string()).collect();
    let is_voter = quorum.voters.iter().any(|voter| voter.id == node_id);
    let fault = if is_controller && !quorum.voters.is_empty() && !is_voter {
        format!(
            "If process.roles contains the 'controller' role, the node id {node_id} must be included in the set of \
             voters controller.quorum.voters=Set({})",
            ids.join(", ")
        )
    } else if !is_controller && is_voter {
        format!(
            "If process.roles contains just the 'broker' role, the node id {node_id} must not be included in the set \
             of voters controller.quorum.voters=Set({})",
            ids.join(", ")
        )
    } else if !is_controller && quorum.is_standalone() {
        "If using process.roles, either controller.quorum.bootstrap.servers must contain the set of bootstrap \
         controllers or controller.quorum.voters must contain a parseable set of controllers."
            .to_owned()
    } else {
        return Ok(());
    };
    Err(ConfigError::Conflict(fault))
}

fn http_listener(file: &dyn Lookup) -> Result<Option<(Arc<str>, u16)>, ConfigError> {
    const NAME: &str = "chronik.http.listener";
    match FileReader(file).some_text(NAME)? {
        None => Ok(None),
        Some(text) => parse_address(&text).map(Some).ok_or_else(|| ConfigError::Invalid {
            name: NAME.to_owned(),
            value: text.to_string(),
            reason: "it must be of the form host:port".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const BASE: &[(&str, &str)] = &[
        ("process.roles", "broker,controller"),
        ("node.id", "1"),
        ("controller.listener.names", "CONTROLLER"),
        ("listeners", "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093"),
    ];

    fn with(more: &[(&'static str, &'static str)]) -> Result<NodeConfig, ConfigError> {
        let file: BTreeMap<&str, &str> = BASE.iter().chain(more).copied().collect();
        NodeConfig::resolve(&file)
    }

    fn fault(more: &[(&'static str, &'static str)]) -> String {
        with(more).unwrap_err().to_string()
    }

    fn shown(endpoints: &[super::super::Endpoint]) -> Vec<String> {
        endpoints.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_combined_node_has_both_kinds_of_listeners() {
        let node = with(&[]).unwrap();
        assert!(node.is_broker && node.is_controller && node.quorum.is_standalone());
        assert_eq!(shown(&node.listeners.broker), ["PLAINTEXT://localhost:9092"]);
        assert_eq!(shown(&node.listeners.advertised_broker), ["PLAINTEXT://localhost:9092"]);
        assert_eq!(shown(&node.listeners.advertised_controller), ["CONTROLLER://localhost:9093"]);
        assert_eq!(&*node.listeners.inter_broker, "PLAINTEXT");
        assert_eq!(node.metadata_log_dir, PathBuf::from("/tmp/kafka-logs"));
        node.check_built().unwrap();
    }

    #[test]
    fn what_is_missing_is_named() {
        let none: BTreeMap<&str, &str> = BTreeMap::new();
        assert_eq!(
            NodeConfig::resolve(&none).unwrap_err().to_string(),
            "Missing required configuration \"process.roles\" which has no default value."
        );
        let role: BTreeMap<&str, &str> = [("process.roles", "broker")].into();
        assert!(NodeConfig::resolve(&role).unwrap_err().to_string().contains("\"node.id\""));
    }

    #[test]
    fn addresses_are_read_as_kafka_reads_them() {
        let node = with(&[("listeners", "plaintext://[::1]:9092,controller://:0")]).unwrap();
        assert_eq!(shown(&node.listeners.broker), ["PLAINTEXT://[::1]:9092"]);
        assert_eq!(shown(&node.listeners.controller), ["CONTROLLER://:0"]);
        let node = with(&[
            ("listeners", "INSIDE://0.0.0.0:9092,OUTSIDE://0.0.0.0:9094,CONTROLLER://0.0.0.0:9093"),
            ("advertised.listeners", "INSIDE://kafka:9092,OUTSIDE://localhost:9094"),
            ("listener.security.protocol.map", "INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT"),
            ("inter.broker.listener.name", "INSIDE"),
        ])
        .unwrap();
        assert_eq!(
            shown(&node.listeners.advertised_broker),
            ["INSIDE://kafka:9092", "OUTSIDE://localhost:9094"]
        );
        assert_eq!(shown(&node.listeners.advertised_controller), ["CONTROLLER://:9093"]);
        assert_eq!(&*node.listeners.inter_broker, "INSIDE");
    }

    #[test]
    fn listeners_that_contradict_each_other_are_refused() {
        let listeners = |text| fault(&[("listeners", text)]);
        assert!(
            listeners("PLAINTEXT://:9092")
                .contains("controller.listener.names must contain at least one value")
        );
        assert!(listeners("CONTROLLER://:9093").contains("at least one broker advertised listener"));
        assert!(listeners("PLAINTEXT://:9092,CONTROLLER://:9092").contains("must have a different port"));
        assert!(
            listeners("PLAINTEXT://:1,PLAINTEXT://:2,CONTROLLER://:3").contains("must have a different name")
        );
        assert!(
            listeners("FOO://:9092,CONTROLLER://:9093")
                .contains("No security protocol defined for listener FOO")
        );
        assert!(
            listeners("PLAINTEXT//:9092,CONTROLLER://:9093").contains("Unable to parse PLAINTEXT//:9092")
        );
        assert!(
            listeners("PLAINTEXT://h:99999,CONTROLLER://:9093")
                .contains("Unable to parse PLAINTEXT://h:99999")
        );
        let meta = listeners("PLAINTEXT://0.0.0.0:9092,CONTROLLER://:9093");
        assert!(
            meta.contains("advertised.listeners cannot use the nonroutable meta-address 0.0.0.0"),
            "{meta}"
        );
        assert!(
            fault(&[("inter.broker.listener.name", "CONTROLLER")])
                .ends_with("The valid options based on currently configured listeners are PLAINTEXT")
        );
        let both =
            [("inter.broker.listener.name", "PLAINTEXT"), ("security.inter.broker.protocol", "PLAINTEXT")];
        assert!(fault(&both).starts_with("Only one of inter.broker.listener.name"));
    }

    #[test]
    fn ids_and_voters_must_agree() {
        assert_eq!(fault(&[("broker.id", "2")]), "You must set `node.id` to the same value as `broker.id`.");
        assert!(
            fault(&[("controller.quorum.voters", "2@localhost:9093")])
                .contains("the node id 1 must be included")
        );
        assert!(fault(&[("controller.quorum.voters", "a")]).contains("`{id}@{host}:{port}`"));
        assert!(fault(&[("controller.quorum.bootstrap.servers", "a")]).contains("\"{host}:{port}\""));
        let node = with(&[("controller.quorum.voters", "1@a:9093,2@b:9093")]).unwrap();
        assert_eq!(node.quorum.voters.len(), 2);
        let broker = [("process.roles", "broker"), ("listeners", "PLAINTEXT://localhost:9092")];
        assert!(
            fault(&broker).starts_with("If using process.roles, either controller.quorum.bootstrap.servers")
        );
        let broker =
            with(&[broker[0], broker[1], ("controller.quorum.bootstrap.servers", "c:9093")]).unwrap();
        assert!(broker.listeners.controller.is_empty() && !broker.is_controller);
    }

    #[test]
    fn what_is_not_built_is_refused() {
        let node = with(&[("listener.security.protocol.map", "PLAINTEXT:SSL,CONTROLLER:PLAINTEXT")]).unwrap();
        assert!(node.check_built().unwrap_err().to_string().contains("a listener with TLS or SASL"));
        for listeners in ["SSL://localhost:9092", "SSL://localhost:9092,CONTROLLER://localhost:9093"] {
            let fault = fault(&[("listeners", listeners)]);
            assert!(fault.contains("a listener with TLS or SASL is not supported"), "{fault}");
        }
        let node = with(&[("controller.quorum.voters", "1@a:9093,2@b:9093")]).unwrap();
        node.check_built().unwrap();
    }
}
