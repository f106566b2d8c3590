//! The shapes of the messages that the library decodes, for [`crate::precheck`].
//!
//! Facts about the wire, as Kafka's generated classes state them in their `SCHEMAS`; the differential test holds
//! every version of every message against Kafka's own bytes. Names are for error messages only.

mod cluster;
mod configs;
mod controller;
mod groups;
mod offsets;
mod quorum;
mod records;
mod topics;

use crate::precheck::Kind::{Array, Blob, Maybe, Struct, Text};
use crate::precheck::{
    BOOL, Checked, I8, I16, I32, I64, Kind, Schema, UUID, all, since, tagged, until, within,
};

/// `schema!(Message, flexible(VERSION), [FIELDS])`; `library_max(VERSION)` where newer versions, which the library
/// does not know, have the bytes of that one. Written so that rustfmt can lay it out.
macro_rules! schema {
    ($message:ident, flexible($flexible:literal), $(library_max($max:literal),)? [$($field:expr),* $(,)?]) => {
        impl Checked for $message {
            const SCHEMA: Schema = Schema { flexible: $flexible, fields: &[$($field),*] };
            $(const CODEC_MAX: i16 = $max;)?
        }
    };
}
use schema;
