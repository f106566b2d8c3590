//! Committed offsets and classic groups.

use bytes::Bytes;
use chronik_types::TopicId;

use super::schema::fields;
use crate::records::Name;

fields! {
    /// A committed offset (`OffsetCommitValue`).
    OffsetValue {
        /// The offset of the next record to consume.
        [0, 99] offset: i64;
        /// The leader epoch of the last record consumed; -1: unknown.
        [3, 99] leader_epoch: i32 = -1;
        /// The client's own text.
        [0, 99] metadata: Name = "".into();
        /// When it was committed, in milliseconds of the wall clock.
        [0, 99] commit_timestamp: i64;
        /// When it expires, if the client said so; -1: with its group.
        [1, 1] expire_timestamp: i64 = -1;
        tagged {
            /// The topic's id, if the client named the topic by it.
            0 topic_id: TopicId;
        }
    }
}

fields! {
    /// A classic group's generation (`GroupMetadataValue`).
    GroupValue {
        /// `consumer`, `connect`, ...; empty for none.
        [0, 99] protocol_type: Name = "".into();
        /// The generation.
        [0, 99] generation: i32;
        /// The chosen protocol.
        [0, 99] protocol: Option<Name>;
        /// The leader's member id.
        [0, 99] leader: Option<Name>;
        /// When the group came into the state that it is in; -1: unknown.
        [2, 99] current_state_timestamp: i64 = -1;
        /// Everyone in it.
        [0, 99] members: Vec<GroupMember>;
    }
}

fields! {
    /// A member of a generation.
    GroupMember {
        /// The member.
        [0, 99] member_id: Name = "".into();
        /// Its instance, if it is static.
        [3, 99] instance_id: Option<Name>;
        /// Its client id.
        [0, 99] client_id: Name = "".into();
        /// Where it connects from.
        [0, 99] client_host: Name = "".into();
        /// Its rebalance timeout; -1: the same as the session's.
        [1, 99] rebalance_timeout_ms: i32 = -1;
        /// Its session timeout.
        [0, 99] session_timeout_ms: i32;
        /// Its metadata for the chosen protocol.
        [0, 99] subscription: Bytes;
        /// What it was assigned.
        [0, 99] assignment: Bytes;
    }
}
