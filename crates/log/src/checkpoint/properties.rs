//! `meta.properties`: to which cluster and node a log directory belongs (KIP-853, KIP-858), as a Java properties file.

use std::collections::BTreeMap;
use std::fmt::Write;

use chronik_types::{NodeId, uuid_from_text, uuid_to_text};
use uuid::Uuid;

/// The file's name.
pub(crate) const NAME: &str = "meta.properties";

/// The content of `meta.properties`, version 1.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct MetaProperties {
    /// `cluster.id`: any text; Kafka makes it 22 characters.
    pub cluster_id: Option<String>,
    /// `node.id`.
    pub node_id: Option<NodeId>,
    /// `directory.id` (KIP-858).
    pub directory_id: Option<Uuid>,
    /// Keys that are not known here, kept as they came.
    pub other: BTreeMap<String, String>,
}

impl MetaProperties {
    pub(crate) fn parse(text: &str) -> Result<MetaProperties, String> {
        let mut all = properties(text);
        match all.remove("version").as_deref() {
            Some("1") => {}
            // Version 0 is ZooKeeper's time: Kafka 4 refuses it too.
            other => {
                let found =
                    other.map_or("there is no version".to_owned(), |other| format!("version={other}"));
                return Err(format!(
                    "{found}, where version=1 is expected: the file is damaged, or from before Kafka's KRaft. Restore it, \
                     or point log.dirs to another directory"
                ));
            }
        }
        let node_id = all.remove("node.id").map(|id| super::number(&id).map(NodeId)).transpose()?;
        let directory_id = all
            .remove("directory.id")
            .map(|id| uuid_from_text(&id).ok_or_else(|| format!("{id:?} is not a directory id")))
            .transpose()?;
        Ok(MetaProperties { cluster_id: all.remove("cluster.id"), node_id, directory_id, other: all })
    }

    pub(crate) fn format(&self) -> String {
        let mut text = String::from("#\n");
        let mut line = |key: &str, value: &str| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}={}", escape(key, true), escape(value, false));
        };
        for (key, value) in &self.other {
            line(key, value);
        }
        if let Some(id) = self.node_id {
            line("node.id", &id.to_string());
        }
        if let Some(id) = self.directory_id {
            line("directory.id", &uuid_to_text(id));
        }
        line("version", "1");
        if let Some(id) = &self.cluster_id {
            line("cluster.id", id);
        }
        text
    }
}

/// Java's `Properties.load`, without line continuations (which `Properties.store` never writes).
fn properties(text: &str) -> BTreeMap<String, String> {
    let content = |line: &&str| !line.is_empty() && !line.starts_with(['#', '!']);
    text.lines().map(str::trim_start).filter(content).map(split).collect()
}

fn split(line: &str) -> (String, String) {
    let mut key = String::new();
    let mut rest = line.chars();
    while let Some(letter) = rest.next() {
        match letter {
            '\\' => key.push(unescape(&mut rest)),
            '=' | ':' => return (key, value(rest.as_str())),
            letter if letter.is_whitespace() => {
                let after = rest.as_str().trim_start();
                return (key, value(after.strip_prefix(['=', ':']).unwrap_or(after)));
            }
            letter => key.push(letter),
        }
    }
    (key, String::new())
}

fn value(text: &str) -> String {
    let mut rest = text.trim_start().chars();
    let mut value = String::new();
    while let Some(letter) = rest.next() {
        value.push(if letter == '\\' { unescape(&mut rest) } else { letter });
    }
    value
}

fn unescape(rest: &mut std::str::Chars<'_>) -> char {
    match rest.next() {
        Some('n') => '\n',
        Some('t') => '\t',
        Some('r') => '\r',
        Some('f') => '\u{c}',
        Some('u') => {
            let digits: String = rest.by_ref().take(4).collect();
            let code = u32::from_str_radix(&digits, 16).ok();
            code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        Some(letter) => letter,
        None => '\\',
    }
}

fn escape(text: &str, is_key: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (at, letter) in text.char_indices() {
        match letter {
            ' ' if is_key || at == 0 => escaped.push_str("\\ "),
            '=' | ':' | '#' | '!' | '\\' => escaped.extend(['\\', letter]),
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push_str("\\t"),
            '\r' => escaped.push_str("\\r"),
            ' '..='~' => escaped.push(letter),
            _ => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    let _ = write!(escaped, "\\u{unit:04X}");
                }
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_kafkas_is_understood() {
        let text = "#\n#Mon Nov 23 08:19:04 UTC 2026\nnode.id=1\ndirectory.id=Vv_zW5mcIDemersL0p5PvQ\nversion=1\n\
                    cluster.id=jxMthR_nRT2RaxW-eidCrQ\n";
        let meta = MetaProperties::parse(text).unwrap();
        assert_eq!(meta.node_id, Some(NodeId(1)));
        assert_eq!(meta.cluster_id.as_deref(), Some("jxMthR_nRT2RaxW-eidCrQ"));
        assert_eq!(meta.directory_id.map(uuid_to_text).as_deref(), Some("Vv_zW5mcIDemersL0p5PvQ"));
        assert_eq!(MetaProperties::parse(&meta.format()).unwrap(), meta);
        assert!(MetaProperties::parse("version=0\nbroker.id=1\n").is_err());
        assert!(MetaProperties::parse("").is_err());
        assert!(MetaProperties::parse("version=1\nnode.id=x\n").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_cluster_id_survives(id in "[ -~\\t\\näß€]*[a-z€]", key in "[a-z =:#!\\\\]*x") {
            let other = BTreeMap::from([(key, id.clone())]);
            let meta = MetaProperties { cluster_id: Some(id), other, ..MetaProperties::default() };
            proptest::prop_assert_eq!(MetaProperties::parse(&meta.format()).unwrap(), meta);
        }
    }
}
