//! What the handlers of groups say and hear in the same way.

use bytes::Bytes;
use chronik_state::groups::{Client as GroupClient, Refused};
use chronik_state::records::Name;
use chronik_wire::messages::GroupId;
use chronik_wire::{RequestHeader, StrBytes};

use super::topics::text;
use crate::connection::Client;

/// What a client may do with a group where nothing restricts it: read, delete, describe, describe and alter its
/// configuration (bits of `AclOperation`).
pub(super) const GROUP_OPERATIONS: i32 = 0b1101_0100_1000;
/// What is answered when nobody asked for them.
pub(super) const NO_OPERATIONS: i32 = i32::MIN;

/// Who asks, as groups show it.
pub(super) fn asker(client: &Client, header: &RequestHeader) -> GroupClient {
    GroupClient { id: name(&header.client_id), host: format!("/{}", client.peer.address).into() }
}

/// A text of the wire.
pub(super) fn name(text: &str) -> Name {
    text.into()
}

/// Bytes of a request that stay when it is over, on their own: a part of it would keep all of it.
pub(super) fn kept(bytes: &Bytes) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

/// A text of the wire that may be null.
pub(super) fn nullable(text: Option<&StrBytes>) -> Option<Name> {
    text.map(|text| (**text).into())
}

/// For the wire, where it may be null.
pub(super) fn nullable_text(name: Option<&Name>) -> Option<StrBytes> {
    name.map(|name| text(name))
}

/// A group's id for the wire.
pub(super) fn group_id(name: &str) -> GroupId {
    GroupId(text(name))
}

/// Code and words of a refusal, for the wire.
pub(super) fn refusal(refused: &Refused) -> (i16, Option<StrBytes>) {
    (refused.code.code(), nullable_text(refused.message.as_ref()))
}
