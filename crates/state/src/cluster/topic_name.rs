//! What a topic may be called, and which names are the cluster's own (`org.apache.kafka.common.internals.Topic`).

/// The longest name of a topic, in bytes: with a partition's suffix it must fit a file name.
const LENGTH_MAX: usize = 249;

/// The change feed of the cluster's metadata.
pub const META_TOPIC: &str = "__meta";

/// The topics that the cluster keeps for itself; clients see them marked as internal.
const INTERNAL: &[&str] = &["__consumer_offsets", "__transaction_state", "__share_group_state", META_TOPIC];

/// Whether a topic is the cluster's own.
pub fn is_internal_topic(name: &str) -> bool {
    INTERNAL.contains(&name)
}

/// Checks a topic's name.
///
/// # Errors
/// Kafka's words for what is wrong with it.
pub fn check_topic_name(name: &str) -> Result<(), String> {
    let wrong = if name.is_empty() {
        "the empty string is not allowed".to_owned()
    } else if name == "." {
        "'.' is not allowed".to_owned()
    } else if name == ".." {
        "'..' is not allowed".to_owned()
    } else if name.chars().map(char::len_utf16).sum::<usize>() > LENGTH_MAX {
        format!("the length of '{name}' is longer than the max allowed length {LENGTH_MAX}")
    } else if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')) {
        format!("'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'")
    } else {
        return Ok(());
    };
    Err(format!("Topic name is invalid: {wrong}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clusters_own_topics_are_known() {
        assert!(is_internal_topic("__consumer_offsets") && is_internal_topic("__meta"));
        assert!(!is_internal_topic("orders") && !is_internal_topic("__mine"));
    }

    #[test]
    fn names_are_judged_in_kafkas_words() {
        for name in ["orders", "a.b_c-D9", &"x".repeat(249)] {
            assert_eq!(check_topic_name(name), Ok(()));
        }
        let wrong = |name: &str| check_topic_name(name).expect_err("the name is illegal");
        assert_eq!(wrong(""), "Topic name is invalid: the empty string is not allowed");
        assert_eq!(wrong("."), "Topic name is invalid: '.' is not allowed");
        assert_eq!(wrong(".."), "Topic name is invalid: '..' is not allowed");
        assert!(wrong(&"x".repeat(250)).ends_with("' is longer than the max allowed length 249"));
        assert_eq!(
            wrong("foo/x"),
            "Topic name is invalid: 'foo/x' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
        );
        assert!(check_topic_name("caf\u{e9}").is_err());
    }
}
