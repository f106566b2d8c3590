//! What a node does by itself, at its configured intervals: retention, flushing by time, checkpoints, forgetting
//! producers, compaction, and looking after failed and full directories.
//!
//! Each chore walks over all partitions, taking each lock for a moment; what blocks runs as a job in the background.
//! Intervals are read anew each time, since they can be changed while the node runs.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use chronik_log::{LogError, RemovalJob};
use chronik_types::{ErrorCode, Offset, TopicPartition};

use crate::env::Urgency;
use crate::lifecycle;
use crate::node::Node;
use crate::partition::Partition;
use crate::reconcile::Written;
use crate::wait::Wait;

/// How often it is looked whether there is room for logs that could not be opened.
const REOPEN_INTERVAL: Duration = Duration::from_secs(1);

/// A chore's loop ends when the node is gone.
type Chore = fn(&Arc<Node>);

/// Starts all chores.
pub(crate) fn start(node: &Arc<Node>) {
    every(node, |node| node.config.load().chores.retention_check_interval_ms, retention);
    every(node, |node| node.config.load().chores.flush_check_interval_ms.min(1000), flush);
    every(node, |node| node.config.load().chores.recovery_point_checkpoint_interval_ms, checkpoint);
    every(node, |node| node.config.load().requests.producer_id_check_interval_ms, expire_producers);
    every(node, |node| node.config.load().replication.checkpoint_interval_ms, write_high_watermarks);
    crate::cleaner::start(node);
    reopen(node);
    watch_dirs(node);
}

fn every(node: &Arc<Node>, interval_ms: fn(&Node) -> u64, chore: Chore) {
    let env = Arc::clone(&node.env);
    let weak: Weak<Node> = Arc::downgrade(node);
    let work = async move {
        loop {
            let Some(interval) = weak.upgrade().map(|node| interval_ms(&node)) else { return };
            env.sleep(Duration::from_millis(interval.max(1))).await;
            let Some(node) = weak.upgrade() else { return };
            env.block(Urgency::Background, Box::new(move || chore(&node)));
        }
    };
    node.env.spawn(Box::pin(work));
}

/// Tries again to open what was not opened for want of room, for as long as the node lives.
fn reopen(node: &Arc<Node>) {
    let env = Arc::clone(&node.env);
    let weak = Arc::downgrade(node);
    node.env.spawn(Box::pin(async move {
        loop {
            env.sleep(REOPEN_INTERVAL).await;
            let Some(node) = weak.upgrade() else { return };
            if node.dirs.iter().any(|dir| dir.awaits_room.load(Ordering::Acquire)) {
                env.block(Urgency::Background, Box::new(move || node.reopen_partitions()));
            }
        }
    }));
}

fn retention(node: &Arc<Node>) {
    for partition in node.partitions.all() {
        if partition.dir.is_offline() {
            continue;
        }
        let now = node.env.now();
        let removal = partition.with_log(|log, high_watermark| log.apply_retention(now, high_watermark));
        match removal {
            None | Some(Ok(None)) => {}
            Some(Ok(Some(job))) => {
                tracing::debug!(partition = %partition.name, segments = job.segments().len(), "retention removes segments");
                remove_later(node, &partition, job);
            }
            Some(Err(error)) => partition.dir.failed(&error),
        }
    }
}

/// Removes the files of segments that are gone once nobody reads them any more (`file.delete.delay.ms`).
pub(crate) fn remove_later(node: &Arc<Node>, partition: &Arc<Partition>, job: RemovalJob) {
    let delay = partition.settings().topic.file_delete_delay_ms;
    let (env, dir) = (Arc::clone(&node.env), Arc::clone(&partition.dir));
    node.env.spawn(Box::pin(async move {
        env.sleep(Duration::from_millis(delay)).await;
        let remove = move || {
            if let Err(error) = job.run() {
                dir.failed(&error);
            }
        };
        env.block(Urgency::Background, Box::new(remove));
    }));
}

fn flush(node: &Arc<Node>) {
    let now = node.env.now();
    for partition in node.partitions.all() {
        if !partition.dir.is_offline() && partition.flush_is_due(now) {
            partition.sync(&*node.env);
        }
    }
    if node.dirs.iter().any(|dir| dir.data.is_far_ahead()) {
        checkpoint(node);
    }
}

fn expire_producers(node: &Arc<Node>) {
    let now = node.env.now();
    for partition in node.partitions.all() {
        partition.with_log(|log, _| log.expire_producers(now));
    }
}

fn checkpoint(node: &Arc<Node>) {
    let _turn = node.checkpoint_turn.lock();
    node.dirs.iter().for_each(|dir| dir.data.is_checkpointed());
    for partition in node.partitions.all() {
        if !partition.dir.is_offline()
            && let Err(error) = checkpoint_one(&partition)
        {
            partition.dir.failed(&error);
        }
    }
    let _ = node.quorum().checkpoint();
    write_checkpoints(node);
}

fn checkpoint_one(partition: &Partition) -> Result<(), LogError> {
    let job = partition.with_log(|log, _| log.begin_checkpoint()).transpose()?.flatten();
    if let Some(job) = job {
        let done = job.run();
        partition.with_log(|log, _| log.finish_checkpoint(done)).transpose()?;
    }
    Ok(())
}

/// Writes recovery points, start offsets, high watermarks and compaction's offsets of every good directory.
pub(crate) fn write_checkpoints(node: &Node) {
    for at in (0..node.dirs.len()).filter(|at| !node.dirs[*at].data.is_offline()) {
        // What went wrong is known to the directory; the next round tries again.
        let _ = write_checkpoints_in(node, at);
    }
}

/// As [`write_checkpoints`], in the directory that the partition is in.
///
/// Errors: they were not written, which the directory has been told of.
pub(crate) fn write_checkpoints_for(node: &Node, partition: &Partition) -> Result<(), LogError> {
    let at = node.dirs.iter().position(|dir| Arc::ptr_eq(&dir.data, &partition.dir));
    at.map_or(Ok(()), |at| write_checkpoints_in(node, at))
}

fn write_checkpoints_in(node: &Node, at: usize) -> Result<(), LogError> {
    let dir = &node.dirs[at];
    let mut written_before = dir.checkpointing.lock();
    let mut cleaned = Vec::new();
    let mut recovery_points: Vec<(TopicPartition, Offset)> = Vec::new();
    let mut starts = Vec::new();
    let mut high_watermarks = Vec::new();
    if at == node.metadata_dir {
        recovery_points.push((TopicPartition::new("__cluster_metadata", 0), node.quorum().recovery_point()));
    }
    let partitions = node.partitions.all();
    for partition in partitions.iter().filter(|partition| Arc::ptr_eq(&partition.dir, &dir.data)) {
        let marks = partition.with_log(|log, high_watermark| {
            cleaned.extend(log.cleaned_to().map(|to| (partition.name.clone(), to)));
            (log.recovery_point(), log.start_offset(), high_watermark)
        });
        let Some((recovery_point, start, high_watermark)) = marks else { continue };
        recovery_points.push((partition.name.clone(), recovery_point));
        if start > Offset::ZERO {
            starts.push((partition.name.clone(), start));
        }
        high_watermarks.push((partition.name.clone(), high_watermark));
    }
    let written = dir
        .log_dir
        .write_recovery_points(recovery_points)
        .and_then(|()| dir.log_dir.write_start_offsets(starts))
        .and_then(|()| dir.log_dir.write_high_watermarks(high_watermarks.iter().cloned()));
    let written = written.and_then(|()| {
        let is_news = cleaned != written_before.cleaned;
        if is_news { dir.log_dir.write_cleaned(cleaned.iter().cloned()) } else { Ok(()) }
    });
    match &written {
        Ok(()) => *written_before = Written { high_watermarks, cleaned },
        Err(error) => dir.data.failed(error),
    }
    written
}

/// Writes the high watermarks of every good directory where they have moved.
fn write_high_watermarks(node: &Arc<Node>) {
    let partitions = node.partitions.all();
    for dir in node.dirs.iter().filter(|dir| !dir.data.is_offline()) {
        let mut written_before = dir.checkpointing.lock();
        let here = partitions.iter().filter(|partition| Arc::ptr_eq(&partition.dir, &dir.data));
        let marks = here.filter_map(|partition| {
            Some((partition.name.clone(), partition.with_log(|_, high_watermark| high_watermark)?))
        });
        let marks: Vec<(TopicPartition, Offset)> = marks.collect();
        if marks == written_before.high_watermarks {
            continue;
        }
        match dir.log_dir.write_high_watermarks(marks.iter().cloned()) {
            Ok(()) => written_before.high_watermarks = marks,
            Err(error) => dir.data.failed(&error),
        }
    }
}

/// When a directory fails, its partitions' parked requests are answered; without any directory left the node stops,
/// as Kafka's does.
fn watch_dirs(node: &Arc<Node>) {
    for (at, dir) in node.dirs.iter().enumerate() {
        let failure = Wait::new();
        dir.data.on_failure(&failure);
        let weak = Arc::downgrade(node);
        node.env.spawn(Box::pin(async move {
            std::future::poll_fn(|cx| failure.poll(cx)).await;
            let Some(node) = weak.upgrade() else { return };
            let gone = Arc::clone(&node.dirs[at].data);
            let mut offline = 0;
            for partition in node.partitions.all() {
                if Arc::ptr_eq(&partition.dir, &gone) {
                    partition.fail(ErrorCode::KafkaStorageError);
                }
                offline += i64::from(partition.dir.is_offline());
            }
            node.metrics.partitions_offline.set(offline);
            if at == node.metadata_dir || node.dirs.iter().all(|dir| dir.data.is_offline()) {
                node.env.halt("no log directory is left to work with");
            } else if node.options.is_broker {
                lifecycle::directory_failed(&node).await;
            }
        }));
    }
}
