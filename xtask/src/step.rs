//! One step of a longer run: a command, timed, whose failure ends the run with the command that repeats it.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A command to run in the root of the checkout.
pub struct Step {
    pub name: &'static str,
    pub program: String,
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
}

impl Step {
    /// A step from a command line without quotes.
    pub fn new(name: &'static str, line: &str) -> Self {
        let mut words = line.split_whitespace().map(String::from);
        let program = words.next().unwrap_or_default();
        Self { name, program, arguments: words.collect(), environment: Vec::new() }
    }

    /// One more argument, which may hold spaces.
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.into());
        self
    }

    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.environment.push((key.into(), value.into()));
        self
    }

    /// The line that repeats this step in a shell.
    pub fn line(&self) -> String {
        let environment = self.environment.iter().map(|(key, value)| format!("{key}={value}"));
        let words = environment.chain([self.program.clone()]).chain(self.arguments.iter().cloned());
        words.collect::<Vec<_>>().join(" ")
    }

    /// Runs it with its output on ours, and returns how long it took.
    pub fn run(&self, root: &Path) -> Result<Duration> {
        eprintln!("\n== {}: {}", self.name, self.line());
        let start = Instant::now();
        let status = Command::new(&self.program)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(key, value)| (key, value)))
            .current_dir(root)
            .status()
            .with_context(|| format!("run {}", self.program))?;
        let took = start.elapsed();
        if !status.success() {
            bail!("{} failed after {} ({status}); repeat it with: {}", self.name, seconds(took), self.line());
        }
        eprintln!("== {}: ok in {}", self.name, seconds(took));
        Ok(took)
    }
}

/// `12.3 s`.
pub fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::Step;

    #[test]
    fn a_step_prints_the_line_that_repeats_it() {
        let step = Step::new("x", "cargo test -p  x").env("A", "1");
        assert_eq!(step.line(), "A=1 cargo test -p x");
    }
}
