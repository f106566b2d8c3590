//! Where reading starts: `--from beginning`, `end`, an offset, so many records before the end, or a time.

use std::str::FromStr;

use chronik_types::Millis;

use crate::cli::client::{At, Client, Error, Isolation, Topic};
use crate::cli::time;

/// The argument of `--from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    Beginning,
    End,
    Offset(i64),
    /// So many offsets before the end of each partition.
    BeforeEnd(i64),
    /// The first record of this time or later.
    Time(Millis),
}

impl FromStr for From {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |digits: &str| {
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| digits.parse::<i64>().ok()).flatten()
        };
        match text {
            "beginning" | "earliest" => return Ok(From::Beginning),
            "end" | "latest" => return Ok(From::End),
            _ => {}
        }
        if let Some(millis) = text.strip_prefix('@').and_then(number) {
            return Ok(From::Time(Millis(millis)));
        }
        if let Some(back) = text.strip_prefix('-').and_then(number) {
            return Ok(From::BeforeEnd(back));
        }
        if let Some(offset) = number(text) {
            return Ok(From::Offset(offset));
        }
        time::parse(text).map(From::Time).ok_or_else(|| {
            "write beginning, end, an offset, -N (N before the end), @MILLISECONDS or a time such as 2026-03-01T12:00Z"
                .into()
        })
    }
}

/// A partition that is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub partition: i32,
    pub next: i64,
    /// Where reading stops, unless it follows.
    pub end: i64,
}

/// Where each partition is read from and to, as the partitions stand now.
pub fn positions(
    client: &mut Client,
    topic: &Topic,
    partitions: &[i32],
    from: From,
    isolation: Isolation,
) -> Result<Vec<Position>, Error> {
    let ends = client.offsets(topic, partitions, At::End, isolation)?;
    let firsts = client.offsets(topic, partitions, At::Beginning, isolation)?;
    let by_time = match from {
        From::Time(time) => client.offsets(topic, partitions, At::Timestamp(time.0), isolation)?,
        _ => Vec::new(),
    };
    let positions = ends.iter().zip(&firsts).enumerate().map(|(index, (end, first))| {
        let (end, first) = (end.offset.unwrap_or(0), first.offset.unwrap_or(0));
        let next = match from {
            From::Beginning => first,
            From::End => end,
            From::Offset(offset) => offset,
            From::BeforeEnd(back) => end.saturating_sub(back).max(first),
            From::Time(_) => by_time.get(index).and_then(|found| found.offset).unwrap_or(end),
        };
        Position { partition: firsts[index].partition, next, end }
    });
    Ok(positions.collect())
}

#[cfg(test)]
mod tests {
    use chronik_types::Millis;

    use super::From;

    #[test]
    fn places_are_read_as_people_write_them() {
        for (text, from) in [
            ("beginning", From::Beginning),
            ("latest", From::End),
            ("0", From::Offset(0)),
            ("5000000000", From::Offset(5_000_000_000)),
            ("-10", From::BeforeEnd(10)),
            ("@1772323200000", From::Time(Millis(1_772_323_200_000))),
            ("2026-03-01", From::Time(Millis(1_772_323_200_000))),
        ] {
            assert_eq!(text.parse(), Ok(from), "{text}");
        }
        for bad in ["", "start", "-", "@", "--1", "-+1", "1.5"] {
            assert!(bad.parse::<From>().is_err(), "{bad}");
        }
    }
}
