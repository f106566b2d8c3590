//! Names of log directories: `<topic>-<partition>`, with `.<unique>-delete`, `-future` or `-stray` behind it.

use chronik_types::TopicPartition;
use uuid::Uuid;

/// Linux's limit for a file name, in bytes.
const NAME_BYTES_MAX: usize = 255;

/// What a log directory is to the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DirKind {
    /// In use.
    Current,
    /// Deleted, to be removed.
    Deleted,
    /// Being copied from another log directory of this broker (KIP-113).
    Future,
    /// Of a partition that the cluster no longer knows.
    Stray,
}

/// A log directory's name, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirName {
    /// Which partition it belongs to.
    pub topic_partition: TopicPartition,
    /// What it is.
    pub kind: DirKind,
}

impl DirKind {
    fn suffix(self) -> &'static str {
        match self {
            DirKind::Current => "",
            DirKind::Deleted => "-delete",
            DirKind::Future => "-future",
            DirKind::Stray => "-stray",
        }
    }
}

impl DirName {
    /// Takes a name apart (`LocalLog.parseTopicPartitionName`); `None` if it is not a log's.
    pub fn parse(name: &str) -> Option<DirName> {
        for kind in [DirKind::Deleted, DirKind::Future, DirKind::Stray] {
            // A topic may be called `x.y-delete`: only a unique part after the partition tells the kind.
            if let Some((current, _)) =
                name.strip_suffix(kind.suffix()).and_then(|rest| rest.rsplit_once('.'))
                && let Some(topic_partition) = parse_current(current)
            {
                return Some(DirName { topic_partition, kind });
            }
        }
        parse_current(name).map(|topic_partition| DirName { topic_partition, kind: DirKind::Current })
    }

    /// The name for a kind other than `Current`, made unique. A long topic is cut to fit a file name, as Kafka does:
    /// such a directory is only waiting for its removal.
    pub fn with_suffix(topic_partition: &TopicPartition, kind: DirKind, unique: Uuid) -> String {
        let tail = format!("-{}.{}{}", topic_partition.partition, unique.as_simple(), kind.suffix());
        let mut topic_len = topic_partition.topic.len().min(NAME_BYTES_MAX - tail.len());
        while !topic_partition.topic.is_char_boundary(topic_len) {
            topic_len -= 1;
        }
        format!("{}{tail}", &topic_partition.topic[..topic_len])
    }
}

fn parse_current(name: &str) -> Option<TopicPartition> {
    let (topic, partition) = name.rsplit_once('-')?;
    // `parse` would take a plus sign, which is no part of a name that we or Kafka write.
    let digits = !partition.is_empty() && partition.bytes().all(|byte| byte.is_ascii_digit());
    let partition = digits.then(|| partition.parse().ok())??;
    (!topic.is_empty()).then(|| TopicPartition::new(topic, partition))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_may_contain_dashes_and_dots() {
        let parsed = DirName::parse("a.b-c-12").unwrap();
        assert_eq!(parsed.topic_partition, TopicPartition::new("a.b-c", 12));
        assert_eq!(parsed.kind, DirKind::Current);
        let parsed = DirName::parse("x.y-delete-3").unwrap();
        assert_eq!(parsed.topic_partition, TopicPartition::new("x.y-delete", 3));
        for name in ["", "-", "-1", "a-", "a", "a-x", "a-+1", "a-99999999999", "lost+found", "a-delete"] {
            assert_eq!(DirName::parse(name), None, "{name}");
        }
    }

    #[test]
    fn suffixed_names_round_trip_and_fit() {
        for kind in [DirKind::Deleted, DirKind::Future, DirKind::Stray] {
            let partition = TopicPartition::new("a.b-c", 7);
            let name = DirName::with_suffix(&partition, kind, Uuid::from_u128(5));
            assert_eq!(DirName::parse(&name), Some(DirName { topic_partition: partition, kind }));
            let long = TopicPartition::new("t".repeat(249), 100_000);
            assert!(DirName::with_suffix(&long, kind, Uuid::from_u128(5)).len() <= NAME_BYTES_MAX);
        }
    }
}
