//! What happened lately: the lines that nodes log and what the simulation did to them, for the report of a violation.
//!
//! The journal belongs to the thread, as a run of a seed does. Lines that must never appear are remembered apart.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::world::Life;

/// How many lines are kept.
const LINES_MAX: usize = 60;
/// Lines that operators search for, since they mean that leadership does not settle (DESIGN section 2).
const FORBIDDEN: [&str; 3] = ["Failed to propose", "Failed to elect leader", "Cannot propose"];

/// What a node says when its part in the quorum has to wait for room.
const HELD_UP: &str = "the metadata log waits for room";

#[derive(Default)]
struct Journal {
    names: BTreeMap<Life, String>,
    life: Option<Life>,
    now: Duration,
    lines: VecDeque<String>,
    forbidden: Option<String>,
    held_up: u64,
    is_echoing: bool,
}

thread_local! {
    static JOURNAL: RefCell<Journal> = RefCell::default();
}

impl Journal {
    fn note(&mut self, line: &str) {
        let who = self.life.and_then(|life| self.names.get(&life)).map_or("", String::as_str);
        let line = format!("{:>10.4} {who:<3} {line}", self.now.as_secs_f64());
        if self.is_echoing {
            eprintln!("{line}");
        }
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

/// Begins a run's journal. With `echo` every line is shown at once.
pub fn begin(echo: bool) {
    JOURNAL.with_borrow_mut(|journal| *journal = Journal { is_echoing: echo, ..Journal::default() });
}

/// Whose step is next, and when.
pub fn step(now: Duration, life: Life) {
    JOURNAL.with_borrow_mut(|journal| (journal.now, journal.life) = (now, Some(life)));
}

/// Names a life.
pub fn name(life: Life, name: &str) {
    JOURNAL.with_borrow_mut(|journal| journal.names.insert(life, name.to_owned()));
}

/// Notes something.
pub fn note(line: &str) {
    JOURNAL.with_borrow_mut(|journal| journal.note(line));
}

/// A line that must never appear, if there was one.
pub fn forbidden() -> Option<String> {
    JOURNAL.with_borrow_mut(|journal| journal.forbidden.take())
}

/// A line that must never appear has.
pub fn forbid(line: &str) {
    note(line);
    JOURNAL.with_borrow_mut(|journal| journal.forbidden = Some(line.to_owned()));
}

/// How often a node's part in the quorum had to wait for room on its disk.
pub fn held_up() -> u64 {
    JOURNAL.with_borrow(|journal| journal.held_up)
}

/// The latest lines.
pub fn lines() -> Vec<String> {
    JOURNAL.with_borrow(|journal| journal.lines.iter().cloned().collect())
}

/// Takes the log lines of nodes into the journals of their threads; once for a process.
pub fn collect_log_lines() {
    // A second call, by another test, finds it done.
    let _ = tracing::subscriber::set_global_default(Lines);
}

struct Lines;

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(tracing::level_filters::LevelFilter::INFO)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(format!("{} ", event.metadata().level()));
        event.record(&mut line);
        JOURNAL.with_borrow_mut(|journal| {
            if FORBIDDEN.iter().any(|words| line.0.contains(words)) {
                journal.forbidden = Some(line.0.clone());
            }
            journal.held_up += u64::from(line.0.contains(HELD_UP));
            journal.note(&line.0);
        });
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = if field.name() == "message" {
            write!(self.0, "{value:?}")
        } else {
            write!(self.0, " {}={value:?}", field.name())
        };
    }
}
