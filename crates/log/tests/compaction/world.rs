//! A compacted log on a simulated disk, what a broker would do with it, and the model that it is compared with: every
//! record that was ever appended, at its offset.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use chronik_log::batch::{
    BatchBuilder, BatchIter, Codec, Compression, ControlType, EndTxnMarker, Header, NewRecord, Origin,
    Records, decompress,
};
use chronik_log::disk::memory::MemoryDisk;
use chronik_log::{AbortedTxn, Cleaning, Files, Log, LogDir, LogOptions, OffsetMap, Open, Step};
use chronik_types::{
    BrokerEpoch, LeaderEpoch, Millis, Offset, ProducerEpoch, ProducerId, TopicId, TopicPartition,
};

/// What can be done with the log.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Put {
        key: u8,
        tombstone: bool,
        codec: u8,
    },
    PutMany {
        key: u8,
        records: u8,
        codec: u8,
    },
    Begin {
        producer: u8,
        key: u8,
    },
    End {
        producer: u8,
        commit: bool,
    },
    Sync,
    Checkpoint,
    Roll,
    /// With room for so many keys; not `whole`: the log changes in the middle of it.
    Clean {
        keys: u8,
        whole: bool,
    },
    /// Until tombstones may go.
    Wait,
    Retention,
    DeleteRecords {
        percent: u8,
    },
    Truncate {
        percent: u8,
    },
    CloseAndOpen,
    Crash,
}

/// A record as it was appended.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Written {
    key: Vec<u8>,
    value: Option<Vec<u8>>,
    timestamp: Millis,
    /// Of a transactional or idempotent producer.
    producer: Option<(i64, i32)>,
    /// A marker: whether it commits.
    marker: Option<bool>,
    /// Where the batch begins that it was appended in: a batch is cut off whole.
    batch: i64,
}

pub(crate) struct World {
    pub(crate) disk: MemoryDisk,
    log: Option<Log>,
    dir: Option<LogDir>,
    options: Arc<LogOptions>,
    clock: i64,
    /// What is, or was, at each offset.
    written: BTreeMap<i64, Written>,
    /// All that was ever to be written: a crash may bring back what was refused or cut off.
    history: Vec<(i64, Written)>,
    start: Offset,
    /// The high watermark that was cleaned with: below, values may have gone for the sake of later ones, and nothing is cut.
    settled: Offset,
}

fn name() -> TopicPartition {
    TopicPartition::new("t", 0)
}

/// What a reader of committed records is shown: offset, key, value.
type Shown = Vec<(i64, Vec<u8>, Option<Vec<u8>>)>;

impl World {
    pub(crate) fn new(seed: u64) -> World {
        let options = LogOptions {
            segment_bytes: 700,
            index_interval_bytes: 150,
            retention_ms: -1,
            delete: false,
            compact: true,
            delete_retention_ms: 5000,
            ..LogOptions::default()
        };
        let mut world = World {
            disk: MemoryDisk::new(seed),
            log: None,
            dir: None,
            options: Arc::new(options),
            clock: 1_000_000,
            written: BTreeMap::new(),
            history: Vec::new(),
            start: Offset::ZERO,
            settled: Offset::ZERO,
        };
        world.open();
        world
    }

    fn log(&mut self) -> &mut Log {
        self.log.as_mut().expect("the log is open")
    }

    /// Opens directory and log; an injected error makes it try again, once.
    fn open(&mut self) {
        for _ in 0..2 {
            (self.log, self.dir) = (None, None);
            match self.try_open() {
                Ok(()) => return,
                Err(_) if self.disk.is_off() => return,
                Err(_) => {}
            }
        }
        panic!("the log cannot be opened");
    }

    fn try_open(&mut self) -> Result<(), chronik_log::LogError> {
        let files = Files::new(Arc::new(self.disk.clone()), 3);
        let dir = LogDir::open(&files, Path::new("/data"))?;
        let found = dir.scan()?;
        let log = found.logs.into_iter().next();
        let of = |get: fn(&chronik_log::FoundLog) -> Offset| log.as_ref().map_or(Offset::ZERO, get);
        let open = Open {
            dir: dir.log_path(&name()),
            topic_id: TopicId(uuid::Uuid::from_u128(7)),
            options: self.options.clone(),
            start_offset: of(|log| log.start_offset),
            recovery_point: of(|log| log.recovery_point),
            cleaned_to: log.as_ref().and_then(|log| log.cleaned_to),
            clean: found.clean,
            rewrite: true,
            now: Millis(self.clock),
        };
        self.dir = Some(dir);
        let (log, recovery) = Log::open(&files, open)?;
        assert!(!found.clean || recovery.cuts.is_empty(), "{recovery:?}");
        self.log = Some(log);
        Ok(())
    }

    pub(crate) fn run(&mut self, op: Op) {
        if self.log.is_none() {
            return;
        }
        self.clock += 100;
        match op {
            Op::Put { key, tombstone, codec } => {
                self.put(vec![(key, !tombstone)], codec, None);
            }
            Op::PutMany { key, records, codec } => {
                let records = (0..records).map(|n| ((key + n) % 6, n % 3 != 2)).collect();
                self.put(records, codec, Some((7, false)));
            }
            Op::Begin { producer, key } => {
                self.put(vec![(key, true)], 0, Some((100 + i64::from(producer), true)));
            }
            Op::End { producer, commit } => self.end_transaction(100 + i64::from(producer), commit),
            Op::Sync => drop(self.log().sync()),
            Op::Checkpoint => self.checkpoint(),
            Op::Roll => {
                let now = Millis(self.clock);
                drop(self.log().roll(now));
            }
            Op::Clean { keys, whole } => self.clean(usize::from(keys), whole),
            Op::Wait => self.clock += 6000,
            Op::Retention => self.retention(),
            Op::DeleteRecords { percent } => {
                let to = self.offset_at(percent).min(self.log().durable_offset());
                self.log().delete_records(to);
                self.start = self.log().start_offset();
                let start = self.start;
                drop(self.dir.as_ref().expect("it is open").write_start_offsets([(name(), start)]));
            }
            Op::Truncate { percent } => self.truncate(percent),
            Op::CloseAndOpen => self.close_and_open(),
            Op::Crash => self.crash(),
        }
        if !self.disk.is_off() && self.log.as_ref().is_none_or(Log::is_poisoned) {
            self.crash();
        }
    }

    fn next_sequence(&mut self, producer: i64) -> i32 {
        let known = self.log().producers().find(|known| known.producer_id.0 == producer);
        known.map_or(0, |known| known.last_sequence + 1)
    }

    /// Key, and whether it has a value.
    fn put(&mut self, records: Vec<(u8, bool)>, codec: u8, producer: Option<(i64, bool)>) {
        let codec = Codec::ALL[usize::from(codec)];
        let mut builder = BatchBuilder::new(Compression::of(codec));
        let mut sequence = 0;
        if let Some((id, transactional)) = producer {
            sequence = self.next_sequence(id);
            builder = builder.producer(ProducerId(id), ProducerEpoch(0), sequence);
            if transactional {
                builder = builder.transactional();
            }
        }
        let end = self.log().end_offset();
        let mut all = Vec::new();
        for (n, (key, has_value)) in records.into_iter().enumerate() {
            let offset = end.0 + n as i64;
            let (key, timestamp) = (format!("key-{key}").into_bytes(), Millis(self.clock + n as i64));
            let value = has_value.then(|| format!("value at {offset} {}", "x".repeat(30)).into_bytes());
            let headers: [(&[u8], Option<&[u8]>); 2] = [(b"h", Some(b"1")), (b"h", None)];
            builder.push(NewRecord {
                timestamp,
                key: Some(&key),
                value: value.as_deref(),
                headers: &headers,
            });
            let producer = producer.map(|(id, _)| (id, sequence + n as i32));
            all.push(Written { key, value, timestamp, producer, marker: None, batch: end.0 });
        }
        self.append(builder, Origin::Client, all);
    }

    fn end_transaction(&mut self, id: i64, commit: bool) {
        let known = self.log().producers().find(|known| known.producer_id.0 == id);
        if known.is_none_or(|known| known.current_txn_start_offset.is_none()) {
            return;
        }
        let marker = EndTxnMarker { commit, coordinator_epoch: 0 };
        let none = BatchBuilder::new(Compression::None);
        let mut end = none.producer(ProducerId(id), ProducerEpoch(0), -1).transactional().control();
        let (key, value) = (marker.control_type().key(), marker.value());
        let timestamp = Millis(self.clock);
        end.push(NewRecord { timestamp, key: Some(&key), value: Some(&value), headers: &[] });
        let (key, value, producer) = (key.to_vec(), Some(value.to_vec()), Some((id, -1)));
        let batch = self.log().end_offset().0;
        let written = Written { key, value, timestamp, producer, marker: Some(commit), batch };
        self.append(end, Origin::Coordinator, vec![written]);
    }

    fn append(&mut self, builder: BatchBuilder, origin: Origin, records: Vec<Written>) {
        let end = self.log().end_offset();
        let now = Millis(self.clock);
        let appended = self.log().append(&mut builder.build_validated(), LeaderEpoch(0), origin, now);
        let records: Vec<(i64, Written)> = (end.0..).zip(records).collect();
        self.history.extend(records.iter().cloned());
        if appended.is_err() {
            assert!(matches!(appended, Err(chronik_log::AppendError::Log(_))), "{appended:?}");
            return;
        }
        drop(self.written.split_off(&end.0));
        self.written.extend(records);
    }

    fn checkpoint(&mut self) {
        if let Ok(Some(job)) = self.log().begin_checkpoint() {
            let done = job.run();
            if self.log().finish_checkpoint(done).is_err() {
                return;
            }
        }
        let point = self.log().recovery_point();
        drop(self.dir.as_ref().expect("it is open").write_recovery_points([(name(), point)]));
    }

    fn clean(&mut self, keys: usize, whole: bool) {
        let now = Millis(self.clock);
        let end = self.log().end_offset();
        let Ok(dirt) = self.log().dirt(end, now) else { return };
        // What is durable is below the high watermark here: it is not cut, nor are the markers that made it cleanable.
        self.settled = self.settled.max(end.min(self.log().durable_offset()));
        let map = OffsetMap::new((keys + 2) * 24, 0.9);
        let Some(mut cleaning) = self.log().begin_cleaning(&dirt, map, now) else { return };
        if !whole {
            // The log goes on while it is being cleaned.
            self.put(vec![(0, true)], 0, None);
            drop(self.log().roll(now));
        }
        match self.clean_all(&mut cleaning) {
            Ok(Some(to)) => {
                self.log().finish_cleaning(&cleaning, to);
                let to = self.log().cleaned_to();
                drop(self.dir.as_ref().expect("it is open").write_cleaned(to.map(|to| (name(), to))));
            }
            Ok(None) | Err(_) => drop(cleaning.abandon()),
        }
    }

    fn clean_all(&mut self, cleaning: &mut Cleaning) -> Result<Option<Offset>, chronik_log::LogError> {
        loop {
            match cleaning.step(200)? {
                Step::More => {}
                Step::Done(to) => return Ok(Some(to)),
                Step::Cleaned(cleaned) => match self.log().swap_in(cleaned)? {
                    Ok(removal) => {
                        removal.make_durable()?;
                        removal.run()?;
                    }
                    Err(cleaned) => {
                        cleaned.discard()?;
                        return Ok(None);
                    }
                },
            }
        }
    }

    fn retention(&mut self) {
        let (durable, now) = (self.log().durable_offset(), Millis(self.clock));
        if let Ok(Some(job)) = self.log().apply_retention(now, durable) {
            drop(job.run());
        }
        self.start = self.log().start_offset();
    }

    fn offset_at(&mut self, percent: u8) -> Offset {
        let (start, end) = (self.log().start_offset(), self.log().end_offset());
        start.plus((end.0 - start.0) * i64::from(percent) / 100)
    }

    fn truncate(&mut self, percent: u8) {
        let to = self.offset_at(percent).max(self.settled);
        let now = Millis(self.clock);
        let point = self.log().recovery_point().min(to);
        self.log().hold_recovery_point(Some(to));
        let dir = self.dir.as_ref().expect("it is open");
        if dir.write_recovery_points([(name(), point)]).is_err() {
            self.log().hold_recovery_point(None);
            return;
        }
        let cleaned = self.log().cleaned_to();
        drop(self.dir.as_ref().expect("it is open").write_cleaned(cleaned.map(|to| (name(), to))));
        let cut = self.log().truncate_to(to, now);
        self.log().hold_recovery_point(None);
        if cut.is_ok() {
            let end = self.log().end_offset();
            drop(self.written.split_off(&end.0));
        } else {
            let from = self.written.get(&to.0).map_or(to.0, |written| written.batch);
            drop(self.written.split_off(&from));
        }
    }

    fn close_and_open(&mut self) {
        let (start, cleaned) = (self.log().start_offset(), self.log().cleaned_to());
        let Some(log) = self.log.take() else { return };
        if let Ok(end) = log.close() {
            let dir = self.dir.as_ref().expect("it is open");
            let written = dir
                .write_start_offsets([(name(), start)])
                .and_then(|()| dir.write_recovery_points([(name(), end)]))
                .and_then(|()| dir.write_cleaned(cleaned.map(|to| (name(), to))))
                .and_then(|()| dir.write_clean_shutdown(BrokerEpoch(1)));
            if written.is_ok() {
                return self.open();
            }
        }
        if !self.disk.is_off() {
            self.crash();
        }
    }

    /// A power failure: what is found afterwards becomes the model.
    pub(crate) fn crash(&mut self) {
        let durable = self.log.as_ref().map_or(Offset::ZERO, Log::durable_offset);
        (self.log, self.dir) = (None, None);
        self.disk.crash();
        self.open();
        let end = self.log().end_offset();
        assert!(
            end >= durable.min(Offset(self.written.len() as i64)),
            "{end} was found, {durable} was durable"
        );
        drop(self.written.split_off(&end.0));
        self.start = self.log().start_offset();
        for (offset, key, value) in self.scan().iter().flat_map(|batch| records(batch)) {
            let is_it = |written: &Written| (&written.key, &written.value) == (&key, &value);
            if !self.written.get(&offset).is_some_and(is_it) {
                let known = self.history.iter().rfind(|(at, written)| *at == offset && is_it(written));
                let (_, written) = known.unwrap_or_else(|| panic!("{key:?} was never at {offset}"));
                self.written.insert(offset, written.clone());
            }
        }
    }

    /// All batches from the start to the end, read one after the other.
    fn scan(&mut self) -> Vec<Vec<u8>> {
        let (start, end) = (self.log().start_offset(), self.log().end_offset());
        let mut batches: Vec<Vec<u8>> = Vec::new();
        let mut from = start;
        while from < end {
            let slice = self.log().read(from, 700, end, true).expect("within the log");
            let bytes = slice.load().expect("it can be read");
            if bytes.is_empty() {
                break;
            }
            for batch in BatchIter::new(&bytes) {
                let batch = batch.expect("whole batches");
                batch.verify_crc().expect("good batches");
                let header = batch.header();
                assert!(header.base_offset() >= from || batches.is_empty(), "{header:?} after {from}");
                assert!(header.last_offset() >= from);
                from = header.next_offset();
                batches.push(batch.as_bytes().to_vec());
            }
        }
        batches
    }

    pub(crate) fn check(&mut self) {
        if self.log.is_none() {
            return;
        }
        let batches = self.scan();
        self.check_records(&batches);
        self.check_reads(&batches);
        self.check_values(&batches);
        let last = |producer: i64, written: &BTreeMap<i64, Written>| {
            let of = |written: &Written| {
                written.producer.filter(|&(id, sequence)| id == producer && sequence >= 0)
            };
            written.values().filter_map(of).next_back().map(|(_, sequence)| sequence)
        };
        for id in [7, 100, 101, 102] {
            let known = self.log().producers().find(|known| known.producer_id.0 == id);
            let expected = last(id, &self.written);
            // With batches that were deleted it may go, and a marker alone says no sequence.
            let last = known.map(|known| known.last_sequence).filter(|&sequence| sequence >= 0);
            if self.start == Offset::ZERO || last.is_some() && expected.is_some() {
                assert_eq!(last, expected, "producer {id}");
            }
        }
    }

    /// What is there is what was written, where it was written.
    fn check_records(&self, batches: &[Vec<u8>]) {
        for bytes in batches {
            for record in records(bytes) {
                let written =
                    self.written.get(&record.0).unwrap_or_else(|| panic!("nothing was at {}", record.0));
                assert_eq!((&written.key, &written.value), (&record.1, &record.2), "at {}", record.0);
            }
        }
    }

    /// From every offset one gets the batch that holds it, or the first one after.
    fn check_reads(&mut self, batches: &[Vec<u8>]) {
        let (start, end) = (self.log().start_offset(), self.log().end_offset());
        let mut from = start;
        while from < end {
            let expected = batches.iter().find(|batch| header(batch).last_offset() >= from);
            let slice = self.log().read(from, 1, end, true).expect("within the log");
            let found = slice.load().expect("it can be read");
            assert_eq!(found, expected.map_or(&[][..], |batch| &batch[..]), "at {from}");
            from = from.next();
        }
    }

    fn check_values(&mut self, batches: &[Vec<u8>]) {
        let (start, end) = (self.log().start_offset(), self.log().end_offset());
        let stable = self.log().last_stable_offset(end);
        let aborted = self.log().aborted_transactions(start, stable);
        let found = last_values(&read_committed(batches, &aborted, stable));
        let expected = last_values(&self.committed(stable));
        // What lies below the start may be there or not, by where its batch ends.
        let of_later = |values: &BTreeMap<Vec<u8>, (i64, Vec<u8>)>| {
            values
                .iter()
                .filter(|(_, (at, _))| *at >= start.0)
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            of_later(&found),
            of_later(&expected),
            "\nstable {stable} {:?}",
            self.log.as_ref().map(Log::cleaned_to)
        );
    }

    /// What the whole log would show.
    fn committed(&self, stable: Offset) -> Shown {
        let mut open: BTreeMap<i64, Shown> = BTreeMap::new();
        let mut shown = Shown::new();
        // Whether a transaction below is committed may be decided above.
        for (&offset, written) in &self.written {
            let record = (offset, written.key.clone(), written.value.clone());
            match (written.producer, written.marker) {
                (Some((id, _)), Some(commit)) => {
                    let ended = open.remove(&id).unwrap_or_default();
                    if commit {
                        shown.extend(ended);
                    }
                }
                (Some((id, _)), None) if id >= 100 => open.entry(id).or_default().push(record),
                _ => shown.push(record),
            }
        }
        shown.retain(|&(offset, ..)| offset < stable.0);
        shown.sort();
        shown
    }
}

fn header(batch: &[u8]) -> Header<'_> {
    Header::parse(batch).expect("a batch")
}

fn records(bytes: &[u8]) -> Shown {
    let batch = chronik_log::batch::Batch::parse(bytes).expect("a batch");
    let body = decompress(batch, 1 << 20).expect("it can be decompressed");
    let record = |record: Result<chronik_log::batch::Record<'_>, _>| {
        let record = record.expect("a good record");
        if !batch.header().is_control() {
            let headers: Vec<_> = record.headers.iter().map(|header| (header.key, header.value)).collect();
            assert_eq!(
                headers,
                [(&b"h"[..], Some(&b"1"[..])), (b"h", None)],
                "headers are kept, twice if need be"
            );
        }
        (record.offset.0, record.key.expect("a key").to_vec(), record.value.map(<[u8]>::to_vec))
    };
    Records::new(batch.header(), &body).map(record).collect()
}

/// What a consumer makes of batches and aborted transactions (KIP-98).
fn read_committed(batches: &[Vec<u8>], aborted: &[AbortedTxn], stable: Offset) -> Shown {
    let mut ahead: Vec<&AbortedTxn> = aborted.iter().collect();
    ahead.sort_by_key(|txn| txn.first_offset);
    let mut ahead = ahead.into_iter().peekable();
    let mut ongoing = std::collections::BTreeSet::new();
    let mut shown = Shown::new();
    for bytes in batches.iter().filter(|bytes| header(bytes).base_offset() < stable) {
        let header = header(bytes);
        while let Some(txn) = ahead.next_if(|txn| txn.first_offset <= header.last_offset()) {
            ongoing.insert(txn.producer_id);
        }
        if header.is_control() {
            if records(bytes).first().is_some_and(|(_, key, _)| key[..] == ControlType::Abort.key()) {
                ongoing.remove(&header.producer_id());
            }
        } else if !(header.is_transactional() && ongoing.contains(&header.producer_id())) {
            shown.extend(records(bytes));
        }
    }
    shown
}

/// The last value of each key, where it has one, with its offset.
fn last_values(shown: &Shown) -> BTreeMap<Vec<u8>, (i64, Vec<u8>)> {
    let mut values = BTreeMap::new();
    for (offset, key, value) in shown {
        match value {
            Some(value) => drop(values.insert(key.clone(), (*offset, value.clone()))),
            None => drop(values.remove(key)),
        }
    }
    values
}
