//! How pages are fetched: one set of rules for all modes.

use crate::retry::Policy;
use std::time::Duration;

/// By which name servers know this program: what it is, and its version.
pub const USER_AGENT: &str = concat!("parlab-scraper/", env!("CARGO_PKG_VERSION"));

/// How pages are fetched.
#[derive(Debug, Clone)]
pub struct Options {
    /// For a connection: name, TCP and TLS together.
    pub connect_timeout: Duration,
    /// For the next bytes of an answer.
    pub read_timeout: Duration,
    /// For one request, from its start to the end of its answer's body.
    pub total_timeout: Duration,
    /// The most bytes of a body, as sent and decompressed.
    pub body_limit: usize,
    /// The most bytes that all bodies together may have at once; `None`: a part
    /// of the memory that this process may use. One page always gets what
    /// `body_limit` allows.
    pub bodies_at_once: Option<usize>,
    /// The most redirects that are followed.
    pub redirects: usize,
    /// When to ask again.
    pub retry: Policy,
    /// The most requests to one host at once; `None`: as many as there are pages at once.
    pub per_host: Option<usize>,
    /// The least time between two requests to one host; zero: none.
    pub host_interval: Duration,
    /// Whether robots.txt is not asked for.
    pub ignore_robots: bool,
    /// What servers are told.
    pub user_agent: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(30),
            body_limit: 8 * 1024 * 1024,
            bodies_at_once: None,
            redirects: 10,
            retry: Policy::default(),
            per_host: None,
            host_interval: Duration::ZERO,
            ignore_robots: false,
            user_agent: USER_AGENT.to_owned(),
        }
    }
}
