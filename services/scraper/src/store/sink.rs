//! Where the writer writes to.

use super::ndjson::File;
use super::postgres::Postgres;
use super::row::Row;
use super::{StoreChoice, StoreFailed, Target};
use crate::seen::UrlSet;

/// Where the writer writes to.
#[derive(Debug)]
pub(super) enum Sink {
    File(File),
    Postgres(Box<Postgres>),
    #[cfg(test)]
    Scripted(super::writer::Scripted),
}

/// Why a batch was not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    /// Whether it may be over soon: then the batch is tried again.
    pub passes: bool,
    /// What is wrong and what to do about it.
    pub text: String,
}

impl Sink {
    /// Opens it; with the URLs that it has of the run, if that is resumed.
    pub async fn open(target: Target) -> Result<(Self, UrlSet), StoreFailed> {
        let Target {
            choice,
            database,
            run,
            resume,
        } = target;
        match (choice, database) {
            (StoreChoice::None, _) => Err(StoreFailed(
                "with the store none nothing is stored, so there is no run to resume".into(),
            )),
            (StoreChoice::Ndjson(path), _) => {
                let (file, done) = File::open(&path, run, resume)?;
                Ok((Self::File(file), done))
            }
            (StoreChoice::Postgres, Some(database)) => {
                let (postgres, done) = Postgres::open(database, run, resume).await?;
                Ok((Self::Postgres(Box::new(postgres)), done))
            }
            (StoreChoice::Postgres, None) => Err(StoreFailed(
                "no --database-url (or SCRAPER_DATABASE_URL) says which PostgreSQL to store in"
                    .into(),
            )),
        }
    }

    /// Writes all of `rows` or, when it fails, none or all.
    pub async fn write(&mut self, rows: &[Row]) -> Result<(), Trouble> {
        match self {
            Self::File(file) => file.write(rows),
            Self::Postgres(postgres) => postgres.write(rows).await,
            #[cfg(test)]
            Self::Scripted(scripted) => scripted.write(rows),
        }
    }

    /// Makes what was written last.
    pub async fn close(self) -> Result<(), Trouble> {
        match self {
            Self::File(file) => file.close(),
            Self::Postgres(postgres) => {
                postgres.close().await;
                Ok(())
            }
            #[cfg(test)]
            Self::Scripted(_) => Ok(()),
        }
    }
}
