//! Lines in, records out: one record per line, the key before a separator if there is one.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// More than a terminal or a pipe gives at once, so that batches fill.
const BUFFER_BYTES: usize = 1 << 20;

/// How a line becomes a record.
#[derive(Debug, Clone, Default)]
pub struct Format {
    pub key_separator: Option<Vec<u8>>,
    /// A value equal to this is null: a tombstone.
    pub null: Option<Vec<u8>>,
}

/// A key and a value; `None` is null.
#[derive(Debug, PartialEq, Eq)]
pub struct Record<'a> {
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
}

impl Format {
    /// Splits a line. Error: a separator is set and the line has none.
    pub fn record<'a>(&self, line: &'a [u8]) -> Result<Record<'a>, &'static str> {
        let (key, value) = match &self.key_separator {
            None => (None, line),
            Some(separator) => {
                let mut windows = line.windows(separator.len());
                let at =
                    windows.position(|window| window == separator).ok_or("the line has no key separator")?;
                (Some(&line[..at]), &line[at + separator.len()..])
            }
        };
        let value = (self.null.as_deref() != Some(value)).then_some(value);
        Ok(Record { key, value })
    }
}

/// Reads lines of any length.
pub struct Lines {
    input: BufReader<Box<dyn Read>>,
    line: Vec<u8>,
    number: u64,
}

impl Lines {
    pub fn stdin() -> Self {
        Self::new(Box::new(std::io::stdin().lock()))
    }

    /// Opens a file; returns its size too.
    pub fn file(path: &Path) -> Result<(Self, u64)> {
        let file = std::fs::File::open(path).with_context(|| format!("open {}", path.display()))?;
        let metadata = file.metadata().with_context(|| format!("open {}", path.display()))?;
        if metadata.is_dir() {
            bail!("{} is a folder; name a file with one record per line", path.display());
        }
        Ok((Self::new(Box::new(file)), metadata.len()))
    }

    fn new(input: Box<dyn Read>) -> Self {
        Self { input: BufReader::with_capacity(BUFFER_BYTES, input), line: Vec::new(), number: 0 }
    }

    /// The next line without its end, and its number; `None` at the end of the input.
    pub fn next(&mut self) -> Result<Option<(u64, &[u8])>> {
        self.line.clear();
        if self.input.read_until(b'\n', &mut self.line).context("read the input")? == 0 {
            return Ok(None);
        }
        self.number += 1;
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Ok(Some((self.number, line)))
    }

    /// Whether the next line may have to be waited for: what was collected is better sent first.
    pub fn may_wait(&self) -> bool {
        !self.input.buffer().contains(&b'\n')
    }
}

#[cfg(test)]
mod tests {
    use super::{Format, Lines, Record};

    #[test]
    fn a_line_is_split_at_the_first_separator() {
        let format = Format { key_separator: Some(b"::".to_vec()), null: Some(b"NULL".to_vec()) };
        let record = format.record(b"k::a::b").unwrap();
        assert_eq!(record, Record { key: Some(b"k"), value: Some(b"a::b") });
        assert_eq!(format.record(b"::").unwrap(), Record { key: Some(b""), value: Some(b"") });
        assert_eq!(format.record(b"k::NULL").unwrap(), Record { key: Some(b"k"), value: None });
        assert!(format.record(b"k:a").is_err());
        assert_eq!(Format::default().record(b"a").unwrap(), Record { key: None, value: Some(b"a") });
    }

    #[test]
    fn lines_end_with_newline_carriage_return_or_the_input() {
        let mut lines = Lines::new(Box::new(&b"a\r\n\nb"[..]));
        assert_eq!(lines.next().unwrap(), Some((1, &b"a"[..])));
        assert!(!lines.may_wait());
        assert_eq!(lines.next().unwrap(), Some((2, &b""[..])));
        assert!(lines.may_wait());
        assert_eq!(lines.next().unwrap(), Some((3, &b"b"[..])));
        assert_eq!(lines.next().unwrap(), None);
    }
}
