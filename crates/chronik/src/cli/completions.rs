//! `chronik completions`: a script that teaches a shell the commands and options.

use anyhow::Result;
use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, Printer};

#[derive(clap::Args)]
pub struct Arguments {
    /// Which shell; load the script with `source <(chronik completions bash)`
    #[arg(value_enum)]
    shell: Shell,
}

pub fn run(arguments: &Arguments, printer: &mut Printer) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "chronik", &mut script);
    printer.bytes(&script)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::{Arguments, Cli, Printer, Shell, run};
    use crate::cli::print::Output;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_shell_gets_a_script_that_knows_the_commands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell, Shell::Elvish] {
            let (mut printer, written) = Printer::memory(Output::Text);
            run(&Arguments { shell }, &mut printer).unwrap();
            assert!(written.text().contains("completions"), "{shell}");
        }
    }
}
