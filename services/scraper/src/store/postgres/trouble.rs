//! What went wrong with PostgreSQL, whether it passes, and what to do about it.

use super::super::sink::Trouble;
use super::{ANSWER_WITHIN, Database};
use sqlx::Error;
use std::io::ErrorKind;
use tokio::time::error::Elapsed;

/// `cannot_connect_now`: it starts, stops or recovers.
const STARTING: &str = "57P03";

/// What an exchange came to.
pub(super) fn of<T>(
    exchange: Result<sqlx::Result<T>, Elapsed>,
    database: &Database,
) -> Result<T, Trouble> {
    match exchange {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(trouble(&error, database)),
        Err(_) => Err(Trouble {
            passes: true,
            text: format!(
                "PostgreSQL at {} gave no answer within {} s: see whether it runs",
                database.server(),
                ANSWER_WITHIN.as_secs()
            ),
        }),
    }
}

/// Whether the server only has to be waited for.
pub(super) fn is_starting(error: &Error) -> bool {
    code(error).as_deref() == Some(STARTING)
}

fn code(error: &Error) -> Option<String> {
    let code = inner(error).as_database_error()?.code()?;
    Some(code.into_owned())
}

/// The error of the statement that a migration failed at.
fn inner(error: &Error) -> &Error {
    use sqlx::migrate::MigrateError::{Execute, ExecuteMigration};
    match error {
        Error::Migrate(migrate) => match &**migrate {
            Execute(error) | ExecuteMigration(error, _) => inner(error),
            _ => error,
        },
        _ => error,
    }
}

fn trouble(error: &Error, database: &Database) -> Trouble {
    match (code(error), inner(error)) {
        (Some(code), _) => Trouble {
            passes: code_passes(&code),
            text: said(&code, error, database),
        },
        (None, Error::Io(io)) => Trouble {
            passes: true,
            text: unreachable(io, database),
        },
        // A connection that broke in the middle of an answer.
        (None, Error::Protocol(_)) => Trouble {
            passes: true,
            text: format!("PostgreSQL at {}: {error}", database.server()),
        },
        (None, Error::Migrate(_)) => Trouble {
            passes: false,
            text: format!(
                "the tables in {:?} are not those of this version of the scraper: {error}; \
                 name another database",
                database.name()
            ),
        },
        (None, _) => Trouble {
            passes: false,
            text: format!("PostgreSQL at {}: {error}", database.server()),
        },
    }
}

/// By class or code of `SQLSTATE` (PostgreSQL, appendix A): what another
/// attempt can change.
fn code_passes(code: &str) -> bool {
    // A full disk and a failed disk want a person.
    let needs_person = matches!(code, "53100" | "58030");
    // Connections, rolled back transactions, resources, shutdowns.
    let passes = ["08", "40", "53", "57P"];
    !needs_person && passes.iter().any(|class| code.starts_with(class))
}

fn unreachable(error: &std::io::Error, database: &Database) -> String {
    let server = database.server();
    match error.kind() {
        ErrorKind::ConnectionRefused => format!(
            "no PostgreSQL listens at {server} ({error}): start it, or correct --database-url"
        ),
        ErrorKind::NotFound => {
            format!("there is no socket {server} ({error}): correct --database-url")
        }
        _ => format!(
            "PostgreSQL at {server} cannot be reached ({error}): see whether it runs and \
             whether --database-url is right"
        ),
    }
}

/// What the server said, and what to do.
fn said(code: &str, error: &Error, database: &Database) -> String {
    let (server, user, name) = (database.server(), database.user(), database.name());
    let said = message(error);
    match code {
        "28P01" | "28000" => format!(
            "PostgreSQL at {server} does not let {user} in ({said}): correct the password \
             (--database-password-file) or the user of --database-url"
        ),
        "3D000" => format!(
            "PostgreSQL at {server} has no database {name:?}: make it (createdb {name}), or \
             name another in --database-url"
        ),
        "42501" => format!(
            "{user} may not use {name:?} at {server} ({said}): grant it, with CREATE on the \
             schema, or give {user} a database of its own"
        ),
        "53100" => format!(
            "the disk of PostgreSQL at {server} is full ({said}): make room; --resume then \
             fetches only what is missing"
        ),
        "42P07" => format!(
            "database {name:?} has tables of somebody else ({said}): name another in \
             --database-url"
        ),
        "22P05" => format!(
            "database {name:?} cannot hold this text ({said}): make one with the encoding UTF8"
        ),
        _ => format!("PostgreSQL at {server}: {said} ({code})"),
    }
}

/// The server's own words, without those of the layers between.
fn message(error: &Error) -> String {
    match inner(error) {
        Error::Database(database) => database.message().into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_attempt_can_change_passes() {
        for (code, passes) in [
            ("08006", true),
            ("40001", true),
            ("40P01", true),
            ("53300", true),
            ("57P01", true),
            ("57P03", true),
            ("53100", false),
            ("58030", false),
            ("57014", false),
            ("28P01", false),
            ("3D000", false),
            ("42P01", false),
            ("22P05", false),
            ("23514", false),
        ] {
            assert_eq!(code_passes(code), passes, "{code}");
        }
    }
}
