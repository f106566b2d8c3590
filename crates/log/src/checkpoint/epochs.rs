//! `leader-epoch-checkpoint`: lines of `epoch start-offset`; Kafka's `LeaderEpochCheckpointFile`.

use chronik_types::{LeaderEpoch, Offset};

pub(crate) fn parse(text: &str) -> Result<Vec<(LeaderEpoch, Offset)>, String> {
    let entry = |line: &str| {
        let (epoch, start) = line.split_once(' ').ok_or_else(|| format!("malformed line {line:?}"))?;
        Ok((LeaderEpoch(super::number(epoch)?), Offset(super::number(start.trim())?)))
    };
    super::lines(text)?.into_iter().map(entry).collect()
}

pub(crate) fn format(entries: &[(LeaderEpoch, Offset)]) -> String {
    super::text(&entries.iter().map(|(epoch, start)| std::format!("{epoch} {start}")).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_kafkas() {
        let text = "0\n2\n0 0\n2 252\n";
        let entries = parse(text).unwrap();
        assert_eq!(entries, [(LeaderEpoch(0), Offset(0)), (LeaderEpoch(2), Offset(252))]);
        assert_eq!(format(&entries), text);
        assert!(parse("0\n1\n5\n").is_err());
    }
}
