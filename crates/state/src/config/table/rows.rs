//! What the files of the table need to write a row: the macro, the shorthands and the reasons that many keys share.

pub(super) use super::super::key::Importance::*;
pub(super) use super::super::key::Key;
pub(super) use super::super::key::Kind::*;
pub(super) use super::super::key::Scope::*;
pub(super) use super::super::key::Support::*;
pub(super) use super::super::key::UpdateMode::*;
pub(super) use super::super::key::Valid::*;

/// `keys! { NAME, Scope; "key", Kind = default, valid, importance, update, public|internal, support, "doc"; .. }`
macro_rules! keys {
    (@default null) => { None };
    (@default $text:literal) => { Some($text) };
    (@internal public) => { false };
    (@internal internal) => { true };
    ($table:ident, $scope:ident;
     $($name:literal, $kind:ident = $default:tt, $valid:expr, $importance:ident, $update:ident, $shown:ident,
       $support:expr, $doc:literal;)*) => {
        pub(super) const $table: &[Key] = &[$(Key {
            name: $name,
            scope: $scope,
            kind: $kind,
            default: keys!(@default $default),
            valid: $valid,
            importance: $importance,
            update: $update,
            internal: keys!(@internal $shown),
            support: $support,
            doc: $doc,
        },)*];
    };
}
pub(super) use keys;

// Reasons that many keys share.
pub(super) const THREADS: &str = "the node sizes its threads by the machine";
pub(super) const CHECKPOINTS: &str = "it is written together with the recovery points";
pub(super) const SEGMENTS: &str = "segments grow as they are written";
pub(super) const JMX: &str = "metrics are served as Prometheus text, not through Java reporters";
pub(super) const PLUGIN: &str = "a Java plugin class";
pub(super) const TLS: &str = "TLS";
pub(super) const SASL: &str = "SASL";
pub(super) const TIERED: &str = "tiered storage";
pub(super) const QUOTAS: &str = "quotas";
pub(super) const GATHERED: &str = "what comes while a batch is being committed is gathered for the next";
pub(super) const SHARE: &str = "share groups";
pub(super) const STREAMS: &str = "streams groups";
pub(super) const TRANSACTIONAL: &str = "transactions";
