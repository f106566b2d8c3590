//! What was set aside, by the names of the files and the reports beside them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use chronik_log::batch::{Record, Records, TimestampType, decompress};
use chronik_types::Millis;
use serde_json::{Value, json};

use crate::cli::log::batches;

const SUFFIX: &str = ".truncated";
const DECOMPRESSED_BYTES_MAX: usize = 1 << 30;

/// One cut: a file of whole batches, and what is known about it.
pub struct SetAside {
    pub path: PathBuf,
    /// The report; `None` if a crash came between file and report: then the log was not cut.
    pub report: Option<PathBuf>,
    pub topic: String,
    pub partition: i32,
    /// The first offset.
    pub first: i64,
    /// After the last.
    pub end: i64,
    pub high_watermark: Option<i64>,
    pub leader: Option<i64>,
    pub when: Option<Millis>,
    pub reason: Option<String>,
    pub bytes: u64,
}

impl SetAside {
    /// Whether records went that were committed: `Some(true)`, or `None` if nobody knows. What this broker had taken for
    /// committed was; but it may have learnt late, and after a crash knows only what its last checkpoint said, so that
    /// what lies above proves nothing.
    pub fn was_committed(&self) -> Option<bool> {
        self.high_watermark.is_some_and(|committed| committed > self.first).then_some(true)
    }

    pub fn json(&self) -> Value {
        json!({
            "file": self.path,
            "topic": self.topic,
            "partition": self.partition,
            "firstOffset": self.first,
            "endOffset": self.end,
            "highWatermark": self.high_watermark,
            "committed": self.was_committed(),
            "leader": self.leader,
            "timestamp": self.when.map(|when| when.0),
            "reason": self.reason,
            "bytes": self.bytes,
        })
    }
}

/// Everything that was set aside in these directories, sorted by partition and offset.
pub fn find(dirs: &[PathBuf]) -> Result<Vec<SetAside>> {
    let mut found = Vec::new();
    for dir in dirs {
        look_into(dir, &mut found)?;
        for entry in entries(dir)? {
            if entry.is_dir() && !is_deleted(&entry) {
                look_into(&entry, &mut found)?;
            }
        }
    }
    found.sort_by(|a, b| {
        (&a.topic, a.partition, a.first, &a.path).cmp(&(&b.topic, b.partition, b.first, &b.path))
    });
    found.dedup_by(|a, b| a.path == b.path);
    Ok(found)
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let what = || format!("list {}", dir.display());
    fs::read_dir(dir).with_context(what)?.map(|entry| Ok(entry.with_context(what)?.path())).collect()
}

/// A topic's folder that waits for its removal.
fn is_deleted(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().ends_with("-delete"))
}

fn look_into(dir: &Path, found: &mut Vec<SetAside>) -> Result<()> {
    for path in entries(dir)? {
        if path.is_file() && path.to_string_lossy().ends_with(SUFFIX) {
            let one = describe(&path).with_context(|| format!("read {}", path.display()))?;
            found.push(one);
        }
    }
    Ok(())
}

fn describe(path: &Path) -> Result<SetAside> {
    let folder = std::path::absolute(path)?;
    let folder = folder.parent().and_then(Path::file_name).context("it lies in no folder")?;
    let folder = folder.to_string_lossy();
    let Some((topic, partition)) = folder.rsplit_once('-') else {
        bail!("{folder} is no partition's folder")
    };
    let partition = partition.parse().with_context(|| format!("{folder} is no partition's folder"))?;
    let report = PathBuf::from(format!("{}.json", path.display()));
    let told: Option<Value> = match fs::read(&report) {
        Ok(bytes) => {
            Some(serde_json::from_slice(&bytes).with_context(|| format!("parse {}", report.display()))?)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("read {}", report.display())),
    };
    let number = |key: &str| told.as_ref().and_then(|told| told[key].as_i64());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let first = name.split('-').next().and_then(|first| first.parse::<i64>().ok());
    let first = first.context("its name does not begin with an offset")?;
    let end = match number("endOffset") {
        Some(end) => end,
        None => last_of(path)?.unwrap_or(first),
    };
    Ok(SetAside {
        topic: topic.to_owned(),
        partition,
        first,
        end,
        high_watermark: number("highWatermark"),
        leader: number("leader"),
        when: number("timestamp").map(Millis),
        reason: told.as_ref().and_then(|told| told["reason"].as_str()).map(str::to_owned),
        bytes: fs::metadata(path)?.len(),
        report: told.is_some().then_some(report),
        path: path.to_owned(),
    })
}

fn last_of(path: &Path) -> Result<Option<i64>> {
    let file = File::open(path)?;
    let len = file.metadata()?.len();
    let mut end = None;
    batches(file, len, |batch, _| {
        end = Some(batch.header().next_offset().0);
        Ok(())
    })?;
    Ok(end)
}

/// Hands out the records that users wrote, in order; markers of transactions are passed over.
pub fn records(one: &SetAside, each: &mut dyn FnMut(TimestampType, &Record<'_>) -> Result<()>) -> Result<()> {
    let name = || one.path.display().to_string();
    let file = File::open(&one.path).with_context(name)?;
    let len = file.metadata().with_context(name)?.len();
    let read = batches(file, len, |batch, _| {
        let header = batch.header();
        if header.is_control() {
            return Ok(());
        }
        let body = decompress(batch, DECOMPRESSED_BYTES_MAX).map_err(|error| anyhow!("{error}"))?;
        for record in Records::new(header, &body) {
            let record = record.map_err(|error| anyhow!("{error}"))?;
            // A batch may begin before the cut; what lies there is still in the log.
            if record.offset.0 >= one.first {
                each(header.timestamp_type(), &record)?;
            }
        }
        Ok(())
    });
    read.with_context(name)
}
