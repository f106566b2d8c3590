//! Subscriptions by pattern: which topics they match is written down, and looked at again when topics come and go.
//!
//! Kafka takes RE2's syntax, which is that of the `regex` crate but for rarities; a pattern must match a name as a whole.
//! Patterns that nobody uses any more are deleted.

use std::collections::BTreeSet;

use chronik_types::ErrorCode;
use regex::{Regex, RegexBuilder};

use super::Draft;
use crate::groups::View;
use crate::groups::records::{Change, PatternKey, PatternValue};
use crate::groups::replies::Refused;
use crate::groups::requests::At;
use crate::records::Name;

/// The least pause between two looks at the same group's patterns.
const REFRESH_PAUSE_MS: i64 = 10_000;
/// What a compiled pattern may take: a client's text must not cost more memory than this.
const PATTERN_BYTES_MAX: usize = 1 << 20;

fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(&format!(r"\A(?:{pattern})\z")).size_limit(PATTERN_BYTES_MAX).build()
}

/// Whether a pattern is one.
pub(in crate::groups) fn check_pattern(pattern: &Name) -> Result<(), Refused> {
    // What closes the group that the pattern is put in would be no pattern by itself.
    let checked = Regex::new(pattern).and_then(|_| compile(pattern));
    checked.map(|_| ()).map_err(|_| {
        let message = format!("SubscribedTopicRegex `{pattern}` is not a valid regular expression.");
        Refused::because(ErrorCode::InvalidRegularExpression, message)
    })
}

fn matching(pattern: &str, view: &dyn View) -> Vec<Name> {
    let Ok(regex) = compile(pattern) else { return Vec::new() };
    view.topic_names().into_iter().filter(|name| regex.is_match(name)).collect()
}

/// Brings the group's patterns up to date: new ones are resolved, unused ones deleted, known ones looked at again if
/// topics may have come or gone, or after `interval_ms`. Returns whether what the group subscribes to may have changed.
pub(in crate::groups) fn refresh_patterns(draft: &mut Draft<'_>, at: &At<'_>, interval_ms: i64) -> bool {
    let group = draft.group();
    let used: BTreeSet<Name> = group
        .members
        .values()
        .filter_map(|member| member.metadata.subscribed_topic_regex.clone())
        .filter(|pattern| !pattern.is_empty())
        .collect();
    if used.is_empty() && group.patterns.is_empty() {
        return false;
    }
    let mut changes = Vec::new();
    let mut is_new = false;
    let version = at.view.version();
    for pattern in &used {
        let known = group.patterns.get(pattern);
        let is_due = known.is_none_or(|known| {
            let age_ms = at.now.0.saturating_sub(known.timestamp);
            // Looked at in time that is yet to come: by the clock of a coordinator before this one.
            let is_of_another_clock = age_ms < 0;
            age_ms > interval_ms
                || (known.version < version && (age_ms > REFRESH_PAUSE_MS || is_of_another_clock))
        });
        if !is_due {
            continue;
        }
        let topics = matching(pattern, at.view);
        is_new |= known.is_none_or(|known| known.topics != topics);
        changes.push((pattern.clone(), Some(PatternValue { topics, version, timestamp: at.now.0 })));
    }
    changes.extend(group.patterns.keys().filter(|of| !used.contains(*of)).map(|of| (of.clone(), None)));
    drop(group);
    for (pattern, value) in changes {
        let key = PatternKey { group: draft.name.clone(), pattern };
        draft.push(Change::Pattern(key, value));
    }
    is_new
}
