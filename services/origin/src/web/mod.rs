//! The web: which pages there are, what stands on them and what is wrong with
//! them. Pure: the same seed and options give the same web.

pub mod chance;
pub mod fault;
pub mod latency;
pub mod page;
pub mod route;
pub mod site;
mod words;

use chance::{Chance, Purpose};
use fault::{Fault, FaultShares};
use latency::Latency;
use route::Route;
use std::time::Duration;

/// A web.
#[derive(Debug, Clone, PartialEq)]
pub struct Web {
    /// What all is made from.
    pub seed: u64,
    /// How many pages it has, at least 1.
    pub pages: u64,
    /// How large each of them is.
    pub page_bytes: usize,
    /// What share of them has which fault.
    pub faults: FaultShares,
    /// How long an answer takes.
    pub latency: Latency,
}

impl Web {
    /// Whether it has this page.
    pub fn has(&self, page: u64) -> bool {
        (1..=self.pages).contains(&page)
    }

    /// What is wrong with a page.
    pub fn fault(&self, page: u64) -> Option<Fault> {
        self.faults.of(self.seed, page)
    }

    /// All pages with a fault.
    pub fn faulty(&self) -> impl Iterator<Item = (u64, Fault)> {
        (1..=self.pages).filter_map(|page| Some((page, self.fault(page)?)))
    }

    /// Where a page leads that is elsewhere.
    pub fn beyond(&self, page: u64) -> Option<Route> {
        match self.fault(page)? {
            Fault::Redirect => Some(Route::Moved(page)),
            Fault::RedirectLoop => Some(Route::Loop(page)),
            _ => None,
        }
    }

    /// How long the answer to an `attempt`, counted from 0, takes.
    pub fn latency(&self, route: Route, attempt: u64) -> Duration {
        if self.latency == Latency::None {
            return Duration::ZERO;
        }
        let page = match route {
            Route::Page(page) | Route::Moved(page) | Route::Loop(page) => page,
            _ => 0,
        };
        let number = page.wrapping_mul(0x1_0000_0001).wrapping_add(attempt);
        let mut chance = Chance::new(self.seed, Purpose::Latency, number);
        self.latency.draw(&mut chance)
    }
}
