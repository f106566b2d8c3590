//! Text to typed value: the parsing rules of Kafka's `ConfigDef.parseType` and its validators, with their error texts.

use std::fmt;
use std::sync::Arc;

use super::{ConfigError, Key, Kind, Valid};

/// A value with its type.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// [`Kind::Boolean`].
    Boolean(bool),
    /// [`Kind::Int`].
    Int(i32),
    /// [`Kind::Long`].
    Long(i64),
    /// [`Kind::Short`].
    Short(i16),
    /// [`Kind::Double`].
    Double(f64),
    /// [`Kind::String`], [`Kind::Class`] and [`Kind::Password`].
    Text(Arc<str>),
    /// [`Kind::List`].
    List(Vec<Arc<str>>),
}

impl Value {
    /// The number of an int, long or short.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Value::Int(number) => Some(i64::from(*number)),
            Value::Short(number) => Some(i64::from(*number)),
            Value::Long(number) => Some(*number),
            _ => None,
        }
    }

    /// The elements of a list; anything else has none.
    pub fn elements(&self) -> &[Arc<str>] {
        match self {
            Value::List(elements) => elements,
            _ => &[],
        }
    }
}

/// As Kafka's `ConfigDef.convertToString` writes it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Boolean(value) => value.fmt(f),
            Value::Int(value) => value.fmt(f),
            Value::Long(value) => value.fmt(f),
            Value::Short(value) => value.fmt(f),
            Value::Double(value) => f.write_str(&java_double(*value)),
            Value::Text(value) => value.fmt(f),
            Value::List(elements) => f.write_str(&elements.join(",")),
        }
    }
}

/// `Double.toString`: always a fraction, and an exponent outside 10^-3 to 10^7.
fn java_double(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && size.is_finite() && !(1e-3..1e7).contains(&size) {
        let text = format!("{value:E}");
        match text.split_once('E') {
            Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
            _ => text,
        }
    } else if size.is_infinite() {
        (if value > 0.0 { "Infinity" } else { "-Infinity" }).to_owned()
    } else {
        format!("{value:?}")
    }
}

impl Key {
    /// Reads a value of this key, and checks it.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] or [`ConfigError::Conflict`], worded as Kafka's `ConfigException`.
    pub fn parse(&self, text: &str) -> Result<Value, ConfigError> {
        let value = self.typed(text)?;
        self.check(&value)?;
        Ok(value)
    }

    /// The default as a value; `None` is null.
    pub fn default_value(&self) -> Option<Value> {
        self.default.map(|text| self.typed(text).expect("a test parses every default"))
    }

    fn typed(&self, text: &str) -> Result<Value, ConfigError> {
        let trimmed = text.trim();
        let not_a_number = |_| self.invalid(text, &format!("Not a number of type {}", self.kind.name()));
        match self.kind {
            Kind::Boolean if trimmed.eq_ignore_ascii_case("true") => Ok(Value::Boolean(true)),
            Kind::Boolean if trimmed.eq_ignore_ascii_case("false") => Ok(Value::Boolean(false)),
            Kind::Boolean => Err(self.invalid(text, "Expected value to be either true or false")),
            Kind::Int => trimmed.parse().map(Value::Int).map_err(not_a_number),
            Kind::Long => trimmed.parse().map(Value::Long).map_err(not_a_number),
            Kind::Short => trimmed.parse().map(Value::Short).map_err(not_a_number),
            Kind::Double => parse_double(trimmed)
                .map(Value::Double)
                .ok_or_else(|| self.invalid(text, "Not a number of type DOUBLE")),
            Kind::String | Kind::Password | Kind::Class => Ok(Value::Text(trimmed.into())),
            Kind::List if trimmed.is_empty() => Ok(Value::List(Vec::new())),
            Kind::List => Ok(Value::List(distinct(trimmed.split(',').map(str::trim)))),
        }
    }

    fn check(&self, value: &Value) -> Result<(), ConfigError> {
        match self.valid {
            Valid::Any => Ok(()),
            Valid::Min(low) => self.check_range(value, low, i64::MAX),
            Valid::Range(low, high) => self.check_range(value, low, high),
            Valid::RangeF(low, high) => self.check_double(value, low, high),
            Valid::GzipLevel => match value.as_integer() {
                Some(-1 | 1..=9) => Ok(()),
                _ => Err(self.invalid(&value.to_string(), "Value must be between 1 and 9 or equal to -1")),
            },
            Valid::OneOf(words) => {
                self.check_word(&value.to_string(), words, "String must be one of: ", |a, b| a == b)
            }
            Valid::OneOfAnyCase(words) => self.check_word(
                &value.to_string(),
                words,
                "String must be one of (case insensitive): ",
                str::eq_ignore_ascii_case,
            ),
            Valid::Texts => self.check_elements(value),
            Valid::SomeTexts => {
                self.check_not_empty(value, "any non-empty value")?;
                self.check_elements(value)
            }
            Valid::ListOf(words) => {
                self.check_not_empty(value, &format!("[{}]", words.join(", ")))?;
                self.check_list_words(value, words)
            }
            Valid::ListOfOrEmpty(words) => self.check_list_words(value, words),
            Valid::NonEmpty if value.to_string().is_empty() => {
                Err(self.invalid("", "String must be non-empty"))
            }
            Valid::NonEmpty => Ok(()),
            Valid::ThrottledReplicas => self.check_throttled(value),
            Valid::ShareOffsetReset => self.check_offset_reset(&value.to_string()),
        }
    }

    fn check_range(&self, value: &Value, low: i64, high: i64) -> Result<(), ConfigError> {
        match value.as_integer() {
            Some(number) if number < low => {
                Err(self.invalid(&value.to_string(), &format!("Value must be at least {low}")))
            }
            Some(number) if number > high => {
                Err(self.invalid(&value.to_string(), &format!("Value must be no more than {high}")))
            }
            _ => Ok(()),
        }
    }

    fn check_double(&self, value: &Value, low: f64, high: f64) -> Result<(), ConfigError> {
        match value {
            Value::Double(number) if *number < low => {
                Err(self.invalid(&value.to_string(), &format!("Value must be at least {low}")))
            }
            Value::Double(number) if *number > high => {
                Err(self.invalid(&value.to_string(), &format!("Value must be no more than {high}")))
            }
            _ => Ok(()),
        }
    }

    fn check_word(
        &self,
        word: &str,
        words: &[&str],
        reason: &str,
        same: impl Fn(&str, &str) -> bool,
    ) -> Result<(), ConfigError> {
        if words.iter().any(|known| same(known, word)) {
            return Ok(());
        }
        Err(self.invalid(word, &format!("{reason}{}", words.join(", "))))
    }

    fn check_not_empty(&self, value: &Value, valid: &str) -> Result<(), ConfigError> {
        if value.elements().is_empty() {
            let name = self.name;
            return Err(ConfigError::Conflict(format!(
                "Configuration '{name}' must not be empty. Valid values include: {valid}"
            )));
        }
        Ok(())
    }

    fn check_elements(&self, value: &Value) -> Result<(), ConfigError> {
        if value.elements().iter().any(|element| element.is_empty()) {
            return Err(ConfigError::Conflict(format!(
                "Configuration '{}' values must not be empty.",
                self.name
            )));
        }
        Ok(())
    }

    fn check_list_words(&self, value: &Value, words: &[&str]) -> Result<(), ConfigError> {
        self.check_elements(value)?;
        value
            .elements()
            .iter()
            .try_for_each(|word| self.check_word(word, words, "String must be one of: ", |a, b| a == b))
    }

    fn check_throttled(&self, value: &Value) -> Result<(), ConfigError> {
        let is_pair = |element: &Arc<str>| {
            let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            element.split_once(':').is_some_and(|(partition, broker)| number(partition) && number(broker))
        };
        let elements = value.elements();
        if elements.iter().all(is_pair) || elements.len() == 1 && &*elements[0] == "*" {
            return Ok(());
        }
        let name = self.name;
        let reason = format!(
            "{name} must be the literal '*' or a list of replicas in the following format: \
             [partitionId]:[brokerId],[partitionId]:[brokerId],..."
        );
        Err(self.invalid(&format!("[{}]", elements.join(", ")), &reason))
    }

    fn check_offset_reset(&self, text: &str) -> Result<(), ConfigError> {
        let known = ["latest", "earliest"].iter().any(|word| word.eq_ignore_ascii_case(text));
        // A duration of ISO 8601 as `PnDTnHnMn.nS`; its fields are read where it is used.
        let duration = text.to_ascii_lowercase().strip_prefix("by_duration:").is_some_and(|rest| {
            rest.len() > 2
                && rest.starts_with('p')
                && rest[1..].chars().all(|letter| letter.is_ascii_digit() || "dthms.".contains(letter))
        });
        if known || duration {
            return Ok(());
        }
        Err(self.invalid(
            text,
            "the value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.",
        ))
    }

    /// `name`: as it was given, which may carry a listener's prefix.
    pub(super) fn unsupported(&self, name: &str, value: &str, what: &'static str) -> ConfigError {
        let value = if self.is_sensitive() { "[hidden]" } else { value };
        ConfigError::Unsupported { name: name.to_owned(), value: value.to_owned(), what }
    }

    pub(super) fn invalid(&self, value: &str, reason: &str) -> ConfigError {
        let value = if self.is_sensitive() { "[hidden]" } else { value };
        ConfigError::Invalid {
            name: self.name.to_owned(),
            value: value.to_owned(),
            reason: reason.to_owned(),
        }
    }
}

/// The elements in order, each once: Kafka drops repetitions with a warning.
fn distinct<'a>(elements: impl Iterator<Item = &'a str>) -> Vec<Arc<str>> {
    let mut kept: Vec<Arc<str>> = Vec::new();
    for element in elements {
        if !kept.iter().any(|known| **known == *element) {
            kept.push(element.into());
        }
    }
    kept
}

/// `Double.parseDouble`: as Rust reads it, plus a type suffix, minus Rust's words for infinity and its bare `nan`.
fn parse_double(text: &str) -> Option<f64> {
    let digits = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
    match digits.trim_start_matches(['+', '-']) {
        "NaN" => Some(f64::NAN),
        "Infinity" => digits.parse().ok(),
        word if word.starts_with(|first: char| first.is_ascii_alphabetic()) => None,
        _ => digits.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Scope, find, keys};

    fn error(scope: Scope, name: &str, text: &str) -> String {
        find(scope, name).unwrap().parse(text).unwrap_err().to_string()
    }

    #[test]
    fn every_default_is_a_valid_value() {
        for scope in [Scope::Broker, Scope::Topic, Scope::Group, Scope::ClientMetrics] {
            for key in keys(scope) {
                if let Some(text) = key.default {
                    let value = if text.is_empty() { key.typed(text) } else { key.parse(text) };
                    assert_eq!(value.unwrap().to_string(), text, "{}", key.name);
                }
            }
        }
    }

    #[test]
    fn errors_read_as_kafka_writes_them() {
        let topic = |name, text| error(Scope::Topic, name, text);
        assert_eq!(
            topic("retention.ms", "abc"),
            "Invalid value abc for configuration retention.ms: Not a number of type LONG"
        );
        assert_eq!(
            topic("retention.ms", "-2"),
            "Invalid value -2 for configuration retention.ms: Value must be at least -1"
        );
        assert_eq!(
            topic("segment.bytes", "99999999999"),
            "Invalid value 99999999999 for configuration segment.bytes: Not a number of type INT"
        );
        assert_eq!(
            topic("compression.type", "GZIP"),
            "Invalid value GZIP for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer"
        );
        assert_eq!(
            topic("preallocate", "yes"),
            "Invalid value yes for configuration preallocate: Expected value to be either true or false"
        );
        assert_eq!(
            topic("cleanup.policy", "foo"),
            "Invalid value foo for configuration cleanup.policy: String must be one of: compact, delete"
        );
        assert_eq!(
            topic("cleanup.policy", ",compact"),
            "Configuration 'cleanup.policy' values must not be empty."
        );
        assert_eq!(
            topic("min.cleanable.dirty.ratio", "2"),
            "Invalid value 2.0 for configuration min.cleanable.dirty.ratio: Value must be no more than 1"
        );
        assert_eq!(
            topic("compression.gzip.level", "0"),
            "Invalid value 0 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1"
        );
        assert_eq!(
            error(Scope::Broker, "process.roles", ""),
            "Configuration 'process.roles' must not be empty. Valid values include: [broker, controller]"
        );
    }

    #[test]
    fn what_kafka_accepts_is_accepted() {
        let topic = |name, text: &str| find(Scope::Topic, name).unwrap().parse(text).unwrap().to_string();
        assert_eq!(topic("retention.ms", " 5 "), "5");
        assert_eq!(topic("retention.ms", "+5"), "5");
        assert_eq!(topic("preallocate", "TRUE"), "true");
        assert_eq!(topic("cleanup.policy", "compact,compact"), "compact");
        assert_eq!(topic("cleanup.policy", ""), "");
        assert_eq!(topic("cleanup.policy", "compact , delete"), "compact,delete");
        assert_eq!(topic("min.cleanable.dirty.ratio", "0.5f"), "0.5");
        assert_eq!(topic("leader.replication.throttled.replicas", "*"), "*");
        assert_eq!(topic("leader.replication.throttled.replicas", "1:2,3:4"), "1:2,3:4");
        assert_eq!(topic("internal.segment.bytes", "100"), "100");
    }
}
