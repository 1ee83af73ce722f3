//! A clap error as one line.

use std::error::Error;
use std::fmt::Write as _;
use std::net::AddrParseError;
use std::num::{IntErrorKind, ParseFloatError, ParseIntError};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

/// What is wrong: the field (with its environment variable), the value, what is allowed, the nearest known name.
///
/// `command` is the one that was parsed; the field's help comes from there.
pub(super) fn one_line(error: &clap::Error, mut command: Command) -> String {
    // Arguments know how they are written ("--port <PORT>") once built.
    command.build();
    let command = &command;
    let field = text(error, ContextKind::InvalidArg);
    match error.kind() {
        ErrorKind::InvalidValue | ErrorKind::ValueValidation | ErrorKind::NoEquals => {
            let field = field.unwrap_or_default();
            invalid_value(error, &field, find(command, &field))
        }
        ErrorKind::UnknownArgument => unknown(
            "argument",
            field,
            text(error, ContextKind::SuggestedArg),
            "--help lists them",
        ),
        ErrorKind::InvalidSubcommand => unknown(
            "command",
            text(error, ContextKind::InvalidSubcommand),
            text(error, ContextKind::SuggestedSubcommand),
            &commands(command),
        ),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            format!("no command given; {}", commands(command))
        }
        // The others are rare and clap's own first line says enough.
        _ => first_line(error),
    }
}

fn invalid_value(error: &clap::Error, field: &str, arg: Option<&Arg>) -> String {
    let value = text(error, ContextKind::InvalidValue).unwrap_or_default();
    let mut line = if value.is_empty() {
        format!("{field} has no value")
    } else {
        format!("{field} = {value:?}")
    };
    if let Some(variable) = arg.and_then(Arg::get_env) {
        let _ = write!(line, " (or {} in the environment)", variable.display());
    }
    if let Some(reason) = error.source() {
        let _ = write!(line, ": {}", in_words(reason));
    }
    if let Some(allowed) = text(error, ContextKind::ValidValue) {
        let _ = write!(line, ": allowed is {allowed}");
    } else if let Some(help) = arg.and_then(Arg::get_help) {
        let _ = write!(line, "; it is: {help}");
    }
    with_suggestion(line, text(error, ContextKind::SuggestedValue))
}

/// The reason of clap's own value parsers without the notation of Rust; that of
/// a service's parser as it is.
fn in_words(reason: &(dyn Error + 'static)) -> String {
    if let Some(error) = reason.downcast_ref::<ParseIntError>() {
        return match error.kind() {
            IntErrorKind::PosOverflow => "is too large",
            IntErrorKind::NegOverflow => "is too small",
            _ => "must be a whole number",
        }
        .into();
    }
    if reason.is::<ParseFloatError>() {
        return "must be a number".into();
    }
    if reason.is::<AddrParseError>() {
        return "must be an IP address, such as 127.0.0.1 or ::1".into();
    }
    let said = reason.to_string();
    let range = said
        .split_once(" is not in ")
        .and_then(|(_, range)| range.split_once("..="));
    match range {
        Some((least, most)) => format!("must be from {least} to {most}"),
        None => said,
    }
}

fn unknown(what: &str, given: Option<String>, nearest: Option<String>, known: &str) -> String {
    let given = given.unwrap_or_default();
    with_suggestion(format!("unknown {what} {given:?}; {known}"), nearest)
}

fn with_suggestion(line: String, nearest: Option<String>) -> String {
    match nearest {
        Some(nearest) => format!("{line}; did you mean {nearest}?"),
        None => line,
    }
}

fn commands(command: &Command) -> String {
    let names: Vec<&str> = command
        .get_subcommands()
        .filter(|subcommand| !subcommand.is_hide_set())
        .map(Command::get_name)
        .collect();
    match names.as_slice() {
        [] => "--help says what there is".into(),
        names => format!("there are {}", names.join(", ")),
    }
}

fn first_line(error: &clap::Error) -> String {
    let whole = error.to_string();
    let before_usage = whole.split("\n\nUsage:").next().unwrap_or_default();
    let words: Vec<&str> = before_usage.split_whitespace().collect();
    words.join(" ").trim_start_matches("error: ").to_owned()
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::Strings(all) if all.is_empty() => None,
        value => Some(value.to_string()),
    }
}

/// The argument that clap calls `shown` ("--port <PORT>"), in `command` or below it.
fn find<'c>(command: &'c Command, shown: &str) -> Option<&'c Arg> {
    command
        .get_arguments()
        .find(|arg| arg.to_string() == shown)
        .or_else(|| {
            command
                .get_subcommands()
                .find_map(|subcommand| find(subcommand, shown))
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

    use super::*;
    use crate::config::ServeArgs;

    #[derive(Debug, Parser)]
    #[command(name = "primes")]
    struct Cli {
        #[command(subcommand)]
        command: Action,
    }

    #[derive(Debug, Subcommand)]
    enum Action {
        Serve(ServeArgs),
        Run {
            /// How to share out the work.
            #[arg(long, env = "TEST_ONLY_STRATEGY")]
            strategy: Strategy,
            /// How many rounds, 1 to 100.
            #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..=100))]
            rounds: Option<u32>,
            /// Above 0.
            #[arg(long)]
            seconds: Option<f64>,
        },
    }

    #[derive(Clone, Debug, ValueEnum)]
    enum Strategy {
        Sequential,
        WorkStealing,
    }

    fn complaint(args: &[&str]) -> String {
        let all = std::iter::once(&"primes").chain(args);
        let error = Cli::try_parse_from(all).unwrap_err();
        let line = one_line(&error, Cli::command());
        assert_eq!(line.lines().count(), 1, "{line}");
        line
    }

    #[test]
    fn names_field_variable_value_and_what_is_allowed() {
        let line = complaint(&["serve", "--port", "70000"]);

        for part in ["--port", "API_PORT", "70000", "65535"] {
            assert!(line.contains(part), "{part} is missing in {line}");
        }
    }

    #[test]
    fn says_in_words_what_a_number_or_address_must_be() {
        for (option, value, says) in [
            ("--rounds", "0", "must be from 1 to 100;"),
            ("--rounds", "-1", "must be from 1 to 100;"),
            (
                "--rounds",
                "many",
                "must be a whole number; it is: How many rounds, 1 to 100",
            ),
            (
                "--rounds",
                "99999999999999999999",
                "is too large; it is: How many",
            ),
            (
                "--rounds",
                "-99999999999999999999",
                "is too small; it is: How many",
            ),
            ("--seconds", "soon", "must be a number; it is: Above 0"),
        ] {
            let line = complaint(&["run", "--strategy", "sequential", option, value]);
            assert!(line.contains(&format!(": {says}")), "{line}");
        }
        let line = complaint(&["serve", "--port", "abc"]);
        let says = ": must be a whole number; it is: TCP port of the API, 0 to 65535;";
        assert!(line.contains(says), "{line}");
        let line = complaint(&["serve", "--port", "70000"]);
        assert!(line.contains(": must be from 0 to 65535;"), "{line}");
        let line = complaint(&["serve", "--host", "here"]);
        assert!(line.contains(": must be an IP address"), "{line}");
    }

    #[test]
    fn lists_the_values_and_suggests_the_nearest() {
        let line = complaint(&["run", "--strategy", "work-steling"]);

        for part in [
            "work-steling",
            "sequential, work-stealing",
            "did you mean work-stealing?",
        ] {
            assert!(line.contains(part), "{part} is missing in {line}");
        }
    }

    #[test]
    fn suggests_the_nearest_argument_and_command() {
        assert!(complaint(&["serve", "--prot", "1"]).contains("did you mean --port?"));
        let line = complaint(&["sreve"]);
        assert!(line.contains("there are serve, run"), "{line}");
        assert!(line.contains("did you mean serve?"), "{line}");
    }

    #[test]
    fn every_other_kind_is_one_line_too() {
        assert!(complaint(&[]).contains("there are serve, run"));
        assert!(complaint(&["run"]).contains("--strategy"));
        assert!(complaint(&["serve", "--port"]).contains("--port"));
        assert!(complaint(&["serve", "--port", "1", "--port", "2"]).contains("--port"));
        assert!(complaint(&["serve", "surplus"]).contains("surplus"));
    }
}
