//! One field of a coordinator's record in either of Kafka's two encodings: the plain one of keys and older values, and
//! the flexible one (KIP-482) that the metadata records use too.

use bytes::Bytes;
use chronik_types::{PartitionIndex, TopicId};

use crate::records::codec::{Reader, Wire};
use crate::records::{Name, RecordError};

/// The version that a value is written in, and whether that is a flexible one.
#[derive(Clone, Copy)]
pub(super) struct Form {
    pub(super) version: i16,
    pub(super) flexible: bool,
}

/// A value with a plain and a flexible form.
pub(super) trait Field: Sized {
    fn read(from: &mut Reader<'_>, form: Form) -> Result<Self, RecordError>;
    fn write(&self, out: &mut Vec<u8>, form: Form);

    /// Whether a tagged field with this value is written: where it differs from its default.
    fn is_told(&self, default: &Self) -> bool
    where
        Self: PartialEq,
    {
        self != default
    }
}

macro_rules! same_in_both {
    ($($ty:ty),*) => {$(
        impl Field for $ty {
            fn read(from: &mut Reader<'_>, _: Form) -> Result<Self, RecordError> {
                Wire::read(from)
            }
            fn write(&self, out: &mut Vec<u8>, _: Form) {
                Wire::write(self, out);
            }
        }
    )*};
}

same_in_both!(i8, i16, i32, i64, TopicId, PartitionIndex);

fn short_length(from: &mut Reader<'_>) -> Result<Option<usize>, RecordError> {
    Ok(usize::try_from(i16::from_be_bytes(from.array()?)).ok())
}

fn long_length(from: &mut Reader<'_>) -> Result<Option<usize>, RecordError> {
    Ok(usize::try_from(i32::from_be_bytes(from.array()?)).ok())
}

impl Field for Option<Name> {
    fn read(from: &mut Reader<'_>, form: Form) -> Result<Self, RecordError> {
        if form.flexible {
            return Wire::read(from);
        }
        let Some(length) = short_length(from)? else { return Ok(None) };
        let bytes = from.take(length)?;
        let text =
            std::str::from_utf8(&bytes).map_err(|_| RecordError::Malformed("a string that is not UTF-8"))?;
        Ok(Some(Name::from(text)))
    }

    fn write(&self, out: &mut Vec<u8>, form: Form) {
        match self {
            _ if form.flexible => Wire::write(self, out),
            None => out.extend_from_slice(&(-1i16).to_be_bytes()),
            Some(text) => Field::write(text, out, form),
        }
    }
}

impl Field for Name {
    fn read(from: &mut Reader<'_>, form: Form) -> Result<Self, RecordError> {
        <Option<Name> as Field>::read(from, form)?
            .ok_or(RecordError::Malformed("null where a string must be"))
    }

    fn write(&self, out: &mut Vec<u8>, form: Form) {
        if form.flexible {
            return Wire::write(self, out);
        }
        let length = i16::try_from(self.len()).expect("a request's strings are no longer than a record's");
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(self.as_bytes());
    }
}

impl Field for Bytes {
    fn read(from: &mut Reader<'_>, form: Form) -> Result<Self, RecordError> {
        if form.flexible {
            return Wire::read(from);
        }
        let length = long_length(from)?.ok_or(RecordError::Malformed("null where bytes must be"))?;
        Ok(Bytes::copy_from_slice(&from.take(length)?))
    }

    fn write(&self, out: &mut Vec<u8>, form: Form) {
        if form.flexible {
            return Wire::write(self, out);
        }
        out.extend_from_slice(&(self.len() as i32).to_be_bytes());
        out.extend_from_slice(self);
    }
}

impl<T: Field> Field for Option<Vec<T>> {
    fn read(from: &mut Reader<'_>, form: Form) -> Result<Self, RecordError> {
        let length = if form.flexible {
            from.uvarint()?.checked_sub(1).map(|length| length as usize)
        } else {
            long_length(from)?
        };
        let Some(length) = length else { return Ok(None) };
        if length > from.remaining() {
            return Err(RecordError::Malformed("a list that is longer than the record"));
        }
        let mut elements = Vec::new();
        for _ in 0..length {
            elements.push(T::read(from, form)?);
        }
        Ok(Some(elements))
    }

    fn write(&self, out: &mut Vec<u8>, form: Form) {
        match self {
            Some(elements) => elements.write(out, form),
            None if form.flexible => crate::records::codec::write_uvarint(out, 0),
            None => out.extend_from_slice(&(-1i32).to_be_bytes()),
        }
    }
}

impl<T: Field> Field for Vec<T> {
    fn read(from: &mut Reader<'_>, form: Form) -> Result<Self, RecordError> {
        Option::<Vec<T>>::read(from, form)?.ok_or(RecordError::Malformed("null where a list must be"))
    }

    fn write(&self, out: &mut Vec<u8>, form: Form) {
        if form.flexible {
            crate::records::codec::write_uvarint(out, self.len() as u32 + 1);
        } else {
            out.extend_from_slice(&(self.len() as i32).to_be_bytes());
        }
        for element in self {
            element.write(out, form);
        }
    }
}
