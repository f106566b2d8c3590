//! A log on a simulated disk, what a broker would do with it, and the model that it is compared with.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use chronik_log::batch::{
    BatchBuilder, BatchIter, Codec, Compression, EndTxnMarker, Header, NewRecord, Origin, Validated, verify,
};
use chronik_log::disk::memory::MemoryDisk;
use chronik_log::{AbortedTxn, Files, Log, LogDir, LogOptions, Open, SyncJob, TimestampQuery};
use chronik_types::{
    BrokerEpoch, LeaderEpoch, Millis, Offset, ProducerEpoch, ProducerId, TopicId, TopicPartition,
};

/// What can be done with a log.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Append { producer: u8, records: u8 },
    AppendPlain { records: u8 },
    Retry { producer: u8, back: u8 },
    Transaction { commit: bool },
    Sync,
    BeginSync,
    FinishSync,
    Checkpoint,
    Roll,
    NewEpoch,
    Retention,
    DeleteRecords { percent: u8 },
    Truncate { percent: u8 },
    StartOver,
    CloseAndOpen,
    Crash,
}

/// The producer of transactions.
const TRANSACTIONAL: i64 = 100;

pub(crate) struct World {
    pub(crate) disk: MemoryDisk,
    log: Option<Log>,
    dir: Option<LogDir>,
    options: Arc<LogOptions>,
    clock: i64,
    epoch: LeaderEpoch,
    jobs: Vec<SyncJob>,
    /// The batches that are in the log, as they should be.
    batches: Vec<Vec<u8>>,
    /// Everything that was ever to be appended at an offset.
    history: BTreeMap<Offset, Vec<Vec<u8>>>,
    durable: Offset,
    start: Offset,
    start_written: Offset,
}

fn header(batch: &[u8]) -> Header<'_> {
    Header::parse(batch).expect("a batch of the model's")
}

fn name() -> TopicPartition {
    TopicPartition::new("t", 0)
}

impl World {
    pub(crate) fn new(seed: u64) -> World {
        let options = LogOptions {
            segment_bytes: 1200,
            segment_ms: 3000,
            segment_index_bytes: 96,
            index_interval_bytes: 150,
            retention_ms: 4000,
            ..LogOptions::default()
        };
        let mut world = World {
            disk: MemoryDisk::new(seed),
            log: None,
            dir: None,
            options: Arc::new(options),
            clock: 1_000_000,
            epoch: LeaderEpoch(0),
            jobs: Vec::new(),
            batches: Vec::new(),
            history: BTreeMap::new(),
            durable: Offset::ZERO,
            start: Offset::ZERO,
            start_written: Offset::ZERO,
        };
        world.open();
        world
    }

    pub(crate) fn log(&mut self) -> &mut Log {
        self.log.as_mut().expect("the log is open")
    }

    /// Opens directory and log; an injected error makes it try again, once.
    fn open(&mut self) {
        self.jobs.clear();
        let mut errors = Vec::new();
        for _ in 0..2 {
            self.log = None;
            self.dir = None;
            match self.try_open() {
                Ok(()) => return,
                Err(_) if self.disk.is_off() => return,
                Err(error) => errors.push(error),
            }
        }
        panic!("the log cannot be opened: {errors:?}");
    }

    fn try_open(&mut self) -> Result<(), chronik_log::LogError> {
        let files = Files::new(Arc::new(self.disk.clone()), 3);
        let dir = LogDir::open(&files, Path::new("/data"))?;
        let found = dir.scan()?;
        assert!(found.damaged.is_empty(), "{found:?}");
        let log = found.logs.into_iter().next();
        let open = Open {
            dir: dir.log_path(&name()),
            topic_id: TopicId(uuid::Uuid::from_u128(7)),
            options: self.options.clone(),
            start_offset: log.as_ref().map_or(Offset::ZERO, |log| log.start_offset),
            recovery_point: log.as_ref().map_or(Offset::ZERO, |log| log.recovery_point),
            cleaned_to: None,
            clean: found.clean,
            rewrite: true,
            now: Millis(self.clock),
        };
        self.dir = Some(dir);
        let (log, recovery) = Log::open(&files, open)?;
        if found.clean {
            assert!(recovery.cuts.is_empty(), "{recovery:?}");
        }
        self.log = Some(log);
        Ok(())
    }

    pub(crate) fn run(&mut self, op: Op) {
        if self.log.is_none() {
            return;
        }
        self.clock += 100;
        match op {
            Op::Append { producer, records } => self.append_next(i64::from(producer), records),
            Op::AppendPlain { records } => self.append(builder(None), records, Origin::Client),
            Op::Retry { producer, back } => self.retry(i64::from(producer), usize::from(back)),
            Op::Transaction { commit } => self.transaction(commit),
            Op::Sync => {
                if let Ok(durable) = self.log().sync() {
                    self.durable = self.durable.max(durable);
                }
            }
            Op::BeginSync => {
                let job = self.log().begin_sync();
                self.jobs.extend(job);
            }
            Op::FinishSync => self.finish_sync(),
            Op::Checkpoint => self.checkpoint(),
            Op::Roll => drop(self.now(Log::roll)),
            Op::NewEpoch => {
                self.epoch.0 += 1;
                let epoch = self.epoch;
                self.log().assign_epoch(epoch);
            }
            Op::Retention => self.retention(),
            Op::DeleteRecords { percent } => self.delete_records(percent),
            Op::Truncate { percent } => self.truncate(percent),
            Op::StartOver => self.start_over(),
            Op::CloseAndOpen => self.close_and_open(),
            Op::Crash => self.crash(),
        }
        if self.disk.is_off() {
            return;
        }
        // After a failed sync only the disk itself knows what is there.
        if self.log.as_ref().is_none_or(Log::is_poisoned) {
            self.crash();
        }
        let durable = self.log().durable_offset();
        assert!(durable <= self.log().end_offset());
        assert!(self.log().recovery_point() <= durable);
    }

    fn now<T>(&mut self, action: impl FnOnce(&mut Log, Millis) -> T) -> T {
        let now = Millis(self.clock);
        action(self.log(), now)
    }

    fn end(&mut self) -> Offset {
        self.log().end_offset()
    }

    fn append(&mut self, builder: BatchBuilder, records: u8, origin: Origin) {
        let mut builder = builder;
        for record in 0..records {
            let timestamp = Millis(self.clock + i64::from(record));
            builder.push(NewRecord { timestamp, key: None, value: Some(&[record; 30]), headers: &[] });
        }
        self.append_batch(builder.build_validated(), origin);
    }

    fn append_batch(&mut self, mut batch: Validated, origin: Origin) {
        let end = self.end();
        let epoch = self.epoch;
        let appended = self.now(|log, now| log.append(&mut batch, epoch, origin, now));
        // A batch that was refused may still be found after a crash: its client was told of an error, not of failure.
        let bytes = batch.to_bytes().to_vec();
        if batch.header().base_offset() == end {
            self.history.entry(end).or_default().push(bytes.clone());
        }
        match appended {
            Ok(appended) => {
                assert!(!appended.duplicate);
                assert_eq!(appended.first_offset, end);
                assert_eq!(appended.last_offset.next(), self.end());
                self.batches.push(bytes);
            }
            Err(chronik_log::AppendError::Log(_)) => assert_eq!(self.end(), end),
            Err(other) => panic!("{other}"),
        }
    }

    /// The sequence number that a producer goes on with, by what is in the log.
    fn next_sequence(&self, producer: i64) -> i32 {
        let of = |batch: &&Vec<u8>| header(batch).producer_id().0 == producer && !header(batch).is_control();
        self.batches.iter().rev().find(of).map_or(0, |batch| header(batch).last_sequence() + 1)
    }

    fn append_next(&mut self, producer: i64, records: u8) {
        let sequence = self.next_sequence(producer);
        if sequence == 0 && self.log().producers().any(|known| known.producer_id.0 == producer) {
            // Its batches have been deleted, and it is still known: its sequence goes on.
            let known = self.log().producers().find(|known| known.producer_id.0 == producer);
            let sequence = known.map_or(0, |known| known.last_sequence + 1);
            return self.append(builder(Some((producer, sequence))), records, Origin::Client);
        }
        self.append(builder(Some((producer, sequence))), records, Origin::Client);
    }

    fn retry(&mut self, producer: i64, back: usize) {
        let of = |batch: &&Vec<u8>| header(batch).producer_id().0 == producer && !header(batch).is_control();
        let Some(batch) = self.batches.iter().rev().filter(of).nth(back).cloned() else { return };
        // Only the last one is sure to be remembered across a clean stop.
        if back > 0 {
            return;
        }
        let original = header(&batch).base_offset();
        let mut again = revalidated(&batch);
        let epoch = self.epoch;
        let appended =
            self.now(|log, now| log.append(&mut again, epoch, Origin::Client, now)).expect("a retry");
        assert!(appended.duplicate);
        assert_eq!(appended.first_offset, original);
    }

    fn transaction(&mut self, commit: bool) {
        let sequence = self.next_sequence(TRANSACTIONAL);
        let known = self.log().producers().find(|known| known.producer_id.0 == TRANSACTIONAL);
        let sequence = known.map_or(sequence, |known| (known.last_sequence + 1).max(sequence));
        let begin = builder(Some((TRANSACTIONAL, sequence))).transactional();
        self.append(begin, 1, Origin::Client);
        if self.disk.is_off() {
            return;
        }
        let marker = EndTxnMarker { commit, coordinator_epoch: 0 };
        let mut end = builder(Some((TRANSACTIONAL, -1))).transactional().control();
        let (key, value) = (marker.control_type().key(), marker.value());
        let timestamp = Millis(self.clock);
        end.push(NewRecord { timestamp, key: Some(&key), value: Some(&value), headers: &[] });
        self.append_batch(end.build_validated(), Origin::Coordinator);
    }

    fn finish_sync(&mut self) {
        if self.jobs.is_empty() {
            return;
        }
        // Whichever is in the middle: jobs may end in any order.
        let job = self.jobs.swap_remove(self.jobs.len() / 2);
        let synced = job.run();
        if let Ok(durable) = self.log().finish_sync(synced) {
            self.durable = self.durable.max(durable);
        }
    }

    fn checkpoint(&mut self) {
        if let Ok(Some(job)) = self.log().begin_checkpoint() {
            let done = job.run();
            if self.log().finish_checkpoint(done).is_err() {
                return;
            }
        }
        let point = self.log().recovery_point();
        self.write_recovery_point(point);
    }

    fn write_recovery_point(&mut self, point: Offset) -> bool {
        let dir = self.dir.as_ref().expect("the directory is open");
        dir.write_recovery_points([(name(), point)]).is_ok()
    }

    fn write_start(&mut self) -> bool {
        let start = self.log().start_offset();
        let dir = self.dir.as_ref().expect("the directory is open");
        let written = dir.write_start_offsets([(name(), start)]).is_ok();
        // If it failed it may still have been written.
        self.start_written = self.start_written.max(start);
        written
    }

    fn retention(&mut self) {
        let end = self.end();
        if let Ok(Some(job)) = self.now(|log, now| log.apply_retention(now, end)) {
            // Now, or after the next crash.
            drop(job.run());
        }
        self.started_at();
    }

    fn delete_records(&mut self, percent: u8) {
        let to = self.offset_at(percent);
        self.log().delete_records(to);
        self.started_at();
        self.write_start();
    }

    fn started_at(&mut self) {
        self.start = self.log().start_offset();
        let start = self.start;
        self.batches.retain(|batch| header(batch).last_offset() >= start);
    }

    fn offset_at(&mut self, percent: u8) -> Offset {
        let (start, end) = (self.log().start_offset(), self.end());
        start.plus((end.0 - start.0) * i64::from(percent) / 100)
    }

    fn truncate(&mut self, percent: u8) {
        let to = self.offset_at(percent);
        let to = self.batches.iter().map(|batch| header(batch).base_offset()).rfind(|&base| base <= to);
        let Some(to) = to else { return };
        let point = self.log().recovery_point().min(to);
        if !self.write_recovery_point(point) {
            return;
        }
        self.durable = self.durable.min(to);
        let truncated = self.now(|log, now| log.truncate_to(to, now));
        self.batches.retain(|batch| header(batch).last_offset() < to);
        if truncated.is_ok() {
            assert_eq!(self.end(), to);
            self.started_at();
        }
    }

    fn start_over(&mut self) {
        let at = self.end().plus(50);
        if !self.write_recovery_point(Offset::ZERO) {
            return;
        }
        self.durable = Offset::ZERO;
        self.start = at;
        let started = self.now(|log, now| log.truncate_fully_and_start_at(at, now));
        self.batches.clear();
        if started.is_ok() {
            assert_eq!((self.log().start_offset(), self.end()), (at, at));
            self.start = at;
            if self.write_start() {
                self.durable = at;
            }
        }
    }

    fn close_and_open(&mut self) {
        self.jobs.clear();
        let start = self.log().start_offset();
        let Some(log) = self.log.take() else { return };
        let closed = log.close();
        if let Ok(end) = closed {
            self.durable = end;
            let dir = self.dir.as_ref().expect("the directory is open");
            let written = dir
                .write_start_offsets([(name(), start)])
                .and_then(|()| dir.write_recovery_points([(name(), end)]))
                .and_then(|()| dir.write_clean_shutdown(BrokerEpoch(1)));
            self.start_written = self.start_written.max(start);
            if written.is_ok() {
                self.open();
                if let Some(log) = &self.log {
                    assert_eq!((log.start_offset(), log.end_offset()), (start, end));
                }
                return;
            }
        }
        if !self.disk.is_off() {
            self.crash();
        }
    }

    /// A power failure; what is found afterwards is compared with what was promised, and becomes the model.
    pub(crate) fn crash(&mut self) {
        self.log = None;
        self.dir = None;
        self.disk.crash();
        self.open();
        let (start, end) = (self.log().start_offset(), self.end());
        assert!(end >= self.durable, "{end} was found, {} was durable", self.durable);
        assert!(
            start <= self.start.max(self.start_written),
            "{start} > {} {}",
            self.start,
            self.start_written
        );
        let found = self.scan();
        for batch in &found {
            let base = header(batch).base_offset();
            let known = self.history.get(&base);
            assert!(known.is_some_and(|known| known.contains(batch)), "never appended: {:?}", header(batch));
        }
        for batch in self.batches.iter().filter(|batch| header(batch).last_offset() < self.durable) {
            if header(batch).last_offset() >= start {
                assert!(found.contains(batch), "lost: {:?}", header(batch));
            }
        }
        let last = found.last().map(|batch| header(batch).leader_epoch());
        self.epoch = self.epoch.max(last.unwrap_or(LeaderEpoch(0)));
        self.batches = found;
        self.durable = end;
        self.start = start;
        self.check();
    }

    /// All batches from the start to the end, read one after the other.
    fn scan(&mut self) -> Vec<Vec<u8>> {
        let (start, end) = (self.log().start_offset(), self.end());
        let mut batches: Vec<Vec<u8>> = Vec::new();
        let mut from = start;
        while from < end {
            let slice = self.log().read(from, 700, end, true).expect("within the log");
            let bytes = slice.load().expect("it can be read");
            assert!(!bytes.is_empty(), "nothing at {from}, the end is {end}");
            for batch in BatchIter::new(&bytes) {
                let batch = batch.expect("whole batches");
                batch.verify_crc().expect("good batches");
                let base = batch.header().base_offset();
                assert!(base == from || (batches.is_empty() && base < from), "{base} after {from}");
                from = batch.header().next_offset();
                batches.push(batch.as_bytes().to_vec());
            }
        }
        assert_eq!(from, end.max(start));
        batches
    }

    /// Compares everything that the log says with its batches, and those with the model.
    pub(crate) fn check(&mut self) {
        let found = self.scan();
        assert_eq!(found.len(), self.batches.len());
        assert!(found == self.batches);
        self.check_reads(&found);
        self.check_times(&found);
        self.check_epochs(&found);
        self.check_transactions(&found);
        for producer in [0, 1, 2, TRANSACTIONAL] {
            let known = self.log().producers().find(|known| known.producer_id.0 == producer);
            if let Some(sequence) = self.next_sequence(producer).checked_sub(1).filter(|&last| last >= 0) {
                assert_eq!(known.map(|known| known.last_sequence), Some(sequence), "producer {producer}");
            }
            self.retry(producer, 0);
        }
    }

    fn check_reads(&mut self, batches: &[Vec<u8>]) {
        let (start, end) = (self.log().start_offset(), self.end());
        assert!(self.log().read(end, 100, end, true).expect("the end").is_empty());
        assert!(self.log().read(end.next(), 100, end, true).is_err());
        for batch in batches {
            let (base, last) = (header(batch).base_offset().max(start), header(batch).last_offset());
            for from in [base, last] {
                let slice = self.log().read(from, 1, end, true).expect("within the log");
                assert_eq!(slice.load().expect("it can be read"), batch[..]);
                let slice = self.log().read(from, batch.len(), last.next(), false).expect("within the log");
                assert_eq!(slice.load().expect("it can be read"), batch[..]);
                assert!(slice.size_hint() >= batch.len());
                let slice = self.log().read(from, batch.len() - 1, end, false).expect("within the log");
                assert!(slice.load().expect("it can be read").is_empty());
            }
        }
    }

    fn check_times(&mut self, batches: &[Vec<u8>]) {
        let start = self.log().start_offset();
        let records: Vec<(Offset, Millis)> = batches
            .iter()
            .flat_map(|batch| {
                let (header, body) = (header(batch), &batch[chronik_log::batch::HEADER_LEN..]);
                chronik_log::batch::Records::new(header, body).map(|record| record.expect("a good record"))
            })
            .map(|record| (record.offset, record.timestamp))
            .filter(|&(offset, _)| offset >= start)
            .collect();
        let times = records.iter().flat_map(|&(_, at)| [Millis(at.0 - 1), at, Millis(at.0 + 1)]);
        for time in times.step_by(3).chain([Millis(0)]) {
            let expected = records.iter().find(|&&(_, at)| at >= time).copied();
            let found = self.log().lookup(TimestampQuery::AtOrAfter(time)).run().expect("it can be searched");
            assert_eq!(found.map(|found| (found.offset, found.timestamp)), expected);
        }
        let newest = records.iter().map(|&(_, at)| at).max();
        let found = self.log().lookup(TimestampQuery::MaxTimestamp).run().expect("it can be searched");
        // Records of the first batch that are below the start count too, as in Kafka.
        assert!(found.map(|found| found.timestamp) >= newest);
    }

    fn check_epochs(&mut self, batches: &[Vec<u8>]) {
        let end = self.end();
        for (at, batch) in batches.iter().enumerate() {
            let epoch = header(batch).leader_epoch();
            let next = batches[at..].iter().find(|next| header(next).leader_epoch() > epoch);
            let expected = next.map_or(end, |next| header(next).base_offset());
            let found = self.log().end_offset_for_epoch(epoch).expect("an epoch in the log");
            assert_eq!((found.epoch, found.end_offset), (epoch, expected));
        }
    }

    fn check_transactions(&mut self, batches: &[Vec<u8>]) {
        let (start, end) = (self.log().start_offset(), self.end());
        let mut open = None;
        let mut aborted = Vec::new();
        for batch in batches.iter().filter(|batch| header(batch).producer_id().0 == TRANSACTIONAL) {
            let (header, body) = (header(batch), &batch[chronik_log::batch::HEADER_LEN..]);
            if !header.is_control() {
                open.get_or_insert(header.base_offset());
                continue;
            }
            let record =
                chronik_log::batch::Records::new(header, body).next().expect("a marker").expect("a record");
            let marker = EndTxnMarker::of(&record).expect("well-formed").expect("a marker");
            if let (Some(first), false) = (open.take(), marker.commit) {
                aborted.push((first, header.base_offset()));
            }
        }
        // What began before the first batch is known to the log alone.
        let first = batches.first().map_or(end, |batch| header(batch).base_offset());
        let found = self.log().aborted_transactions(start, end);
        for entry in found.iter().filter(|entry| entry.first_offset >= first) {
            assert!(aborted.contains(&(entry.first_offset, entry.last_offset)), "{entry:?} {aborted:?}");
        }
        for (begin, marker) in aborted {
            let is_it = |entry: &AbortedTxn| {
                entry.last_offset == marker && (entry.first_offset == begin || entry.first_offset < first)
            };
            assert!(found.iter().any(is_it), "{begin} {marker} {found:?}");
        }
        let stable = self.log().last_stable_offset(end);
        assert!(stable == open.unwrap_or(end) || stable < first, "{stable} {open:?}");
    }
}

fn builder(producer: Option<(i64, i32)>) -> BatchBuilder {
    let builder = BatchBuilder::new(Compression::of(Codec::None));
    match producer {
        Some((id, sequence)) => builder.producer(ProducerId(id), ProducerEpoch(0), sequence),
        None => builder,
    }
}

/// The batch as its producer sends it again.
fn revalidated(batch: &[u8]) -> Validated {
    let (header, body) = (header(batch), &batch[chronik_log::batch::HEADER_LEN..]);
    let mut builder = BatchBuilder::like(header, Compression::of(Codec::None));
    for record in chronik_log::batch::Records::new(header, body) {
        builder.push_kept(&record.expect("a good record"));
    }
    let built = builder.build_validated();
    assert!(verify(built.to_bytes()).is_ok());
    built
}
