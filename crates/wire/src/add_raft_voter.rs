//! The AddRaftVoter (80) request, versions 0-1: version 1 is newer than the message library, so the whole request is
//! read and written here. The response's versions are all alike: the library's.
//!
//! v1 says whether the answer is to wait for the commit (KIP-1186). Version 0 waits.

use bytes::BytesMut;
use kafka_protocol::messages::AddRaftVoterResponse;
use kafka_protocol::messages::add_raft_voter_request::Listener;
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::error::DecodeError;
use crate::own::{Own, own_request};
use crate::read::Reader;
use crate::write::Writer;

/// Makes an observer a voter.
#[derive(Debug, Clone, PartialEq)]
pub struct AddRaftVoterRequest {
    /// The cluster that the sender believes in.
    pub cluster_id: Option<StrBytes>,
    /// How long the leader may try.
    pub timeout_ms: i32,
    /// The node to be added.
    pub voter_id: i32,
    /// The directory of its metadata log.
    pub voter_directory_id: Uuid,
    /// Where it listens for the quorum.
    pub listeners: Vec<Listener>,
    /// Whether to answer when the change is committed (true, and so in version 0), or when the leader has written it.
    pub ack_when_committed: bool,
}

impl Default for AddRaftVoterRequest {
    fn default() -> Self {
        AddRaftVoterRequest {
            cluster_id: None,
            timeout_ms: 0,
            voter_id: 0,
            voter_directory_id: Uuid::nil(),
            listeners: Vec::new(),
            ack_when_committed: true,
        }
    }
}

/// A listener takes two empty texts, a port and its tags at least.
const LISTENER_MIN: usize = 5;

impl Own for AddRaftVoterRequest {
    fn write(&self, version: i16) -> Result<BytesMut, &'static str> {
        if version == 0 && !self.ack_when_committed {
            return Err("not to wait for the commit takes version 1");
        }
        let mut out = Writer::body(true);
        out.nullable_string(self.cluster_id.as_deref());
        out.i32(self.timeout_ms);
        out.i32(self.voter_id);
        out.uuid(self.voter_directory_id);
        out.array(&self.listeners, |out, listener| {
            out.string(&listener.name);
            out.string(&listener.host);
            out.u16(listener.port);
            out.no_tags();
        });
        if version >= 1 {
            out.bool(self.ack_when_committed);
        }
        out.no_tags();
        Ok(out.into_body())
    }

    fn read(body: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let request = AddRaftVoterRequest {
            cluster_id: body.nullable_string("cluster id")?,
            timeout_ms: body.i32("timeout")?,
            voter_id: body.i32("voter id")?,
            voter_directory_id: body.uuid("voter directory id")?,
            listeners: body.vec("listeners", LISTENER_MIN, |body| {
                let listener = Listener::default()
                    .with_name(body.string("listener name")?)
                    .with_host(body.string("host")?)
                    .with_port(body.u16("port")?);
                body.skip_tags()?;
                Ok(listener)
            })?,
            ack_when_committed: version == 0 || body.bool("ack when committed")?,
        };
        body.skip_tags()?;
        Ok(request)
    }
}

own_request!(AddRaftVoterRequest = 80, 0..=1, flexible 0 => AddRaftVoterResponse);
