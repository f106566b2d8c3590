//! The rows of the bench: what librdkafka's `rdkafka_performance` is told to do, and what it reports.
//!
//! A row counts only if the client says that everything was delivered and the broker's latest offsets say
//! the same. The load is one process; broker CPU and memory come from `/proc`.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use super::client::FIND_COORDINATOR;
use super::peer::{Peer, Running};
use super::prepare::Tools;
use super::proc;

/// What a row does. Counts are for a full run; `--quick` sends a tenth.
#[derive(Clone, Copy, Debug)]
pub enum Work {
    Produce {
        size: u64,
        count: u64,
        acks: i8,
        partitions: i32,
        options: &'static [&'static str],
    },
    /// Reads what the row before it produced.
    Consume {
        size: u64,
    },
    /// A fixed rate for some seconds; the delay from produce to ack.
    Latency {
        size: u64,
        rate: u64,
        acks: i8,
    },
    /// A fixed rate for some seconds; the delay from produce to a waiting consumer.
    EndToEnd {
        size: u64,
        rate: u64,
    },
}

pub struct Row {
    pub name: &'static str,
    pub work: Work,
}

impl Row {
    /// Whether it says something of a cluster: what one broker answers for itself alone says nothing.
    pub fn is_for_clusters(&self) -> bool {
        !matches!(self.work, Work::Produce { acks: 1, .. } | Work::Latency { acks: 1, .. })
    }
}

const fn produce(
    name: &'static str,
    size: u64,
    acks: i8,
    partitions: i32,
    options: &'static [&'static str],
) -> Row {
    let count = if size < 1000 { 3_000_000 } else { 1_000_000 };
    Row { name, work: Work::Produce { size, count, acks, partitions, options } }
}

pub static ROWS: [Row; 10] = [
    produce("produce 100 B acks=1", 100, 1, 1, &[]),
    produce("produce 1 KiB acks=all", 1024, -1, 1, &[]),
    Row { name: "consume 1 KiB", work: Work::Consume { size: 1024 } },
    produce("produce 1 KiB acks=all, 64 KiB batches", 1024, -1, 1, &["-X", "batch.size=65536"]),
    produce("produce 1 KiB idempotent", 1024, -1, 1, &["-X", "enable.idempotence=true"]),
    produce("produce 1 KiB acks=all, lz4", 1024, -1, 1, &["-z", "lz4"]),
    produce("produce 1 KiB acks=all, 6 partitions", 1024, -1, 6, &[]),
    Row { name: "latency 1 KiB acks=1, 1000/s", work: Work::Latency { size: 1024, rate: 1000, acks: 1 } },
    Row { name: "latency 1 KiB acks=all, 1000/s", work: Work::Latency { size: 1024, rate: 1000, acks: -1 } },
    Row { name: "produce to consume 1 KiB, 1000/s", work: Work::EndToEnd { size: 1024, rate: 1000 } },
];

/// One run of one row on one peer. Latencies are microseconds.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    pub peer: Peer,
    pub row: &'static str,
    pub repetition: usize,
    pub mb_per_s: f64,
    pub records_per_s: f64,
    pub p50: Option<f64>,
    pub p99: Option<f64>,
    pub p999: Option<f64>,
    pub broker_cpu_s_per_gb: f64,
    pub client_cpu_s_per_gb: f64,
    pub peak_rss_mib: f64,
    /// CPU that neither the broker nor the client used, in percent of the machine.
    pub foreign_percent: f64,
    /// Whether more than the allowed share of the machine went to others, at every try.
    pub noisy: bool,
}

/// How much of each row, and how long the rows with a rate last.
#[derive(Clone, Copy)]
pub struct Scale {
    pub divide: u64,
    pub seconds: u64,
}

/// Longest that one client process may take.
const RUN_MAX: Duration = Duration::from_mins(3);
/// Longest from the last acknowledgement to an offset that counts it.
const VISIBLE_MAX: Duration = Duration::from_secs(5);
const BUFFER: [&str; 4] =
    ["-X", "queue.buffering.max.messages=500000", "-X", "queue.buffering.max.kbytes=1048576"];

pub struct Loader<'a> {
    pub tools: &'a Tools,
    pub folder: &'a Path,
    pub scale: Scale,
    /// The topic of the last produce row, its records and partitions.
    pub last: Option<(String, u64)>,
    pub topics: usize,
}

/// librdkafka takes a broker without consumer groups for one that is too old for lz4.
#[derive(Debug, thiserror::Error)]
#[error("the client would not compress, since the broker announces no consumer groups")]
pub struct Uncompressed;

/// What the client reported; its figures of time are its own.
struct Report {
    records: u64,
    milliseconds: f64,
    latencies: Vec<f64>,
}

impl Loader<'_> {
    /// Runs the row once. Errors mean that something was lost or did not end: they are never averaged away.
    pub fn run(&mut self, broker: &Running, row: &Row, repetition: usize) -> Result<Run> {
        let context = || format!("{} on {}", row.name, broker.peer.name());
        broker.reset_memory_peak();
        let (cpu, client, machine, own) = (
            broker.cpu_seconds(),
            proc::children_cpu_seconds(),
            proc::machine_busy_seconds(),
            proc::own_cpu_seconds(),
        );
        let begin = Instant::now();
        let (report, size) = match row.work {
            Work::Produce { size, count, acks, partitions, options } => (
                self.produce(broker, size, count / self.scale.divide, acks, partitions, options)
                    .with_context(context)?,
                size,
            ),
            Work::Consume { size } => (self.consume(broker).with_context(context)?, size),
            Work::Latency { size, rate, acks } => {
                (self.latency(broker, size, rate, acks).with_context(context)?, size)
            }
            Work::EndToEnd { size, rate } => {
                (self.end_to_end(broker, size, rate).with_context(context)?, size)
            }
        };
        let wall = begin.elapsed().as_secs_f64();
        let cpu = broker.cpu_seconds() - cpu;
        let client = proc::children_cpu_seconds() - client;
        let foreign = proc::machine_busy_seconds() - machine - cpu - client - (proc::own_cpu_seconds() - own);
        let cores = std::thread::available_parallelism().map_or(1.0, |n| n.get() as f64);
        let gb = (report.records * size) as f64 / 1e9;
        let at = |q: f64| percentile(&report.latencies, q);
        Ok(Run {
            peer: broker.peer,
            row: row.name,
            repetition,
            mb_per_s: gb * 1e6 / report.milliseconds,
            records_per_s: report.records as f64 * 1e3 / report.milliseconds,
            p50: at(0.5),
            p99: at(0.99),
            p999: at(0.999),
            broker_cpu_s_per_gb: cpu / gb,
            client_cpu_s_per_gb: client / gb,
            peak_rss_mib: broker.memory_mib("VmHWM"),
            foreign_percent: (100.0 * foreign / (cores * wall)).max(0.0),
            noisy: false,
        })
    }

    fn topic(&mut self, broker: &Running, partitions: i32) -> Result<String> {
        self.topics += 1;
        let topic = format!("bench-{}", self.topics);
        broker.create_topic(&topic, partitions)?;
        Ok(topic)
    }

    fn produce(
        &mut self,
        broker: &Running,
        size: u64,
        count: u64,
        acks: i8,
        partitions: i32,
        options: &[&str],
    ) -> Result<Report> {
        if options.contains(&"lz4") && !broker.client()?.announces(FIND_COORDINATOR)? {
            return Err(Uncompressed.into());
        }
        let topic = self.topic(broker, partitions)?;
        let (size, amount, acks) = (size.to_string(), count.to_string(), acks.to_string());
        let mut args = vec!["-P", "-t", &topic, "-s", &size, "-c", &amount, "-a", &acks, "-q"];
        if partitions == 1 {
            args.extend(["-p", "0"]);
        }
        args.extend(BUFFER);
        args.extend(options);
        let report = delivered(&self.client(broker, &args)?)?;
        check_delivered(broker, &topic, partitions, count, report.records)?;
        self.last = Some((topic, count));
        Ok(report)
    }

    fn consume(&mut self, broker: &Running) -> Result<Report> {
        let (topic, count) = self.last.clone().context("nothing was produced before")?;
        let amount = count.to_string();
        let out =
            self.client(broker, &["-C", "-t", &topic, "-p", "0", "-o", "beginning", "-c", &amount, "-q"])?;
        let line = last_line(&out, "bytes) consumed in ")?;
        let records = number_before(line, " messages (")?;
        ensure!(records == count, "{records} of {count} records were consumed");
        Ok(Report { records, milliseconds: number_before(line, "ms: ")? as f64, latencies: Vec::new() })
    }

    fn latency(&mut self, broker: &Running, size: u64, rate: u64, acks: i8) -> Result<Report> {
        let topic = self.topic(broker, 1)?;
        let count = rate * self.scale.seconds;
        let file = self.folder.join("latency.txt");
        let out = self.client(
            broker,
            &rated(&topic, size, rate, count, acks, Some(&file))
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
        )?;
        let mut report = delivered(&out)?;
        check_delivered(broker, &topic, 1, count, report.records)?;
        // The first half second holds the connection and the client's metadata.
        report.latencies = latencies(&file, (rate / 2) as usize)?;
        Ok(report)
    }

    fn end_to_end(&mut self, broker: &Running, size: u64, rate: u64) -> Result<Report> {
        let topic = self.topic(broker, 1)?;
        let count = rate * self.scale.seconds;
        let file = self.folder.join("end-to-end.txt");
        let path = file.to_string_lossy().into_owned();
        let args = [
            "-C",
            "-l",
            "-A",
            &path,
            "-t",
            &topic,
            "-p",
            "0",
            "-o",
            "beginning",
            "-q",
            "-X",
            "fetch.wait.max.ms=500",
        ];
        let mut consumer = self.spawn(broker, &args, "consumer")?;
        let out = self.client(
            broker,
            &rated(&topic, size, rate, count, -1, None).iter().map(String::as_str).collect::<Vec<_>>(),
        );
        // The consumer ends itself only at an interrupt, which also makes it write its figures.
        Command::new("kill").args(["-INT", &consumer.id().to_string()]).status()?;
        wait(&mut consumer, Duration::from_secs(20)).context("the consumer")?;
        let mut report = delivered(&out?)?;
        check_delivered(broker, &topic, 1, count, report.records)?;
        report.latencies = latencies(&file, (rate / 2) as usize)?;
        ensure!(
            report.latencies.len() as u64 + rate >= count,
            "only {} records reached the consumer",
            report.latencies.len()
        );
        Ok(report)
    }

    /// Runs the client to its end and returns what it printed.
    fn client(&self, broker: &Running, args: &[&str]) -> Result<String> {
        let mut child = self.spawn(broker, args, "client")?;
        let ended = wait(&mut child, RUN_MAX);
        let text = fs::read_to_string(self.folder.join("client.txt"))?;
        ended.with_context(|| format!("rdkafka_performance {}:\n{}", args.join(" "), tail(&text)))?;
        Ok(text)
    }

    fn spawn(&self, broker: &Running, args: &[&str], name: &str) -> Result<Child> {
        let out = File::create(self.folder.join(format!("{name}.txt")))?;
        let mut command = Command::new(&self.tools.performance);
        command.args(["-b", &broker.bootstrap()]).args(args);
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        command.spawn().context("start rdkafka_performance")
    }
}

fn rated(topic: &str, size: u64, rate: u64, count: u64, acks: i8, file: Option<&Path>) -> Vec<String> {
    let mut args: Vec<String> =
        ["-P", "-l", "-t", topic, "-p", "0", "-q", "-X", "linger.ms=0"].map(str::to_owned).to_vec();
    for (flag, value) in [("-s", size), ("-r", rate), ("-c", count)] {
        args.extend([flag.to_owned(), value.to_string()]);
    }
    args.extend(["-a".to_owned(), acks.to_string()]);
    if let Some(file) = file {
        args.extend(["-A".to_owned(), file.to_string_lossy().into_owned()]);
    }
    args
}

/// A client that counts its deliveries proves nothing: the broker must hold them.
fn check_delivered(broker: &Running, topic: &str, partitions: i32, count: u64, delivered: u64) -> Result<()> {
    ensure!(delivered == count, "{delivered} of {count} records were delivered");
    // With acks=1 a broker may answer before what it holds is visible, but not for long.
    let begin = Instant::now();
    loop {
        let held = broker.records(topic, partitions)?;
        if held == count as i64 {
            return Ok(());
        }
        let late = begin.elapsed() > VISIBLE_MAX || held > count as i64;
        ensure!(!late, "{delivered} records were delivered, but the latest offsets say {held}");
        // Between two looks; no figure is taken any more.
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn delivered(out: &str) -> Result<Report> {
    let line = last_line(out, " delivered (offset ")?;
    ensure!(number_before(line, " failed)")? == 0, "some records failed: {line}");
    Ok(Report {
        records: number_before(line, " delivered (offset ")?,
        milliseconds: number_before(line, "ms: ")? as f64,
        latencies: Vec::new(),
    })
}

fn last_line<'a>(out: &'a str, marker: &str) -> Result<&'a str> {
    out.lines()
        .rev()
        .find(|l| l.contains(marker))
        .with_context(|| format!("no figures in the client's output:\n{}", tail(out)))
}

/// The number that stands right before the marker.
fn number_before(line: &str, marker: &str) -> Result<u64> {
    let head = line.split(marker).next().unwrap_or_default();
    let start = head.rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
    head[start..].parse().with_context(|| format!("no number before {marker:?} in {line:?}"))
}

fn tail(text: &str) -> &str {
    let start = text.len().saturating_sub(1500);
    text.get(start..).unwrap_or(text)
}

fn latencies(file: &Path, skip: usize) -> Result<Vec<f64>> {
    let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    let mut values: Vec<f64> = text.lines().skip(skip).filter_map(|l| l.trim().parse().ok()).collect();
    ensure!(!values.is_empty(), "no latencies in {}", file.display());
    values.sort_by(f64::total_cmp);
    Ok(values)
}

/// Of sorted values.
fn percentile(sorted: &[f64], q: f64) -> Option<f64> {
    sorted.get(((sorted.len().saturating_sub(1)) as f64 * q) as usize).copied()
}

fn wait(child: &mut Child, longest: Duration) -> Result<()> {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            ensure!(status.success(), "ended with {status}");
            return Ok(());
        }
        if begin.elapsed() > longest {
            child.kill()?;
            child.wait()?;
            anyhow::bail!("did not end within {longest:?}");
        }
        // Between two looks: the figures are the client's own, and looking all the time would take a processor from it.
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_lines_are_understood() {
        let out = "% noise\n% 3000000 messages produced (300000000 bytes), 3000000 delivered (offset 2999999, 0 failed) in 2345ms: \
                   1279317 msgs/s and 127.93 MB/s, 0 produce failures, 0 in queue, no compression\n";
        let report = delivered(out).unwrap();
        assert_eq!((report.records, report.milliseconds as u64), (3_000_000, 2345));
        let line = "% 1000 messages (1024000 bytes) consumed in 51ms: 19607 msgs/s (20.08 MB/s)";
        assert_eq!(number_before(line, " messages (").unwrap(), 1000);
        assert_eq!(number_before(line, "ms: ").unwrap(), 51);
        assert!(
            delivered("% 10 messages produced (1 bytes), 9 delivered (offset 8, 1 failed) in 1ms: 1 msgs/s")
                .is_err()
        );
    }

    #[test]
    fn percentiles_are_of_sorted_values() {
        let values: Vec<f64> = (1..=1000).map(f64::from).collect();
        assert_eq!((percentile(&values, 0.5), percentile(&values, 0.99)), (Some(500.0), Some(990.0)));
        assert_eq!(percentile(&[], 0.5), None);
    }
}
