//! What a node is started with: built-in values, then the file, the environment and the command line, later ones
//! winning; checked key by key against the table and then as a whole.
//!
//! All faults are reported at once, each with the place where it stands. A key that is known but changes nothing here gets a
//! warning; so does a listener that is open to the network.

mod builtin;
mod environment;
mod hosts;
mod properties;
mod review;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use chronik_state::config::NodeConfig;

/// Where the configuration comes from.
#[derive(clap::Args, Clone, Debug, Default)]
#[group(skip)]
pub struct Arguments {
    /// Kafka's server.properties
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// A key of server.properties and its value; may be given more than once, and wins over file and environment
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// A configuration that a node can start with.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Typed and checked.
    pub node: NodeConfig,
    /// Every key that was set, by name: the layer below dynamic configuration.
    pub file: BTreeMap<String, String>,
    /// What the operator must be told, a line each.
    pub warnings: Vec<String>,
}

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    BuiltIn,
    File(PathBuf, usize),
    Variable(String),
    CommandLine,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::BuiltIn => f.write_str("built in"),
            Origin::File(path, line) => write!(f, "{}:{line}", path.display()),
            Origin::Variable(name) => f.write_str(name),
            Origin::CommandLine => f.write_str("--set"),
        }
    }
}

/// Every key that was set, with the place of the value that won.
type Settings = BTreeMap<String, (String, Origin)>;

/// Reads and checks the configuration, with the process's environment. Whether a node can be run with it is another
/// question: [`NodeConfig::check_built`].
///
/// # Errors
/// The file cannot be read, or the configuration is wrong; the message lists everything that is.
pub fn load(arguments: &Arguments) -> Result<Loaded> {
    let environment: Vec<(String, String)> = std::env::vars().collect();
    load_with(arguments, &environment, &hosts::own_name())
}

/// Reads and checks a configuration that is made of settings only, each `key=value`: no file, no environment.
///
/// # Errors
/// As [`load`].
pub fn load_settings(settings: Vec<String>) -> Result<Loaded> {
    load_with(&Arguments { config: None, set: settings }, &[], &hosts::own_name())
}

fn load_with(arguments: &Arguments, environment: &[(String, String)], own_name: &str) -> Result<Loaded> {
    let mut warnings = Vec::new();
    let mut settings = Settings::new();
    if let Some(path) = &arguments.config {
        read_file(path, &mut settings, &mut warnings)?;
    }
    read_environment(environment, &mut settings);
    for text in &arguments.set {
        let Some((key, value)) = text.split_once('=') else {
            bail!("--set {text}: expected key=value");
        };
        settings.insert(key.trim().to_owned(), (value.to_owned(), Origin::CommandLine));
    }
    let has_builtin =
        arguments.config.is_none() && !builtin::QUORUM.iter().any(|key| settings.contains_key(*key));
    if has_builtin {
        for (key, value) in builtin::BUILTIN {
            let built_in = ((*value).to_owned(), Origin::BuiltIn);
            settings.entry((*key).to_owned()).or_insert(built_in);
        }
    }
    review::review(&settings, &mut warnings)?;
    let mut file: BTreeMap<String, String> =
        settings.into_iter().map(|(key, (value, _))| (key, value)).collect();
    let mut node = NodeConfig::resolve(&file)
        .map_err(|error| {
            let text = error.to_string();
            let is_missing = !has_builtin && text.starts_with("Missing required configuration");
            if is_missing { anyhow!("{text} {WITHOUT_BUILTIN}") } else { anyhow!(text) }
        })
        .context(WRONG)?;
    file.entry("broker.id".to_owned()).or_insert_with(|| node.node_id.to_string());
    file.entry("node.id".to_owned()).or_insert_with(|| node.node_id.to_string());
    hosts::fill_in(&mut node, own_name);
    warnings.extend(hosts::open_listeners(&node));
    Ok(Loaded { node, file, warnings })
}

/// Why a key is missing that a node without configuration would have.
const WITHOUT_BUILTIN: &str = "A file, controller.quorum.voters or controller.quorum.bootstrap.servers drops the built-in \
    values: give process.roles, node.id and controller.listener.names too.";

const WRONG: &str = "the configuration is wrong";

fn read_file(path: &Path, settings: &mut Settings, warnings: &mut Vec<String>) -> Result<()> {
    let bytes = std::fs::read(path).with_context(|| format!("read the configuration {}", path.display()))?;
    let entries = properties::parse(&bytes).map_err(|error| anyhow!("{}: {error}", path.display()))?;
    for entry in entries {
        let origin = Origin::File(path.to_owned(), entry.line);
        if let Some((_, Origin::File(_, before))) = settings.get(&entry.key) {
            warnings
                .push(format!("{origin}: {} was already set on line {before}; this one counts", entry.key));
        }
        settings.insert(entry.key, (entry.value, origin));
    }
    Ok(())
}

fn read_environment(environment: &[(String, String)], settings: &mut Settings) {
    let mut found = false;
    for (variable, value) in environment {
        if let Some(key) = environment::key(variable) {
            found = true;
            settings.insert(key, (value.clone(), Origin::Variable(variable.clone())));
        }
    }
    // The container image formats with this variable; only where its others are there is it meant for a node.
    let image_id =
        environment.iter().find(|(name, id)| name == "CLUSTER_ID" && !id.is_empty()).filter(|_| found);
    if let Some((name, id)) = image_id {
        settings.entry("cluster.id".to_owned()).or_insert((id.clone(), Origin::Variable(name.clone())));
    }
}

#[cfg(test)]
mod tests;
