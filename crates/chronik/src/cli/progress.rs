//! A line on the terminal for work that takes long: nothing is drawn for work that is done in a second, or when
//! nobody is looking (stderr is not a terminal).

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work that takes less is not worth a line.
const QUIET: Duration = Duration::from_secs(1);
const DRAWS_PER_SECOND: u8 = 5;

/// Counts bytes and records.
pub struct Progress {
    started: Instant,
    is_watched: bool,
    bytes_total: Option<u64>,
    bar: Option<ProgressBar>,
    records: u64,
    bytes: u64,
}

impl Progress {
    /// `bytes_total`: how many there will be, if that is known.
    pub fn new(bytes_total: Option<u64>) -> Self {
        let is_watched = std::io::stderr().is_terminal();
        Self { started: Instant::now(), is_watched, bytes_total, bar: None, records: 0, bytes: 0 }
    }

    /// For output that itself goes to the terminal.
    pub fn hidden() -> Self {
        Self { is_watched: false, ..Self::new(None) }
    }

    pub fn add(&mut self, records: u64, bytes: u64) {
        self.records += records;
        self.bytes += bytes;
        if !self.is_watched {
            return;
        }
        if self.bar.is_none() && self.started.elapsed() >= QUIET {
            self.bar = Some(bar(self.bytes_total));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(self.bytes);
            bar.set_message(format!("{} records", self.records));
        }
    }

    pub fn records(&self) -> u64 {
        self.records
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Removes the line; returns how long it took.
    pub fn finish(&mut self) -> Duration {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        self.started.elapsed()
    }
}

fn bar(bytes_total: Option<u64>) -> ProgressBar {
    let target = ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND);
    let bar = ProgressBar::with_draw_target(bytes_total, target);
    let template = match bytes_total {
        Some(_) => "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta} {msg}",
        None => "{spinner} {bytes} {bytes_per_sec} {elapsed} {msg}",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// `12.3 MB`, in powers of a thousand.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut amount = bytes as f64;
    let mut unit = 0;
    while amount >= 999.5 && unit + 1 < UNITS.len() {
        amount /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{amount:.1} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_have_three_digits_and_a_unit() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(999), "999 B");
        assert_eq!(size(1000), "1.0 kB");
        assert_eq!(size(1_234_567), "1.2 MB");
        assert_eq!(size(5_000_000_000_000), "5.0 TB");
    }
}
