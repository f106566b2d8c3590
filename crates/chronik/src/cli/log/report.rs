//! What a dump prints: lines of text under a file's name, or one JSON object per thing.

use std::path::Path;

use anyhow::Result;
use serde_json::{Map, Value};

use crate::cli::Printer;

/// How much is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detail {
    /// The records of each batch.
    pub records: bool,
    /// Every entry of an index, not only how many there are.
    pub entries: bool,
}

/// Prints the contents of one file.
pub struct Report<'a> {
    printer: &'a mut Printer,
    file: String,
    pub detail: Detail,
}

/// One thing in a file: a batch, an entry, a record. Fields keep their order.
pub struct Item {
    kind: &'static str,
    depth: usize,
    fields: Map<String, Value>,
    text: Vec<String>,
}

impl Item {
    pub fn new(kind: &'static str) -> Self {
        Self { kind, depth: 1, fields: Map::new(), text: Vec::new() }
    }

    /// Something inside the item before it.
    pub fn nested(mut self) -> Self {
        self.depth = 2;
        self
    }

    /// A field in JSON and in text.
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        let value = value.into();
        let text = match &value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.text.push(format!("{name} {text}"));
        self.fields.insert(name.into(), value);
        self
    }

    /// A field that has other words in text.
    pub fn with_text(mut self, name: &'static str, value: impl Into<Value>, text: impl Into<String>) -> Self {
        self.fields.insert(name.into(), value.into());
        self.text.push(text.into());
        self
    }

    /// A field that text leaves out.
    pub fn with_json(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.into(), value.into());
        self
    }

    fn json(self, file: &str) -> Value {
        let mut fields: Map<String, Value> =
            self.fields.into_iter().map(|(name, value)| (camel_case(&name), value)).collect();
        fields.insert("file".into(), file.into());
        fields.insert("type".into(), self.kind.into());
        Value::Object(fields)
    }
}

impl<'a> Report<'a> {
    /// Begins a file.
    pub fn begin(
        printer: &'a mut Printer,
        path: &Path,
        kind: &str,
        len: u64,
        detail: Detail,
    ) -> Result<Self> {
        let file = path.display().to_string();
        if !printer.is_json() {
            printer.line(format!("{file}: {kind}, {len} bytes"))?;
        }
        Ok(Self { printer, file, detail })
    }

    pub fn item(&mut self, item: Item) -> Result<()> {
        if self.printer.is_json() {
            return self.printer.item(&item.json(&self.file));
        }
        let indent = "  ".repeat(item.depth);
        let kind = item.kind;
        self.printer.line(format!("{indent}{kind} {}", item.text.join("  ")))
    }
}

/// `leader_epoch` is `leaderEpoch` in JSON, as Kafka's tools write it.
fn camel_case(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + &part[..1].to_ascii_uppercase() + &part[1..])
}
