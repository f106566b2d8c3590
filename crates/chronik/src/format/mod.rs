//! `chronik format` and `chronik random-uuid`: what `kafka-storage.sh` does.
//!
//! `start` formats empty directories itself where it is clear what for; this command is for clusters that are set up by
//! hand, and for a cluster id or first voters of one's own choice.

use anyhow::{Result, bail};
use chronik_broker::storage::{Format, FormatOutcome, InitialVoters, format_directories, new_id};
use chronik_log::Files;
use chronik_log::disk::real::RealDisk;
use chronik_state::config::NodeConfig;
use chronik_types::{Millis, uuid_to_text};
use serde_json::json;

use crate::cli::Printer;
use crate::config;

/// The one set of features that can be formatted for, as Kafka names it.
const RELEASE: &str = "4.3-IV0";

/// Formats a node's directories.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    configuration: config::Arguments,
    /// The cluster's id: 22 characters, the same on every node; without it, cluster.id counts, or a new one is made
    #[arg(long, short = 't', value_name = "ID")]
    cluster_id: Option<String>,
    /// Begin a cluster whose only controller is this node
    #[arg(long, short = 's', group = "voters")]
    standalone: bool,
    /// Begin a cluster with these controllers, the same on each of them: id@host:port:directory-id,...
    #[arg(long, short = 'I', value_name = "CONTROLLERS", group = "voters")]
    initial_controllers: Option<String>,
    /// Join a cluster whose controllers are written down elsewhere
    #[arg(long, short = 'N', group = "voters")]
    no_initial_controllers: bool,
    /// Leave directories alone that are formatted already
    #[arg(long, short = 'g')]
    ignore_formatted: bool,
    /// Kafka's release to begin with; only 4.3 is supported
    #[arg(long, short = 'r', value_name = "VERSION")]
    release_version: Option<String>,
    /// Not supported yet: levels of single features
    #[arg(long, short = 'f', value_name = "FEATURE=LEVEL", hide = true)]
    feature: Vec<String>,
    /// Not supported yet: users of a new cluster
    #[arg(long, short = 'S', value_name = "CREDENTIALS", hide = true)]
    add_scram: Vec<String>,
}

/// Runs `chronik format`.
///
/// # Errors
/// The configuration is wrong, or a directory is formatted, in use or not writable.
pub fn run(arguments: &Arguments, printer: &mut Printer) -> Result<()> {
    report(&format(arguments)?, printer)
}

fn format(arguments: &Arguments) -> Result<FormatOutcome> {
    refuse(arguments)?;
    let loaded = config::load(&arguments.configuration)?;
    let voters = voters(arguments, &loaded.node)?;
    let cluster_id = cluster_id(arguments, &loaded.node)?;
    let files = Files::new(RealDisk::shared(), 16);
    let format = Format {
        config: &loaded.node,
        cluster_id: cluster_id.as_deref(),
        voters,
        ignore_formatted: arguments.ignore_formatted,
    };
    Ok(format_directories(&files, &format, now(), &mut rand::random)?)
}

/// Runs `chronik random-uuid`: an id for a cluster or a directory.
///
/// # Errors
/// The output cannot be written.
pub fn random_uuid(printer: &mut Printer) -> Result<()> {
    let id = uuid_to_text(new_id(&mut rand::random));
    if printer.is_json() { printer.document(&json!({ "uuid": id })) } else { printer.line(id) }
}

fn refuse(arguments: &Arguments) -> Result<()> {
    if let Some(version) = &arguments.release_version
        && !["4.3", "4.3.0", "4.3.1", RELEASE].contains(&version.as_str())
    {
        bail!(
            "--release-version {version} is not supported: this version of Chronik begins clusters at {RELEASE}"
        );
    }
    if !arguments.feature.is_empty() {
        bail!(
            "--feature is not supported yet: a new cluster begins with every feature of {RELEASE} at its newest level"
        );
    }
    if !arguments.add_scram.is_empty() {
        bail!("--add-scram is not supported yet: SASL is not built in this version of Chronik");
    }
    Ok(())
}

fn voters(arguments: &Arguments, node: &NodeConfig) -> Result<InitialVoters> {
    let asked =
        arguments.standalone || arguments.initial_controllers.is_some() || arguments.no_initial_controllers;
    if !node.quorum.voters.is_empty() {
        if asked {
            bail!(
                "controller.quorum.voters names the voters: leave out --standalone, --initial-controllers and --no-initial-controllers, or use controller.quorum.bootstrap.servers"
            );
        }
        return Ok(InitialVoters::Elsewhere);
    }
    if let Some(text) = &arguments.initial_controllers {
        return Ok(InitialVoters::parse(text, &node.listeners.controller_names[0])?);
    }
    if arguments.standalone || node.quorum.is_standalone() && !asked {
        if !node.is_controller {
            bail!("--standalone needs process.roles to contain controller");
        }
        return Ok(InitialVoters::Standalone);
    }
    if node.is_controller && !arguments.no_initial_controllers {
        bail!(
            "controller.quorum.bootstrap.servers does not say who votes: give --standalone, --initial-controllers or --no-initial-controllers"
        );
    }
    Ok(InitialVoters::Elsewhere)
}

/// What was asked for, if anything was.
fn cluster_id(arguments: &Arguments, node: &NodeConfig) -> Result<Option<String>> {
    match (&arguments.cluster_id, &node.cluster_id) {
        (Some(given), Some(configured)) if **given != **configured => {
            bail!("--cluster-id {given} is not the configured cluster.id {configured}")
        }
        (Some(given), _) if given.is_empty() => bail!("--cluster-id must not be empty"),
        (Some(given), _) => Ok(Some(given.clone())),
        (None, configured) => Ok(configured.as_ref().map(ToString::to_string)),
    }
}

fn report(outcome: &FormatOutcome, printer: &mut Printer) -> Result<()> {
    let cluster_id = &outcome.cluster_id;
    if printer.is_json() {
        let formatted: Vec<_> = outcome
            .formatted
            .iter()
            .map(|(path, id)| json!({ "directory": path, "directory_id": uuid_to_text(*id) }))
            .collect();
        return printer.document(&json!({
            "cluster_id": cluster_id, "formatted": formatted, "already_formatted": outcome.left_alone,
        }));
    }
    for path in &outcome.left_alone {
        printer.line(format!("{} is already formatted.", path.display()))?;
    }
    for (path, _) in &outcome.formatted {
        printer.line(format!(
            "Formatted {} for cluster {cluster_id} with metadata.version {RELEASE}.",
            path.display()
        ))?;
    }
    Ok(())
}

fn now() -> Millis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Millis(since.map_or(0, |since| since.as_millis() as i64))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn format_in(dir: &Path, options: &[&str]) -> Result<FormatOutcome> {
        let logs = format!("log.dirs={}", dir.join("data").display());
        let line = ["format", "--set", &logs].into_iter().chain(options.iter().copied());
        format(&Line::try_parse_from(line)?.arguments)
    }

    fn refusal(options: &[&str]) -> String {
        let dir = tempfile::tempdir().unwrap();
        format_in(dir.path(), options).unwrap_err().to_string()
    }

    #[test]
    fn a_directory_is_formatted_once() {
        let dir = tempfile::tempdir().unwrap();
        let outcome = format_in(dir.path(), &["--standalone", "-t", "5L6g3nShT-eMCtK--X86sw"]).unwrap();
        assert_eq!((outcome.cluster_id.as_str(), outcome.formatted.len()), ("5L6g3nShT-eMCtK--X86sw", 1));
        let meta = std::fs::read_to_string(dir.path().join("data/meta.properties")).unwrap();
        assert!(meta.contains("cluster.id=5L6g3nShT-eMCtK--X86sw") && meta.contains("node.id=1"), "{meta}");
        let error = format_in(dir.path(), &[]).unwrap_err().to_string();
        assert!(error.contains("already formatted: use --ignore-formatted"), "{error}");
        let outcome = format_in(dir.path(), &["--ignore-formatted"]).unwrap();
        assert_eq!((outcome.formatted.len(), outcome.left_alone.len()), (0, 1));
        assert_eq!(outcome.cluster_id, "5L6g3nShT-eMCtK--X86sw");
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        assert!(refusal(&["--release-version", "4.0"]).contains("begins clusters at 4.3-IV0"));
        assert!(refusal(&["--feature", "group.version=0"]).contains("--feature is not supported yet"));
        assert!(refusal(&["--add-scram", "x"]).contains("SASL is not built"));
        assert!(refusal(&["--standalone", "--no-initial-controllers"]).contains("cannot be used with"));
        let voters = ["--set", "controller.quorum.voters=1@localhost:9093", "--set", "node.id=1"];
        let roles =
            ["--set", "process.roles=broker,controller", "--set", "controller.listener.names=CONTROLLER"];
        let listeners =
            ["--set", "listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093", "--standalone"];
        let all: Vec<&str> = [&voters[..], &roles[..], &listeners[..]].concat();
        assert!(refusal(&all).contains("controller.quorum.voters names the voters"));
    }
}
