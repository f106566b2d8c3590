//! The least that a broker can do for this load: parse a request, check each batch's checksum, assign
//! offsets, write to one file per partition (and sync it before the answer, if asked), answer.
//!
//! It shows what the machine allows, as the other end of the scale from a real broker: one thread per
//! connection, no recovery, no configuration, no error handling beyond closing the connection, and only
//! the request versions that librdkafka picks when a broker offers no newer ones.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;

use super::client::put_string;

/// Serve as the floor broker (started by `bench`)
#[derive(clap::Args)]
pub struct Options {
    #[arg(long)]
    port: u16,
    #[arg(long)]
    directory: PathBuf,
    /// Sync each partition's file before a produce request is answered
    #[arg(long)]
    sync: bool,
}

const READ_BYTES: usize = 4 << 20;
/// Api key, oldest and newest version. FindCoordinator (10) is announced only because librdkafka otherwise takes
/// the broker for one that is too old for lz4.
const VERSIONS: [(i16, i16, i16); 8] =
    [(0, 3, 7), (1, 4, 4), (2, 1, 1), (3, 0, 4), (10, 0, 0), (18, 0, 0), (19, 2, 2), (22, 0, 0)];
const CRC_AT: usize = 17;
const LAST_DELTA_AT: usize = 23;

struct Broker {
    port: u16,
    directory: PathBuf,
    sync: bool,
    topics: Mutex<BTreeMap<String, Vec<Arc<Partition>>>>,
}

struct Partition {
    file: File,
    log: Mutex<Log>,
    grown: Condvar,
}

#[derive(Default)]
struct Log {
    next_offset: i64,
    end: u64,
    /// Base offset, position and length of every batch.
    batches: Vec<(i64, u64, u32)>,
}

/// What goes back to the client: bytes, or a range of a partition's file.
enum Piece {
    Bytes(Vec<u8>),
    Range(Arc<Partition>, u64, u32),
}

pub fn run(options: Options) -> Result<()> {
    std::fs::create_dir_all(&options.directory)?;
    let listener = TcpListener::bind(("127.0.0.1", options.port))?;
    let broker = Arc::new(Broker {
        port: options.port,
        directory: options.directory,
        sync: options.sync,
        topics: Mutex::default(),
    });
    for stream in listener.incoming() {
        let broker = Arc::clone(&broker);
        let stream = stream?;
        std::thread::spawn(move || serve(&broker, stream));
    }
    Ok(())
}

/// Reads what has arrived, starts every whole request of it, syncs once for all, answers all.
fn serve(broker: &Broker, mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; READ_BYTES];
    let (mut low, mut high) = (0, 0);
    loop {
        let count = stream.read(&mut buffer[high..])?;
        if count == 0 {
            return Ok(());
        }
        high += count;
        let (mut out, mut dirty) = (Vec::new(), Vec::new());
        while high - low >= 4 {
            let size = u32::from_be_bytes(array(&buffer[low..])) as usize;
            if high - low < 4 + size {
                if buffer.len() < 4 + size {
                    buffer.resize(4 + size + READ_BYTES, 0);
                }
                break;
            }
            answer(broker, &mut buffer[low + 4..low + 4 + size], &mut out, &mut dirty)?;
            low += 4 + size;
        }
        if low == high {
            (low, high) = (0, 0);
        } else if buffer.len() - high < (1 << 20) {
            buffer.copy_within(low..high, 0);
            (low, high) = (0, high - low);
        }
        settle(broker, &dirty)?;
        send(&mut stream, out)?;
    }
}

fn settle(broker: &Broker, dirty: &[Arc<Partition>]) -> io::Result<()> {
    for partition in dirty {
        if broker.sync {
            partition.file.sync_data()?;
        }
        partition.grown.notify_all();
    }
    Ok(())
}

fn send(stream: &mut TcpStream, pieces: Vec<Piece>) -> io::Result<()> {
    let mut bytes = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Bytes(more) => bytes.extend(more),
            Piece::Range(partition, position, length) => {
                stream.write_all(&bytes)?;
                bytes.clear();
                let mut file = partition.file.try_clone()?;
                file.seek(SeekFrom::Start(position))?;
                io::copy(&mut file.take(u64::from(length)), stream)?;
            }
        }
    }
    stream.write_all(&bytes)
}

fn answer(
    broker: &Broker,
    request: &mut [u8],
    out: &mut Vec<Piece>,
    dirty: &mut Vec<Arc<Partition>>,
) -> io::Result<()> {
    let mut reader = Reader { bytes: request, at: 0 };
    let (key, version, correlation) = (reader.i16()?, reader.i16()?, reader.i32()?);
    reader.string()?;
    let mut body = correlation.to_be_bytes().to_vec();
    match key {
        18 => api_versions(version, &mut body),
        3 => metadata(broker, &mut reader, version, &mut body)?,
        19 => create_topics(broker, &mut reader, &mut body)?,
        22 => put(
            &mut body,
            &[&0_i32.to_be_bytes(), &0_i16.to_be_bytes(), &1_i64.to_be_bytes(), &0_i16.to_be_bytes()],
        ),
        2 => list_offsets(broker, &mut reader, &mut body)?,
        1 => return fetch(broker, &mut reader, &body, out),
        0 => {
            if !produce(broker, &mut reader, version, &mut body, dirty)? {
                return Ok(());
            }
        }
        _ => return Err(bad("a request that the floor does not know")),
    }
    out.push(Piece::Bytes((body.len() as i32).to_be_bytes().to_vec()));
    out.push(Piece::Bytes(body));
    Ok(())
}

fn api_versions(version: i16, body: &mut Vec<u8>) {
    body.extend((if version > 0 { 35_i16 } else { 0 }).to_be_bytes());
    body.extend((VERSIONS.len() as i32).to_be_bytes());
    for (key, oldest, newest) in VERSIONS {
        put(body, &[&key.to_be_bytes(), &oldest.to_be_bytes(), &newest.to_be_bytes()]);
    }
}

fn metadata(broker: &Broker, reader: &mut Reader, version: i16, body: &mut Vec<u8>) -> io::Result<()> {
    let mut names = Vec::new();
    for _ in 0..reader.i32()? {
        names.push(reader.string()?.to_owned());
    }
    if version >= 3 {
        body.extend(0_i32.to_be_bytes());
    }
    put(body, &[&1_i32.to_be_bytes(), &1_i32.to_be_bytes()]);
    put_string(body, "127.0.0.1");
    body.extend(i32::from(broker.port).to_be_bytes());
    if version >= 1 {
        body.extend((-1_i16).to_be_bytes());
    }
    if version >= 2 {
        put_string(body, "floor");
    }
    if version >= 1 {
        body.extend(1_i32.to_be_bytes());
    }
    body.extend((names.len() as i32).to_be_bytes());
    for name in &names {
        let partitions = broker.topic(name, 1)?.len() as i32;
        body.extend(0_i16.to_be_bytes());
        put_string(body, name);
        if version >= 1 {
            body.push(0);
        }
        body.extend(partitions.to_be_bytes());
        for partition in 0..partitions {
            body.extend(0_i16.to_be_bytes());
            body.extend(partition.to_be_bytes());
            for one in [1_i32; 5] {
                body.extend(one.to_be_bytes()); // leader; one replica, 1; one in sync, 1
            }
        }
    }
    Ok(())
}

fn create_topics(broker: &Broker, reader: &mut Reader, body: &mut Vec<u8>) -> io::Result<()> {
    let count = reader.i32()?;
    put(body, &[&0_i32.to_be_bytes(), &count.to_be_bytes()]);
    for _ in 0..count {
        let name = reader.string()?.to_owned();
        let partitions = reader.i32()?;
        reader.skip(2 + 4 + 4)?; // replication factor, no assignments, no configs
        broker.topic(&name, usize::try_from(partitions).unwrap_or(1))?;
        put_string(body, &name);
        put(body, &[&0_i16.to_be_bytes(), &(-1_i16).to_be_bytes()]);
    }
    Ok(())
}

/// Returns whether the client wants an answer.
fn produce(
    broker: &Broker,
    reader: &mut Reader,
    version: i16,
    body: &mut Vec<u8>,
    dirty: &mut Vec<Arc<Partition>>,
) -> io::Result<bool> {
    reader.string()?; // transactional id
    let acks = reader.i16()?;
    reader.i32()?;
    let topics = reader.i32()?;
    body.extend(topics.to_be_bytes());
    for _ in 0..topics {
        let name = reader.string()?.to_owned();
        let count = reader.i32()?;
        put_string(body, &name);
        body.extend(count.to_be_bytes());
        for _ in 0..count {
            let number = reader.i32()?;
            let partition = broker.partition(&name, number)?;
            let base = append(&partition, reader.bytes()?)?;
            put(
                body,
                &[&number.to_be_bytes(), &0_i16.to_be_bytes(), &base.to_be_bytes(), &(-1_i64).to_be_bytes()],
            );
            if version >= 5 {
                body.extend(0_i64.to_be_bytes());
            }
            if !dirty.iter().any(|d| Arc::ptr_eq(d, &partition)) {
                dirty.push(partition);
            }
        }
    }
    body.extend(0_i32.to_be_bytes());
    Ok(acks != 0)
}

fn append(partition: &Partition, batch: &mut [u8]) -> io::Result<i64> {
    if batch.len() < 61 {
        return Err(bad("a batch shorter than its header"));
    }
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &batch[CRC_AT + 4..]) as u32;
    if crc != u32::from_be_bytes(array(&batch[CRC_AT..])) {
        return Err(bad("a batch with a wrong checksum"));
    }
    let records = i64::from(i32::from_be_bytes(array(&batch[LAST_DELTA_AT..]))) + 1;
    let mut log = lock(&partition.log);
    let (base, position) = (log.next_offset, log.end);
    batch[..8].copy_from_slice(&base.to_be_bytes());
    partition.file.write_all_at(batch, position)?;
    log.batches.push((base, position, batch.len() as u32));
    log.end += batch.len() as u64;
    log.next_offset += records;
    Ok(base)
}

fn list_offsets(broker: &Broker, reader: &mut Reader, body: &mut Vec<u8>) -> io::Result<()> {
    reader.i32()?;
    let topics = reader.i32()?;
    body.extend(topics.to_be_bytes());
    for _ in 0..topics {
        let name = reader.string()?.to_owned();
        let count = reader.i32()?;
        put_string(body, &name);
        body.extend(count.to_be_bytes());
        for _ in 0..count {
            let (number, time) = (reader.i32()?, reader.i64()?);
            let next = lock(&broker.partition(&name, number)?.log).next_offset;
            let offset = if time == -2 { 0 } else { next };
            put(
                body,
                &[
                    &number.to_be_bytes(),
                    &0_i16.to_be_bytes(),
                    &(-1_i64).to_be_bytes(),
                    &offset.to_be_bytes(),
                ],
            );
        }
    }
    Ok(())
}

/// Waits for data only when one partition is asked for, which is all that the bench does.
fn fetch(broker: &Broker, reader: &mut Reader, head: &[u8], out: &mut Vec<Piece>) -> io::Result<()> {
    reader.i32()?;
    let wait = Duration::from_millis(reader.i32()?.max(0) as u64);
    reader.i32()?;
    let mut left = reader.i32()? as u32;
    reader.skip(1)?;
    let topics = reader.i32()?;
    let (mut bytes, mut pieces, mut total) = (head.to_vec(), Vec::new(), 0);
    put(&mut bytes, &[&0_i32.to_be_bytes(), &topics.to_be_bytes()]);
    for _ in 0..topics {
        let name = reader.string()?.to_owned();
        let count = reader.i32()?;
        put_string(&mut bytes, &name);
        bytes.extend(count.to_be_bytes());
        for _ in 0..count {
            let (number, from, most) = (reader.i32()?, reader.i64()?, reader.i32()? as u32);
            let partition = broker.partition(&name, number)?;
            let (end, position, length) = find(
                &partition,
                from,
                most.min(left),
                if topics == 1 && count == 1 { wait } else { Duration::ZERO },
            );
            left = left.saturating_sub(length);
            put(
                &mut bytes,
                &[&number.to_be_bytes(), &0_i16.to_be_bytes(), &end.to_be_bytes(), &end.to_be_bytes()],
            );
            put(&mut bytes, &[&0_i32.to_be_bytes(), &length.to_be_bytes()]);
            if length > 0 {
                total += bytes.len() + length as usize;
                pieces.push(Piece::Bytes(std::mem::take(&mut bytes)));
                pieces.push(Piece::Range(partition, position, length));
            }
        }
    }
    total += bytes.len();
    pieces.push(Piece::Bytes(bytes));
    out.push(Piece::Bytes((total as i32).to_be_bytes().to_vec()));
    out.extend(pieces);
    Ok(())
}

/// The end offset, and position and length of whole batches from `from` on, at least one if there is any.
fn find(partition: &Partition, from: i64, most: u32, wait: Duration) -> (i64, u64, u32) {
    let mut log = lock(&partition.log);
    if from >= log.next_offset && !wait.is_zero() {
        log = partition.grown.wait_timeout(log, wait).unwrap_or_else(PoisonError::into_inner).0;
    }
    if from >= log.next_offset {
        return (log.next_offset, 0, 0);
    }
    let first = log.batches.partition_point(|b| b.0 <= from).saturating_sub(1);
    let mut length = 0;
    for batch in &log.batches[first..] {
        if length > 0 && length + batch.2 > most {
            break;
        }
        length += batch.2;
    }
    (log.next_offset, log.batches[first].1, length)
}

impl Broker {
    /// The topic's partitions; a topic that is asked for comes into being.
    fn topic(&self, name: &str, partitions: usize) -> io::Result<Vec<Arc<Partition>>> {
        let mut topics = lock(&self.topics);
        if let Some(found) = topics.get(name) {
            return Ok(found.clone());
        }
        let mut made = Vec::new();
        for number in 0..partitions {
            let path = self.directory.join(format!("{name}-{number}.log"));
            let file = File::options().create(true).truncate(true).read(true).write(true).open(path)?;
            made.push(Arc::new(Partition { file, log: Mutex::default(), grown: Condvar::new() }));
        }
        topics.insert(name.to_owned(), made.clone());
        Ok(made)
    }

    fn partition(&self, name: &str, number: i32) -> io::Result<Arc<Partition>> {
        self.topic(name, 1)?.get(number as usize).cloned().ok_or_else(|| bad("a partition that is not there"))
    }
}

struct Reader<'a> {
    bytes: &'a mut [u8],
    at: usize,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let part = self.bytes.get(self.at..self.at + N).ok_or_else(|| bad("a request that ends early"))?;
        self.at += N;
        Ok(array(part))
    }

    fn i16(&mut self) -> io::Result<i16> {
        self.take().map(i16::from_be_bytes)
    }

    fn i32(&mut self) -> io::Result<i32> {
        self.take().map(i32::from_be_bytes)
    }

    fn i64(&mut self) -> io::Result<i64> {
        self.take().map(i64::from_be_bytes)
    }

    fn skip(&mut self, count: usize) -> io::Result<()> {
        self.range(count).map(|_| ())
    }

    fn range(&mut self, count: usize) -> io::Result<&mut [u8]> {
        let start = self.at;
        self.at += count;
        self.bytes.get_mut(start..start + count).ok_or_else(|| bad("a request that ends early"))
    }

    fn string(&mut self) -> io::Result<&str> {
        let length = usize::try_from(self.i16()?).unwrap_or(0);
        std::str::from_utf8(self.range(length)?).map_err(|_| bad("a name that is not text"))
    }

    fn bytes(&mut self) -> io::Result<&mut [u8]> {
        let length = usize::try_from(self.i32()?).unwrap_or(0);
        self.range(length)
    }
}

fn put(out: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        out.extend_from_slice(part);
    }
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[..N]);
    out
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn bad(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
