//! Replication keeps what is committed: below the high watermarks, a partition's copies are the same on all nodes, for ever,
//! byte for byte; whoever leads in the newest epoch has all of it, and so has every replica in sync, on its disk (DESIGN
//! section 9; `ISR` and `HW` in Kafka's replication, KIP-101).
//!
//! Of a compacted partition each copy may lack other batches, or records in them; but batches stay where they were.
//!
//! The first node that knows a batch as committed decides what is right. Every copy is compared up to its own high
//! watermark, once in each of its lives and then as it grows.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};

use chronik_broker::{Node, ReplicaView};
use chronik_log::batch::BatchIter;
use chronik_state::image::MetadataImage;
use chronik_types::{LeaderEpoch, NodeId, Offset, PartitionIndex, TopicId};

use super::Violation;

const INVARIANT: &str = "replicas_agree";
/// How much is compared at a time.
const BYTES: usize = 1 << 20;

type Key = (TopicId, PartitionIndex);

/// What is committed in all partitions.
#[derive(Default)]
pub(super) struct Replicas {
    partitions: BTreeMap<Key, Committed>,
    /// Up to where each copy was compared in its node's present life, and its high watermark then.
    compared: BTreeMap<(NodeId, Key), (Offset, Offset)>,
}

#[derive(Default)]
struct Committed {
    /// By base offset: the end offset, and what the bytes come to.
    batches: BTreeMap<Offset, (Offset, u64)>,
    end: Offset,
    newest_epoch: LeaderEpoch,
}

impl Replicas {
    /// A node's life is over.
    pub(super) fn life_ends(&mut self, node: NodeId) {
        self.compared.retain(|(other, _), _| *other != node);
    }

    /// Looks at all copies of a node.
    pub(super) fn check(
        &mut self,
        id: NodeId,
        node: &Node,
        newest: Option<&MetadataImage>,
    ) -> Result<(), Violation> {
        for replica in node.replicas() {
            self.check_one(id, node, &replica)?;
            let topic = newest.and_then(|image| image.state.topic(replica.topic_id));
            let partition = topic.and_then(|topic| topic.partition(replica.name.partition));
            if partition.is_some_and(|partition| partition.isr.contains(&id)) {
                self.check_in_sync(id, &replica)?;
            }
        }
        Ok(())
    }

    /// A replica in sync may be made the leader at any time.
    fn check_in_sync(&self, id: NodeId, replica: &ReplicaView) -> Result<(), Violation> {
        let key = (replica.topic_id, replica.name.partition);
        match self.partitions.get(&key).map(|committed| committed.end).filter(|end| replica.durable < *end) {
            None => Ok(()),
            Some(end) => Err(Violation::new(
                INVARIANT,
                format!(
                    "n{id}, {}: is in sync with {} on its disk, and {end} was committed",
                    replica.name, replica.durable
                ),
            )),
        }
    }

    fn check_one(&mut self, id: NodeId, node: &Node, replica: &ReplicaView) -> Result<(), Violation> {
        let wrong = |what: String| Err(Violation::new(INVARIANT, format!("n{id}, {}: {what}", replica.name)));
        let key = (replica.topic_id, replica.name.partition);
        let committed = self.partitions.entry(key).or_default();
        if replica.high_watermark > replica.durable {
            return wrong(format!(
                "committed up to {}, on disk up to {}",
                replica.high_watermark, replica.durable
            ));
        }
        if replica.leads && replica.leader_epoch > committed.newest_epoch {
            committed.newest_epoch = replica.leader_epoch;
            if replica.log_end < committed.end {
                return wrong(format!(
                    "leads in epoch {} with a log to {}, and {} was committed",
                    replica.leader_epoch, replica.log_end, committed.end
                ));
            }
        }
        let before = self.compared.get(&(id, key)).copied();
        let (mut at, mark) = before.unwrap_or((replica.log_start, Offset::ZERO));
        if replica.leads && replica.high_watermark < mark && replica.log_end < mark {
            return wrong(format!("{mark} was committed, and now {}", replica.high_watermark));
        }
        at = at.max(replica.log_start);
        while at < replica.high_watermark {
            // A disk that fails right now cannot be read; what is on it is seen when it works again.
            let Ok(bytes) = node.replica_batches(replica.topic_id, replica.name.partition, at, BYTES) else {
                break;
            };
            let from = at;
            for batch in BatchIter::new(&bytes).map_while(Result::ok) {
                let header = batch.header();
                if header.next_offset() > replica.high_watermark {
                    break;
                }
                at = header.next_offset();
                let base = header.base_offset();
                let what = if replica.is_compacted {
                    committed.compare_compacted(base, at)
                } else {
                    committed.compare(base, at, batch.as_bytes())
                };
                if let Some(what) = what {
                    return wrong(what);
                }
            }
            if at == from {
                break;
            }
        }
        self.compared.insert((id, key), (at, replica.high_watermark));
        Ok(())
    }
}

impl Committed {
    fn compare_compacted(&mut self, base: Offset, end: Offset) -> Option<String> {
        let before = self.batches.range(..base).next_back().filter(|(_, (end, _))| *end > base);
        let known = self.batches.get(&base).filter(|(known, _)| *known != end);
        if let Some((base, (end, _))) = before.or(known.map(|known| (&base, known))) {
            return Some(format!("a batch [{base}, {end}) where others were committed"));
        }
        self.batches.insert(base, (end, 0));
        self.end = self.end.max(end);
        None
    }

    fn compare(&mut self, base: Offset, end: Offset, bytes: &[u8]) -> Option<String> {
        let mut hasher = DefaultHasher::new();
        hasher.write(bytes);
        let found = (end, hasher.finish());
        if base >= self.end {
            self.batches.insert(base, found);
            self.end = end;
            return None;
        }
        match self.batches.get(&base) {
            Some(known) if *known == found => None,
            Some((known, _)) => {
                Some(format!("other bytes in [{base}, {end}) than were committed to {known}"))
            }
            // Deleted before anybody looked: nothing is known.
            None if self.batches.first_key_value().is_none_or(|(first, _)| base < *first) => None,
            None => Some(format!("a batch [{base}, {end}) where others were committed")),
        }
    }
}
