//! `partition.metadata`: which topic id a log belongs to (KIP-516); Kafka's `PartitionMetadataFile`.

use chronik_types::{TopicId, uuid_from_text};

/// The file's name.
pub(crate) const NAME: &str = "partition.metadata";

pub(crate) fn parse(text: &str) -> Result<TopicId, String> {
    let mut topic_id = None;
    for line in text.lines() {
        match line.split_once(':').map(|(key, value)| (key.trim(), value.trim())) {
            Some(("version", "0")) => {}
            Some(("topic_id", id)) => topic_id = uuid_from_text(id).map(TopicId),
            _ => return Err(format!("malformed line {line:?}")),
        }
    }
    topic_id.ok_or_else(|| "no topic id".to_owned())
}

pub(crate) fn format(topic_id: TopicId) -> String {
    // Kafka ends the file without a newline.
    std::format!("version: 0\ntopic_id: {topic_id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_kafkas() {
        let text = "version: 0\ntopic_id: bRVabUCDSCqe10W71akC_w";
        assert_eq!(format(parse(text).unwrap()), text);
        assert!(parse("version: 1\ntopic_id: bRVabUCDSCqe10W71akC_w").is_err());
        assert!(parse("version: 0\n").is_err());
        assert!(parse("version: 0\ntopic_id: x").is_err());
    }
}
