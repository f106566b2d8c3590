//! A metadata record as one JSON object, in the shape in which Kafka shows it (`kafka-dump-log
//! --cluster-metadata-decoder`, the generated `*JsonConverter` classes).
//!
//! `type` is the record's name, `version` that of its encoding, `data` its fields under Kafka's names: ids in the URL's
//! base64, bytes in the common base64, a tagged field only where it differs from its default. A record of a kind or a
//! version that this code does not know has its number as `key` and its bytes as `hex` instead of `data`.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chronik_types::{
    BrokerEpoch, LeaderEpoch, NodeId, PartitionEpoch, PartitionIndex, ProducerId, TopicId, uuid_to_text,
};
use uuid::Uuid;

use super::{Change, Name, Record};

impl Change {
    /// The change as one line of JSON.
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(128);
        let mut object = Object::open(&mut out);
        object.text("type", self.record.name());
        object.field("version", &self.version);
        if let Record::Unknown { key, body } = &self.record {
            object.field("key", &i64::from(*key));
            let hex: String = body.iter().flat_map(|byte| hex_digits(*byte)).collect();
            object.text("hex", &hex);
        } else {
            object.key("data");
            self.record.write_json(self.version, object.out);
        }
        object.close();
        out
    }
}

fn hex_digits(byte: u8) -> [char; 2] {
    [byte >> 4, byte & 0xf].map(|digit| char::from_digit(digit.into(), 16).expect("four bits are a digit"))
}

/// A JSON object that is being written.
pub(crate) struct Object<'a> {
    out: &'a mut String,
    is_empty: bool,
}

impl<'a> Object<'a> {
    pub(crate) fn open(out: &'a mut String) -> Self {
        out.push('{');
        Object { out, is_empty: true }
    }

    /// A field under the camel-case form of a field's name in our code, which is Kafka's name of it.
    pub(crate) fn field(&mut self, name: &str, value: &impl Json) {
        self.key(name);
        value.json(self.out);
    }

    fn text(&mut self, name: &str, value: &str) {
        self.key(name);
        write_text(value, self.out);
    }

    fn key(&mut self, name: &str) {
        self.out.push_str(if self.is_empty { "\"" } else { ",\"" });
        self.is_empty = false;
        let mut after_underscore = false;
        for letter in name.chars() {
            match letter {
                '_' => after_underscore = true,
                letter if std::mem::take(&mut after_underscore) => {
                    self.out.push(letter.to_ascii_uppercase());
                }
                letter => self.out.push(letter),
            }
        }
        self.out.push_str("\":");
    }

    pub(crate) fn close(self) {
        self.out.push('}');
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => {
                write!(out, "\\u{:04X}", u32::from(control)).expect("a string takes everything");
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
}

/// A value that has one form in JSON.
pub(crate) trait Json {
    fn json(&self, out: &mut String);
}

macro_rules! json_numbers {
    ($($ty:ty),*) => {$(
        impl Json for $ty {
            fn json(&self, out: &mut String) {
                write!(out, "{self}").expect("a string takes everything");
            }
        }
    )*};
}

json_numbers!(i8, i16, u16, i32, i64, bool);
json_numbers!(NodeId, PartitionIndex, LeaderEpoch, PartitionEpoch, BrokerEpoch, ProducerId);

impl Json for f64 {
    fn json(&self, out: &mut String) {
        // JSON has no infinities: they are texts, as Jackson writes them.
        let quote = if self.is_finite() { "" } else { "\"" };
        let text = if self.is_infinite() {
            format!("{}Infinity", if *self < 0.0 { "-" } else { "" })
        } else {
            format!("{self:?}")
        };
        write!(out, "{quote}{text}{quote}").expect("a string takes everything");
    }
}

impl Json for Uuid {
    fn json(&self, out: &mut String) {
        write_text(&uuid_to_text(*self), out);
    }
}

impl Json for TopicId {
    fn json(&self, out: &mut String) {
        self.0.json(out);
    }
}

impl Json for Name {
    fn json(&self, out: &mut String) {
        write_text(self, out);
    }
}

impl Json for Bytes {
    fn json(&self, out: &mut String) {
        write_text(&STANDARD.encode(self), out);
    }
}

impl<T: Json> Json for Vec<T> {
    fn json(&self, out: &mut String) {
        out.push('[');
        for (at, element) in self.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            element.json(out);
        }
        out.push(']');
    }
}

impl<T: Json> Json for Option<T> {
    fn json(&self, out: &mut String) {
        match self {
            Some(value) => value.json(out),
            None => out.push_str("null"),
        }
    }
}
