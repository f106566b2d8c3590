//! The few requests that the bench itself sends, in old versions that every peer answers: ApiVersions 0,
//! Metadata 4, CreateTopics 2, Produce 7 and ListOffsets 1. They time the start-up and check what a
//! peer holds against what it acknowledged; the load comes from librdkafka.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

const PRODUCE: i16 = 0;
const LIST_OFFSETS: i16 = 2;
const METADATA: i16 = 3;
pub const FIND_COORDINATOR: i16 = 10;
const API_VERSIONS: i16 = 18;
const CREATE_TOPICS: i16 = 19;
const RESPONSE_BYTES_MAX: usize = 64 << 20;
const LATEST: i64 = -1;

/// A blocking connection to one broker.
pub struct Client {
    stream: TcpStream,
    correlation: i32,
}

impl Client {
    pub fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self { stream, correlation: 0 })
    }

    /// Sends a request with a v1 header and returns the body of its answer.
    fn call(&mut self, key: i16, version: i16, body: &[u8]) -> Result<Answer> {
        self.correlation += 1;
        let mut frame = Vec::with_capacity(body.len() + 32);
        frame.extend(key.to_be_bytes());
        frame.extend(version.to_be_bytes());
        frame.extend(self.correlation.to_be_bytes());
        put_string(&mut frame, "bench");
        frame.extend(body);
        let mut out = (frame.len() as i32).to_be_bytes().to_vec();
        out.extend(frame);
        self.stream.write_all(&out)?;
        let mut size = [0; 4];
        self.stream.read_exact(&mut size)?;
        let size = usize::try_from(i32::from_be_bytes(size))?;
        ensure!((4..RESPONSE_BYTES_MAX).contains(&size), "a response of {size} bytes");
        let mut bytes = vec![0; size];
        self.stream.read_exact(&mut bytes)?;
        let mut answer = Answer { bytes, at: 0 };
        ensure!(answer.i32()? == self.correlation, "an answer out of order");
        Ok(answer)
    }

    pub fn api_versions(&mut self) -> Result<()> {
        self.announced().map(|_| ())
    }

    /// Whether the broker says that it knows this API.
    pub fn announces(&mut self, key: i16) -> Result<bool> {
        Ok(self.announced()?.contains(&key))
    }

    fn announced(&mut self) -> Result<Vec<i16>> {
        let mut answer = self.call(API_VERSIONS, 0, &[])?;
        let error = answer.i16()?;
        ensure!(error == 0, "ApiVersions: error {error}");
        let mut keys = Vec::new();
        for _ in 0..answer.i32()? {
            keys.push(answer.i16()?);
            answer.i16()?;
            answer.i16()?;
        }
        Ok(keys)
    }

    /// Creates a topic; one that exists is an error.
    pub fn create_topic(&mut self, topic: &str, partitions: i32, replicas: i16) -> Result<()> {
        let mut body = 1_i32.to_be_bytes().to_vec();
        put_string(&mut body, topic);
        body.extend(partitions.to_be_bytes());
        body.extend(replicas.to_be_bytes());
        body.extend(0_i32.to_be_bytes()); // assignments
        body.extend(0_i32.to_be_bytes()); // configs
        body.extend(30_000_i32.to_be_bytes());
        body.push(0);
        let mut answer = self.call(CREATE_TOPICS, 2, &body)?;
        answer.i32()?; // throttle time
        answer.i32()?; // one topic
        answer.string()?;
        let error = answer.i16()?;
        ensure!(error == 0, "CreateTopics {topic}: error {error}");
        Ok(())
    }

    /// Whether every partition of the topic has a leader.
    pub fn has_leaders(&mut self, topic: &str, partitions: i32) -> Result<bool> {
        let mut body = 1_i32.to_be_bytes().to_vec();
        put_string(&mut body, topic);
        body.push(0); // no auto-creation
        let mut answer = self.call(METADATA, 4, &body)?;
        answer.i32()?; // throttle time
        for _ in 0..answer.i32()? {
            answer.i32()?;
            answer.string()?;
            answer.i32()?;
            answer.string()?; // rack
        }
        answer.string()?; // cluster id
        answer.i32()?; // controller
        answer.i32()?; // one topic
        let error = answer.i16()?;
        answer.string()?;
        answer.i8()?; // internal
        let count = answer.i32()?;
        let mut led = 0;
        for _ in 0..count {
            let error = answer.i16()?;
            answer.i32()?;
            led += i32::from(error == 0 && answer.i32()? >= 0);
            for _ in 0..2 {
                for _ in 0..answer.i32()? {
                    answer.i32()?;
                }
            }
        }
        Ok(error == 0 && led == partitions)
    }

    /// Produces one record with acks=all and returns the error code of the partition.
    pub fn produce_one(&mut self, topic: &str) -> Result<i16> {
        let batch = one_record_batch();
        let mut body = (-1_i16).to_be_bytes().to_vec(); // no transactional id
        body.extend((-1_i16).to_be_bytes());
        body.extend(10_000_i32.to_be_bytes());
        body.extend(1_i32.to_be_bytes());
        put_string(&mut body, topic);
        body.extend(1_i32.to_be_bytes());
        body.extend(0_i32.to_be_bytes());
        body.extend((batch.len() as i32).to_be_bytes());
        body.extend(batch);
        let mut answer = self.call(PRODUCE, 7, &body)?;
        answer.i32()?; // one topic
        answer.string()?;
        answer.i32()?; // one partition
        answer.i32()?;
        answer.i16()
    }

    /// The latest offset of each of the partitions `0..partitions`, or the error code of a broker that does not lead it.
    pub fn latest(&mut self, topic: &str, partitions: i32) -> Result<Vec<Result<i64, i16>>> {
        let mut body = (-1_i32).to_be_bytes().to_vec();
        body.extend(1_i32.to_be_bytes());
        put_string(&mut body, topic);
        body.extend(partitions.to_be_bytes());
        for partition in 0..partitions {
            body.extend(partition.to_be_bytes());
            body.extend(LATEST.to_be_bytes());
        }
        let mut answer = self.call(LIST_OFFSETS, 1, &body)?;
        answer.i32()?; // one topic
        answer.string()?;
        let mut found = vec![Err(-1); usize::try_from(partitions)?];
        for _ in 0..answer.i32()? {
            let partition = usize::try_from(answer.i32()?)?;
            let error = answer.i16()?;
            answer.i64()?;
            let offset = answer.i64()?;
            let place = found.get_mut(partition).context("a partition that was not asked for")?;
            *place = if error == 0 { Ok(offset) } else { Err(error) };
        }
        Ok(found)
    }
}

/// A batch of format 2 with one record that has no key and a value of one byte.
fn one_record_batch() -> Vec<u8> {
    let record = [0, 0, 0, 1, 2, b'x', 0]; // attributes, deltas, no key, value, no headers
    let mut checked = 0_i16.to_be_bytes().to_vec(); // attributes
    checked.extend(0_i32.to_be_bytes()); // last offset delta
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| d.as_millis() as i64);
    checked.extend(now.to_be_bytes());
    checked.extend(now.to_be_bytes());
    checked.extend((-1_i64).to_be_bytes()); // producer id
    checked.extend((-1_i16).to_be_bytes());
    checked.extend((-1_i32).to_be_bytes());
    checked.extend(1_i32.to_be_bytes());
    checked.push((record.len() as u8) << 1);
    checked.extend(record);
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &checked) as u32;
    let mut batch = 0_i64.to_be_bytes().to_vec();
    batch.extend((4 + 1 + 4 + checked.len() as i32).to_be_bytes());
    batch.extend((-1_i32).to_be_bytes()); // leader epoch
    batch.push(2);
    batch.extend(crc.to_be_bytes());
    batch.extend(checked);
    batch
}

pub fn put_string(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as i16).to_be_bytes());
    out.extend(text.as_bytes());
}

/// A response's body, read from front to back.
struct Answer {
    bytes: Vec<u8>,
    at: usize,
}

impl Answer {
    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let part = self.bytes.get(self.at..self.at + N).context("a response that ends early")?;
        self.at += N;
        Ok(part.try_into()?)
    }

    fn i8(&mut self) -> Result<i8> {
        Ok(i8::from_be_bytes(self.take()?))
    }

    fn i16(&mut self) -> Result<i16> {
        Ok(i16::from_be_bytes(self.take()?))
    }

    fn i32(&mut self) -> Result<i32> {
        Ok(i32::from_be_bytes(self.take()?))
    }

    fn i64(&mut self) -> Result<i64> {
        Ok(i64::from_be_bytes(self.take()?))
    }

    fn string(&mut self) -> Result<()> {
        let length = self.i16()?;
        let end = self.at + usize::try_from(length).unwrap_or(0);
        if end > self.bytes.len() {
            bail!("a string that ends after the response");
        }
        self.at = end;
        Ok(())
    }
}
