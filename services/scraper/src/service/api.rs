//! The shapes of the HTTP API.

use super::sample::{Figures, Sample, Taken};
use crate::config::{MOST_CONCURRENCY, MOST_PAGES};
use crate::crawl::Mode;
use crate::guard::Guard;
use crate::parse::Kernel;
use crate::store::StoreChoice;
use crate::target::normalise;
use measure::report::ReplicaAccount;
use serde::{Deserialize, Serialize};
use service_kit::problem::Problem;
use service_kit::station::{Answer, requested_start};
use url::Url;
use utoipa::ToSchema;

/// The most repeats of a job in one sample.
const MOST_REPEATS: u32 = 10_000;

/// What `POST /run` is asked: one sample.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "an object such as {\"origin\": \"http://origin:8080\", \"pages\": 1000}"
)]
pub struct RunRequest {
    /// Whose pages; it must be on the allow-list.
    #[schema(example = "http://origin:8080")]
    pub origin: String,
    /// How many of them, /page/1 to /page/N.
    #[serde(default = "thousand")]
    #[schema(default = 1000, minimum = 1, maximum = 1_000_000)]
    pub pages: u64,
    /// How it waits for them.
    #[serde(default)]
    pub strategy: Mode,
    /// How many pages at once; sequential: one.
    #[serde(default = "sixty_four")]
    #[schema(default = 64, minimum = 1, maximum = 4096)]
    pub workers: u64,
    /// How they are parsed.
    #[serde(default)]
    pub kernel: Kernel,
    /// Where outcomes are kept.
    #[serde(default)]
    pub store: RequestedStore,
    /// How often the job is done in this sample, back to back.
    #[serde(default = "once")]
    #[schema(default = 1, minimum = 1, maximum = 10_000)]
    pub repeats: u32,
    /// Start at this moment of the host's monotonic clock (seconds) instead of
    /// at a refill of the quota: for replicas that start together. One that is
    /// past is at once; one more than 10 s ahead is refused.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub start_at_seconds: Option<f64>,
}

/// Where outcomes are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RequestedStore {
    /// Nowhere.
    #[default]
    None,
    /// PostgreSQL, where the service was told one.
    Postgres,
    /// A file of its own in the temporary folder, removed after the sample.
    Ndjson,
}

/// What `POST /run` answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RunAnswer {
    /// What the workers and the kernel counted; its `answer`: how many pages
    /// came and were stored, null where the repeats differ or some were not stored.
    #[schema(value_type = Object)]
    pub account: ReplicaAccount,
    /// Always null: threads take pages as they go.
    pub work_shares: Option<Vec<f64>>,
    /// What the sample came to, all repeats together.
    pub figures: Figures,
}

/// What `GET /` answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Description {
    /// The service.
    pub service: String,
    /// Its version.
    pub version: String,
    /// The process that answers: a new one after every restart.
    pub instance: String,
    /// How it can parse pages.
    pub kernels: Vec<Kernel>,
    /// How it can wait for them.
    pub strategies: Vec<Mode>,
}

impl From<Taken> for RunAnswer {
    fn from(taken: Taken) -> Self {
        Self {
            account: taken.account,
            work_shares: None,
            figures: taken.figures,
        }
    }
}

impl Answer for RunAnswer {
    fn account(&mut self) -> Option<&mut ReplicaAccount> {
        Some(&mut self.account)
    }
}

impl RunRequest {
    /// The sample that is asked for, of what `guard` allows, at the moment `now`
    /// of the host's monotonic clock (seconds).
    pub fn sample(&self, guard: &Guard, has_database: bool, now: f64) -> Result<Sample, Problem> {
        if !(1..=MOST_PAGES).contains(&self.pages) {
            let allowed = format!("pages must be from 1 to {MOST_PAGES}");
            return Err(Problem::of_field("pages", allowed));
        }
        if !(1..=MOST_CONCURRENCY).contains(&self.workers) {
            let allowed = format!("workers must be from 1 to {MOST_CONCURRENCY}");
            return Err(Problem::of_field("workers", allowed));
        }
        if !(1..=MOST_REPEATS).contains(&self.repeats) {
            let allowed = format!("repeats must be from 1 to {MOST_REPEATS}");
            return Err(Problem::of_field("repeats", allowed));
        }
        if self.store == RequestedStore::Postgres && !has_database {
            let detail = "this service knows no PostgreSQL; SCRAPER_DATABASE_URL names one";
            return Err(Problem::of_field("store", detail));
        }
        Ok(Sample {
            origin: self.origin(guard)?,
            pages: self.pages,
            mode: self.strategy,
            workers: self.workers as usize,
            kernel: self.kernel,
            store: self.store,
            repeats: self.repeats,
            start: requested_start(self.start_at_seconds, now)?,
        })
    }

    fn origin(&self, guard: &Guard) -> Result<Url, Problem> {
        let refuse = |detail: String| Problem::of_field("origin", detail);
        let url = normalise(&self.origin).map_err(|error| refuse(format!("origin {error}")))?;
        if url.path() != "/" || url.query().is_some() {
            return Err(refuse(
                "origin must be a host alone, such as http://origin:8080".into(),
            ));
        }
        guard
            .check_url(&url)
            .map_err(|refusal| refuse(refusal.to_string()))?;
        Ok(url)
    }
}

impl RequestedStore {
    /// The store itself; a file has this name.
    pub(super) fn choice(self, file: &std::path::Path) -> StoreChoice {
        match self {
            Self::None => StoreChoice::None,
            Self::Postgres => StoreChoice::Postgres,
            Self::Ndjson => StoreChoice::Ndjson(file.to_owned()),
        }
    }
}

fn thousand() -> u64 {
    1000
}

fn sixty_four() -> u64 {
    64
}

fn once() -> u32 {
    1
}
