//! A batch on its way into the log.

use bytes::Bytes;
use chronik_types::{LeaderEpoch, Offset};

use super::{Codec, HEADER_LEN, Header, HeaderMut};

/// One batch that may be appended. The header is a private copy of 61 bytes, so that offsets are written "in place"
/// though the body still shares the request's buffer: nothing else is copied, and one vectored write stores both.
#[derive(Clone, Debug)]
pub struct Validated {
    header: [u8; HEADER_LEN],
    body: Bytes,
}

impl Validated {
    pub(super) fn new(header: [u8; HEADER_LEN], body: Bytes) -> Validated {
        Validated { header, body }
    }

    /// Another body for the same records.
    pub(super) fn replace_body(&mut self, codec: Codec, body: Bytes) {
        self.header_mut().set_body(codec, &body);
        self.body = body;
    }

    /// The header as it will be stored.
    pub fn header(&self) -> Header<'_> {
        Header::trusted(&self.header)
    }

    /// To set log-append time; for offset and epoch see [`Validated::assign`].
    pub fn header_mut(&mut self) -> HeaderMut<'_> {
        HeaderMut::trusted(&mut self.header)
    }

    /// Gives the batch its place in the log.
    pub fn assign(&mut self, base_offset: Offset, leader_epoch: LeaderEpoch) {
        let mut header = self.header_mut();
        header.set_base_offset(base_offset);
        header.set_leader_epoch(leader_epoch);
    }

    /// Size of the batch in bytes.
    pub fn size(&self) -> usize {
        HEADER_LEN + self.body.len()
    }

    /// The bytes to write, in order: header, body.
    pub fn parts(&self) -> [&[u8]; 2] {
        [&self.header, &self.body]
    }

    /// The records, as compressed as they are stored.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Header and body as one buffer: a copy.
    pub fn to_bytes(&self) -> Bytes {
        let mut whole = Vec::with_capacity(self.size());
        whole.extend_from_slice(&self.header);
        whole.extend_from_slice(&self.body);
        whole.into()
    }
}
