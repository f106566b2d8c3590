//! What must be said about a key that somebody set: nothing, that it is ignored, that it is not built, or that it cannot be.

use super::table::former;
use super::{ConfigError, Scope, Support, find, nearest};

/// What an operator must know about a value that was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concern {
    /// It changes nothing here, for this reason.
    Ignored(&'static str),
    /// It asks for something that is not built yet; a node that has it in its file works without it.
    NotYet(&'static str),
    /// It asks for something that is not built yet; to work without it would do harm.
    Refused(&'static str),
}

/// What must be said about `name=text`. A value that equals the default asks for nothing.
///
/// # Errors
/// The key is unknown, or the value does not fit it.
pub fn concern(scope: Scope, name: &str, text: &str) -> Result<Option<Concern>, ConfigError> {
    let Some(key) = find(scope, name) else {
        if let Some(why) = former(name).filter(|_| scope == Scope::Broker) {
            return Ok(Some(Concern::Ignored(why)));
        }
        let nearest = nearest(scope, name);
        return Err(ConfigError::Unknown { name: name.to_owned(), scope: scope.word(), nearest });
    };
    let value = key.parse(text)?;
    if key.default_value().as_ref() == Some(&value) || key.default.is_none() && text.is_empty() {
        return Ok(None);
    }
    Ok(match key.support {
        Support::Acts if key.name != name => Some(Concern::NotYet("limits of single listeners")),
        Support::Acts if key.name == "group.coordinator.rebalance.protocols" => {
            let has_share = value.elements().iter().any(|protocol| **protocol == *"share");
            has_share.then_some(Concern::NotYet("share groups"))
        }
        Support::Acts => None,
        Support::NoMeaning(why) => Some(Concern::Ignored(why)),
        Support::NotYet(what) => Some(Concern::NotYet(what)),
        Support::Refused(what) => Some(Concern::Refused(what)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, text: &str) -> Option<Concern> {
        concern(Scope::Broker, name, text).unwrap()
    }

    #[test]
    fn a_default_asks_for_nothing() {
        assert_eq!(of("num.io.threads", "8"), None);
        assert_eq!(of("authorizer.class.name", ""), None);
        assert_eq!(of("broker.rack", ""), None);
        assert_eq!(of("auto.leader.rebalance.enable", "TRUE"), None);
    }

    #[test]
    fn what_would_leave_a_node_open_is_refused() {
        let authorizer = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";
        for (name, value) in [
            ("authorizer.class.name", authorizer),
            ("ssl.client.auth", "required"),
            ("ssl.keystore.location", "/k"),
            ("listener.name.outside.ssl.keystore.location", "/k"),
            ("listener.name.outside.plain.sasl.jaas.config", "x"),
            ("delegation.token.secret.key", "x"),
        ] {
            assert!(matches!(of(name, value), Some(Concern::Refused(_))), "{name}");
        }
    }

    #[test]
    fn keys_of_earlier_versions_are_ignored_with_the_reason() {
        assert_eq!(
            of("zookeeper.connect", "localhost:2181"),
            Some(Concern::Ignored("Kafka 4 has no ZooKeeper"))
        );
        assert!(matches!(of("inter.broker.protocol.version", "3.9"), Some(Concern::Ignored(_))));
        assert!(concern(Scope::Topic, "zookeeper.connect", "").is_err());
    }

    #[test]
    fn a_limit_of_one_listener_is_no_limit_of_the_node() {
        assert!(matches!(of("listener.name.outside.max.connections", "5"), Some(Concern::NotYet(_))));
    }
}
