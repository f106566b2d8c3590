//! Keeps the generated reference pages about commands and APIs equal to what the code says.
//!
//! `UPDATE_EXPECT=1 cargo test -p chronik pages` writes them anew.

use std::fmt::Write;

use chronik_wire::api::{APIS, Listener};
use clap::{Command, CommandFactory};
use expect_test::expect_file;

use super::Cli;

const GENERATED: &str = "by `UPDATE_EXPECT=1 cargo test -p chronik pages`; do not edit it.";

#[test]
fn the_page_of_commands_is_fresh() {
    let mut page = format!("# Commands\n\nGenerated from the command line's own help {GENERATED}\n");
    let mut root = Cli::command().term_width(100);
    root.build();
    describe(&mut root, &mut page);
    expect_file!["../../../../docs/reference/commands.md"].assert_eq(&page);
}

fn describe(command: &mut Command, page: &mut String) {
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    let heading = "#".repeat(name.split(' ').count() + 1);
    write!(page, "\n{heading} {name}\n\n```text\n{}\n```\n", help.join("\n")).expect("a string takes it");
    for inner in
        command.get_subcommands_mut().filter(|inner| inner.get_name() != "help" && !inner.is_hide_set())
    {
        describe(inner, page);
    }
}

#[test]
fn the_page_of_apis_is_fresh() {
    let mut page = format!("# APIs\n\nGenerated from the table in `crates/wire/src/api.rs` {GENERATED}\n");
    page += "\nThese are what ApiVersions answers: nothing is offered that is not there. The newest version of each is\n";
    page += "Apache Kafka 4.3.1's.\n\n| Key | API | Versions | Flexible from | Listeners |\n| --- | --- | --- | --- | --- |\n";
    for api in APIS {
        let listeners = api.listeners.iter().map(|listener| match listener {
            Listener::Broker => "broker",
            Listener::Controller => "controller",
        });
        let listeners = listeners.collect::<Vec<_>>().join(", ");
        let (key, name) = (api.key.key(), api.name);
        let flexible = if api.flexible == i16::MAX { "-".to_owned() } else { api.flexible.to_string() };
        writeln!(page, "| {key} | {name} | {}-{} | {flexible} | {listeners} |", api.min, api.max)
            .expect("a string takes it");
    }
    expect_file!["../../../../docs/reference/apis.md"].assert_eq(&page);
}
