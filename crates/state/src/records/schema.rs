//! The macro that turns a list of fields into a record: a struct, its defaults, its encoding at every version, and its
//! JSON.
//!
//! A field says since which version it is there; a tagged field also its tag, and it is written only where it differs
//! from its default, as Kafka's generated classes do. Tagged fields are listed by ascending tag.

macro_rules! fallback {
    () => {
        ::std::default::Default::default()
    };
    ($default:expr) => {
        $default
    };
}
pub(super) use fallback;

macro_rules! record {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$field_doc:meta])* $since:literal.. $field:ident: $ty:ty $(= $default:expr)?;)*
        $(tagged {
            $($(#[$tag_doc:meta])* $tag:literal @ $tag_since:literal.. $tag_field:ident: $tag_ty:ty $(= $tag_default:expr)?;)*
        })?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $ty,)*
            $($($(#[$tag_doc])* pub $tag_field: $tag_ty,)*)?
            /// Tagged fields that a newer node wrote.
            pub unknown: $crate::records::codec::Tags,
        }

        impl Default for $name {
            fn default() -> Self {
                $name {
                    $($field: $crate::records::schema::fallback!($($default)?),)*
                    $($($tag_field: $crate::records::schema::fallback!($($tag_default)?),)*)?
                    unknown: Default::default(),
                }
            }
        }

        impl $name {
            #[allow(unused_variables, unused_mut, unused_comparisons, clippy::absurd_extreme_comparisons)]
            pub(crate) fn read_version(
                from: &mut $crate::records::codec::Reader<'_>,
                version: i16,
            ) -> Result<Self, $crate::records::RecordError> {
                let mut record = Self::default();
                $(if version >= $since { record.$field = $crate::records::codec::Wire::read(from)?; })*
                for (tag, bytes) in from.tags()? {
                    let mut field = $crate::records::codec::Reader::new(&bytes);
                    match tag {
                        $($($tag if version >= $tag_since => {
                            record.$tag_field = $crate::records::codec::Wire::read(&mut field)?;
                            field.end()?;
                        })*)?
                        _ => record.unknown.0.push((tag, bytes::Bytes::copy_from_slice(&bytes))),
                    }
                }
                Ok(record)
            }

            #[allow(unused_variables, unused_mut, unused_comparisons, clippy::absurd_extreme_comparisons)]
            pub(crate) fn write_version(&self, out: &mut Vec<u8>, version: i16) {
                $(if version >= $since { $crate::records::codec::Wire::write(&self.$field, out); })*
                let mut tags: Vec<(u32, Vec<u8>)> = Vec::new();
                $({
                    let defaults = Self::default();
                    $(if version >= $tag_since && self.$tag_field != defaults.$tag_field {
                        let mut bytes = Vec::new();
                        $crate::records::codec::Wire::write(&self.$tag_field, &mut bytes);
                        tags.push(($tag, bytes));
                    })*
                })?
                $crate::records::codec::write_tags(out, tags, &self.unknown);
            }

            #[allow(unused_variables, unused_mut, unused_comparisons, clippy::absurd_extreme_comparisons)]
            pub(crate) fn write_json(&self, version: i16, out: &mut String) {
                let mut object = $crate::records::json::Object::open(out);
                $(if version >= $since { object.field(stringify!($field), &self.$field); })*
                $({
                    let defaults = Self::default();
                    $(if version >= $tag_since && self.$tag_field != defaults.$tag_field {
                        object.field(stringify!($tag_field), &self.$tag_field);
                    })*
                })?
                object.close();
            }
        }
    };
}
pub(super) use record;

/// A struct inside a record; none of Kafka's metadata records has one that differs between versions.
macro_rules! element {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $ty:ty;)* }) => {
        $crate::records::schema::record! {
            $(#[$doc])*
            $name { $($(#[$field_doc])* 0.. $field: $ty;)* }
        }

        impl $crate::records::codec::Wire for $name {
            fn read(from: &mut $crate::records::codec::Reader<'_>) -> Result<Self, $crate::records::RecordError> {
                Self::read_version(from, 0)
            }
            fn write(&self, out: &mut Vec<u8>) {
                self.write_version(out, 0);
            }
        }

        impl $crate::records::json::Json for $name {
            fn json(&self, out: &mut String) {
                self.write_json(0, out);
            }
        }
    };
}
pub(super) use element;
