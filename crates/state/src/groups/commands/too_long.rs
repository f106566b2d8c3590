//! Texts that no record can hold: keys and older values count a text's bytes in 15 bits.

use chronik_types::ErrorCode;

use crate::groups::replies::{JoinedGroup, LeftGroup, Refused, Reply, SyncedGroup};
use crate::groups::requests::Request;
use crate::records::Name;

/// The longest text, with room for what ids of members are made of.
pub(super) const TEXT_BYTES_MAX: usize = i16::MAX as usize - 64;

/// The refusal of a request whose texts are too long, which Kafka answers with the same code.
pub(in crate::groups) fn too_long(request: &Request) -> Option<Reply> {
    let is_long = |text: &Name| text.len() > TEXT_BYTES_MAX;
    let any = |texts: &[Option<&Name>]| texts.iter().flatten().any(|text| is_long(text));
    let error = ErrorCode::UnknownServerError;
    let is_refused = request.group_id().is_some_and(is_long)
        || match request {
            Request::JoinGroup(request) => {
                let client = &request.client;
                let texts =
                    [Some(&request.member_id), request.instance_id.as_ref(), Some(&request.protocol_type)];
                any(&texts)
                    || any(&[Some(&client.id), Some(&client.host)])
                    || request.protocols.iter().any(|(name, _)| is_long(name))
            }
            Request::OffsetCommit(request) => {
                request.partitions.iter().any(|partition| is_long(&partition.topic))
            }
            Request::ConsumerHeartbeat(request) => {
                any(&[Some(&request.member_id), request.subscribed_topic_regex.as_ref()])
                    || any(&[request.instance_id.as_ref(), Some(&request.client.id)])
            }
            _ => false,
        };
    is_refused.then(|| match request {
        Request::JoinGroup(_) => Reply::JoinGroup(JoinedGroup::refused(error, "".into())),
        Request::SyncGroup(_) => Reply::SyncGroup(SyncedGroup::refused(error)),
        Request::Heartbeat(_) => Reply::Heartbeat(error),
        Request::LeaveGroup(_) => Reply::LeaveGroup(LeftGroup { error, members: Vec::new() }),
        Request::OffsetCommit(request) => Reply::OffsetCommit(vec![error; request.partitions.len()]),
        Request::OffsetFetch(_) => Reply::OffsetFetch(Err(error)),
        Request::OffsetDelete(_) => Reply::OffsetDelete(Err(error)),
        Request::DeleteGroup(_) => Reply::DeleteGroup(error),
        Request::DescribeGroup(_) => Reply::DescribeGroup(Err(Refused::from(error))),
        Request::DescribeConsumerGroup(_) => Reply::DescribeConsumerGroup(Err(Refused::from(error))),
        Request::ListGroups(_) => Reply::ListGroups(Vec::new()),
        Request::ConsumerHeartbeat(_) => Reply::ConsumerHeartbeat(Err(Refused::from(error))),
    })
}
