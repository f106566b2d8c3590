//! The metadata log in the files of a data directory.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use chronik_types::{LeaderEpoch, Offset};

use super::{Each, SnapshotId, entries};
use crate::cli::cluster::METADATA;
use crate::cli::log::batches;

/// Reads the oldest snapshot that is needed, and the log from its end on.
pub fn read(dir: &Path, each: Each<'_>) -> Result<()> {
    let dir = log_dir(dir)?;
    let (mut segments, mut snapshots) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(&dir).with_context(|| format!("list {}", dir.display()))? {
        let path = entry.with_context(|| format!("list {}", dir.display()))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some(base) = name.strip_suffix(".log").and_then(|base| base.parse().ok()) {
            segments.push((Offset(base), path));
        } else if let Some(id) = name.strip_suffix(".checkpoint").and_then(snapshot_id) {
            snapshots.push((id, path));
        }
    }
    segments.sort();
    snapshots.sort();
    let begin = segments.first().map_or(Offset(i64::MAX), |(base, _)| *base);
    let snapshot = if begin == Offset(0) {
        None
    } else {
        snapshots.into_iter().find(|(id, _)| id.end >= begin || segments.is_empty())
    };
    let mut next = Offset(0);
    if let Some((id, path)) = &snapshot {
        next = id.end;
        file(path, Some(*id), Offset(0), each)?;
    } else if begin > Offset(0) {
        bail!("{} holds neither the beginning of the metadata log nor a snapshot of it", dir.display());
    }
    for (_, path) in &segments {
        file(path, None, next, each)?;
    }
    Ok(())
}

fn log_dir(dir: &Path) -> Result<PathBuf> {
    let name = format!("{METADATA}-0");
    let inner = dir.join(&name);
    if inner.is_dir() {
        return Ok(inner);
    }
    if dir.is_dir() && std::path::absolute(dir)?.file_name().is_some_and(|last| *last == *name) {
        return Ok(dir.to_owned());
    }
    bail!("{} holds no metadata log; name a data directory with a folder {name}", dir.display())
}

/// `00000000000000000042-0000000007` holds all before offset 42, and was written in epoch 7.
fn snapshot_id(name: &str) -> Option<SnapshotId> {
    let (end, epoch) = name.split_once('-')?;
    Some(SnapshotId { end: Offset(end.parse().ok()?), epoch: LeaderEpoch(epoch.parse().ok()?) })
}

/// Hands out the records of a file from the offset `from` on.
fn file(path: &Path, snapshot: Option<SnapshotId>, from: Offset, each: Each<'_>) -> Result<()> {
    let name = || path.display().to_string();
    let file = File::open(path).with_context(name)?;
    let len = file.metadata().with_context(name)?.len();
    let read = batches(file, len, |batch, _| {
        let is_known = snapshot.is_none() && batch.header().last_offset() < from;
        if is_known { Ok(()) } else { entries(batch, snapshot, each) }
    });
    read.with_context(name)
}
