//! Consumer groups (KIP-848): the group, its members, the target assignment, what each member has, resolved patterns.

use bytes::Bytes;
use chronik_types::{PartitionIndex, TopicId};

use super::schema::fields;
use crate::records::Name;

fields! {
    /// A consumer group (`ConsumerGroupMetadataValue`).
    EpochValue {
        /// The group's epoch.
        [0, 99] epoch: i32;
        tagged {
            /// A hash of all that the group's assignment depends on of the cluster: topics, partitions, racks (KIP-1101).
            0 metadata_hash: i64;
        }
    }
}

fields! {
    /// What older brokers kept instead of the hash (`ConsumerGroupPartitionMetadataValue`); only read and deleted.
    PartitionMetadataValue {
        /// The subscribed topics.
        [0, 99] topics: Vec<TopicMetadata>;
    }
}

fields! {
    /// A subscribed topic.
    TopicMetadata {
        /// Its id.
        [0, 99] topic_id: TopicId;
        /// Its name.
        [0, 99] topic_name: Name = "".into();
        /// How many partitions it has.
        [0, 99] num_partitions: i32;
        /// The racks of its partitions.
        [0, 99] partitions: Vec<PartitionRacks>;
    }
}

fields! {
    /// The racks of a partition.
    PartitionRacks {
        /// The partition.
        [0, 99] partition: PartitionIndex;
        /// The racks.
        [0, 99] racks: Vec<Name>;
    }
}

fields! {
    /// A member as it introduced itself (`ConsumerGroupMemberMetadataValue`).
    MemberValue {
        /// Its instance, if it is static.
        [0, 99] instance_id: Option<Name>;
        /// Its rack.
        [0, 99] rack_id: Option<Name>;
        /// Its client id.
        [0, 99] client_id: Name = "".into();
        /// Where it connects from.
        [0, 99] client_host: Name = "".into();
        /// Its topics, sorted.
        [0, 99] subscribed_topic_names: Vec<Name>;
        /// Its pattern of topics.
        [0, 99] subscribed_topic_regex: Option<Name>;
        /// How long it may take to give partitions up; -1: for ever.
        [0, 99] rebalance_timeout_ms: i32 = -1;
        /// The assignor that it prefers.
        [0, 99] server_assignor: Option<Name>;
        tagged {
            /// What it said in JoinGroup, if it speaks the classic protocol.
            0 classic: ClassicMetadata;
        }
    }
}

/// Null unless the member speaks the classic protocol.
pub type ClassicMetadata = Option<Box<ClassicMember>>;

fields! {
    /// A member that speaks the classic protocol.
    ClassicMember {
        /// Its session timeout.
        [0, 99] session_timeout_ms: i32;
        /// What it can do, in the order that it prefers.
        [0, 99] supported_protocols: Vec<ClassicProtocol>;
    }
}

fields! {
    /// A protocol that a member can do.
    ClassicProtocol {
        /// Its name.
        [0, 99] name: Name = "".into();
        /// The member's metadata for it.
        [0, 99] metadata: Bytes;
    }
}

impl super::field::Field for ClassicMetadata {
    fn read(
        from: &mut crate::records::codec::Reader<'_>,
        form: super::field::Form,
    ) -> Result<Self, crate::records::RecordError> {
        // A nullable struct in a tagged field says first whether it is there.
        if from.uvarint()? == 0 {
            return Ok(None);
        }
        ClassicMember::read(from, form).map(|member| Some(Box::new(member)))
    }

    fn write(&self, out: &mut Vec<u8>, form: super::field::Form) {
        crate::records::codec::write_uvarint(out, u32::from(self.is_some()));
        if let Some(member) = self {
            member.write(out, form);
        }
    }

    /// Null is told too: Kafka takes a member without this field for one of the classic protocol.
    fn is_told(&self, _: &Self) -> bool {
        true
    }
}

fields! {
    /// For which epoch the target assignment was made (`ConsumerGroupTargetAssignmentMetadataValue`).
    TargetEpochValue {
        /// The group's epoch then.
        [0, 99] assignment_epoch: i32;
        tagged {
            /// When, in milliseconds of the wall clock; 0: unknown (KIP-1263).
            0 assignment_timestamp: i64;
        }
    }
}

fields! {
    /// What a member is to have (`ConsumerGroupTargetAssignmentMemberValue`).
    TargetValue {
        /// By topic, sorted.
        [0, 99] topics: Vec<TargetTopic>;
    }
}

fields! {
    /// Partitions of a topic.
    TargetTopic {
        /// The topic.
        [0, 99] topic_id: TopicId;
        /// Its partitions, sorted.
        [0, 99] partitions: Vec<PartitionIndex>;
    }
}

fields! {
    /// What a member has (`ConsumerGroupCurrentMemberAssignmentValue`).
    CurrentValue {
        /// The epoch that it is in.
        [0, 99] member_epoch: i32;
        /// The one before, which it says if it did not hear of the new one.
        [0, 99] previous_member_epoch: i32;
        /// 0 stable, 1 revokes partitions, 2 waits for partitions that others still have, 127 unknown (`MemberState`).
        [0, 99] state: i8;
        /// What it owns.
        [0, 99] assigned: Vec<AssignedTopic>;
        /// What it has been told to give up and has not yet.
        [0, 99] pending_revocation: Vec<AssignedTopic>;
    }
}

fields! {
    /// Partitions of a topic, each with the epoch in which the member got it.
    AssignedTopic {
        /// The topic.
        [0, 99] topic_id: TopicId;
        /// Its partitions, sorted.
        [0, 99] partitions: Vec<PartitionIndex>;
        tagged {
            /// As many epochs as partitions; older brokers wrote none.
            0 assignment_epochs: Option<Vec<i32>>;
        }
    }
}

fields! {
    /// Which topics a pattern matches (`ConsumerGroupRegularExpressionValue`).
    PatternValue {
        /// Their names, sorted.
        [0, 99] topics: Vec<Name>;
        /// The version of the cluster's metadata that it was matched against.
        [0, 99] version: i64;
        /// When, in milliseconds of the wall clock.
        [0, 99] timestamp: i64;
    }
}
