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
