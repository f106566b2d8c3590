//! The control records of the metadata log and its snapshots, in Kafka's encoding.
//!
//! The key of a control record is two big-endian `i16`: version 0 and the type. Values are Kafka's generated
//! messages in flexible encoding, whose first field is their own version (`ControlRecordUtils`).

use chronik_types::NodeId;
use thiserror::Error;

use crate::{
    DirectoryId, Endpoint, Endpoints, KRaftVersionRange, ReplicaKey, Voter, VoterSet,
    flexible::{Reader, Writer},
};

/// A control record that KRaft writes (`ControlRecordType` 2 to 6).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ControlRecord {
    /// LEADER_CHANGE (2): the first record of every epoch.
    LeaderChange(LeaderChange),
    /// SNAPSHOT_HEADER (3): the first record of a snapshot.
    SnapshotHeader(SnapshotHeader),
    /// SNAPSHOT_FOOTER (4): the last record of a snapshot.
    SnapshotFooter(SnapshotFooter),
    /// KRAFT_VERSION (5): `kraft.version` from here on.
    KRaftVersion(i16),
    /// KRAFT_VOTERS (6): the voters from here on.
    Voters(VoterSet),
}

/// Who leads the epoch that begins here. Kafka writes version 0, which has no directories.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeaderChange {
    /// The leader.
    pub leader: NodeId,
    /// All voters.
    pub voters: Vec<ReplicaKey>,
    /// Those who voted for it.
    pub granting: Vec<ReplicaKey>,
}

/// What a snapshot begins with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SnapshotHeader {
    /// The append time of the last record that the snapshot contains, in ms since the Unix epoch.
    pub last_contained_log_timestamp: i64,
}

/// What a snapshot ends with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SnapshotFooter;

/// The bytes are not such a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum ControlRecordError {
    /// Cut short, or a length or text that cannot be.
    #[error("malformed control record of type {0}")]
    Malformed(i16),
    /// A version of the value that is not known.
    #[error("control record of type {0} in unknown version {1}")]
    UnknownVersion(i16, i16),
}

impl ControlRecord {
    /// Kafka's number for the type of record.
    pub fn record_type(&self) -> i16 {
        match self {
            ControlRecord::LeaderChange(_) => 2,
            ControlRecord::SnapshotHeader(_) => 3,
            ControlRecord::SnapshotFooter(_) => 4,
            ControlRecord::KRaftVersion(_) => 5,
            ControlRecord::Voters(_) => 6,
        }
    }

    /// The record's key.
    pub fn key(&self) -> [u8; 4] {
        let [high, low] = self.record_type().to_be_bytes();
        [0, 0, high, low]
    }

    /// The record's value.
    pub fn value(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.i16(0);
        match self {
            ControlRecord::LeaderChange(change) => {
                to.i32(change.leader.0);
                for voters in [&change.voters, &change.granting] {
                    to.count(voters.len());
                    for voter in voters {
                        to.i32(voter.id.0);
                        to.no_tags();
                    }
                }
            }
            ControlRecord::SnapshotHeader(header) => to.i64(header.last_contained_log_timestamp),
            ControlRecord::SnapshotFooter(SnapshotFooter) => {}
            ControlRecord::KRaftVersion(version) => to.i16(*version),
            ControlRecord::Voters(voters) => write_voters(&mut to, voters),
        }
        to.no_tags();
        to.bytes
    }

    /// Reads a control record from its key and value; `None` for a type that is not KRaft's (such as a
    /// transaction marker), which a reader skips.
    ///
    /// # Errors
    /// When the bytes are not what the key says they are.
    pub fn decode(key: &[u8], value: &[u8]) -> Result<Option<ControlRecord>, ControlRecordError> {
        let [0, 0, high, low, ..] = key else { return Ok(None) };
        let record_type = i16::from_be_bytes([*high, *low]);
        if !(2..=6).contains(&record_type) {
            return Ok(None);
        }
        let mut from = Reader { rest: value };
        let malformed = ControlRecordError::Malformed(record_type);
        let version = from.i16().ok_or(malformed)?;
        if version < 0 || version > i16::from(record_type == 2) {
            return Err(ControlRecordError::UnknownVersion(record_type, version));
        }
        let record = match record_type {
            2 => read_leader_change(&mut from, version).map(ControlRecord::LeaderChange),
            3 => from.i64().map(|last_contained_log_timestamp| {
                ControlRecord::SnapshotHeader(SnapshotHeader { last_contained_log_timestamp })
            }),
            4 => Some(ControlRecord::SnapshotFooter(SnapshotFooter)),
            5 => from.i16().map(ControlRecord::KRaftVersion),
            _ => read_voters(&mut from).map(ControlRecord::Voters),
        };
        record.filter(|_| from.skip_tags().is_some()).map(Some).ok_or(malformed)
    }
}

fn read_leader_change(from: &mut Reader<'_>, version: i16) -> Option<LeaderChange> {
    let leader = NodeId(from.i32()?);
    let mut keys = || {
        (0..from.count()?)
            .map(|_| {
                let id = NodeId(from.i32()?);
                let directory = if version == 0 { DirectoryId::NONE } else { DirectoryId(from.uuid()?) };
                from.skip_tags()?;
                Some(ReplicaKey::new(id, directory))
            })
            .collect::<Option<Vec<_>>>()
    };
    Some(LeaderChange { leader, voters: keys()?, granting: keys()? })
}

fn write_voters(to: &mut Writer, voters: &VoterSet) {
    to.count(voters.len());
    for voter in voters.iter() {
        to.i32(voter.key.id.0);
        to.uuid(voter.key.directory.0);
        to.count(voter.endpoints.0.len());
        for endpoint in &voter.endpoints.0 {
            to.text(&endpoint.listener);
            to.text(&endpoint.host);
            to.u16(endpoint.port);
            to.no_tags();
        }
        to.i16(voter.versions.min);
        to.i16(voter.versions.max);
        to.no_tags();
        to.no_tags();
    }
}

fn read_voters(from: &mut Reader<'_>) -> Option<VoterSet> {
    let voters = (0..from.count()?).map(|_| read_voter(from)).collect::<Option<Vec<_>>>()?;
    Some(VoterSet::new(voters))
}

fn read_voter(from: &mut Reader<'_>) -> Option<Voter> {
    let key = ReplicaKey::new(NodeId(from.i32()?), DirectoryId(from.uuid()?));
    let endpoints = (0..from.count()?)
        .map(|_| {
            let endpoint =
                Endpoint { listener: from.text()?.into(), host: from.text()?.into(), port: from.u16()? };
            from.skip_tags()?;
            Some(endpoint)
        })
        .collect::<Option<Vec<_>>>()?;
    let versions = KRaftVersionRange { min: from.i16()?, max: from.i16()? };
    from.skip_tags()?;
    from.skip_tags()?;
    Some(Voter { key, endpoints: Endpoints(endpoints), versions })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn unhex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    fn voter_of_kafka() -> VoterSet {
        VoterSet::new([Voter {
            key: ReplicaKey::new(
                NodeId(1),
                DirectoryId(Uuid::from_u128(0x7c52_904d_12ef_47e2_8647_8186_3193_6b23)),
            ),
            endpoints: Endpoints::one("CONTROLLER", "127.0.0.1", 31993),
            versions: KRaftVersionRange { min: 0, max: 1 },
        }])
    }

    /// Records of `__cluster_metadata-0` and its bootstrap snapshot as Apache Kafka 4.3.1 wrote them
    /// (`kafka-storage format --standalone`, then a start).
    fn golden() -> Vec<(ControlRecord, &'static str)> {
        let one = vec![ReplicaKey::without_directory(NodeId(1))];
        vec![
            (
                ControlRecord::LeaderChange(LeaderChange {
                    leader: NodeId(1),
                    voters: one.clone(),
                    granting: one,
                }),
                "00 00 00 00 00 01 02 00 00 00 01 00 02 00 00 00 01 00 00",
            ),
            (
                ControlRecord::SnapshotHeader(SnapshotHeader {
                    last_contained_log_timestamp: 0x01a2_077e_1534,
                }),
                "00 00 00 00 01 a2 07 7e 15 34 00",
            ),
            (ControlRecord::SnapshotFooter(SnapshotFooter), "00 00 00"),
            (ControlRecord::KRaftVersion(1), "00 00 00 01 00"),
            (
                ControlRecord::Voters(voter_of_kafka()),
                "00 00 02 00 00 00 01 7c 52 90 4d 12 ef 47 e2 86 47 81 86 31 93 6b 23 02 0b 43 4f 4e 54 52 4f 4c 4c \
                 45 52 0a 31 32 37 2e 30 2e 30 2e 31 7c f9 00 00 00 00 01 00 00 00",
            ),
        ]
    }

    #[test]
    fn values_are_kafkas_bytes() {
        for (record, bytes) in golden() {
            assert_eq!(record.value(), unhex(bytes), "{record:?}");
            assert_eq!(ControlRecord::decode(&record.key(), &unhex(bytes)), Ok(Some(record)));
        }
    }

    #[test]
    fn directories_of_leader_change_version_1_are_read() {
        let mut bytes = unhex("00 01 00 00 00 01 02 00 00 00 01");
        bytes.extend(Uuid::from_u128(9).into_bytes());
        bytes.extend([0, 1, 0]);
        let Ok(Some(ControlRecord::LeaderChange(change))) = ControlRecord::decode(&[0, 0, 0, 2], &bytes)
        else {
            panic!("not decoded");
        };
        assert_eq!(change.voters, [ReplicaKey::new(NodeId(1), DirectoryId(Uuid::from_u128(9)))]);
        assert!(change.granting.is_empty());
    }

    #[test]
    fn other_control_types_are_skipped_and_broken_ones_refused() {
        assert_eq!(ControlRecord::decode(&[0, 0, 0, 1], &[]), Ok(None));
        assert_eq!(ControlRecord::decode(&[], &[]), Ok(None));
        for (record, bytes) in golden() {
            let bytes = unhex(bytes);
            for cut in 0..bytes.len() {
                assert!(
                    ControlRecord::decode(&record.key(), &bytes[..cut]).is_err(),
                    "{record:?} cut at {cut}"
                );
            }
        }
        let future = ControlRecord::decode(&[0, 0, 0, 6], &[0, 1, 0, 0]);
        assert_eq!(future, Err(ControlRecordError::UnknownVersion(6, 1)));
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(record_type in 0i16..8, value: Vec<u8>) {
            let [high, low] = record_type.to_be_bytes();
            let _ = ControlRecord::decode(&[0, 0, high, low], &value);
        }
    }
}
