//! Where results go: a locked, buffered stdout, as text or as JSON.
//!
//! Text is for people and may change; JSON is for programs: one document for a command that answers once, one
//! line per item for a command that streams.

use std::io::{self, BufWriter, Write};

use anyhow::{Context, Result};
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    Text,
    Json,
}

/// Writes results.
pub struct Printer {
    output: Output,
    out: BufWriter<Box<dyn Write>>,
}

impl Printer {
    pub fn stdout(output: Output) -> Self {
        Self { output, out: BufWriter::with_capacity(64 * 1024, Box::new(io::stdout().lock())) }
    }

    pub fn is_json(&self) -> bool {
        self.output == Output::Json
    }

    pub fn line(&mut self, text: impl AsRef<str>) -> Result<()> {
        writeln!(self.out, "{}", text.as_ref()).context(WRITE)
    }

    pub fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes).context(WRITE)
    }

    /// The one document that answers a command.
    pub fn document(&mut self, value: &impl Serialize) -> Result<()> {
        serde_json::to_writer_pretty(&mut self.out, value).map_err(io::Error::from).context(WRITE)?;
        self.line("")
    }

    /// One of many items, on a line of its own.
    pub fn item(&mut self, value: &impl Serialize) -> Result<()> {
        serde_json::to_writer(&mut self.out, value).map_err(io::Error::from).context(WRITE)?;
        self.line("")
    }

    /// Rows under headings, without lines, as wide as they need to be.
    pub fn table(&mut self, headings: &[&str], rows: Vec<Vec<String>>) -> Result<()> {
        let text = table(headings, rows);
        self.bytes(text.as_bytes())
    }

    /// Hands everything to the reader.
    pub fn flush(&mut self) -> Result<()> {
        self.out.flush().context(WRITE)
    }
}

const WRITE: &str = "write the result";

/// The rows as text, each line ending where its last cell ends.
pub fn table(headings: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(headings);
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

/// Whether the reader of our output has gone away.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
        && error.chain().any(|c| c.to_string() == WRITE)
}

#[cfg(test)]
pub mod memory {
    //! A printer whose output a test reads.

    use std::io::{self, BufWriter, Write};
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::{Output, Printer};

    #[derive(Clone, Default)]
    pub struct Written(Arc<Mutex<Vec<u8>>>);

    impl Written {
        pub fn text(&self) -> String {
            String::from_utf8_lossy(&self.0.lock()).into_owned()
        }
    }

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Printer {
        /// Unbuffered, into memory.
        pub fn memory(output: Output) -> (Self, Written) {
            let written = Written::default();
            let out: Box<dyn Write> = Box::new(written.clone());
            (Self { output, out: BufWriter::with_capacity(0, out) }, written)
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::{is_broken_pipe, table};

    #[test]
    fn a_table_is_columns_without_lines() {
        let rows = vec![vec!["a".into(), "1".into()], vec!["long name".into(), String::new()]];
        assert_eq!(table(&["TOPIC", "PARTITIONS"], rows), "TOPIC      PARTITIONS\na          1\nlong name\n");
    }

    #[test]
    fn only_our_own_output_can_be_a_broken_pipe() {
        let broken = || Err::<(), _>(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
        assert!(is_broken_pipe(&broken().context(super::WRITE).unwrap_err()));
        assert!(!is_broken_pipe(&broken().context("send a request").unwrap_err()));
    }
}
