//! Offsets by partition: `recovery-point-offset-checkpoint`, `log-start-offset-checkpoint`,
//! `replication-offset-checkpoint`; Kafka's `OffsetCheckpointFile`. Lines are `topic partition offset`.

use std::collections::BTreeMap;

use chronik_types::{Offset, TopicPartition};

pub(crate) fn parse(text: &str) -> Result<BTreeMap<TopicPartition, Offset>, String> {
    let mut offsets = BTreeMap::new();
    for line in super::lines(text)? {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [topic, partition, offset] = fields[..] else { return Err(format!("malformed line {line:?}")) };
        let partition = TopicPartition::new(topic, super::number(partition)?);
        offsets.insert(partition, Offset(super::number(offset)?));
    }
    Ok(offsets)
}

pub(crate) fn format(offsets: &BTreeMap<TopicPartition, Offset>) -> String {
    let line = |(name, offset): (&TopicPartition, &Offset)| {
        std::format!("{} {} {offset}", name.topic, name.partition)
    };
    super::text(&offsets.iter().map(line).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_kafkas() {
        let text = "0\n2\n__transaction_state 0 42\na.b-c 3 7\n";
        let offsets = parse(text).unwrap();
        assert_eq!(offsets[&TopicPartition::new("a.b-c", 3)], Offset(7));
        assert_eq!(format(&offsets), text);
        assert_eq!(parse("").unwrap(), BTreeMap::new());
        assert_eq!(parse("0\n0\n").unwrap(), BTreeMap::new());
        for bad in
            ["1\n0\n", "0\n", "0\nx\n", "0\n2\na 0 1\n", "0\n1\na 0\n", "0\n1\na x 1\n", "0\n1\na 0 x\n"]
        {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
