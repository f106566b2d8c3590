//! The one table: for each row the median of the repetitions, their range, and ratios to Kafka and to the floor.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use super::load::{ROWS, Run, Work};
use super::peer::Peer;

/// How a peer starts and what it costs when nothing happens.
#[derive(Clone, Debug, Serialize)]
pub struct Idle {
    pub peer: Peer,
    pub to_api_versions_ms: f64,
    pub to_first_ack_ms: f64,
    pub idle_rss_mib: f64,
    pub idle_cpu_percent: f64,
}

/// Everything that was measured.
#[derive(Default, Serialize)]
pub struct Report {
    pub machine: String,
    /// Of each peer; CPU and memory are those of all of them together.
    pub nodes: usize,
    pub runs: Vec<Run>,
    pub idle: Vec<Idle>,
    /// Rows that would not compare like with like.
    pub notes: Vec<String>,
    /// Rows that could not be measured, with the reason.
    pub failures: Vec<String>,
}

impl Report {
    pub fn text(&self, peers: &[Peer]) -> String {
        let whose = match self.nodes {
            1 => String::new(),
            nodes => format!(
                "\n{nodes} nodes each on this machine, a replica of everything on each; CPU and memory are added up.\n"
            ),
        };
        let mut out = format!("{}\n{whose}\nWhat an acks=all answer means:\n", self.machine);
        let at = if self.nodes > 1 { " of every replica in sync" } else { "" };
        for peer in peers {
            let _ = writeln!(out, "  {:13} {}{at}", peer.name(), peer.ack_means());
        }
        let _ = writeln!(out, "\n{}\n\n{}", self.rows(peers), self.starts(peers));
        for note in &self.notes {
            let _ = writeln!(out, "{note}");
        }
        for failure in &self.failures {
            let _ = writeln!(out, "FAILED: {failure}");
        }
        let noisy = self.runs.iter().filter(|r| r.noisy).count();
        if noisy > 0 {
            let _ = writeln!(
                out,
                "{noisy} of {} runs stayed noisy after every try; they are in the table, marked *",
                self.runs.len()
            );
        }
        out
    }

    fn rows(&self, peers: &[Peer]) -> Table {
        let head = [
            "row",
            "peer",
            "MB/s (range)",
            "k rec/s",
            "p50 us",
            "p99 us",
            "p99.9 us",
            "CPU s/GB",
            "peak RSS MiB",
            "vs kafka",
            "vs floor",
        ];
        let mut table = table(&head);
        for row in &ROWS {
            let mut label = row.name;
            for &peer in peers {
                let runs = self.of(row.name, peer);
                if runs.is_empty() {
                    continue;
                }
                let rated = matches!(row.work, Work::Latency { .. } | Work::EndToEnd { .. });
                let figure = |f: fn(&Run) -> f64| median(runs.iter().map(|r| f(r)));
                let speed: Vec<f64> = runs.iter().map(|r| r.mb_per_s).collect();
                let latency = |f: fn(&Run) -> Option<f64>| {
                    let values: Vec<f64> = runs.iter().filter_map(|r| f(r)).collect();
                    if values.is_empty() { "-".into() } else { format!("{:.0}", median(values)) }
                };
                let noisy = if runs.iter().any(|r| r.noisy) { "*" } else { "" };
                table.add_row([
                    std::mem::take(&mut label).to_owned(),
                    format!("{}{noisy}", peer.name()),
                    if rated { "-".into() } else { range(&speed) },
                    if rated { "-".into() } else { format!("{:.0}", figure(|r| r.records_per_s) / 1e3) },
                    latency(|r| r.p50),
                    latency(|r| r.p99),
                    latency(|r| r.p999),
                    format!("{:.2}", figure(|r| r.broker_cpu_s_per_gb)),
                    format!("{:.0}", figure(|r| r.peak_rss_mib)),
                    self.ratio(row.name, peer, Peer::Kafka, rated),
                    self.ratio(row.name, peer, peer.floor(), rated),
                ]);
            }
        }
        table
    }

    fn starts(&self, peers: &[Peer]) -> Table {
        let mut table = table(&[
            "peer",
            "start to ApiVersions, ms",
            "start to first ack, ms",
            "idle RSS MiB",
            "idle CPU %",
        ]);
        for &peer in peers {
            let of = |f: fn(&Idle) -> f64| {
                self.idle.iter().filter(|i| i.peer == peer).map(f).collect::<Vec<f64>>()
            };
            if of(|i| i.idle_rss_mib).is_empty() {
                continue;
            }
            table.add_row([
                peer.name(),
                range(&of(|i| i.to_api_versions_ms)),
                range(&of(|i| i.to_first_ack_ms)),
                range(&of(|i| i.idle_rss_mib)),
                format!("{:.2}", median(of(|i| i.idle_cpu_percent))),
            ]);
        }
        table
    }

    fn of(&self, row: &str, peer: Peer) -> Vec<&Run> {
        self.runs.iter().filter(|r| r.row == row && r.peer == peer).collect()
    }

    /// Throughput (more is better) or p50 (less is better) beside another peer's, and broker CPU in brackets.
    fn ratio(&self, row: &str, peer: Peer, other: Peer, rated: bool) -> String {
        let (ours, theirs) = (self.of(row, peer), self.of(row, other));
        if peer == other || ours.is_empty() || theirs.is_empty() {
            return "-".into();
        }
        let figure = |r: &&Run| if rated { r.p50.unwrap_or(0.0) } else { r.mb_per_s };
        let cpu = |r: &&Run| r.broker_cpu_s_per_gb;
        let quotient = |f: &dyn Fn(&&Run) -> f64| median(ours.iter().map(f)) / median(theirs.iter().map(f));
        format!("{:.2}x [cpu {:.2}x]", quotient(&figure), quotient(&cpu))
    }
}

fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(head);
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

fn range(values: &[f64]) -> String {
    let digits = usize::from(median(values.iter().copied()) < 20.0);
    let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(l, h), &v| (l.min(v), h.max(v)));
    let middle = median(values.iter().copied());
    if values.len() < 2 {
        format!("{middle:.digits$}")
    } else {
        format!("{middle:.digits$} ({low:.digits$}-{high:.digits$})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_ranges() {
        assert_eq!(range(&[3.0, 1.0, 2.0]), "2.0 (1.0-3.0)");
        assert_eq!(range(&[4.0, 1.0]), "2.5 (1.0-4.0)");
        assert_eq!(range(&[100.0, 300.0, 200.0]), "200 (100-300)");
        assert_eq!(range(&[1.25]), "1.2");
    }
}
