//! `KAFKA_*` environment variables to keys, as Kafka's container image maps them.
//!
//! The name without its prefix, in lower case: `_` is a dot, `__` an underscore, `___` a dash. Variables that the image
//! uses for the JVM, logging and itself are no keys. Nor are the links that Kubernetes makes for a service named `kafka`
//! (`KAFKA_SERVICE_HOST`, `KAFKA_PORT_9092_TCP`, ...), which would otherwise stop every node in such a namespace.

/// Names that are no keys.
const OTHERS: &[&str] = &["KAFKA_HEAP_OPTS", "KAFKA_OPTS", "KAFKA_VERSION", "KAFKA_HOME", "KAFKA_DEBUG"];

/// Beginnings of names that are no keys.
const OTHER_PREFIXES: &[&str] =
    &["KAFKA_LOG4J_", "KAFKA_JMX_", "KAFKA_JVM_", "KAFKA_GC_LOG_", "KAFKA_TOOLS_LOG4J_"];

/// The key that a variable sets; `None` if it sets none.
pub fn key(variable: &str) -> Option<String> {
    let name = variable.strip_prefix("KAFKA_").filter(|name| !name.is_empty())?;
    let other =
        OTHERS.contains(&variable) || OTHER_PREFIXES.iter().any(|prefix| variable.starts_with(prefix));
    if other || is_service_link(name) {
        return None;
    }
    let mut key = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find('_') {
        key.push_str(&rest[..at].to_lowercase());
        let run = rest[at..].bytes().take_while(|&byte| byte == b'_').count();
        let mut left = run;
        while left > 0 {
            let (taken, letter) = match left {
                1 => (1, '.'),
                2 => (2, '_'),
                _ => (3, '-'),
            };
            key.push(letter);
            left -= taken;
        }
        rest = &rest[at + run..];
    }
    key.push_str(&rest.to_lowercase());
    Some(key)
}

/// `SERVICE_HOST`, `SERVICE_PORT_CLIENT`, `PORT`, `PORT_9092_TCP_ADDR`, and the same behind another service's name
/// (`UI_SERVICE_HOST`).
fn is_service_link(name: &str) -> bool {
    let service = |name: &str| {
        name == "SERVICE_HOST"
            || name == "SERVICE_PORT"
            || name.starts_with("SERVICE_PORT_")
            || name == "PORT"
    };
    let tcp_port = name.split("PORT_").skip(1).any(|rest| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        digits > 0 && (rest[digits..].starts_with("_TCP") || rest[digits..].starts_with("_UDP"))
    });
    let behind_name = name.find("_SERVICE_").is_some_and(|at| service(&name[at + 1..]));
    service(name) || tcp_port || behind_name || name.ends_with("_PORT") && !name.contains("REPORT")
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn names_are_mapped_as_the_container_image_maps_them() {
        assert_eq!(key("KAFKA_LOG_DIRS").as_deref(), Some("log.dirs"));
        assert_eq!(key("KAFKA_NODE_ID").as_deref(), Some("node.id"));
        assert_eq!(key("KAFKA_A__B").as_deref(), Some("a_b"));
        assert_eq!(key("KAFKA_A___B").as_deref(), Some("a-b"));
        assert_eq!(key("KAFKA_CLUSTER_ID").as_deref(), Some("cluster.id"));
        assert_eq!(
            key("KAFKA_LISTENER_SECURITY_PROTOCOL_MAP").as_deref(),
            Some("listener.security.protocol.map")
        );
    }

    #[test]
    fn variables_of_the_image_and_of_kubernetes_are_no_keys() {
        let others = [
            "KAFKA_HEAP_OPTS",
            "KAFKA_LOG4J_LOGGERS",
            "KAFKA_JMX_PORT",
            "KAFKA_",
            "CLUSTER_ID",
            "PATH",
            "KAFKA_SERVICE_HOST",
            "KAFKA_SERVICE_PORT_CLIENT",
            "KAFKA_PORT",
            "KAFKA_PORT_9092_TCP_ADDR",
            "KAFKA_UI_SERVICE_PORT",
            "KAFKA_UI_PORT",
        ];
        for other in others {
            assert_eq!(key(other), None, "{other}");
        }
    }

    #[test]
    fn no_key_of_kafka_is_taken_for_something_else() {
        for known in chronik_state::config::keys(chronik_state::config::Scope::Broker) {
            let name = known.name.replace('_', "__").replace('-', "___").replace('.', "_").to_uppercase();
            assert_eq!(key(&format!("KAFKA_{name}")).as_deref(), Some(known.name));
        }
    }
}
