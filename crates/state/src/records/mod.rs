//! Kafka's metadata records: the facts of the cluster machine, in Kafka's own encoding
//! (`org.apache.kafka.common.metadata`, framed as `MetadataRecordSerde` does).
//!
//! One record is the value of one log record: frame version 1, the record's key and its version as unsigned varints,
//! then the fields. Every version that Kafka 4.3 reads is read; what it does not know either is carried as it came.

pub(crate) mod codec;
pub(crate) mod json;
pub(crate) mod schema;

mod cluster;
mod nodes;
mod security;
mod topics;

use bytes::Bytes;

pub use cluster::*;
pub use codec::{Name, Tags};
pub use nodes::*;
pub use security::*;
pub use topics::*;

use codec::{Reader, write_uvarint};

/// The version of the frame around a record.
const FRAME_VERSION: u32 = 1;

/// Bytes that are no metadata record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The record ends inside a field.
    #[error("metadata record ends inside a field: {wanted} bytes wanted at {at}, {left} left")]
    Truncated {
        /// Where the field starts.
        at: usize,
        /// How long it claims to be.
        wanted: usize,
        /// How many bytes there are.
        left: usize,
    },
    /// A field breaks the encoding's rules.
    #[error("metadata record is malformed: {0}")]
    Malformed(&'static str),
    /// The frame is of a version that nobody writes.
    #[error("metadata record has frame version {0}, expected 1")]
    FrameVersion(u32),
}

macro_rules! records {
    ($($(#[$doc:meta])* $variant:ident($struct:ident) = $key:literal, $max:literal, $name:literal;)*) => {
        /// A metadata record of any kind.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Record {
            $($(#[$doc])* #[doc = $name] $variant($struct),)*
            /// A kind or a version that this code does not know, as it came.
            Unknown {
                /// Kafka's number of the kind.
                key: u32,
                /// All that follows the version.
                body: Bytes,
            },
        }

        impl Record {
            /// Kafka's number of the kind of record (`MetadataRecordType.id`).
            pub fn key(&self) -> u32 {
                match self {
                    $(Record::$variant(_) => $key,)*
                    Record::Unknown { key, .. } => *key,
                }
            }

            /// Kafka's name of the kind of record, such as `PARTITION_CHANGE_RECORD`.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Record::$variant(_) => $name,)*
                    Record::Unknown { .. } => "UNKNOWN_RECORD",
                }
            }

            /// The newest version of this kind of record that can be written.
            pub fn version_max(&self) -> i16 {
                match self {
                    $(Record::$variant(_) => $max,)*
                    Record::Unknown { .. } => 0,
                }
            }

            fn read(key: u32, version: i16, from: &mut Reader<'_>) -> Result<Record, RecordError> {
                match key {
                    $($key if version <= $max => $struct::read_version(from, version).map(Record::$variant),)*
                    _ => Ok(Record::Unknown { key, body: from.rest() }),
                }
            }

            fn write(&self, version: i16, out: &mut Vec<u8>) {
                match self {
                    $(Record::$variant(record) => record.write_version(out, version),)*
                    Record::Unknown { body, .. } => out.extend_from_slice(body),
                }
            }

            fn write_json(&self, version: i16, out: &mut String) {
                match self {
                    $(Record::$variant(record) => record.write_json(version, out),)*
                    Record::Unknown { body, .. } => json::Json::json(body, out),
                }
            }
        }

        $(impl From<$struct> for Record {
            fn from(record: $struct) -> Record {
                Record::$variant(record)
            }
        })*
    };
}

records! {
    RegisterBroker(RegisterBrokerRecord) = 0, 4, "REGISTER_BROKER_RECORD";
    UnregisterBroker(UnregisterBrokerRecord) = 1, 0, "UNREGISTER_BROKER_RECORD";
    Topic(TopicRecord) = 2, 0, "TOPIC_RECORD";
    Partition(PartitionRecord) = 3, 2, "PARTITION_RECORD";
    Config(ConfigRecord) = 4, 0, "CONFIG_RECORD";
    PartitionChange(PartitionChangeRecord) = 5, 2, "PARTITION_CHANGE_RECORD";
    FenceBroker(FenceBrokerRecord) = 7, 0, "FENCE_BROKER_RECORD";
    UnfenceBroker(UnfenceBrokerRecord) = 8, 0, "UNFENCE_BROKER_RECORD";
    RemoveTopic(RemoveTopicRecord) = 9, 0, "REMOVE_TOPIC_RECORD";
    DelegationToken(DelegationTokenRecord) = 10, 0, "DELEGATION_TOKEN_RECORD";
    UserScramCredential(UserScramCredentialRecord) = 11, 0, "USER_SCRAM_CREDENTIAL_RECORD";
    FeatureLevel(FeatureLevelRecord) = 12, 0, "FEATURE_LEVEL_RECORD";
    ClientQuota(ClientQuotaRecord) = 14, 0, "CLIENT_QUOTA_RECORD";
    ProducerIds(ProducerIdsRecord) = 15, 0, "PRODUCER_IDS_RECORD";
    BrokerRegistrationChange(BrokerRegistrationChangeRecord) = 17, 3, "BROKER_REGISTRATION_CHANGE_RECORD";
    AccessControlEntry(AccessControlEntryRecord) = 18, 0, "ACCESS_CONTROL_ENTRY_RECORD";
    RemoveAccessControlEntry(RemoveAccessControlEntryRecord) = 19, 0, "REMOVE_ACCESS_CONTROL_ENTRY_RECORD";
    NoOp(NoOpRecord) = 20, 0, "NO_OP_RECORD";
    ZkMigrationState(ZkMigrationStateRecord) = 21, 0, "ZK_MIGRATION_STATE_RECORD";
    RemoveUserScramCredential(RemoveUserScramCredentialRecord) = 22, 0, "REMOVE_USER_SCRAM_CREDENTIAL_RECORD";
    BeginTransaction(BeginTransactionRecord) = 23, 0, "BEGIN_TRANSACTION_RECORD";
    EndTransaction(EndTransactionRecord) = 24, 0, "END_TRANSACTION_RECORD";
    AbortTransaction(AbortTransactionRecord) = 25, 0, "ABORT_TRANSACTION_RECORD";
    RemoveDelegationToken(RemoveDelegationTokenRecord) = 26, 0, "REMOVE_DELEGATION_TOKEN_RECORD";
    RegisterController(RegisterControllerRecord) = 27, 0, "REGISTER_CONTROLLER_RECORD";
    ClearElr(ClearElrRecord) = 28, 0, "CLEAR_ELR_RECORD";
}

/// A record and the version it is written in: one fact of the cluster machine (Kafka's `ApiMessageAndVersion`).
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The fact.
    pub record: Record,
    /// The version of its encoding.
    pub version: i16,
}

impl Change {
    /// A record at version 0, which is the only one of most kinds.
    pub fn new(record: impl Into<Record>) -> Change {
        Change { record: record.into(), version: 0 }
    }

    /// A record at a chosen version.
    pub fn versioned(record: impl Into<Record>, version: i16) -> Change {
        Change { record: record.into(), version }
    }

    /// The value of the log record that carries this change.
    pub fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(64);
        write_uvarint(&mut out, FRAME_VERSION);
        write_uvarint(&mut out, self.record.key());
        write_uvarint(&mut out, u32::from(self.version.cast_unsigned()));
        self.record.write(self.version, &mut out);
        Bytes::from(out)
    }

    /// Reads the value of a log record. Bytes beyond the record's last field are damage.
    pub fn decode(value: &Bytes) -> Result<Change, RecordError> {
        let mut from = Reader::new(value);
        let frame = from.uvarint()?;
        if frame != FRAME_VERSION {
            return Err(RecordError::FrameVersion(frame));
        }
        let key = from.uvarint()?;
        let version =
            i16::try_from(from.uvarint()?).map_err(|_| RecordError::Malformed("a version beyond 32767"))?;
        let record = Record::read(key, version, &mut from)?;
        from.end()?;
        Ok(Change { record, version })
    }
}
