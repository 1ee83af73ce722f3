//! The table `pages` in PostgreSQL.

mod database;
mod trouble;

pub use database::{BadDatabase, Database};

use super::pauses::pauses;
use super::row::Row;
use super::sink::Trouble;
use super::{RunId, StoreFailed};
use crate::seen::UrlSet;
use futures_util::TryStreamExt as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection as _, PgConnection, SqlSafeStr as _};
use std::collections::HashSet;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How long one exchange with the server may take. A server that is stopped
/// takes connections and answers nothing: so long until it is asked anew.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How long a server that starts is waited for when a store is opened.
const STARTS_WITHIN: Duration = Duration::from_secs(30);

/// Pauses until it is asked again.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Unnested arrays instead of a row of parameters each: one statement whatever
/// the batch's size, so it is prepared once.
const UPSERT: &str = "
INSERT INTO pages (run, url, status, error, attempts, title, links, words, bytes, hash,
                   elapsed_seconds, fetched_at)
SELECT $1, url, status, error, attempts, title, links, words, bytes, hash,
       elapsed_seconds, timestamptz 'epoch' + fetched_at * interval '1 microsecond'
FROM UNNEST($2::text[], $3::smallint[], $4::text[], $5::integer[], $6::text[], $7::bigint[],
            $8::bigint[], $9::bigint[], $10::bytea[], $11::double precision[], $12::bigint[])
     AS row (url, status, error, attempts, title, links, words, bytes, hash,
             elapsed_seconds, fetched_at)
ON CONFLICT (run, url) DO UPDATE SET
    status = EXCLUDED.status, error = EXCLUDED.error, attempts = EXCLUDED.attempts,
    title = EXCLUDED.title, links = EXCLUDED.links, words = EXCLUDED.words,
    bytes = EXCLUDED.bytes, hash = EXCLUDED.hash,
    elapsed_seconds = EXCLUDED.elapsed_seconds, fetched_at = EXCLUDED.fetched_at";

/// A table in PostgreSQL.
#[derive(Debug)]
pub(super) struct Postgres {
    database: Database,
    run: RunId,
    /// `None` after trouble, until the next batch.
    connection: Option<PgConnection>,
}

impl Postgres {
    /// Connects, makes the table where it is missing, and reads which URLs it
    /// has of the run, if that is resumed.
    pub async fn open(
        database: Database,
        run: RunId,
        resume: bool,
    ) -> Result<(Self, UrlSet), StoreFailed> {
        let failed = |trouble: Trouble| StoreFailed(trouble.text);
        let mut connection = connect_to_starting(&database).await.map_err(failed)?;
        let migrated = timeout(ANSWER_WITHIN, migrate(&mut connection)).await;
        trouble::of(migrated, &database).map_err(failed)?;
        let mut done = UrlSet::default();
        if resume {
            done = stored(&mut connection, &run, &database)
                .await
                .map_err(failed)?;
        }
        let opened = Self {
            database,
            run,
            connection: Some(connection),
        };
        Ok((opened, done))
    }

    /// Writes all of `rows` or none; or all when its answer was lost.
    pub async fn write(&mut self, rows: &[Row]) -> Result<(), Trouble> {
        // Taken out: a connection that is given up half way is closed, since
        // nobody knows which answer comes next.
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect(&self.database).await?,
        };
        let written = timeout(ANSWER_WITHIN, upsert(&mut connection, &self.run, rows)).await;
        trouble::of(written, &self.database)?;
        self.connection = Some(connection);
        Ok(())
    }

    /// Says goodbye, if the server listens.
    pub async fn close(self) {
        if let Some(connection) = self.connection {
            let _ = timeout(Duration::from_secs(1), connection.close()).await;
        }
    }
}

async fn connect(database: &Database) -> Result<PgConnection, Trouble> {
    trouble::of(timeout(ANSWER_WITHIN, database.connect()).await, database)
}

/// As [`connect`], but waits for a server that says it is starting.
async fn connect_to_starting(database: &Database) -> Result<PgConnection, Trouble> {
    let started = Instant::now();
    for pause in pauses(FIRST_PAUSE, LONGEST_PAUSE) {
        match timeout(ANSWER_WITHIN, database.connect()).await {
            Ok(Err(error)) if trouble::is_starting(&error) && started.elapsed() < STARTS_WITHIN => {
                tokio::time::sleep(pause).await;
            }
            other => return trouble::of(other, database),
        }
    }
    connect(database).await
}

async fn migrate(connection: &mut PgConnection) -> sqlx::Result<()> {
    let pages = Migration::new(
        1,
        "pages".into(),
        MigrationType::Simple,
        include_str!("../../../migrations/0001_pages.sql").into_sql_str(),
        false,
    );
    let migrator = Migrator::with_migrations(vec![pages]);
    Ok(migrator.run(connection).await?)
}

/// The URLs that the table has of `run`.
async fn stored(
    connection: &mut PgConnection,
    run: &RunId,
    database: &Database,
) -> Result<UrlSet, Trouble> {
    let mut done = UrlSet::default();
    let mut urls = sqlx::query_scalar::<_, String>("SELECT url FROM pages WHERE run = $1")
        .bind(run.as_str())
        .fetch(connection);
    while let Some(url) = trouble::of(timeout(ANSWER_WITHIN, urls.try_next()).await, database)? {
        done.insert_text(&url);
    }
    Ok(done)
}

async fn upsert(connection: &mut PgConnection, run: &RunId, rows: &[Row]) -> sqlx::Result<()> {
    let rows = last_of_each(rows);
    sqlx::query(UPSERT)
        .bind(run.as_str())
        .bind(each(&rows, |row| row.url.as_str()))
        .bind(each(&rows, |row| {
            row.status.and_then(|status| i16::try_from(status).ok())
        }))
        .bind(each(&rows, |row| row.error))
        .bind(each(&rows, |row| {
            i32::try_from(row.attempts).unwrap_or(i32::MAX)
        }))
        .bind(each(&rows, |row| row.title.as_deref()))
        .bind(each(&rows, |row| row.links.map(i64::from)))
        .bind(each(&rows, |row| row.words.map(at_most)))
        .bind(each(&rows, |row| at_most(row.bytes)))
        .bind(each(&rows, |row| {
            row.hash.as_ref().map(<[u8; 32]>::as_slice)
        }))
        .bind(each(&rows, |row| row.elapsed_seconds))
        .bind(each(&rows, |row| row.fetched_at_micros()))
        .execute(connection)
        .await?;
    Ok(())
}

/// A column of `rows`.
fn each<'a, T>(rows: &[&'a Row], value: impl FnMut(&&'a Row) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

fn at_most(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The last row of each URL: one statement may not touch a row twice.
fn last_of_each(rows: &[Row]) -> Vec<&Row> {
    let mut seen = HashSet::with_capacity(rows.len());
    let mut kept: Vec<&Row> = rows
        .iter()
        .rev()
        .filter(|row| seen.insert(row.url.as_str()))
        .collect();
    kept.reverse();
    kept
}
