//! What one partition is to become, and the record that leads there (`org.apache.kafka.controller.PartitionChangeBuilder`).
//!
//! With eligible leader replicas on, an ISR may be empty: a replica that leaves it while it is smaller than
//! `min.insync.replicas` stays eligible, since it holds all that was acknowledged. A leader is only ever chosen from
//! the ISR and the ELR, except by an unclean election, which marks the partition as recovering.

use std::collections::BTreeSet;

use chronik_types::{NodeId, PartitionIndex, TopicId};
use uuid::Uuid;

use super::Rules;
use crate::cluster::{Partition, UNASSIGNED_DIRECTORY};
use crate::records::{Change, NO_LEADER_CHANGE, NO_RECOVERY_CHANGE, PartitionChangeRecord};

/// What a partition is to become, as far as its leader is not yet decided.
pub(crate) struct Target<'a> {
    partition: &'a Partition,
    replicas: Vec<NodeId>,
    isr: Vec<NodeId>,
    elr: Vec<NodeId>,
    removing: Vec<NodeId>,
    adding: Vec<NodeId>,
    recovering: bool,
    unclean_shutdown: Option<NodeId>,
    /// The log directories of replicas that get one, or another than they had.
    directories: Vec<(NodeId, Uuid)>,
    preferred_first: bool,
}

impl<'a> Target<'a> {
    /// The partition as it is.
    pub(crate) fn of(partition: &'a Partition) -> Self {
        Target {
            partition,
            replicas: partition.replicas.to_vec(),
            isr: partition.isr.to_vec(),
            elr: partition.elr.clone(),
            removing: partition.removing_replicas.clone(),
            adding: partition.adding_replicas.clone(),
            recovering: partition.recovering,
            unclean_shutdown: None,
            directories: Vec::new(),
            preferred_first: false,
        }
    }

    /// With these nodes in sync.
    pub(crate) fn isr(mut self, isr: Vec<NodeId>) -> Self {
        self.isr = isr;
        self
    }

    /// With the leader recovering from an unclean election, or done with it.
    pub(crate) fn recovering(mut self, recovering: bool) -> Self {
        self.recovering = recovering;
        self
    }

    /// With a replica that may have lost what it had: it is eligible no more.
    pub(crate) fn unclean_shutdown(mut self, node: NodeId) -> Self {
        self.unclean_shutdown = Some(node);
        self
    }

    /// Led by its first replica if that may lead, even if the present leader may too.
    pub(crate) fn preferred_first(mut self) -> Self {
        self.preferred_first = true;
        self
    }

    /// With these replicas, some of them still to be added, some to be removed once that is done.
    pub(crate) fn replicas(
        mut self,
        replicas: Vec<NodeId>,
        adding: Vec<NodeId>,
        removing: Vec<NodeId>,
    ) -> Self {
        (self.replicas, self.adding, self.removing) = (replicas, adding, removing);
        self
    }

    /// With a replica in this log directory.
    pub(crate) fn directory(mut self, node: NodeId, directory: Uuid) -> Self {
        self.directories.push((node, directory));
        self
    }

    /// The change that leads there, or `None` if there is none. `acceptable`: who may lead at all.
    pub(crate) fn change(
        mut self,
        topic: TopicId,
        index: PartitionIndex,
        rules: &Rules,
        acceptable: &dyn Fn(NodeId) -> bool,
    ) -> Option<Change> {
        let mut record = PartitionChangeRecord { partition_id: index, topic_id: topic, ..Default::default() };
        self.complete_reassignment();
        if rules.elr {
            self.settle_elr(rules);
        }
        self.elect(rules, acceptable, &mut record);
        if record.isr.is_none()
            && (rules.elr || !self.isr.is_empty())
            && self.isr != self.partition.isr.to_vec()
        {
            record.isr = Some(self.isr.clone());
        }
        self.raise_epoch(rules, &mut record);
        if rules.elr {
            self.record_elr(&mut record);
        }
        self.record_assignment(rules, &mut record);
        if self.recovering != self.partition.recovering && record.leader_recovery_state == NO_RECOVERY_CHANGE
        {
            record.leader_recovery_state = i8::from(self.recovering);
        }
        let nothing = PartitionChangeRecord { partition_id: index, topic_id: topic, ..Default::default() };
        (record != nothing).then(|| Change::versioned(record, rules.version))
    }

    /// A move of replicas is done once every replica that was to be added is in sync.
    fn complete_reassignment(&mut self) {
        if self.adding.is_empty() && self.removing.is_empty() {
            return;
        }
        let stays = |node: &NodeId| !self.removing.contains(node);
        let isr: Vec<NodeId> = self.isr.iter().copied().filter(stays).collect();
        let replicas: Vec<NodeId> = self.replicas.iter().copied().filter(stays).collect();
        let original = self.replicas.len().saturating_sub(self.adding.len());
        // A move that leaves fewer replicas than there were must leave all of them in sync.
        let enough = !isr.is_empty() && (replicas.len() >= original || isr.len() == replicas.len());
        if !enough || !self.adding.iter().all(|node| isr.contains(node)) {
            return;
        }
        self.isr = isr;
        self.replicas = replicas;
        self.adding.clear();
        self.removing.clear();
    }

    /// Who is eligible: nobody while enough are in sync, otherwise whoever left the ISR since then.
    fn settle_elr(&mut self, rules: &Rules) {
        if self.isr.len() >= rules.min_isr {
            self.elr.clear();
            return;
        }
        let before: BTreeSet<NodeId> = self.elr.iter().chain(&self.partition.isr).copied().collect();
        let is_eligible = |node: &NodeId| {
            !self.isr.contains(node) && self.unclean_shutdown != Some(*node) && self.replicas.contains(node)
        };
        self.elr = before.into_iter().filter(is_eligible).collect();
    }

    fn elect(
        &mut self,
        rules: &Rules,
        acceptable: &dyn Fn(NodeId) -> bool,
        record: &mut PartitionChangeRecord,
    ) {
        let (leader, unclean) = self.candidate(rules, acceptable);
        if leader != NodeId::NONE && !self.isr.contains(&leader) && (unclean || self.elr.contains(&leader)) {
            // Whoever leads is in sync, and after an election from outside the ISR nobody else is.
            self.isr = vec![leader];
            if unclean {
                self.elr.clear();
            }
            self.elr.retain(|node| *node != leader);
            record.isr = Some(self.isr.clone());
            if unclean && !self.partition.recovering {
                record.leader_recovery_state = 1;
            }
        }
        if leader != self.partition.leader {
            record.leader = leader;
        }
    }

    /// Who is to lead, and whether that loses what was acknowledged.
    fn candidate(&self, rules: &Rules, acceptable: &dyn Fn(NodeId) -> bool) -> (NodeId, bool) {
        let in_sync = |node: NodeId| self.isr.contains(&node) && acceptable(node);
        let eligible = |node: NodeId| self.elr.contains(&node) && acceptable(node);
        let preferred = self.replicas.first().copied().filter(|_| self.preferred_first);
        let leads = Some(self.partition.leader).filter(|node| self.replicas.contains(node));
        let first = |may_lead: &dyn Fn(NodeId) -> bool| {
            let first = preferred.into_iter().chain(leads);
            first.chain(self.replicas.iter().copied()).find(|node| may_lead(*node))
        };
        let clean = if self.isr.is_empty() { first(&eligible) } else { first(&in_sync) };
        if let Some(node) = clean {
            return (node, false);
        }
        if rules.elr
            && self.elr.is_empty()
            && self.isr.is_empty()
            && let [last] = self.partition.last_known_elr[..]
            && acceptable(last)
        {
            return (last, true);
        }
        let survivor = self.replicas.iter().copied().find(|node| rules.unclean && acceptable(*node));
        survivor.map_or((NodeId::NONE, false), |node| (node, true))
    }

    /// A leader whose followers are not who it believes must learn of it by a new epoch.
    fn raise_epoch(&self, rules: &Rules, record: &mut PartitionChangeRecord) {
        if record.leader != NO_LEADER_CHANGE {
            return;
        }
        let loses_replica = self.partition.replicas.iter().any(|node| !self.replicas.contains(node));
        let shrinks = rules.raise_epoch_on_isr_shrink
            && record
                .isr
                .as_ref()
                .is_some_and(|isr| self.partition.isr.iter().any(|node| !isr.contains(node)));
        if loses_replica || shrinks {
            record.leader = self.partition.leader;
        }
    }

    fn record_elr(&self, record: &mut PartitionChangeRecord) {
        if self.elr != self.partition.elr {
            record.eligible_leader_replicas = Some(self.elr.clone());
        }
        // While nobody leads, who led last is all that a recovery can go by, if it still has a replica.
        let known = &self.partition.last_known_elr;
        let led = self.partition.leader;
        let has_replica = |node: &NodeId| self.replicas.contains(node);
        if record.leader.0 >= 0 {
            record.last_known_elr = (!known.is_empty()).then(Vec::new);
        } else if !known.iter().all(has_replica) {
            record.last_known_elr = Some(known.iter().copied().filter(has_replica).collect());
        } else if record.leader == NodeId::NONE && known.is_empty() && has_replica(&led) {
            record.last_known_elr = Some(vec![led]);
        }
    }

    fn record_assignment(&self, rules: &Rules, record: &mut PartitionChangeRecord) {
        if self.replicas != self.partition.replicas.to_vec() {
            record.replicas = Some(self.replicas.clone());
        }
        let named = |node: NodeId| self.directories.iter().rfind(|(named, _)| *named == node);
        let directory = |node: &NodeId| {
            let known = named(*node).map(|(_, directory)| *directory);
            known.or_else(|| self.partition.directory(*node)).unwrap_or(UNASSIGNED_DIRECTORY)
        };
        let directories: Vec<Uuid> = self.replicas.iter().map(directory).collect();
        if rules.has_directories && directories != self.partition.directories.to_vec() {
            record.directories = Some(directories);
        }
        if self.removing != self.partition.removing_replicas {
            record.removing_replicas = Some(self.removing.clone());
        }
        if self.adding != self.partition.adding_replicas {
            record.adding_replicas = Some(self.adding.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use chronik_types::{LeaderEpoch, PartitionEpoch};
    use uuid::Uuid;

    use super::*;
    use crate::cluster::{MetadataVersion, Nodes};
    use crate::records::Record;

    /// Random partitions and what Kafka's own class makes of them: `clients/codec/PartitionChanges.java`.
    const KAFKAS: &str = include_str!("../../../tests/fixtures/partition-changes.txt");

    fn nodes(text: &str) -> Vec<NodeId> {
        let inner = text.trim_matches(['[', ']']);
        inner.split(',').filter(|node| !node.is_empty()).map(|node| NodeId(node.parse().unwrap())).collect()
    }

    fn unhex(text: &str) -> Bytes {
        let pairs = text.as_bytes().chunks(2);
        pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    fn directory(kind: u128, node: NodeId) -> Uuid {
        Uuid::from_u128((kind << 64) + node.0 as u128)
    }

    /// The partition of a line and what is to become of it, in the words' order.
    fn read(words: &[&str]) -> (Partition, Rules) {
        let level = MetadataVersion(words[0].parse().unwrap());
        let replicas = nodes(words[4]);
        let rules = Rules {
            min_isr: words[1].parse().unwrap(),
            elr: words[2] == "true",
            unclean: words[3] == "UNCLEAN",
            version: level.partition_change_record(),
            has_directories: level.has_directories(),
            raise_epoch_on_isr_shrink: level.raises_epoch_on_isr_shrink(),
        };
        let partition = Partition {
            directories: replicas.iter().map(|node| directory(7, NodeId(node.0 + 1000))).collect(),
            replicas: Nodes::from_vec(replicas),
            isr: Nodes::from_vec(nodes(words[5])),
            removing_replicas: nodes(words[6]),
            adding_replicas: nodes(words[7]),
            elr: nodes(words[8]),
            last_known_elr: nodes(words[9]),
            leader: NodeId(words[10].parse().unwrap()),
            recovering: words[11] == "true",
            leader_epoch: LeaderEpoch(3),
            partition_epoch: PartitionEpoch(4),
        };
        (partition, rules)
    }

    #[test]
    fn partitions_change_as_kafkas_do() {
        for line in KAFKAS.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let (partition, rules) = read(&words);
            let acceptable = nodes(words[15]);
            let replicas = nodes(words[16]);
            let come = replicas.iter().copied().filter(|node| !partition.replicas.contains(node));
            let come: Vec<NodeId> = come.collect();
            let mut target = Target::of(&partition).isr(nodes(words[12])).recovering(words[13] == "true");
            target = target.replicas(replicas, nodes(words[17]), nodes(words[18]));
            for node in come {
                target = target.directory(node, directory(8, node));
            }
            if words[3] == "PREFERRED" {
                target = target.preferred_first();
            }
            if words[14] != "-1" {
                target = target.unclean_shutdown(NodeId(words[14].parse().unwrap()));
            }
            if words[19] != "-1" {
                let moved = NodeId(words[19].parse().unwrap());
                target = target.directory(moved, directory(9, moved));
            }
            let topic = TopicId(Uuid::from_u128((1 << 64) + 2));
            let change = target.change(topic, PartitionIndex(0), &rules, &|node| acceptable.contains(&node));
            let expected = (words[20] != "none").then(|| Change::decode(&unhex(words[20])).unwrap());
            assert_eq!(change, expected, "{line}");
            let mut merged = partition.clone();
            if let Some(Change { record: Record::PartitionChange(record), .. }) = &change {
                merged.merge(record);
            }
            let level = MetadataVersion(words[0].parse().unwrap());
            let record = merged.to_change(topic, PartitionIndex(0), level);
            assert_eq!(record.encode(), unhex(words[21]), "{line}");
        }
    }
}
