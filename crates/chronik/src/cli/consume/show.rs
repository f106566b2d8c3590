//! How a record is shown: chosen columns as raw bytes, or one JSON object per line.

use anyhow::Result;
use base64::Engine;
use chronik_log::batch::{Record, TimestampType};
use serde_json::{Value, json};

use crate::cli::{Printer, time};

/// What of a record is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Column {
    Topic,
    Partition,
    Offset,
    Timestamp,
    Key,
    Value,
    Headers,
}

/// Where a record was found.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub topic: &'a str,
    pub partition: i32,
    pub timestamp_type: TimestampType,
}

/// The columns as text.
#[derive(Debug, Clone)]
pub struct Layout {
    pub columns: Vec<Column>,
    pub separator: Vec<u8>,
    /// Shown for null.
    pub null: Vec<u8>,
}

impl Layout {
    /// One line. Keys and values are written as they are, whatever their bytes.
    pub fn line(&self, place: Place<'_>, record: &Record<'_>) -> Vec<u8> {
        let mut line = Vec::new();
        for (index, column) in self.columns.iter().enumerate() {
            if index > 0 {
                line.extend_from_slice(&self.separator);
            }
            match column {
                Column::Topic => line.extend_from_slice(place.topic.as_bytes()),
                Column::Partition => line.extend_from_slice(place.partition.to_string().as_bytes()),
                Column::Offset => line.extend_from_slice(record.offset.to_string().as_bytes()),
                Column::Timestamp => line.extend_from_slice(time::format(record.timestamp).as_bytes()),
                Column::Key => line.extend_from_slice(record.key.unwrap_or(&self.null)),
                Column::Value => line.extend_from_slice(record.value.unwrap_or(&self.null)),
                Column::Headers => self.headers(record, &mut line),
            }
        }
        line.push(b'\n');
        line
    }

    /// `key=value,key=value`.
    fn headers(&self, record: &Record<'_>, line: &mut Vec<u8>) {
        for (index, header) in record.headers.iter().enumerate() {
            if index > 0 {
                line.push(b',');
            }
            line.extend_from_slice(header.key);
            line.push(b'=');
            line.extend_from_slice(header.value.unwrap_or(&self.null));
        }
    }
}

/// Prints a record as the command was asked to.
pub fn print(printer: &mut Printer, layout: &Layout, place: Place<'_>, record: &Record<'_>) -> Result<()> {
    if printer.is_json() {
        printer.item(&json(place, record))
    } else {
        printer.bytes(&layout.line(place, record))
    }
}

/// The whole record.
pub fn json(place: Place<'_>, record: &Record<'_>) -> Value {
    let headers = record
        .headers
        .iter()
        .map(|header| json!({ "key": bytes(Some(header.key)), "value": bytes(header.value) }));
    json!({
        "topic": place.topic,
        "partition": place.partition,
        "offset": record.offset.0,
        "timestamp": record.timestamp.0,
        "timestampType": place.timestamp_type.name(),
        "key": bytes(record.key),
        "value": bytes(record.value),
        "headers": headers.collect::<Vec<_>>(),
    })
}

/// Text as a string; other bytes as an object that holds their base64; null as null.
pub fn bytes(bytes: Option<&[u8]>) -> Value {
    bytes.map_or(Value::Null, |bytes| match std::str::from_utf8(bytes) {
        Ok(text) => Value::from(text),
        Err(_) => json!({ "base64": base64::engine::general_purpose::STANDARD.encode(bytes) }),
    })
}

#[cfg(test)]
mod tests {
    use chronik_log::batch::{Batch, BatchBuilder, Compression, NewRecord, Records, TimestampType};
    use chronik_types::Millis;

    use super::{Column, Layout, Place, json};

    #[test]
    fn a_record_is_shown_as_text_and_as_json() {
        let mut builder = BatchBuilder::new(Compression::None);
        builder.push(NewRecord {
            timestamp: Millis(1000),
            key: Some(b"k"),
            value: None,
            headers: &[(b"a", Some(b"\xff")), (b"b", None)],
        });
        let bytes = builder.build();
        let batch = Batch::parse(&bytes).unwrap();
        let record = Records::new(batch.header(), batch.body()).next().unwrap().unwrap();
        let place = Place { topic: "t", partition: 2, timestamp_type: TimestampType::CreateTime };
        let columns = vec![Column::Partition, Column::Timestamp, Column::Key, Column::Value, Column::Headers];
        let layout = Layout { columns, separator: b"|".to_vec(), null: b"NULL".to_vec() };
        assert_eq!(layout.line(place, &record), b"2|1970-01-01T00:00:01.000Z|k|NULL|a=\xff,b=NULL\n");
        let expected = serde_json::json!({
            "topic": "t", "partition": 2, "offset": 0, "timestamp": 1000, "timestampType": "CreateTime",
            "key": "k", "value": null,
            "headers": [{ "key": "a", "value": { "base64": "/w==" } }, { "key": "b", "value": null }],
        });
        assert_eq!(json(place, &record), expected);
    }
}
