//! Names to addresses: each looked up once in a while, whoever asks, and each
//! address checked. What is connected to is what was checked, since nobody
//! looks the name up again in between.

use crate::guard::{Guard, Refusal};
use hyper_util::client::legacy::connect::dns::Name;
use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;
use tower_service::Service;

/// How long an answer is used.
const KEPT: Duration = Duration::from_secs(30);

/// How long it is believed that a name has no address.
const KEPT_FAILURE: Duration = Duration::from_secs(1);

/// With more names than this, old answers are forgotten.
const MOST_NAMES: usize = 10_000;

/// Why a name led nowhere.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Unresolved {
    /// It has no address.
    #[error("{0}")]
    NoAddress(String),
    /// None of its addresses may be connected to.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Looks names up; clones share what they learn.
#[derive(Debug, Clone)]
pub(super) struct Resolver {
    guard: Arc<Guard>,
    answers: Arc<Mutex<HashMap<String, Answer>>>,
}

type Answer = (Instant, Arc<OnceCell<Result<Vec<IpAddr>, Unresolved>>>);

impl Resolver {
    /// One whose answers `guard` checks.
    pub(super) fn new(guard: Arc<Guard>) -> Self {
        Self {
            guard,
            answers: Arc::default(),
        }
    }

    async fn addresses(self, host: String) -> Result<Vec<IpAddr>, Unresolved> {
        let cell = self.cell(&host);
        let answer = cell.get_or_init(|| lookup(&host)).await.clone()?;
        let mut refusal = None;
        let mut allowed = answer;
        allowed.retain(|address| match self.guard.check_address(&host, *address) {
            Ok(()) => true,
            Err(refused) => {
                refusal = Some(refused);
                false
            }
        });
        match refusal {
            Some(refusal) if allowed.is_empty() => Err(refusal.into()),
            _ => Ok(allowed),
        }
    }

    /// Where the answer for a name is, or will be: one lookup serves all.
    fn cell(&self, host: &str) -> Arc<OnceCell<Result<Vec<IpAddr>, Unresolved>>> {
        let now = Instant::now();
        let is_fresh = |(asked, cell): &Answer| {
            let kept = match cell.get() {
                Some(Err(_)) => KEPT_FAILURE,
                _ => KEPT,
            };
            now.duration_since(*asked) < kept
        };
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = answers.get(host).filter(|answer| is_fresh(answer)) {
            return answer.1.clone();
        }
        if answers.len() >= MOST_NAMES {
            answers.retain(|_, answer| is_fresh(answer));
        }
        let cell = Arc::new(OnceCell::new());
        answers.insert(host.to_owned(), (now, cell.clone()));
        cell
    }
}

async fn lookup(host: &str) -> Result<Vec<IpAddr>, Unresolved> {
    // The port is not looked up; the deadline is that of connecting.
    let found = tokio::net::lookup_host((host, 0)).await;
    let found = found.map_err(|error| Unresolved::NoAddress(error.to_string()))?;
    let addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
    if addresses.is_empty() {
        return Err(Unresolved::NoAddress(format!("{host} has no address")));
    }
    Ok(addresses)
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Unresolved;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Unresolved>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Unresolved>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = self.clone();
        Box::pin(async move {
            let addresses = resolver.addresses(name.as_str().to_owned()).await?;
            let sockets: Vec<_> = addresses.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect();
            Ok(sockets.into_iter())
        })
    }
}
