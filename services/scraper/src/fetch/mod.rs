//! Fetches one URL by all the rules: the guard, robots.txt, the host's limits,
//! time-outs, redirects, retries. The same in all modes.

mod body;
mod client;
mod connections;
mod decode;
mod fault;
mod hosts;
mod memory;
mod options;
mod request;
mod robots_txt;
mod tls;

pub use body::Body;
pub use options::{Options, USER_AGENT};

use crate::guard::{Guard, GuardedResolver};
use crate::outcome::ErrorKind;
use crate::progress::Progress;
use crate::resources;
use crate::retry;
use crate::target;
use client::Client;
use hosts::{Host, Hosts};
use memory::Memory;
use request::Answer;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use url::Url;

/// What all fetchers of a run share, on whichever threads they are.
#[derive(Debug)]
pub struct Shared {
    options: Options,
    guard: Arc<Guard>,
    hosts: Hosts,
    resolver: GuardedResolver,
    memory: Memory,
    /// What is counted while the run goes on.
    pub progress: Arc<Progress>,
}

/// Fetches URLs on one runtime.
pub struct Fetcher {
    shared: Arc<Shared>,
    client: Client,
}

/// What came of fetching a URL.
#[derive(Debug)]
pub struct Fetched {
    /// The status of the last answer.
    pub status: Option<u16>,
    /// How often it was asked for.
    pub attempts: u32,
    /// Bytes of the last body, as far as it was read.
    pub bytes: u64,
    /// The page, or why there is none.
    pub body: Result<Body, ErrorKind>,
    /// From when it was taken up, waits for its host included.
    pub elapsed: Duration,
}

/// One attempt at a URL, redirects included.
struct Attempt {
    /// Whether a request for it left at all.
    asked: bool,
    answer: Answer,
    body: Result<Body, ErrorKind>,
    /// Who gave the last answer.
    host: Option<Arc<Host>>,
}

impl Shared {
    /// How many requests a host may get at once; `None`: any number.
    pub fn per_host(&self) -> Option<usize> {
        self.options.per_host
    }

    /// For a run that fetches by these rules what `guard` allows.
    pub fn new(options: Options, guard: Guard, progress: Arc<Progress>) -> Self {
        let guard = Arc::new(guard);
        Self {
            hosts: Hosts::new(options.per_host, options.host_interval),
            resolver: GuardedResolver::new(guard.clone(), lookup_within(&options)),
            memory: memory(&options),
            guard,
            options,
            progress,
        }
    }
}

/// A page that is decompressed is there in both forms.
fn memory(options: &Options) -> Memory {
    let bytes = options.bodies_at_once;
    let bytes = bytes.unwrap_or_else(resources::memory_for_bodies);
    Memory::new(bytes, 2 * options.body_limit)
}

/// A part of the connection's time: the rest is for the connection itself, and
/// a name server that says nothing is told from a host that does not.
fn lookup_within(options: &Options) -> Duration {
    options.connect_timeout.mul_f64(0.8)
}

impl Fetcher {
    /// One for the runtime that it is used on: its connections are driven there.
    /// With more than `connections` open, those that nobody uses are closed.
    pub fn new(shared: Arc<Shared>, connections: usize) -> Self {
        let client = Client::new(
            shared.resolver.clone(),
            shared.options.connect_timeout,
            connections,
        );
        Self { shared, client }
    }

    /// Fetches a normalised URL.
    pub async fn fetch(&self, url: &Url) -> Fetched {
        let robots = !self.shared.options.ignore_robots;
        self.with_retries(url, robots).await
    }

    async fn with_retries(&self, url: &Url, robots: bool) -> Fetched {
        let started = Instant::now();
        let mut attempts = 0;
        loop {
            let attempt = self.attempt(url, robots).await;
            attempts += u32::from(attempt.asked);
            if let Err(error) = attempt.body
                && attempt.asked
                && let Some(pause) = self.pause(&attempt, error, attempts)
            {
                self.shared.progress.retry();
                tokio::time::sleep(pause).await;
                continue;
            }
            return Fetched {
                status: attempt.answer.status,
                attempts,
                bytes: attempt.answer.bytes,
                body: attempt.body,
                elapsed: started.elapsed(),
            };
        }
    }

    /// How long to wait before the next attempt; `None`: there is none.
    fn pause(&self, attempt: &Attempt, error: ErrorKind, made: u32) -> Option<Duration> {
        let status = attempt.answer.status;
        if !retry::may_pass(error, status) {
            return None;
        }
        let asked = attempt.answer.retry_after.as_deref();
        let asked = asked.and_then(|value| retry::retry_after(value, SystemTime::now()));
        let policy = &self.shared.options.retry;
        let pause = policy.pause(made, status, asked, fastrand::f64());
        if let (Some(429), Some(asked)) = (status, asked)
            && let Some(host) = &attempt.host
        {
            // It is meant for all requests, not for this one alone, and also
            // where this one is not made again.
            host.pause(asked.min(policy.longest_retry_after));
        }
        pause
    }

    /// Asks for a URL and follows where it leads.
    async fn attempt(&self, url: &Url, robots: bool) -> Attempt {
        let mut seen = vec![url.clone()];
        let mut asked = false;
        // The answer that led here, while this hop has none of its own.
        let mut last = Answer::default();
        loop {
            let hop = &seen[seen.len() - 1];
            let (host, answer) = match self.hop(hop, robots).await {
                Ok(answered) => answered,
                Err(error) => return Attempt::ended(asked, last, Err(error), None),
            };
            let mut answer = answer;
            // Refused as its address was known: nobody was asked.
            asked |= !matches!(answer.body, Some(Err(ErrorKind::Refused)));
            answer.status = answer.status.or(last.status);
            if let Some(body) = answer.body.take() {
                return Attempt::ended(asked, answer, body, Some(host));
            }
            let is_redirect = matches!(answer.status, Some(301 | 302 | 303 | 307 | 308));
            if !is_redirect {
                return Attempt::ended(asked, answer, Err(ErrorKind::Status), Some(host));
            }
            match self.next(hop, &answer, &seen) {
                Ok(next) => seen.push(next),
                Err(error) => return Attempt::ended(asked, answer, Err(error), Some(host)),
            }
            last = Answer {
                status: answer.status,
                bytes: answer.bytes,
                ..Answer::default()
            };
        }
    }

    /// Where a redirect leads.
    fn next(&self, from: &Url, answer: &Answer, seen: &[Url]) -> Result<Url, ErrorKind> {
        let location = answer.location.as_deref().ok_or(ErrorKind::BadRedirect)?;
        let next = from.join(location).map_err(|_| ErrorKind::BadRedirect)?;
        let next = target::normalised(next).map_err(|error| match error {
            // Not to be fetched, as any URL of that scheme.
            target::BadUrl::Scheme(_) => ErrorKind::Refused,
            _ => ErrorKind::BadRedirect,
        })?;
        if seen.contains(&next) {
            return Err(ErrorKind::RedirectLoop);
        }
        if seen.len() > self.shared.options.redirects {
            return Err(ErrorKind::TooManyRedirects);
        }
        Ok(next)
    }

    /// One request, when all allow it.
    async fn hop(&self, url: &Url, robots: bool) -> Result<(Arc<Host>, Answer), ErrorKind> {
        let allowed = self.shared.guard.check_url(url);
        allowed.map_err(|_| ErrorKind::Refused)?;
        let host = self.shared.hosts.of(url);
        if robots {
            self.check_robots(&host, url).await?;
        }
        let turn = host.turn().await;
        let answer = self.ask(url).await;
        drop(turn);
        Ok((host, answer))
    }
}

impl Attempt {
    fn ended(
        asked: bool,
        answer: Answer,
        body: Result<Body, ErrorKind>,
        host: Option<Arc<Host>>,
    ) -> Self {
        Self {
            asked,
            answer,
            body,
            host,
        }
    }
}
