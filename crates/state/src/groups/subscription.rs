//! What consumers of the classic protocol put into their metadata and assignments (`ConsumerProtocolSubscription`,
//! `ConsumerProtocolAssignment`): a version, then plain fields; later versions only add fields at the end.

use bytes::{BufMut, Bytes};
use chronik_types::PartitionIndex;

use crate::records::Name;

/// The part of a consumer's metadata that a broker looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subscription {
    /// The version of the encoding.
    pub(crate) version: i16,
    /// The topics.
    pub(crate) topics: Vec<Name>,
    /// What it owns, if it rebalances cooperatively (v1).
    pub(crate) owned: Vec<(Name, Vec<PartitionIndex>)>,
    /// Its rack (v3).
    pub(crate) rack: Option<Name>,
}

/// Bytes that are not what they should be.
struct Damaged;

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(length)?;
        self.0 = tail;
        Some(head)
    }

    fn short(&mut self) -> Option<i16> {
        self.take(2).and_then(|bytes| bytes.try_into().ok()).map(i16::from_be_bytes)
    }

    fn int(&mut self) -> Option<i32> {
        self.take(4).and_then(|bytes| bytes.try_into().ok()).map(i32::from_be_bytes)
    }

    /// A count of elements of which each takes at least `least` bytes; null counts as none.
    fn count(&mut self, least: usize) -> Option<usize> {
        let count = usize::try_from(self.int()?).unwrap_or(0);
        (count <= self.0.len() / least).then_some(count)
    }

    fn text(&mut self) -> Option<Name> {
        self.nullable_text().ok()?
    }

    fn nullable_text(&mut self) -> Result<Option<Name>, Damaged> {
        let Ok(length) = usize::try_from(self.short().ok_or(Damaged)?) else { return Ok(None) };
        let text = std::str::from_utf8(self.take(length).ok_or(Damaged)?);
        text.map(|text| Some(Name::from(text))).map_err(|_| Damaged)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let Ok(length) = usize::try_from(self.int()?) else { return Some(&[]) };
        self.take(length)
    }

    fn partitions(&mut self) -> Option<Vec<(Name, Vec<PartitionIndex>)>> {
        let mut topics = Vec::new();
        for _ in 0..self.count(6)? {
            let topic = self.text()?;
            let count = self.count(4)?;
            let partitions = (0..count).map(|_| self.int().map(PartitionIndex)).collect::<Option<_>>()?;
            topics.push((topic, partitions));
        }
        Some(topics)
    }
}

/// Reads a consumer's metadata; `None` if it is none.
pub(crate) fn read(metadata: &[u8]) -> Option<Subscription> {
    let mut from = Cursor(metadata);
    let version = from.short()?;
    if version < 0 {
        return None;
    }
    let count = from.count(2)?;
    let topics = (0..count).map(|_| from.text()).collect::<Option<_>>()?;
    from.bytes()?;
    let mut subscription = Subscription { version, topics, ..Subscription::default() };
    if version >= 1 {
        subscription.owned = from.partitions()?;
    }
    if version >= 2 {
        from.int()?;
    }
    if version >= 3 {
        subscription.rack = from.nullable_text().ok()?;
    }
    Some(subscription)
}

/// The topics in a consumer's metadata; `None` if it cannot be read.
pub(crate) fn topics(metadata: &[u8]) -> Option<Vec<Name>> {
    read(metadata).map(|subscription| subscription.topics)
}

/// Reads a consumer's assignment; `None` if it is none.
pub(crate) fn read_assignment(assignment: &[u8]) -> Option<Vec<(Name, Vec<PartitionIndex>)>> {
    let mut from = Cursor(assignment);
    if from.short()? < 0 {
        return None;
    }
    from.partitions()
}

/// Writes a consumer's assignment in a version that the consumer reads.
pub(crate) fn write_assignment(version: i16, topics: &[(Name, Vec<PartitionIndex>)]) -> Bytes {
    let mut out = Vec::new();
    out.put_i16(version.clamp(0, 3));
    out.put_i32(topics.len() as i32);
    for (topic, partitions) in topics {
        out.put_i16(topic.len() as i16);
        out.put_slice(topic.as_bytes());
        out.put_i32(partitions.len() as i32);
        for partition in partitions {
            out.put_i32(partition.0);
        }
    }
    // No user data.
    out.put_i32(-1);
    Bytes::from(out)
}

/// Writes a consumer's metadata at version 3, as a consumer would.
#[cfg(test)]
pub(crate) fn write(subscription: &Subscription) -> Bytes {
    let text = |out: &mut Vec<u8>, text: &str| {
        out.put_i16(text.len() as i16);
        out.put_slice(text.as_bytes());
    };
    let mut out = Vec::new();
    out.put_i16(3);
    out.put_i32(subscription.topics.len() as i32);
    for topic in &subscription.topics {
        text(&mut out, topic);
    }
    out.put_i32(-1);
    out.put_i32(subscription.owned.len() as i32);
    for (topic, partitions) in &subscription.owned {
        text(&mut out, topic);
        out.put_i32(partitions.len() as i32);
        for partition in partitions {
            out.put_i32(partition.0);
        }
    }
    out.put_i32(-1);
    match &subscription.rack {
        Some(rack) => text(&mut out, rack),
        None => out.put_i16(-1),
    }
    Bytes::from(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let owned = vec![(Name::from("a"), vec![PartitionIndex(1), PartitionIndex(2)])];
        let topics = vec!["a".into(), "b".into()];
        let subscription = Subscription { version: 3, topics, owned: owned.clone(), rack: Some("r".into()) };
        assert_eq!(read(&write(&subscription)), Some(subscription));
        assert_eq!(read_assignment(&write_assignment(1, &owned)), Some(owned));
    }

    #[test]
    fn nonsense_is_none_and_costs_nothing() {
        for bytes in [&b""[..], b"\0\0\x7f\xff\xff\xff", b"\xff\xff\0\0\0\0", b"\0\0\0\0\0\x01\0\x05ab"] {
            assert_eq!(read(bytes), None);
        }
    }
}
