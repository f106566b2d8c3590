//! The keys of a coordinator's records: what compaction keeps the last value of. Their kind comes before them.

use chronik_types::PartitionIndex;

use super::schema::fields;
use crate::records::Name;

fields! {
    /// A committed offset's (`OffsetCommitKey`; kind 0 has the same fields).
    OffsetKey {
        /// The group.
        [0, 0] group: Name = "".into();
        /// The topic.
        [0, 0] topic: Name = "".into();
        /// The partition.
        [0, 0] partition: PartitionIndex;
    }
}

fields! {
    /// Of what there is one of in a group (`GroupMetadataKey`, `ConsumerGroupMetadataKey`, ...).
    GroupKey {
        /// The group.
        [0, 0] group: Name = "".into();
    }
}

fields! {
    /// Of what each member of a group has one of (`ConsumerGroupMemberMetadataKey`, ...).
    MemberKey {
        /// The group.
        [0, 0] group: Name = "".into();
        /// The member.
        [0, 0] member: Name = "".into();
    }
}

fields! {
    /// A pattern's, of topics that a group subscribes to (`ConsumerGroupRegularExpressionKey`).
    PatternKey {
        /// The group.
        [0, 0] group: Name = "".into();
        /// The pattern.
        [0, 0] pattern: Name = "".into();
    }
}
