//! The macro that turns a list of fields into a key, a value or a struct inside one: `[since, until]` says in which
//! versions a field is there. Tagged fields exist in flexible versions and are written only where they differ from their
//! default. Tags that nobody here knows are skipped, as Kafka does.

macro_rules! fields {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$field_doc:meta])* [$since:literal, $until:literal] $field:ident: $ty:ty $(= $default:expr)?;)*
        $(tagged {
            $($(#[$tag_doc:meta])* $tag:literal $tag_field:ident: $tag_ty:ty $(= $tag_default:expr)?;)*
        })?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $ty,)*
            $($($(#[$tag_doc])* pub $tag_field: $tag_ty,)*)?
        }

        impl Default for $name {
            fn default() -> Self {
                $name {
                    $($field: $crate::groups::records::schema::fallback!($($default)?),)*
                    $($($tag_field: $crate::groups::records::schema::fallback!($($tag_default)?),)*)?
                }
            }
        }

        impl $crate::groups::records::field::Field for $name {
            #[allow(unused_variables, unused_mut)]
            fn read(
                from: &mut $crate::records::codec::Reader<'_>,
                form: $crate::groups::records::field::Form,
            ) -> Result<Self, $crate::records::RecordError> {
                let mut value = Self::default();
                $(if ($since..=$until).contains(&form.version) {
                    value.$field = $crate::groups::records::field::Field::read(from, form)?;
                })*
                if form.flexible {
                    for (tag, bytes) in from.tags()? {
                        let mut field = $crate::records::codec::Reader::new(&bytes);
                        match tag {
                            $($($tag => {
                                value.$tag_field = $crate::groups::records::field::Field::read(&mut field, form)?;
                                field.end()?;
                            })*)?
                            _ => {}
                        }
                    }
                }
                Ok(value)
            }

            #[allow(unused_variables, unused_mut)]
            fn write(&self, out: &mut Vec<u8>, form: $crate::groups::records::field::Form) {
                $(if ($since..=$until).contains(&form.version) {
                    $crate::groups::records::field::Field::write(&self.$field, out, form);
                })*
                if form.flexible {
                    let mut tags: Vec<(u32, Vec<u8>)> = Vec::new();
                    $({
                        let defaults = Self::default();
                        $(if $crate::groups::records::field::Field::is_told(&self.$tag_field, &defaults.$tag_field) {
                            let mut bytes = Vec::new();
                            $crate::groups::records::field::Field::write(&self.$tag_field, &mut bytes, form);
                            tags.push(($tag, bytes));
                        })*
                    })?
                    $crate::records::codec::write_tags(out, tags, &Default::default());
                }
            }
        }
    };
}
pub(super) use fields;

macro_rules! fallback {
    () => {
        ::std::default::Default::default()
    };
    ($default:expr) => {
        $default
    };
}
pub(super) use fallback;
