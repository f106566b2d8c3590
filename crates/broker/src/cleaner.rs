//! Compaction's schedule: which log is cleaned next, how many at a time, and how fast (`LogCleaner`, `LogCleanerManager`).
//!
//! The dirtiest log comes first. A cleaning goes on in steps on the blocking pool, with pauses in between that keep it to
//! `log.cleaner.io.max.bytes.per.second`; what it reads is not locked, and where the log has been cut or closed meanwhile, its work is
//! thrown away. A log that cannot be cleaned is named once and left alone; the others go on.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use chronik_log::{Cleaning, Dirt, LogError, OffsetMap, Step};
use chronik_state::config::CleanerConfig;
use chronik_types::{PartitionIndex, TopicId};
use parking_lot::Mutex;

use crate::blocking;
use crate::chores::{remove_later, write_checkpoints};
use crate::env::Env;
use crate::node::Node;
use crate::partition::Partition;

/// What is being cleaned, and what cannot be.
#[derive(Default)]
pub(crate) struct Cleaner {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    workers: u32,
    in_progress: BTreeSet<Key>,
    uncleanable: BTreeSet<Key>,
    /// By the environment's elapsed time: when the throttle lets more through.
    free_at: Duration,
}

type Key = (TopicId, PartitionIndex);

/// One log's turn.
struct Job {
    partition: Arc<Partition>,
    cleaning: Cleaning,
}

/// What a worker keeps while the node may go.
struct Worker {
    node: Weak<Node>,
    env: Arc<dyn Env>,
}

/// Starts the cleaner, unless it is switched off.
pub(crate) fn start(node: &Arc<Node>) {
    if !node.config.load().cleaner.enable {
        return;
    }
    let (weak, env) = (Arc::downgrade(node), Arc::clone(&node.env));
    let work = async move {
        loop {
            let Some(node) = weak.upgrade() else { return };
            let config = node.config.load().cleaner.clone();
            add_workers(&node, config.threads);
            drop(node);
            env.sleep(Duration::from_millis(config.backoff_ms.max(1))).await;
        }
    };
    node.env.spawn(Box::pin(work));
}

fn add_workers(node: &Arc<Node>, threads: u32) {
    let mut state = node.cleaner.state.lock();
    while state.workers < threads {
        state.workers += 1;
        let worker = Worker { node: Arc::downgrade(node), env: Arc::clone(&node.env) };
        node.env.spawn(Box::pin(worker.run()));
    }
}

impl Worker {
    /// Cleans one log after the other until none is dirty.
    async fn run(self) {
        loop {
            let weak = Weak::clone(&self.node);
            let Some(Some(job)) =
                blocking::run(&*self.env, move || weak.upgrade().map(|node| pick(&node))).await
            else {
                break;
            };
            let partition = Arc::clone(&job.partition);
            let result = self.clean(job).await;
            let Some(node) = self.node.upgrade() else { return };
            node.cleaner.state.lock().in_progress.remove(&key(&partition));
            let Err(error) = result else { continue };
            if partition.with_log(|_, _| ()).is_none() {
                // Its files have been taken away.
                continue;
            }
            failed(&node, &partition, &error);
            if !matches!(error, LogError::Corrupt { .. }) {
                break;
            }
        }
        if let Some(node) = self.node.upgrade() {
            node.cleaner.state.lock().workers -= 1;
        }
    }

    async fn clean(&self, job: Job) -> Result<(), LogError> {
        let Job { partition, mut cleaning } = job;
        loop {
            let Some(config) = self.node.upgrade().map(|node| node.config.load().cleaner.clone()) else {
                return Ok(());
            };
            let bytes = config.io_buffer_bytes.max(64 << 10);
            let (step, back) = blocking::run(&*self.env, move || (cleaning.step(bytes), cleaning)).await;
            cleaning = back;
            let Some(node) = self.node.upgrade() else { return Ok(()) };
            let io_bytes = cleaning.take_io_bytes();
            node.metrics.cleaner_bytes.inc_by(io_bytes);
            let stays = partition.settings().topic.cleanup_compact && partition.with_log(|_, _| ()).is_some();
            match step {
                Ok(Step::More) if stays => {}
                Ok(Step::Cleaned(cleaned)) if stays => {
                    let (here, partition) = (Arc::clone(&node), Arc::clone(&partition));
                    let swapped =
                        blocking::run(&*self.env, move || swap_in(&here, &partition, cleaned)).await?;
                    if !swapped {
                        return cleaning.abandon();
                    }
                }
                Ok(Step::Done(to)) if stays => {
                    let keys = cleaning.keys();
                    tracing::debug!(partition = %partition.name, to = %to, keys, "compacted");
                    partition.with_log(|log, _| log.finish_cleaning(&cleaning, to));
                    node.metrics.cleanings.inc();
                    blocking::run(&*self.env, move || write_checkpoints(&node)).await;
                    return Ok(());
                }
                Ok(Step::Cleaned(cleaned)) => {
                    cleaned.discard()?;
                    return cleaning.abandon();
                }
                Ok(_) => return cleaning.abandon(),
                Err(error) => {
                    // The first fault is the one to be told of.
                    let _ = cleaning.abandon();
                    return Err(error);
                }
            }
            let pause = pause(&node, &config, io_bytes);
            drop(node);
            if !pause.is_zero() {
                self.env.sleep(pause).await;
            }
        }
    }
}

fn key(partition: &Partition) -> Key {
    (partition.topic_id, partition.name.partition)
}

/// Plans the cleaning of the dirtiest log that is worth it. Blocks.
fn pick(node: &Arc<Node>) -> Option<Job> {
    let now = node.env.now();
    let config = node.config.load().cleaner.clone();
    let mut dirtiest: Option<(Arc<Partition>, Dirt)> = None;
    let mut ratio_max: f64 = 0.0;
    for partition in node.partitions.all() {
        let settings = partition.settings();
        let state = node.cleaner.state.lock();
        let is_free =
            !state.in_progress.contains(&key(&partition)) && !state.uncleanable.contains(&key(&partition));
        drop(state);
        if !settings.topic.cleanup_compact || !is_free || partition.dir.is_offline() {
            continue;
        }
        let dirt = match partition.with_log(|log, high_watermark| log.dirt(high_watermark, now)) {
            None => continue,
            Some(Ok(dirt)) => dirt,
            Some(Err(error)) => {
                failed(node, &partition, &error);
                continue;
            }
        };
        ratio_max = ratio_max.max(dirt.ratio());
        let is_due = dirt.is_overdue || dirt.ratio() > settings.topic.min_cleanable_dirty_ratio;
        let is_dirtier = dirtiest.as_ref().is_none_or(|(_, other)| dirt.ratio() > other.ratio());
        if dirt.cleanable_bytes > 0 && is_due && is_dirtier {
            dirtiest = Some((partition, dirt));
        }
    }
    node.metrics.max_dirty_percent.set((ratio_max * 100.0) as i64);
    let (partition, dirt) = dirtiest?;
    let bytes = config.dedupe_buffer_bytes / u64::from(config.threads.max(1));
    let map = OffsetMap::new(usize::try_from(bytes).unwrap_or(usize::MAX), config.load_factor);
    let cleaning = partition.with_log(|log, _| log.begin_cleaning(&dirt, map, now)).flatten()?;
    node.cleaner.state.lock().in_progress.insert(key(&partition));
    Some(Job { partition, cleaning })
}

/// Puts a cleaned group in place. Returns whether it still fitted. Blocks.
fn swap_in(
    node: &Arc<Node>,
    partition: &Arc<Partition>,
    cleaned: chronik_log::Cleaned,
) -> Result<bool, LogError> {
    let Some(swapped) = partition.with_log(|log, _| log.swap_in(cleaned)) else { return Ok(false) };
    match swapped? {
        Ok(removal) => {
            removal.make_durable()?;
            remove_later(node, partition, removal);
            Ok(true)
        }
        Err(cleaned) => cleaned.discard().map(|()| false),
    }
}

/// How long the throttle holds back whoever has read and written so much.
fn pause(node: &Node, config: &CleanerConfig, bytes: u64) -> Duration {
    let seconds = bytes as f64 / config.io_bytes_per_second.max(1.0);
    let now = node.env.elapsed();
    let mut state = node.cleaner.state.lock();
    state.free_at = state.free_at.max(now) + Duration::from_secs_f64(seconds.min(3600.0));
    let pause = state.free_at.saturating_sub(now);
    // Timers are not exact to less.
    if pause < Duration::from_millis(1) { Duration::ZERO } else { pause }
}

fn failed(node: &Node, partition: &Partition, error: &LogError) {
    if !matches!(error, LogError::Corrupt { .. }) {
        return partition.dir.failed(error);
    }
    let mut state = node.cleaner.state.lock();
    if state.uncleanable.insert(key(partition)) {
        tracing::error!(
            partition = %partition.name, %error,
            "log cannot be compacted: it is left as it is until the node restarts"
        );
    }
    node.metrics.uncleanable.set(state.uncleanable.len() as i64);
}
