//! What `/proc` says of a process and of the machine: CPU time, resident memory, and who else is busy.

use std::fs;
use std::path::{Path, PathBuf};

/// Linux reports CPU times to user space in hundredths of a second on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU seconds (user and system, all threads) that a process has used; 0 when it is gone.
pub fn cpu_seconds(pid: u32) -> f64 {
    stat_fields(Path::new(&format!("/proc/{pid}/stat")))
        .map_or(0.0, |f| (field(&f, 14) + field(&f, 15)) / TICKS_PER_SECOND)
}

/// CPU seconds of our own children that have ended and been waited for.
pub fn children_cpu_seconds() -> f64 {
    stat_fields(Path::new("/proc/self/stat"))
        .map_or(0.0, |f| (field(&f, 16) + field(&f, 17)) / TICKS_PER_SECOND)
}

/// Our own CPU seconds, without children.
pub fn own_cpu_seconds() -> f64 {
    cpu_seconds(std::process::id())
}

/// CPU seconds that the whole machine has spent on anything but idling, since boot.
pub fn machine_busy_seconds() -> f64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let first: Vec<f64> = text
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .filter_map(|x| x.parse().ok())
        .collect();
    let idle = first.get(3).unwrap_or(&0.0) + first.get(4).unwrap_or(&0.0);
    (first.iter().take(8).sum::<f64>() - idle) / TICKS_PER_SECOND
}

/// Resident memory now (`VmRSS`) or at its peak (`VmHWM`), in MiB.
pub fn memory_mib(pid: u32, key: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find(|l| l.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')));
    line.and_then(|l| l.split_whitespace().nth(1)).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0)
        / 1024.0
}

/// Makes the process's memory peak start again from what it holds now.
pub fn reset_memory_peak(pid: u32) {
    // Refused on kernels without this file: the peak is then that of the whole life, which is no lie either.
    let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
}

/// The fields of a `stat` file, numbered from 1 as in proc(5); the name in parentheses may hold spaces.
fn stat_fields(path: &Path) -> Option<Vec<String>> {
    let text = fs::read_to_string(PathBuf::from(path)).ok()?;
    let (head, tail) = text.rsplit_once(')')?;
    let mut fields = vec![head.to_owned(), String::new()];
    fields.extend(tail.split_whitespace().map(str::to_owned));
    Some(fields)
}

fn field(fields: &[String], number: usize) -> f64 {
    fields.get(number - 1).and_then(|x| x.parse().ok()).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_figures_are_plausible() {
        let before = own_cpu_seconds();
        let mut sum = 0_u64;
        while own_cpu_seconds() < before + 0.02 {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(memory_mib(std::process::id(), "VmRSS") > 0.5);
        assert!(machine_busy_seconds() > 0.0);
    }
}
