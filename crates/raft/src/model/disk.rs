//! What a node keeps through a crash, and what it may lose: a page cache over a disk.

use chronik_types::{LeaderEpoch, Offset};

use crate::{
    ControlRecord, EpochStart, FetchedBatch, LogState, OffsetAndEpoch, QuorumState, SnapshotId, VoterSet,
    rng::Rng,
};

#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    pub(crate) quorum_state: Option<String>,
    pub(crate) start: OffsetAndEpoch,
    pub(crate) log: Vec<FetchedBatch>,
    /// What would survive a crash at least.
    pub(crate) synced: Vec<FetchedBatch>,
    pub(crate) durable: Offset,
    /// A sync is under way that will cover the log up to here.
    pub(crate) syncing: Option<Offset>,
    pub(crate) snapshot: Option<SnapshotId>,
    pub(crate) snapshot_voters: Option<VoterSet>,
    pub(crate) snapshot_version: Option<i16>,
    pub(crate) partial: Vec<u8>,
}

fn end_of(start: OffsetAndEpoch, log: &[FetchedBatch]) -> Offset {
    log.last().map_or(start.offset, |batch| batch.last_offset.next())
}

impl Disk {
    pub(crate) fn end(&self) -> Offset {
        end_of(self.start, &self.log)
    }

    pub(crate) fn append(&mut self, batch: FetchedBatch) {
        assert_eq!(batch.base_offset, self.end(), "the log has a gap");
        self.log.push(batch);
    }

    pub(crate) fn truncate(&mut self, end: Offset) {
        self.log.retain(|batch| batch.base_offset < end);
        assert_eq!(self.end(), end, "a truncation inside a batch");
        self.durable = self.durable.min(end);
        self.syncing = self.syncing.map(|until| until.min(end));
    }

    /// A sync that covered the log up to `until` is done.
    pub(crate) fn sync_done(&mut self, until: Offset) {
        self.durable = self.durable.max(until);
        self.synced = self.log.iter().filter(|batch| batch.last_offset < until).cloned().collect();
    }

    /// The epoch of the record before `end`, if it is surely on disk.
    pub(crate) fn synced_epoch_before(&self, end: Offset) -> Option<LeaderEpoch> {
        if end <= self.start.offset {
            return Some(self.start.epoch);
        }
        self.synced.iter().find(|batch| batch.last_offset.next() == end).map(|batch| batch.epoch)
    }

    pub(crate) fn move_start(&mut self, start: OffsetAndEpoch) {
        self.start = start;
        self.log.retain(|batch| batch.base_offset >= start.offset);
        self.synced.retain(|batch| batch.base_offset >= start.offset);
    }

    pub(crate) fn reset(&mut self, id: SnapshotId, version: Option<i16>, voters: Option<VoterSet>) {
        *self = Disk {
            quorum_state: self.quorum_state.take(),
            start: id,
            durable: id.offset,
            snapshot: Some(id),
            snapshot_voters: voters,
            snapshot_version: version,
            ..Disk::default()
        };
    }

    /// The process dies. Everything synced stays; of the rest, some may: either the page cache up to some batch, or
    /// the disk as it was before a truncation that was not synced.
    pub(crate) fn crash(&mut self, rng: &mut Rng) {
        let kept = if rng.below(2) == 0 {
            self.synced.clone()
        } else {
            let sure = self.log.iter().filter(|batch| batch.last_offset < self.durable).count();
            let count = sure + rng.below(self.log.len() - sure + 1);
            self.log[..count].to_vec()
        };
        self.log.clone_from(&kept);
        self.synced = kept;
        self.durable = self.end();
        self.syncing = None;
        self.partial.clear();
    }

    pub(crate) fn quorum_state(&self) -> Option<QuorumState> {
        self.quorum_state.as_deref().map(|text| QuorumState::from_json(text).expect("the model wrote it"))
    }

    pub(crate) fn log_state(&self) -> LogState {
        let before = |id: SnapshotId| Offset(id.offset.0 - 1);
        let mut state = LogState {
            start: self.start.offset,
            start_epoch: self.start.epoch,
            end: self.end(),
            epochs: self.epochs(),
            snapshot: self.snapshot,
            ..LogState::default()
        };
        let after = self.snapshot.map_or(Offset::ZERO, |id| id.offset);
        if let Some(id) = self.snapshot {
            state.kraft_versions.extend(self.snapshot_version.map(|version| (before(id), version)));
            state.voter_sets.extend(self.snapshot_voters.clone().map(|voters| (before(id), voters)));
        }
        for (offset, record) in self.log.iter().flat_map(|batch| &batch.control) {
            match record {
                ControlRecord::KRaftVersion(version) if *offset >= after => {
                    state.kraft_versions.push((*offset, *version));
                }
                ControlRecord::Voters(voters) if *offset >= after => {
                    state.voter_sets.push((*offset, voters.clone()));
                }
                _ => {}
            }
        }
        state
    }

    /// The latest voter set on this disk.
    pub(crate) fn voters(&self) -> Option<VoterSet> {
        self.log_state().voter_sets.pop().map(|(_, voters)| voters)
    }

    fn epochs(&self) -> Vec<EpochStart> {
        let mut epochs: Vec<EpochStart> = Vec::new();
        for batch in &self.log {
            if epochs.last().is_none_or(|last| last.epoch < batch.epoch) {
                epochs.push(EpochStart { epoch: batch.epoch, start_offset: batch.base_offset });
            }
        }
        epochs
    }
}
