//! The BrokerHeartbeat (63) request, versions 0-2: version 2 is newer than the message library, so the whole request
//! is read and written here. The response's versions are all alike: the library's.
//!
//! v1 adds the directories that failed (KIP-858), v2 those that take no new partitions (KIP-1066).

use bytes::BytesMut;
use kafka_protocol::messages::BrokerHeartbeatResponse;
use uuid::Uuid;

use crate::error::DecodeError;
use crate::own::{Own, own_request};
use crate::read::Reader;
use crate::write::Writer;

/// A broker says that it lives, and what it wants to be.
#[derive(Debug, Clone, PartialEq)]
pub struct BrokerHeartbeatRequest {
    /// Who.
    pub broker_id: i32,
    /// The epoch that its registration gave it.
    pub broker_epoch: i64,
    /// How far it has applied the metadata log: the offset of the last record applied.
    pub current_metadata_offset: i64,
    /// Whether it wants to stay fenced.
    pub want_fence: bool,
    /// Whether it wants its leaderships moved, to shut down.
    pub want_shut_down: bool,
    /// Directories that failed (v1).
    pub offline_log_dirs: Vec<Uuid>,
    /// Directories that take no new partitions (v2); `None`: it does not say.
    pub cordoned_log_dirs: Option<Vec<Uuid>>,
}

impl Default for BrokerHeartbeatRequest {
    fn default() -> Self {
        BrokerHeartbeatRequest {
            broker_id: 0,
            broker_epoch: -1,
            current_metadata_offset: 0,
            want_fence: false,
            want_shut_down: false,
            offline_log_dirs: Vec::new(),
            cordoned_log_dirs: None,
        }
    }
}

impl Own for BrokerHeartbeatRequest {
    fn write(&self, version: i16) -> Result<BytesMut, &'static str> {
        if version < 1 && !self.offline_log_dirs.is_empty() {
            return Err("offline directories take version 1");
        }
        if version < 2 && self.cordoned_log_dirs.is_some() {
            return Err("cordoned directories take version 2");
        }
        let mut out = Writer::body(true);
        out.i32(self.broker_id);
        out.i64(self.broker_epoch);
        out.i64(self.current_metadata_offset);
        out.bool(self.want_fence);
        out.bool(self.want_shut_down);
        let has_offline = !self.offline_log_dirs.is_empty();
        out.varint(u32::from(has_offline) + u32::from(self.cordoned_log_dirs.is_some()));
        if has_offline {
            out.tagged(0, |out| out.array(&self.offline_log_dirs, |out, dir| out.uuid(*dir)));
        }
        if let Some(cordoned) = &self.cordoned_log_dirs {
            out.tagged(1, |out| out.array(cordoned, |out, dir| out.uuid(*dir)));
        }
        Ok(out.into_body())
    }

    fn read(body: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let mut request = BrokerHeartbeatRequest {
            broker_id: body.i32("broker id")?,
            broker_epoch: body.i64("broker epoch")?,
            current_metadata_offset: body.i64("metadata offset")?,
            want_fence: body.bool("want fence")?,
            want_shut_down: body.bool("want shut down")?,
            ..BrokerHeartbeatRequest::default()
        };
        body.tags(|tag, body| {
            match tag {
                0 if version >= 1 => {
                    request.offline_log_dirs =
                        body.vec("offline directories", 16, |body| body.uuid("directory"))?;
                }
                1 if version >= 2 => {
                    request.cordoned_log_dirs =
                        body.nullable_vec("cordoned directories", 16, |body| body.uuid("directory"))?;
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(request)
    }
}

own_request!(BrokerHeartbeatRequest = 63, 0..=2, flexible 0 => BrokerHeartbeatResponse);
