//! The `quorum-state` file: which epoch, who leads it, whom this node voted for (Kafka's `ElectionState`).
//!
//! Kafka's `FileQuorumStateStore` writes one JSON object, which these functions write and read byte for byte.
//! `data_version` 0 belongs to static quorums (`kraft.version` 0) and lists the voters; 1 has the directory of the
//! voted replica instead (KIP-853).

use std::fmt::Write as _;

use chronik_types::{LeaderEpoch, NodeId, uuid_from_text, uuid_to_text};
use thiserror::Error;

use crate::{DirectoryId, ReplicaKey, VoterSet};

/// What a node must never forget. Votes and leaders of an epoch never change within it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuorumState {
    /// The highest epoch seen.
    pub epoch: LeaderEpoch,
    /// Its leader, where known.
    pub leader: Option<NodeId>,
    /// Whom this node voted for in it.
    pub voted: Option<ReplicaKey>,
}

/// The file is not a quorum state.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum QuorumStateError {
    /// Not a JSON object, or a number or text where another belongs.
    #[error("quorum-state: {0}")]
    Malformed(&'static str),
    /// A `data_version` from the future.
    #[error("quorum-state: data_version {0} is not supported")]
    UnsupportedVersion(i64),
}

impl QuorumState {
    /// The state of a node that has seen nothing yet.
    pub const EMPTY: QuorumState = QuorumState { epoch: LeaderEpoch(0), leader: None, voted: None };

    /// The file's content: version 0 while `kraft_version` is 0 (then with the ids of `voters`), else version 1.
    pub fn to_json(&self, kraft_version: i16, voters: &VoterSet) -> String {
        let leader = self.leader.unwrap_or(NodeId::NONE);
        let voted = self.voted.unwrap_or(ReplicaKey::without_directory(NodeId::NONE));
        let mut text = String::from("{");
        if kraft_version == 0 {
            text.push_str("\"clusterId\":\"\",");
        }
        let _ =
            write!(text, "\"leaderId\":{leader},\"leaderEpoch\":{},\"votedId\":{},", self.epoch, voted.id);
        if kraft_version == 0 {
            let ids: Vec<String> = voters.ids().map(|id| format!("{{\"voterId\":{id}}}")).collect();
            let _ = write!(
                text,
                "\"appliedOffset\":0,\"currentVoters\":[{}],\"data_version\":0}}",
                ids.join(",")
            );
        } else {
            let _ = write!(
                text,
                "\"votedDirectoryId\":\"{}\",\"data_version\":1}}",
                uuid_to_text(voted.directory.0)
            );
        }
        text
    }

    /// Reads the file's content. Unknown members are skipped, absent ones have Kafka's defaults.
    ///
    /// # Errors
    /// When it is not such an object, or from a future version.
    pub fn from_json(text: &str) -> Result<QuorumState, QuorumStateError> {
        let members = Reader { rest: text.trim().as_bytes() }.object()?;
        let number = |name: &str, absent: i64| {
            let found = members.iter().find(|(key, _)| key == name).map(|(_, value)| value);
            match found {
                None => Ok(absent),
                Some(Value::Number(number)) => Ok(*number),
                Some(_) => Err(QuorumStateError::Malformed("a number is expected")),
            }
        };
        let id = |name: &str| {
            let number = number(name, -1)?;
            let id =
                i32::try_from(number).map_err(|_| QuorumStateError::Malformed("an id is out of range"))?;
            Ok::<_, QuorumStateError>((id >= 0).then_some(NodeId(id)))
        };
        let version = number("data_version", 0)?;
        if !(0..=1).contains(&version) {
            return Err(QuorumStateError::UnsupportedVersion(version));
        }
        let directory = match members.iter().find(|(key, _)| key == "votedDirectoryId") {
            Some((_, Value::Text(text))) => DirectoryId(
                uuid_from_text(text).ok_or(QuorumStateError::Malformed("votedDirectoryId is not an id"))?,
            ),
            _ => DirectoryId::NONE,
        };
        let epoch = i32::try_from(number("leaderEpoch", -1)?)
            .map_err(|_| QuorumStateError::Malformed("leaderEpoch is out of range"))?;
        Ok(QuorumState {
            epoch: LeaderEpoch(epoch.max(0)),
            leader: id("leaderId")?,
            voted: id("votedId")?.map(|id| ReplicaKey::new(id, directory)),
        })
    }
}

enum Value {
    Number(i64),
    Text(String),
    Other,
}

/// As much JSON as the file needs: objects, arrays, integers, plain strings and the three literals.
struct Reader<'a> {
    rest: &'a [u8],
}

type Members = Vec<(String, Value)>;

const MALFORMED: QuorumStateError = QuorumStateError::Malformed("it is not the JSON that Kafka writes");

impl Reader<'_> {
    fn skip_space(&mut self) {
        while let [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.rest.first().copied()
    }

    fn expect(&mut self, byte: u8) -> Result<(), QuorumStateError> {
        if self.peek() != Some(byte) {
            return Err(MALFORMED);
        }
        self.rest = &self.rest[1..];
        Ok(())
    }

    fn object(mut self) -> Result<Members, QuorumStateError> {
        let members = self.members(0)?;
        if self.peek().is_some() { Err(MALFORMED) } else { Ok(members) }
    }

    fn members(&mut self, depth: u8) -> Result<Members, QuorumStateError> {
        let mut members = Vec::new();
        self.expect(b'{')?;
        while self.peek() != Some(b'}') {
            if !members.is_empty() {
                self.expect(b',')?;
            }
            let name = self.text()?;
            self.expect(b':')?;
            members.push((name, self.value(depth)?));
        }
        self.expect(b'}')?;
        Ok(members)
    }

    fn value(&mut self, depth: u8) -> Result<Value, QuorumStateError> {
        if depth > 4 {
            return Err(MALFORMED);
        }
        match self.peek() {
            Some(b'"') => self.text().map(Value::Text),
            Some(b'{') => self.members(depth + 1).map(|_| Value::Other),
            Some(b'[') => {
                self.expect(b'[')?;
                while self.peek() != Some(b']') {
                    self.value(depth + 1)?;
                    if self.peek() == Some(b',') {
                        self.expect(b',')?;
                    } else if self.peek() != Some(b']') {
                        return Err(MALFORMED);
                    }
                }
                self.expect(b']')?;
                Ok(Value::Other)
            }
            Some(b'-' | b'0'..=b'9') => {
                let end = self
                    .rest
                    .iter()
                    .skip(1)
                    .position(|byte| !byte.is_ascii_digit())
                    .map_or(self.rest.len(), |at| at + 1);
                let (digits, rest) = self.rest.split_at(end);
                self.rest = rest;
                let digits = std::str::from_utf8(digits).map_err(|_| MALFORMED)?;
                digits.parse().map(Value::Number).map_err(|_| MALFORMED)
            }
            Some(_) => {
                for word in [b"null".as_slice(), b"true", b"false"] {
                    if let Some(rest) = self.rest.strip_prefix(word) {
                        self.rest = rest;
                        return Ok(Value::Other);
                    }
                }
                Err(MALFORMED)
            }
            None => Err(MALFORMED),
        }
    }

    fn text(&mut self) -> Result<String, QuorumStateError> {
        self.expect(b'"')?;
        let end = self.rest.iter().position(|byte| *byte == b'"').ok_or(MALFORMED)?;
        let (text, rest) = self.rest.split_at(end);
        self.rest = &rest[1..];
        if text.contains(&b'\\') {
            return Err(MALFORMED);
        }
        String::from_utf8(text.to_vec()).map_err(|_| MALFORMED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by Apache Kafka 4.3.1 with `kraft.version` 1 and 0.
    const DYNAMIC: &str = r#"{"leaderId":1,"leaderEpoch":1,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}"#;
    const STATIC: &str = r#"{"clusterId":"","leaderId":1,"leaderEpoch":1,"votedId":-1,"appliedOffset":0,"currentVoters":[{"voterId":1}],"data_version":0}"#;

    fn leads() -> QuorumState {
        QuorumState { epoch: LeaderEpoch(1), leader: Some(NodeId(1)), voted: None }
    }

    #[test]
    fn reads_what_kafka_writes() {
        assert_eq!(QuorumState::from_json(DYNAMIC), Ok(leads()));
        assert_eq!(QuorumState::from_json(STATIC), Ok(leads()));
    }

    #[test]
    fn writes_what_kafka_writes() {
        let voters = VoterSet::of_static("CONTROLLER", [(NodeId(1), "localhost".into(), 9093)]);
        assert_eq!(leads().to_json(1, &voters), DYNAMIC);
        assert_eq!(leads().to_json(0, &voters), STATIC);
    }

    #[test]
    fn a_vote_survives_the_file() {
        let directory = DirectoryId(uuid::Uuid::from_u128(0x1234_5678));
        let state = QuorumState {
            epoch: LeaderEpoch(7),
            leader: None,
            voted: Some(ReplicaKey::new(NodeId(3), directory)),
        };
        assert_eq!(QuorumState::from_json(&state.to_json(1, &VoterSet::default())), Ok(state));
    }

    #[test]
    fn refuses_what_it_cannot_trust() {
        for text in
            ["", "{", "[]", "{}x", r#"{"leaderEpoch":"1"}"#, r#"{"leaderEpoch":99999999999}"#, "{\"a\"}"]
        {
            assert!(QuorumState::from_json(text).is_err(), "{text}");
        }
        assert_eq!(
            QuorumState::from_json(r#"{"data_version":2}"#),
            Err(QuorumStateError::UnsupportedVersion(2))
        );
        assert!(QuorumState::from_json(&"{\"a\":".repeat(100_000)).is_err());
    }
}
