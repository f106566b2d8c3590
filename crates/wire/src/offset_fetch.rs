//! The OffsetFetch (9) request, versions 1-10: version 10 names topics by id (KIP-848), which the message library
//! cannot do, so the whole request is read and written here. The responses are the library's.
//!
//! v2 may ask for all topics (null), v6 is flexible, v7 adds `require_stable` (KIP-447), v8 asks for several groups
//! (KIP-709), v9 adds the member and its epoch (KIP-848). Here a request of one group is one of a list of one.

use bytes::BytesMut;
use kafka_protocol::messages::OffsetFetchResponse;
use kafka_protocol::protocol::StrBytes;

use crate::error::DecodeError;
use crate::own::{Own, own_request};
use crate::read::Reader;
use crate::topic::TopicKey;
use crate::write::Writer;

/// Asks for groups' committed positions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetFetchRequest {
    /// The groups; exactly one until v7.
    pub groups: Vec<FetchGroup>,
    /// Whether to refuse positions that an open transaction may change (v7).
    pub require_stable: bool,
}

/// What is asked of one group.
#[derive(Debug, Clone, PartialEq)]
pub struct FetchGroup {
    /// The group.
    pub group_id: StrBytes,
    /// Who asks (v9).
    pub member_id: Option<StrBytes>,
    /// Its epoch (v9); -1 outside of a consumer group.
    pub member_epoch: i32,
    /// Which topics; `None`: all (v2).
    pub topics: Option<Vec<FetchTopic>>,
}

/// Partitions of a topic.
#[derive(Debug, Clone, PartialEq)]
pub struct FetchTopic {
    /// Which: by name until v9, by id since v10.
    pub topic: TopicKey,
    /// Its partitions.
    pub partitions: Vec<i32>,
}

/// A group takes an empty id and a null at least.
const GROUP_MIN: usize = 2;
/// A topic takes an empty name and a count at least.
const TOPIC_MIN: usize = 2;

impl Own for OffsetFetchRequest {
    fn write(&self, version: i16) -> Result<BytesMut, &'static str> {
        if version < 7 && self.require_stable {
            return Err("require_stable takes version 7");
        }
        let mut out = Writer::body(version >= 6);
        if version >= 8 {
            out.array(&self.groups, |out, group| {
                out.string(&group.group_id);
                if version >= 9 {
                    out.nullable_string(group.member_id.as_deref());
                    out.i32(group.member_epoch);
                }
                write_topics(out, group.topics.as_deref());
                out.no_tags();
            });
        } else {
            let [group] = &self.groups[..] else { return Err("several groups take version 8") };
            if version < 2 && group.topics.is_none() {
                return Err("all topics take version 2");
            }
            out.string(&group.group_id);
            write_topics(&mut out, group.topics.as_deref());
        }
        let mut topics = self.groups.iter().flat_map(|group| group.topics.iter().flatten());
        if topics.any(|topic| matches!(topic.topic, TopicKey::Id(_)) != (version >= 10)) {
            return Err("topics are named by id since version 10, by name before");
        }
        if version < 9
            && self.groups.iter().any(|group| group.member_id.is_some() || group.member_epoch != -1)
        {
            return Err("members take version 9");
        }
        if version >= 7 {
            out.bool(self.require_stable);
        }
        out.no_tags();
        out.into_checked_body()
    }

    fn read(body: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let groups = if version >= 8 {
            body.vec("groups", GROUP_MIN, |body| group(body, version))?
        } else {
            let group_id = body.string("group id")?;
            let topics = topics(body, version)?;
            vec![FetchGroup { group_id, member_id: None, member_epoch: -1, topics }]
        };
        let require_stable = version >= 7 && body.bool("require stable")?;
        body.skip_tags()?;
        Ok(OffsetFetchRequest { groups, require_stable })
    }
}

fn write_topics(out: &mut Writer, topics: Option<&[FetchTopic]>) {
    let Some(topics) = topics else { return out.length(None) };
    out.array(topics, |out, topic| {
        out.topic(&topic.topic);
        out.array(&topic.partitions, |out, index| out.i32(*index));
        out.no_tags();
    });
}

fn group(body: &mut Reader, version: i16) -> Result<FetchGroup, DecodeError> {
    let group = FetchGroup {
        group_id: body.string("group id")?,
        member_id: if version >= 9 { body.nullable_string("member id")? } else { None },
        member_epoch: if version >= 9 { body.i32("member epoch")? } else { -1 },
        topics: topics(body, version)?,
    };
    body.skip_tags()?;
    Ok(group)
}

fn topics(body: &mut Reader, version: i16) -> Result<Option<Vec<FetchTopic>>, DecodeError> {
    let topics = body.nullable_vec("topics", TOPIC_MIN, |body| {
        let topic = body.topic(version >= 10)?;
        let partitions = body.vec("partitions", 4, |body| body.i32("partition index"))?;
        body.skip_tags()?;
        Ok(FetchTopic { topic, partitions })
    })?;
    if version < 2 && topics.is_none() {
        return Err(body.malformed("topics"));
    }
    Ok(topics)
}

own_request!(OffsetFetchRequest = 9, 1..=10, flexible 6 => OffsetFetchResponse);
