//! What a file in a data directory is, by Kafka's names.

use std::path::Path;

use chronik_types::Offset;

/// A kind of file that can be dumped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `<offset>.log`: batches.
    Segment,
    /// `<offset>-<epoch>.checkpoint`, `bootstrap.checkpoint`: batches of a metadata snapshot.
    MetadataSnapshot,
    /// `<offset>.index`.
    OffsetIndex { base: Offset },
    /// `<offset>.timeindex`.
    TimeIndex { base: Offset },
    /// `<offset>.txnindex`.
    TransactionIndex,
    /// `<offset>.snapshot`: the producers' state.
    Producers,
    /// `leader-epoch-checkpoint`.
    LeaderEpochs,
    /// `recovery-point-offset-checkpoint` and the others beside it.
    Offsets,
    /// `partition.metadata`, `meta.properties`.
    Properties,
    /// `quorum-state` and other JSON.
    Json,
    /// `.kafka_cleanshutdown`.
    CleanShutdown,
}

impl Kind {
    /// `None` if it is no file of Kafka's.
    pub fn of(path: &Path) -> Option<Kind> {
        let name = path.file_name()?.to_str()?;
        match name {
            "leader-epoch-checkpoint" => return Some(Kind::LeaderEpochs),
            "recovery-point-offset-checkpoint"
            | "log-start-offset-checkpoint"
            | "replication-offset-checkpoint"
            | "cleaner-offset-checkpoint" => return Some(Kind::Offsets),
            "partition.metadata" | "meta.properties" => return Some(Kind::Properties),
            "quorum-state" => return Some(Kind::Json),
            ".kafka_cleanshutdown" => return Some(Kind::CleanShutdown),
            "bootstrap.checkpoint" => return Some(Kind::MetadataSnapshot),
            _ => {}
        }
        // What is being removed or made keeps its kind's format.
        let name = [".deleted", ".cleaned", ".swap", ".part"]
            .iter()
            .find_map(|end| name.strip_suffix(end))
            .unwrap_or(name);
        let (stem, extension) = name.rsplit_once('.')?;
        let base = || Some(Offset(digits(stem)?));
        match extension {
            "log" => base().map(|_| Kind::Segment),
            "index" => base().map(|base| Kind::OffsetIndex { base }),
            "timeindex" => base().map(|base| Kind::TimeIndex { base }),
            "txnindex" => base().map(|_| Kind::TransactionIndex),
            "snapshot" => base().map(|_| Kind::Producers),
            "checkpoint" => {
                let (offset, epoch) = stem.split_once('-')?;
                (digits(offset).is_some() && digits(epoch).is_some()).then_some(Kind::MetadataSnapshot)
            }
            _ => None,
        }
    }

    /// What holds its entries or batches, for a reader.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Segment => "segment",
            Kind::MetadataSnapshot => "metadata snapshot",
            Kind::OffsetIndex { .. } => "offset index",
            Kind::TimeIndex { .. } => "time index",
            Kind::TransactionIndex => "transaction index",
            Kind::Producers => "producer snapshot",
            Kind::LeaderEpochs => "leader epochs",
            Kind::Offsets => "offsets of partitions",
            Kind::Properties => "properties",
            Kind::Json => "state",
            Kind::CleanShutdown => "clean shutdown",
        }
    }
}

fn digits(text: &str) -> Option<i64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use chronik_types::Offset;

    use super::Kind;

    #[test]
    fn files_are_known_by_kafkas_names() {
        let of = |name: &str| Kind::of(Path::new(name));
        assert_eq!(of("t-0/00000000000000000042.log"), Some(Kind::Segment));
        assert_eq!(of("00000000000000000042.index"), Some(Kind::OffsetIndex { base: Offset(42) }));
        assert_eq!(of("00000000000000000042.timeindex.deleted"), Some(Kind::TimeIndex { base: Offset(42) }));
        assert_eq!(of("00000000000000000000-0000000000.checkpoint"), Some(Kind::MetadataSnapshot));
        assert_eq!(of("leader-epoch-checkpoint"), Some(Kind::LeaderEpochs));
        for other in ["notes.log", "x.index", ".lock", "a-b.checkpoint", "00.logs"] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
