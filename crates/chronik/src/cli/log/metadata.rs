//! What the records of `__cluster_metadata` and the control records of any log say.

use bytes::Bytes;
use chronik_log::batch::{EndTxnMarker, Record};
use chronik_raft::ControlRecord;
use chronik_state::records::Change;
use serde_json::{Map, Value};

use super::report::Item;

/// The item of a metadata record, or why its value is none.
pub fn change(item: Item, record: &Record<'_>) -> Result<Item, String> {
    let value = record.value.ok_or("a metadata record without a value")?;
    let change = Change::decode(&Bytes::copy_from_slice(value)).map_err(|error| error.to_string())?;
    let item = item.with("record", change.record.name()).with("version", change.version);
    let content = fields(&change.to_json()).map_err(|error| error.to_string())?;
    let text = content.to_string();
    Ok(item.with_text("content", content, text))
}

/// The item of a control record: a transaction's marker, or one of the quorum's.
pub fn control(item: Item, record: &Record<'_>) -> Result<Item, String> {
    let (key, value) = (record.key.unwrap_or_default(), record.value.unwrap_or_default());
    if let Some(marker) = EndTxnMarker::of(record).map_err(|error| error.to_string())? {
        let name = if marker.commit { "COMMIT" } else { "ABORT" };
        return Ok(item.with("control", name).with("coordinator_epoch", marker.coordinator_epoch));
    }
    let Some(content) = ControlRecord::decode(key, value).map_err(|error| error.to_string())? else {
        return Ok(item.with("control", "UNKNOWN"));
    };
    let content = format!("{content:?}");
    let name = content.split('(').next().unwrap_or_default().to_owned();
    let content = inner(&content);
    Ok(item.with("control", name).with_text("content", content, content))
}

/// The record's fields; of a kind that is not known, its number and bytes.
fn fields(json: &str) -> serde_json::Result<Value> {
    let mut record: Map<String, Value> = serde_json::from_str(json)?;
    Ok(record.remove("data").unwrap_or_else(|| {
        record.retain(|key, _| key != "type" && key != "version");
        Value::Object(record)
    }))
}

/// `Kind(Name { leader: 1 })` without the name of the variant.
fn inner(debug: &str) -> &str {
    debug.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(debug)
}

#[cfg(test)]
mod tests {
    use super::{fields, inner};

    #[test]
    fn content_is_shown_without_its_wrapping() {
        assert_eq!(inner("LeaderChange(LeaderChange { leader: 1 })"), "LeaderChange { leader: 1 }");
        let known = r#"{"type":"TOPIC_RECORD","version":0,"data":{"name":"(a)"}}"#;
        assert_eq!(fields(known).unwrap().to_string(), r#"{"name":"(a)"}"#);
        let unknown = r#"{"type":"UNKNOWN","version":0,"key":99,"hex":"00"}"#;
        assert_eq!(fields(unknown).unwrap().to_string(), r#"{"hex":"00","key":99}"#);
    }
}
