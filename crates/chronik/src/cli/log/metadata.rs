//! What the records of `__cluster_metadata` and the control records of any log say.

use bytes::Bytes;
use chronik_log::batch::{EndTxnMarker, Record};
use chronik_raft::ControlRecord;
use chronik_state::records::Change;

use super::report::Item;

/// The item of a metadata record, or why its value is none.
pub fn change(item: Item, record: &Record<'_>) -> Result<Item, String> {
    let value = record.value.ok_or("a metadata record without a value")?;
    let change = Change::decode(&Bytes::copy_from_slice(value)).map_err(|error| error.to_string())?;
    let content = inner(&format!("{:?}", change.record));
    let item = item.with("record", change.record.name()).with("version", change.version);
    Ok(item.with_text("content", content.clone(), content))
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
    Ok(item.with("control", name).with_text("content", content.clone(), content))
}

/// `Topic(TopicRecord { name: "t" })` without the name of the variant, and without tags that are not there.
fn inner(debug: &str) -> String {
    let inner = debug.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(debug);
    inner.replace(", unknown: Tags([])", "").replace(" { unknown: Tags([]) }", "")
}

#[cfg(test)]
mod tests {
    use super::inner;

    #[test]
    fn content_is_shown_without_its_wrapping() {
        assert_eq!(inner("NoOp(NoOpRecord { unknown: Tags([]) })"), "NoOpRecord");
        assert_eq!(
            inner("Topic(TopicRecord { name: \"(a)\", unknown: Tags([]) })"),
            "TopicRecord { name: \"(a)\" }"
        );
    }
}
