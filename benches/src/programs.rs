//! Running other programs.

use anyhow::{Context, bail};
use std::process::{Command, Output, Stdio};

/// What the program prints; its last words are the error where it fails.
pub fn output_of(command: &mut Command) -> anyhow::Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{} cannot be run", name(command)))?;
    text_of(output, &name(command))
}

/// The standard output of a program that succeeded.
pub fn text_of(output: Output, name: &str) -> anyhow::Result<String> {
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.trim_end().lines().next_back().unwrap_or_default();
        bail!("{name} failed ({}): {last}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("{name} printed no text"))
}

/// The version that a program tells of itself; `None` where it is not installed.
pub fn version(program: &str, argument: &str) -> Option<String> {
    version_of(Command::new(program).arg(argument))
}

/// The version that this prints; `None` where it fails.
pub fn version_of(command: &mut Command) -> Option<String> {
    first_number(&output_of(command).ok()?)
}

/// The first word that begins with a number, without letters in front: `20.1`
/// of `v20.1`, `1.19.8` of `go version go1.19.8 linux/amd64`, `7.0.15` of
/// `Redis server v=7.0.15`.
fn first_number(text: &str) -> Option<String> {
    let mut words = text
        .split_whitespace()
        .map(|word| word.trim_start_matches(|c: char| c.is_alphabetic() || c == '='));
    let number = words.find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    Some(number.trim_end_matches(',').to_owned())
}

/// The program's name, for people.
fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_print() {
        let found = [
            "Python 3.11.7",
            "v20.20.2",
            "openjdk 17.0.15 2025-04-15",
            "go version go1.19.8 linux/amd64",
            "primesieve 11.0, <https://example.org>",
            "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64",
        ]
        .map(|text| first_number(text).unwrap());
        assert_eq!(
            found,
            ["3.11.7", "20.20.2", "17.0.15", "1.19.8", "11.0", "7.0.15"]
        );
        assert_eq!(first_number("no number"), None);
    }

    #[test]
    fn a_program_that_is_not_there_has_no_version() {
        assert_eq!(version("parlab-has-no-such-program", "--version"), None);
    }

    #[test]
    fn the_last_words_of_a_program_that_fails_are_the_error() {
        let mut failing = Command::new("sh");
        failing.args(["-c", "echo first >&2; echo last >&2; exit 3"]);

        let why = output_of(&mut failing).unwrap_err().to_string();

        assert!(
            why.contains("sh failed") && why.ends_with(": last"),
            "{why}"
        );
    }
}
