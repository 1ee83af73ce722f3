//! Who asked for what: the other end's account of a scrape.
//!
//! All of it is atomics, so that no request waits for another; only paths that
//! are not there share a lock.

use crate::web::Web;
use crate::web::route::Route;
use crate::web::site::PRIVATE_PAGES;
use hyper::StatusCode;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// How many paths that are not there are remembered.
const MOST_UNKNOWN_PATHS: usize = 10_000;

/// The paths that are there once, by [`fixed`].
const FIXED: [Route; 5] = [
    Route::Index,
    Route::Robots,
    Route::Sitemap,
    Route::Stats,
    Route::Faults,
];

/// The statuses that are answered with.
const STATUSES: [StatusCode; 11] = [
    StatusCode::OK,
    StatusCode::MOVED_PERMANENTLY,
    StatusCode::FOUND,
    StatusCode::TEMPORARY_REDIRECT,
    StatusCode::PERMANENT_REDIRECT,
    StatusCode::NOT_FOUND,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::TOO_MANY_REQUESTS,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::NO_CONTENT,
];

/// What became of one path.
#[derive(Debug, Default)]
pub struct PathCount {
    attempts: AtomicU64,
    served: AtomicU64,
    failed: AtomicU64,
}

/// A path's count at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct PathTotals {
    /// Requests for it.
    pub attempts: u64,
    /// Those answered with 200 and all of the body.
    pub served: u64,
}

impl PathCount {
    /// Counts an attempt and says how many there were before.
    pub fn attempt(&self) -> u64 {
        self.attempts.fetch_add(1, Relaxed)
    }

    /// Counts an answer that was given whole.
    pub fn serve(&self) {
        self.served.fetch_add(1, Relaxed);
    }

    /// Counts a fault and says how many there were before.
    pub fn fail(&self) -> u64 {
        self.failed.fetch_add(1, Relaxed)
    }

    fn totals(&self) -> PathTotals {
        PathTotals {
            attempts: self.attempts.load(Relaxed),
            served: self.served.load(Relaxed),
        }
    }
}

/// The account, from its beginning or from when it was last begun anew.
#[derive(Debug)]
pub struct Ledger {
    pages: Vec<PathCount>,
    /// Where the pages with a redirect lead.
    beyond: HashMap<Route, PathCount>,
    private: Vec<PathCount>,
    fixed: [PathCount; FIXED.len()],
    unknown: Mutex<HashMap<String, u64>>,
    by_status: [AtomicU64; STATUSES.len()],
    requests: AtomicU64,
    in_flight: AtomicU64,
    highest_in_flight: AtomicU64,
    connections: AtomicU64,
    resets: AtomicU64,
}

/// The account at one moment, as `/stats` tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Totals {
    /// Requests for pages, there or not; what tells about the web itself
    /// (robots.txt, the sitemap, this) is in `paths` only.
    pub requests: u64,
    /// Those whose answers are not out yet.
    pub in_flight: u64,
    /// The most at one moment.
    pub highest_in_flight: u64,
    /// Answers by status; one that was reset has none.
    pub by_status: BTreeMap<u16, u64>,
    /// Connections accepted.
    pub connections: u64,
    /// Connections reset on purpose.
    pub resets: u64,
    /// Every path that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paths: Option<BTreeMap<String, PathTotals>>,
}

impl Ledger {
    /// An empty one for `web`.
    pub fn new(web: &Web) -> Self {
        let counts = |n: u64| (0..n).map(|_| PathCount::default()).collect();
        let beyond = web.faulty().filter_map(|(page, _)| web.beyond(page));
        Self {
            pages: counts(web.pages),
            beyond: beyond.map(|to| (to, PathCount::default())).collect(),
            private: counts(PRIVATE_PAGES),
            fixed: Default::default(),
            unknown: Mutex::default(),
            by_status: Default::default(),
            requests: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            highest_in_flight: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            resets: AtomicU64::new(0),
        }
    }

    /// The count of a path that is there.
    pub fn path(&self, route: Route) -> Option<&PathCount> {
        let nth = |n: u64| usize::try_from(n.checked_sub(1)?).ok();
        match route {
            Route::Page(page) => self.pages.get(nth(page)?),
            Route::Moved(_) | Route::Loop(_) => self.beyond.get(&route),
            Route::Private(page) => self.private.get(nth(page)?),
            Route::Unknown => None,
            route => {
                let index = FIXED.iter().position(|fixed| *fixed == route)?;
                self.fixed.get(index)
            }
        }
    }

    /// Counts an attempt at a path that is not there. Only the first ones are
    /// remembered by name.
    pub fn attempt_unknown(&self, path: &str) {
        let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(attempts) = unknown.get_mut(path) {
            *attempts += 1;
        } else if unknown.len() < MOST_UNKNOWN_PATHS {
            unknown.insert(path.to_owned(), 1);
        }
    }

    /// Counts a request that begins.
    pub fn begin(&self) {
        self.requests.fetch_add(1, Relaxed);
        let now = self.in_flight.fetch_add(1, Relaxed) + 1;
        // Written seldom: the line stays shared between CPUs while it is only read.
        if now > self.highest_in_flight.load(Relaxed) {
            self.highest_in_flight.fetch_max(now, Relaxed);
        }
    }

    /// Counts the end of a request that has begun.
    pub fn end(&self) {
        self.in_flight.fetch_sub(1, Relaxed);
    }

    /// Counts an answer's head.
    pub fn answer(&self, status: StatusCode) {
        if let Some(index) = STATUSES.iter().position(|one| *one == status) {
            self.by_status[index].fetch_add(1, Relaxed);
        }
    }

    /// Counts a connection.
    pub fn connect(&self) {
        self.connections.fetch_add(1, Relaxed);
    }

    /// Counts a reset.
    pub fn reset(&self) {
        self.resets.fetch_add(1, Relaxed);
    }

    /// What it says now; `with_paths`: of each path too.
    pub fn totals(&self, with_paths: bool) -> Totals {
        let by_status = STATUSES.iter().zip(&self.by_status);
        let by_status = by_status.map(|(status, count)| (status.as_u16(), count.load(Relaxed)));
        Totals {
            requests: self.requests.load(Relaxed),
            in_flight: self.in_flight.load(Relaxed),
            highest_in_flight: self.highest_in_flight.load(Relaxed),
            by_status: by_status.filter(|(_, count)| *count > 0).collect(),
            connections: self.connections.load(Relaxed),
            resets: self.resets.load(Relaxed),
            paths: with_paths.then(|| self.paths()),
        }
    }

    fn paths(&self) -> BTreeMap<String, PathTotals> {
        let pages = (1..).map(Route::Page).zip(&self.pages);
        let private = (1..).map(Route::Private).zip(&self.private);
        let fixed = FIXED.into_iter().zip(&self.fixed);
        let beyond = self.beyond.iter().map(|(route, count)| (*route, count));
        let known = pages.chain(private).chain(fixed).chain(beyond);
        let known = known.map(|(route, count)| (route, count.totals()));
        let asked_for = known.filter(|(_, totals)| totals.attempts > 0);
        let mut paths: BTreeMap<_, _> = asked_for
            .map(|(route, totals)| (route.path(), totals))
            .collect();
        let unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        paths.extend(unknown.iter().map(|(path, attempts)| {
            let totals = PathTotals {
                attempts: *attempts,
                served: 0,
            };
            (path.clone(), totals)
        }));
        paths
    }
}

#[cfg(test)]
mod tests;
