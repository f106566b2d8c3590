//! A hash of all that a group's assignment depends on of the cluster (KIP-1101): when it changes, the group is assigned
//! anew. The same as Kafka's (`Utils.computeGroupHash`: XXH3 of each topic's id, name, partitions and racks; topics by
//! name), so that a group that moves between the two needs no rebalance.

use std::collections::BTreeSet;

use chronik_types::PartitionIndex;
use xxhash_rust::xxh3::Xxh3;

use super::topic_names;
use crate::groups::View;
use crate::groups::state::ConsumerGroup;
use crate::records::Name;

/// The hash for what the group's members subscribe to.
pub(in crate::groups) fn metadata_hash(group: &ConsumerGroup, view: &dyn View) -> i64 {
    let names: BTreeSet<Name> =
        group.members.values().flat_map(|member| topic_names(group, member)).collect();
    let hashes: Vec<i64> = names.iter().filter_map(|name| topic_hash(name, view)).collect();
    if hashes.is_empty() {
        return 0;
    }
    let mut hasher = Xxh3::new();
    for hash in hashes {
        hasher.update(&hash.to_le_bytes());
    }
    hasher.digest().cast_signed()
}

fn topic_hash(name: &Name, view: &dyn View) -> Option<i64> {
    let topic = view.topic(name)?;
    let mut hasher = Xxh3::new();
    let (most, least) = topic.id.0.as_u64_pair();
    // The version of what is hashed.
    hasher.update(&[0]);
    hasher.update(&most.to_le_bytes());
    hasher.update(&least.to_le_bytes());
    text(&mut hasher, name);
    hasher.update(&(topic.partitions as i32).to_le_bytes());
    for index in 0..topic.partitions as i32 {
        hasher.update(&index.to_le_bytes());
        for rack in view.racks(topic.id, PartitionIndex(index)) {
            hasher.update(&(rack.encode_utf16().count() as i32).to_le_bytes());
            text(&mut hasher, &rack);
        }
    }
    Some(hasher.digest().cast_signed())
}

/// A text as `hash4j` takes it: UTF-16, then how much that is.
fn text(hasher: &mut Xxh3, text: &str) {
    let mut units = 0i32;
    for unit in text.encode_utf16() {
        hasher.update(&unit.to_le_bytes());
        units += 1;
    }
    hasher.update(&units.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use chronik_types::TopicId;
    use uuid::Uuid;

    use super::*;
    use crate::groups::state::ConsumerMember;
    use crate::groups::tests::Cluster;

    /// What `clients/codec/GroupRecords.java hash` prints.
    #[test]
    fn it_is_kafkas() {
        let mut cluster = Cluster::default();
        let mut group = ConsumerGroup::default();
        let mut member = ConsumerMember::default();
        let kafkas = [
            -2_256_653_703_013_522_753,
            7_478_358_342_140_718_339,
            -7_217_958_863_065_628_049,
            5_936_674_876_132_169_052,
        ];
        for (topic, expected) in kafkas.into_iter().enumerate() {
            let name = Name::from(format!("topic-{}", "\u{e9}".repeat(topic * 60)));
            let id = TopicId(Uuid::from_u64_pair(7, 1000 + topic as u64));
            let racks = vec![vec![Name::from("r1"), Name::from("rack2")]; topic];
            cluster.topics.insert(name.clone(), (id, racks));
            assert_eq!(topic_hash(&name, &cluster), Some(expected));
            member.metadata.subscribed_topic_names.push(name);
        }
        group.members.insert("m".into(), member);
        assert_eq!(metadata_hash(&group, &cluster), 6_404_239_110_720_918_660);
        assert_eq!(metadata_hash(&ConsumerGroup::default(), &cluster), 0);
    }
}
