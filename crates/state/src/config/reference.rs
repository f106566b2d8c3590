//! The reference page (`docs/reference/configuration.md`), written from the table. A test compares the two.

use std::fmt::Write;

use super::synonyms::behind;
use super::{Key, Scope, Support, Valid, keys};

const HEAD: &str = "# Configuration reference

This page is generated from the table in `crates/state/src/config/table/` by `chronik config reference`; do not edit it.

Chronik reads Kafka's `server.properties` keys from the file given with `--config`, from `KAFKA_*` environment variables
(as Kafka's container image maps them: `KAFKA_LOG_DIRS` is `log.dirs`) and from `--set key=value`; later ones win.
An unknown key is an error. The column *Chronik* says what a key does here:

- **acts**: what it does in Kafka;
- **ignored**: accepted, with a warning in the log of the node that starts with it or, when it is set while running, of the
  controller; it tunes something that does not exist here;
- **not yet**: what it asks for is not built. Another value than the default gets a warning in a file, and is refused
  (INVALID_CONFIG) when it is set while running;
- **refused**: an error, if it is set to something else than its default: it asks for something that is not built,
  and to go on without it would do harm.

Changed while running: *no* needs a restart, *broker* can be changed for one broker at a time, *cluster* for one or all.
";

/// The page as Markdown.
pub fn reference_page() -> String {
    let mut page = HEAD.to_owned();
    let sections = [
        ("Broker keys", Scope::Broker),
        ("Topic keys", Scope::Topic),
        ("Group keys", Scope::Group),
        ("Client metrics keys", Scope::ClientMetrics),
    ];
    for (title, scope) in sections {
        let changes = if scope == Scope::Broker { " Changed while running |" } else { " Falls back to |" };
        let _ = write!(
            page,
            "\n## {title}\n\n| Key | Type | Default | Valid |{changes} Chronik | What it is |\n"
        );
        page.push_str("| --- | --- | --- | --- | --- | --- | --- |\n");
        for key in keys(scope).filter(|key| !key.internal) {
            page.push_str(&line(key));
        }
    }
    page
}

fn line(key: &Key) -> String {
    let default = match key.default {
        None => String::new(),
        Some("") => "(empty)".to_owned(),
        Some(text) => format!("`{text}`"),
    };
    let changes = if key.scope == Scope::Broker {
        match key.update {
            super::UpdateMode::PerBroker if key.is_dynamic() => "broker".to_owned(),
            super::UpdateMode::ClusterWide => "cluster".to_owned(),
            super::UpdateMode::ReadOnly | super::UpdateMode::PerBroker => "no".to_owned(),
        }
    } else {
        let chain: Vec<String> =
            behind(key.scope, key.name).iter().map(|(name, _)| format!("`{name}`")).collect();
        chain.join(", ")
    };
    let support = match key.support {
        Support::Acts => "acts".to_owned(),
        Support::NoMeaning(why) => format!("ignored: {why}"),
        Support::NotYet(what) => format!("not yet: {what}"),
        Support::Refused(what) => format!("refused: {what}"),
    };
    format!(
        "| `{}` | {} | {default} | {} | {changes} | {support} | {} |\n",
        key.name,
        key.kind.name().to_lowercase(),
        valid(key.valid),
        key.doc
    )
}

fn valid(valid: Valid) -> String {
    match valid {
        Valid::Any | Valid::Texts => String::new(),
        Valid::Min(low) => format!("at least {low}"),
        Valid::Range(low, high) => format!("{low} to {high}"),
        Valid::RangeF(low, high) => format!("{low} to {high}"),
        Valid::GzipLevel => "1 to 9, or -1".to_owned(),
        Valid::OneOf(words) | Valid::OneOfAnyCase(words) => words.join(", "),
        Valid::ListOf(words) | Valid::ListOfOrEmpty(words) => format!("list of {}", words.join(", ")),
        Valid::SomeTexts | Valid::NonEmpty => "not empty".to_owned(),
        Valid::ThrottledReplicas => "`*`, or list of partition:broker".to_owned(),
        Valid::ShareOffsetReset => "latest, earliest, by_duration:PnDTnHnMn.nS".to_owned(),
    }
}
