//! `chronik log dump`: one file, the files of one log, or a whole data directory.
//!
//! A damaged file is named with the position of the damage, the other files are dumped all the same, and the
//! exit code says that something was damaged.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::index;
use super::kind::Kind;
use super::producers;
use super::report::{Detail, Report};
use super::segment::{self, Content};
use super::small;
use crate::cli::Printer;
use crate::cli::print::is_broken_pipe;

/// The log of the cluster's metadata.
const METADATA_LOG: &str = "__cluster_metadata-0";

#[derive(clap::Args)]
pub struct Arguments {
    /// Files, logs (such as chronik-data/orders-0) or data directories
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Print the records of each batch; those of __cluster_metadata are decoded
    #[arg(long, short)]
    records: bool,
    /// Print every entry of an index, not only how many there are [default for a single file]
    #[arg(long, short)]
    entries: bool,
}

pub fn run(arguments: &Arguments, printer: &mut Printer) -> Result<()> {
    let mut dumped = 0;
    let mut damaged = 0;
    for path in &arguments.paths {
        let is_dir = path.metadata().with_context(|| format!("open {}", path.display()))?.is_dir();
        let detail = Detail { records: arguments.records, entries: arguments.entries || !is_dir };
        let files = if is_dir { files_below(path)? } else { vec![path.clone()] };
        if files.is_empty() {
            bail!(
                "{} holds no file of a log; name a data directory or a folder such as orders-0 in it",
                path.display()
            );
        }
        for file in files {
            dumped += 1;
            // A damaged file is shown among the others, where its good part ends.
            if let Err(error) = dump(printer, &file, detail) {
                if is_broken_pipe(&error) {
                    return Err(error);
                }
                damaged += 1;
                printer.flush()?;
                eprintln!("{}: {error:#}", file.display());
            }
        }
    }
    if damaged > 0 {
        bail!("{damaged} of {dumped} files could not be dumped");
    }
    Ok(())
}

/// The files of a log, or of all logs of a data directory, sorted by name; what is not Kafka's is left out.
fn files_below(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut dirs = Vec::new();
    for entry in std::fs::read_dir(dir).with_context(|| format!("list {}", dir.display()))? {
        let path = entry.with_context(|| format!("list {}", dir.display()))?.path();
        if path.is_dir() {
            dirs.push(path);
        } else if Kind::of(&path).is_some() {
            files.push(path);
        }
    }
    files.sort();
    dirs.sort();
    for dir in dirs {
        files.extend(files_below(&dir)?);
    }
    Ok(files)
}

fn dump(printer: &mut Printer, path: &Path, detail: Detail) -> Result<()> {
    let kind = Kind::of(path).context("by its name it is no file of a log")?;
    let file = File::open(path).context("open")?;
    let len = file.metadata().context("open")?.len();
    let mut report = Report::begin(printer, path, kind.name(), len, detail)?;
    let report = &mut report;
    let bytes = || std::fs::read(path).context("read");
    let text = || String::from_utf8(bytes()?).context("damaged: it is not text");
    match kind {
        Kind::Segment => segment::dump(report, file, len, content(path)),
        Kind::MetadataSnapshot => segment::dump(report, file, len, Content::Metadata),
        Kind::OffsetIndex { base } => index::offsets(report, base, &bytes()?),
        Kind::TimeIndex { base } => index::times(report, base, &bytes()?),
        Kind::TransactionIndex => index::transactions(report, &bytes()?),
        Kind::Producers => producers::dump(report, &bytes()?),
        Kind::LeaderEpochs => small::leader_epochs(report, &text()?),
        Kind::Offsets => small::offsets(report, &text()?),
        Kind::Properties => small::properties(report, &text()?),
        Kind::Json | Kind::CleanShutdown => small::json(report, &text()?),
    }
}

fn content(path: &Path) -> Content {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = absolute.parent().and_then(Path::file_name);
    if folder.is_some_and(|name| name == METADATA_LOG) { Content::Metadata } else { Content::Messages }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use chronik_log::batch::{BatchBuilder, Compression, NewRecord};
    use chronik_types::{Millis, Offset};

    use super::{Arguments, run};
    use crate::cli::print::{Output, Printer};

    /// Size of the first batch of [`segment`].
    const FIRST: usize = 77;

    /// Two batches of two records each, at offsets 10 and 12.
    fn segment() -> Vec<u8> {
        let mut bytes = Vec::new();
        for (offset, codec) in [(10, Compression::None), (12, Compression::Gzip(6))] {
            let mut builder = BatchBuilder::new(codec).base_offset(Offset(offset));
            for value in ["a", "b"] {
                let value = Some(value.as_bytes());
                builder.push(NewRecord { timestamp: Millis(1000), value, ..NewRecord::default() });
            }
            bytes.extend_from_slice(&builder.build());
        }
        bytes
    }

    fn dump(path: &Path, output: Output) -> (Result<(), String>, String) {
        let (mut printer, written) = Printer::memory(output);
        let arguments = Arguments { paths: vec![path.to_owned()], records: true, entries: false };
        let result = run(&arguments, &mut printer).map_err(|error| format!("{error:#}"));
        (result, written.text())
    }

    #[test]
    fn a_log_is_dumped_file_by_file() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("t-0");
        std::fs::create_dir(&log).unwrap();
        std::fs::write(log.join("00000000000000000010.log"), segment()).unwrap();
        std::fs::write(
            log.join("00000000000000000010.index"),
            [0, 0, 0, 3, 0, 0, 0, 77, 0, 0, 0, 0, 0, 0, 0, 0],
        )
        .unwrap();
        std::fs::write(log.join("leader-epoch-checkpoint"), "0\n1\n5 10\n").unwrap();
        std::fs::write(log.join("notes.txt"), "mine").unwrap();
        let (result, text) = dump(&log, Output::Text);
        result.unwrap();
        let text = text.replace(&log.display().to_string(), "LOG");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "LOG/00000000000000000010.index: offset index, 16 bytes");
        assert_eq!(lines[1], "  entries count 1  preallocated_bytes 8");
        assert!(
            lines[3].starts_with("  batch offsets 10..11  position 0  size 77  records 2  codec none"),
            "{text}"
        );
        assert_eq!(lines[4], "    record 10  1970-01-01T00:00:01.000Z  key null  value \"a\"");
        assert!(lines[6].contains("codec gzip"), "{text}");
        assert_eq!(lines.last(), Some(&"  leader_epoch epoch 5  start_offset 10"));
        let (result, json) = dump(&log, Output::Json);
        result.unwrap();
        let items: Vec<serde_json::Value> =
            json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let batch = items.iter().find(|item| item["type"] == "batch").unwrap();
        assert_eq!((&batch["offset"], &batch["lastOffset"]), (&10.into(), &11.into()));
    }

    #[test]
    fn damage_is_found_and_the_good_part_is_shown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("00000000000000000010.log");
        let whole = segment();
        // Every cut but those between batches is damage; so is every flipped bit of what the checksum covers.
        for cut in 1..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let (result, text) = dump(&path, Output::Text);
            assert_eq!(result.is_ok(), cut == FIRST, "cut at {cut}");
            assert_eq!(text.contains("offsets 10..11"), cut >= FIRST, "cut at {cut}");
        }
        for at in (FIRST + 16..whole.len()).chain([FIRST + 8, FIRST + 9]) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x40;
            std::fs::write(&path, &bytes).unwrap();
            let (result, text) = dump(&path, Output::Text);
            assert_eq!(result, Err("1 of 1 files could not be dumped".into()), "byte {at}");
            assert!(text.contains("offsets 10..11"), "byte {at}");
        }
    }

    #[test]
    fn small_files_are_checked() {
        let dir = tempfile::tempdir().unwrap();
        for (name, good, bad) in [
            ("leader-epoch-checkpoint", &b"0\n0\n"[..], &b"0\n2\n1 1\n"[..]),
            ("recovery-point-offset-checkpoint", b"0\n1\nt 0 5\n", b"0\n1\nt 0\n"),
            ("quorum-state", b"{\"leaderId\":1}", b"{"),
            ("partition.metadata", b"version: 0\n", b"version\n"),
            ("00000000000000000000.timeindex", &[0; 24], &[1; 25]),
            ("00000000000000000000.txnindex", b"", &[9; 34]),
            (
                "00000000000000000000.snapshot",
                &[0, 1, 0x48, 0x67, 0x4b, 0xc7, 0, 0, 0, 0],
                &[0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
            ),
        ] {
            let path = dir.path().join(name);
            std::fs::write(&path, good).unwrap();
            assert_eq!(dump(&path, Output::Json).0, Ok(()), "{name}");
            std::fs::write(&path, bad).unwrap();
            assert!(dump(&path, Output::Json).0.is_err(), "{name}");
        }
    }
}
