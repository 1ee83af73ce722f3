//! What a job is asked to do.

use crate::config::MOST_CONCURRENCY;
use crate::crawl::{Feed, Mode};
use crate::guard::Guard;
use crate::parse::Kernel;
use crate::seen::UrlSet;
use crate::store::StoreChoice;
use crate::target::normalise;
use serde::{Deserialize, Serialize};
use service_kit::problem::Problem;
use url::Url;
use utoipa::ToSchema;

/// The most URLs of a job. Results are kept in memory; longer lists are for the
/// command line, which keeps none.
const MOST_URLS: u64 = 10_000;

/// As many requests to one host at once as a browser sends.
const PER_HOST: usize = 6;

/// What `POST /scrape` is asked: `urls`, or the pages of an `origin`.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "an object such as {\"origin\": \"http://origin:8080\", \"pages\": 100}"
)]
pub struct ScrapeRequest {
    /// What to fetch, at most 10000, of 100 bytes each in a body of 1 MiB, which
    /// is what --body-limit-bytes allows where nobody says otherwise; each host
    /// must be on the allow-list.
    #[serde(default)]
    #[schema(nullable = false, max_items = 10_000)]
    pub urls: Option<Vec<String>>,
    /// Whose pages to fetch, /page/1 to /page/N; it must be on the allow-list.
    #[serde(default)]
    #[schema(nullable = false, example = "http://origin:8080")]
    pub origin: Option<String>,
    /// How many of them.
    #[serde(default)]
    #[schema(nullable = false, default = 100, minimum = 1, maximum = 10_000)]
    pub pages: Option<u64>,
    /// How it waits for them.
    #[serde(default)]
    pub mode: Mode,
    /// How many pages at once; sequential: one.
    #[serde(default = "sixty_four")]
    #[schema(default = 64, minimum = 1, maximum = 4096)]
    pub concurrency: u64,
    /// How they are parsed.
    #[serde(default)]
    pub parse: Kernel,
    /// Where outcomes are stored. (A file is for the command line.)
    #[serde(default)]
    pub store: JobStore,
}

/// Where a job's outcomes are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JobStore {
    /// Nowhere but in its results.
    #[default]
    None,
    /// In PostgreSQL, where the service was told one.
    Postgres,
}

/// What a job does.
#[derive(Debug)]
pub(super) struct Plan {
    what: What,
    store: JobStore,
    pub mode: Mode,
    pub concurrency: usize,
    pub kernel: Kernel,
}

#[derive(Debug)]
enum What {
    Pages(Url, u64),
    List(Vec<Url>),
}

impl ScrapeRequest {
    /// What is asked for, where `guard` allows it.
    pub(super) fn plan(self, guard: &Guard, has_database: bool) -> Result<Plan, Problem> {
        if !(1..=MOST_CONCURRENCY).contains(&self.concurrency) {
            let allowed = format!("concurrency must be from 1 to {MOST_CONCURRENCY}");
            return Err(Problem::of_field("concurrency", allowed));
        }
        if self.store == JobStore::Postgres && !has_database {
            let detail = "this service knows no PostgreSQL; SCRAPER_DATABASE_URL names one";
            return Err(Problem::of_field("store", detail));
        }
        Ok(Plan {
            what: what(self.urls, self.origin.as_deref(), self.pages, guard)?,
            store: self.store,
            mode: self.mode,
            concurrency: self.concurrency as usize,
            kernel: self.parse,
        })
    }
}

fn what(
    urls: Option<Vec<String>>,
    origin: Option<&str>,
    pages: Option<u64>,
    guard: &Guard,
) -> Result<What, Problem> {
    match (urls, origin) {
        (Some(_), Some(_)) => Err(Problem::of_field(
            "urls",
            "give urls or an origin, not both",
        )),
        (None, None) => Err(Problem::of_field(
            "urls",
            "give urls, or an origin and its pages",
        )),
        (Some(_), None) if pages.is_some() => {
            Err(Problem::of_field("pages", "pages go with an origin"))
        }
        (Some(urls), None) => list(&urls, guard),
        (None, Some(origin)) => {
            let pages = pages.unwrap_or(100);
            if !(1..=MOST_URLS).contains(&pages) {
                let allowed = format!("pages must be from 1 to {MOST_URLS}");
                return Err(Problem::of_field("pages", allowed));
            }
            let origin = permitted("origin", origin, guard)?;
            if origin.path() != "/" || origin.query().is_some() {
                let detail = "origin must be a host alone, such as http://origin:8080";
                return Err(Problem::of_field("origin", detail));
            }
            Ok(What::Pages(origin, pages))
        }
    }
}

/// Each URL once, in the order given.
fn list(urls: &[String], guard: &Guard) -> Result<What, Problem> {
    if urls.is_empty() || urls.len() as u64 > MOST_URLS {
        let allowed = format!(
            "urls must be 1 to {MOST_URLS}; a longer list is for the command line (scraper run)"
        );
        return Err(Problem::of_field("urls", allowed));
    }
    let mut seen = UrlSet::default();
    let mut different = Vec::with_capacity(urls.len());
    for (place, text) in urls.iter().enumerate() {
        let url = permitted(&format!("urls[{place}]"), text, guard)?;
        if seen.insert(&url) {
            different.push(url);
        }
    }
    Ok(What::List(different))
}

fn permitted(field: &str, text: &str, guard: &Guard) -> Result<Url, Problem> {
    let url =
        normalise(text).map_err(|error| Problem::of_field(field, format!("{field} {error}")))?;
    let checked = guard.check_url(&url);
    checked.map_err(|refusal| Problem::of_field(field, refusal.to_string()))?;
    Ok(url)
}

impl Plan {
    /// How many URLs.
    pub fn urls(&self) -> u64 {
        match &self.what {
            What::Pages(_, pages) => *pages,
            What::List(urls) => urls.len() as u64,
        }
    }

    /// A list goes to anybody's hosts, an origin is one's own.
    pub fn per_host(&self) -> Option<usize> {
        matches!(self.what, What::List(_)).then_some(PER_HOST)
    }

    pub fn store_name(&self) -> &'static str {
        match self.store {
            JobStore::None => "none",
            JobStore::Postgres => "postgres",
        }
    }

    pub fn store_choice(&self) -> StoreChoice {
        match self.store {
            JobStore::None => StoreChoice::None,
            JobStore::Postgres => StoreChoice::Postgres,
        }
    }

    pub fn into_feed(self) -> Feed {
        match self.what {
            What::Pages(origin, pages) => Feed::pages(origin, pages),
            What::List(urls) => Feed::list(urls),
        }
    }
}

fn sixty_four() -> u64 {
    64
}
