//! Which PostgreSQL.

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

/// Which PostgreSQL, and as whom.
#[derive(Clone)]
pub struct Database {
    options: PgConnectOptions,
}

/// Why no PostgreSQL is described.
#[derive(Debug, thiserror::Error)]
pub enum BadDatabase {
    /// Not a URL of one. The URL is not shown: it may hold a password.
    #[error(
        "the database's URL cannot be read ({0}); it looks like postgres://user@host:5432/database"
    )]
    Url(String),
    /// The file with the password cannot be read.
    #[error(
        "the password cannot be read from {path}: {source}; --database-password-file names a file that holds it and nothing else"
    )]
    PasswordFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file with the password holds none.
    #[error("the password's file {0} is empty")]
    NoPassword(PathBuf),
}

impl Database {
    /// That at `url`; its password from a file where one is named. A line's end
    /// at the end of the file is no part of it.
    pub fn new(url: &str, password_file: Option<&Path>) -> Result<Self, BadDatabase> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(BadDatabase::Url(
                "it does not begin with postgres://".into(),
            ));
        }
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| BadDatabase::Url(error.to_string()))?
            .application_name("scraper")
            // A table that is there already is no news.
            .options([("client_min_messages", "warning")])
            .disable_statement_logging();
        let options = match password_file {
            Some(path) => options.password(&password(path)?),
            None => options,
        };
        Ok(Self { options })
    }

    pub(super) async fn connect(&self) -> sqlx::Result<PgConnection> {
        self.options.connect().await
    }

    /// Where it is.
    pub(super) fn server(&self) -> String {
        match self.options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", self.options.get_host(), self.options.get_port()),
        }
    }

    pub(super) fn user(&self) -> &str {
        self.options.get_username()
    }

    /// What it is called: a user's database has the user's name where none is given.
    pub(super) fn name(&self) -> &str {
        self.options.get_database().unwrap_or(self.user())
    }
}

fn password(path: &Path) -> Result<String, BadDatabase> {
    let text = std::fs::read_to_string(path).map_err(|source| BadDatabase::PasswordFile {
        path: path.into(),
        source,
    })?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(BadDatabase::NoPassword(path.into()));
    }
    Ok(password.into())
}

/// Without its password.
impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}/{}", self.user(), self.server(), self.name())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_password_comes_from_a_file_and_is_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "swordfish \r\n").unwrap();
        assert_eq!(password(&file).unwrap(), "swordfish ");

        let url = "postgres://scraper:secret@db:5433/pages";
        let database = Database::new(url, Some(&file)).unwrap();

        assert_eq!(format!("{database:?}"), "scraper@db:5433/pages");
    }

    #[test]
    fn what_describes_no_database_is_refused_without_its_password() {
        for url in [
            "",
            "db:5432",
            "mysql://scraper:swordfish@db/pages",
            "postgres://scraper:swordfish@db:99999/pages",
            "postgres://scraper:swordfish@db/pages?sslmode=some",
        ] {
            let refused = Database::new(url, None).unwrap_err().to_string();

            assert!(refused.contains("postgres://user@host"), "{url}: {refused}");
            assert!(!refused.contains("swordfish"), "{url}: {refused}");
        }
    }

    #[test]
    fn a_password_file_that_holds_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty");
        std::fs::write(&empty, "\n").unwrap();
        for file in [
            &empty,
            &folder.path().join("missing"),
            &folder.path().into(),
        ] {
            let refused = Database::new("postgres://db", Some(file)).unwrap_err();

            let message = refused.to_string();
            assert!(message.contains(file.to_str().unwrap()), "{message}");
        }
    }
}
