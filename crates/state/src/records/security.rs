//! Records about who may do what: ACLs, SCRAM credentials, delegation tokens.

use bytes::Bytes;
use uuid::Uuid;

use super::codec::Name;
use super::schema::record;

record! {
    /// An access control entry exists.
    AccessControlEntryRecord {
        /// Its identity.
        0.. id: Uuid;
        /// Kafka's number of the kind of resource.
        0.. resource_type: i8;
        /// The resource or the pattern of its name.
        0.. resource_name: Name;
        /// Kafka's number of the kind of pattern.
        0.. pattern_type: i8;
        /// For whom.
        0.. principal: Name;
        /// From where.
        0.. host: Name;
        /// Kafka's number of the operation.
        0.. operation: i8;
        /// Kafka's number of allow or deny.
        0.. permission_type: i8;
    }
}

record! {
    /// An access control entry is gone.
    RemoveAccessControlEntryRecord {
        /// Its identity.
        0.. id: Uuid;
    }
}

record! {
    /// A user's SCRAM credential (KIP-554, KIP-900).
    UserScramCredentialRecord {
        /// The user.
        0.. name: Name;
        /// Kafka's number of the mechanism: 1 SCRAM-SHA-256, 2 SCRAM-SHA-512.
        0.. mechanism: i8;
        /// The salt.
        0.. salt: Bytes;
        /// RFC 5802's StoredKey.
        0.. stored_key: Bytes;
        /// RFC 5802's ServerKey.
        0.. server_key: Bytes;
        /// The hash's iterations.
        0.. iterations: i32;
    }
}

record! {
    /// A user's SCRAM credential is gone.
    RemoveUserScramCredentialRecord {
        /// The user.
        0.. name: Name;
        /// Kafka's number of the mechanism.
        0.. mechanism: i8;
    }
}

record! {
    /// A delegation token exists or was renewed (KIP-48, KIP-900).
    DelegationTokenRecord {
        /// Who owns it.
        0.. owner: Name;
        /// Who asked for it.
        0.. requester: Name;
        /// Who may renew it.
        0.. renewers: Vec<Name>;
        /// When it was issued, in ms since the epoch.
        0.. issue_timestamp: i64;
        /// When it ends for good, in ms since the epoch.
        0.. max_timestamp: i64;
        /// When it ends unless renewed, in ms since the epoch.
        0.. expiration_timestamp: i64;
        /// Its identity.
        0.. token_id: Name;
    }
}

record! {
    /// A delegation token is gone.
    RemoveDelegationTokenRecord {
        /// Its identity.
        0.. token_id: Name;
    }
}
