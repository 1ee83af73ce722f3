//! Configuration: one clap struct per service; what is wrong with it is said in one line, exit code 64.

mod count;
mod interval;
mod message;
mod serve;

use std::fmt::Display;

use clap::Parser;
use clap::error::ErrorKind;

pub use count::{count, count_within, whole};
pub use interval::interval_within;
pub use serve::{Addresses, Listeners, ServeArgs};

/// The exit code of bad configuration: `EX_USAGE` of BSD's sysexits.h.
pub const EXIT_BAD_CONFIG: u8 = 64;

/// Reads a service's configuration from its arguments and the environment.
///
/// Where it is wrong, one line on stderr names the field, the value, what is
/// allowed and the nearest known name, and the process ends with
/// [`EXIT_BAD_CONFIG`]. `--help` and `--version` print and exit 0.
pub fn parse<T: Parser>() -> T {
    T::try_parse().unwrap_or_else(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => error.exit(),
        _ => exit_with(&message::one_line(&error, T::command())),
    })
}

/// Ends the process as [`parse`] does, for a value that only the service itself can judge.
pub fn refuse(field: &str, value: impl Display, allowed: &str) -> ! {
    exit_with(&format!(
        "{field} = {value:?}: allowed is {allowed}",
        value = value.to_string()
    ))
}

fn exit_with(message: &str) -> ! {
    eprintln!("bad configuration: {message}");
    std::process::exit(i32::from(EXIT_BAD_CONFIG))
}
