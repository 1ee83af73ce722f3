//! One request for a page, from its head to the last byte of its answer.

use crate::metrics::{Metrics, Outcome};
use hyper::{Method, StatusCode};
use origin::ledger::{Ledger, PathCount};
use origin::web::fault::Fault;
use origin::web::route::Route;
use std::sync::Arc;
use std::time::Instant;

/// A request under way. It ends when it is dropped, and has been abandoned by
/// its client if nothing else became of it.
#[derive(Debug)]
pub struct Visit {
    ledger: Arc<Ledger>,
    metrics: Arc<Metrics>,
    route: Route,
    method: Method,
    began: Instant,
    outcome: Outcome,
}

impl Visit {
    /// Counts a request that begins.
    pub fn begin(ledger: Arc<Ledger>, metrics: Arc<Metrics>, route: Route, method: Method) -> Self {
        ledger.begin();
        metrics.http.in_flight.inc();
        Self {
            ledger,
            metrics,
            route,
            method,
            began: Instant::now(),
            outcome: Outcome::Abandoned,
        }
    }

    /// What is counted of its path, if that is there.
    pub fn path(&self) -> Option<&PathCount> {
        self.ledger.path(self.route)
    }

    /// What it asks to do.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Counts a fault that it is shown.
    pub fn show(&self, fault: Fault) {
        self.metrics.show(fault);
    }

    /// Counts the head of its answer.
    pub fn answered(&self, status: StatusCode) {
        self.ledger.answer(status);
        let after = self.began.elapsed();
        let route = self.route.pattern();
        let http = &self.metrics.http;
        http.answered(&self.method, route, status, after);
    }

    /// Says what became of it.
    pub fn ends(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        match self.outcome {
            Outcome::Served => {
                if let Some(path) = self.path() {
                    path.serve();
                }
            }
            Outcome::Reset => self.ledger.reset(),
            _ => {}
        }
        self.metrics.count(self.outcome);
        self.metrics.http.in_flight.dec();
        self.ledger.end();
    }
}
