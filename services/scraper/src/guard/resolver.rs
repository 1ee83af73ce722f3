//! A client's resolver that gives only addresses that may be connected to.

use super::{Guard, Refusal};
use hyper_util::client::legacy::connect::dns::Name;
use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;
use tower_service::Service;

/// How long one lookup may take. The system's own gives up later.
const LONGEST_LOOKUP: Duration = Duration::from_secs(10);

/// How long an answer is used: connections that open together ask once, and a
/// name that moved is found again soon.
const USED_FOR: Duration = Duration::from_secs(30);

/// How many names are kept; more than one run's hosts, less than a list of a
/// million hosts would take.
const MOST_NAMES: usize = 4096;

type Failure = Box<dyn Error + Send + Sync>;

/// What tells the addresses of a name.
pub trait Lookup: Send + Sync + 'static {
    /// The addresses of `name`.
    fn lookup(&self, name: String) -> impl Future<Output = io::Result<Vec<IpAddr>>> + Send;
}

/// The system's resolver (`getaddrinfo`), so /etc/hosts and Docker's own names
/// are known.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

/// A resolver for hyper's `HttpConnector`, which leaves out every address that
/// the guard refuses. Clones share their answers.
///
/// Each connection goes to an address that came through here: a name that
/// changes its answer between check and connection gains nothing. (No resolver
/// is asked about a host that is an address: [`Guard::check_url`] checks that.)
#[derive(Debug)]
pub struct GuardedResolver<L = SystemLookup> {
    shared: Arc<Shared<L>>,
}

#[derive(Debug)]
struct Shared<L> {
    guard: Arc<Guard>,
    lookup: L,
    answers: Mutex<HashMap<String, Answer>>,
}

#[derive(Debug, Clone)]
struct Answer {
    asked: Instant,
    addresses: Arc<OnceCell<Vec<IpAddr>>>,
}

impl GuardedResolver {
    /// One that asks the system.
    pub fn new(guard: Arc<Guard>) -> Self {
        Self::asking(guard, SystemLookup)
    }
}

impl<L: Lookup> GuardedResolver<L> {
    /// One that asks `lookup`.
    pub fn asking(guard: Arc<Guard>, lookup: L) -> Self {
        Self {
            shared: Arc::new(Shared {
                guard,
                lookup,
                answers: Mutex::default(),
            }),
        }
    }
}

impl<L> Clone for GuardedResolver<L> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
        }
    }
}

impl<L: Lookup> Service<Name> for GuardedResolver<L> {
    type Response = std::vec::IntoIter<SocketAddr>;
    /// A [`Refusal`], or what the lookup failed of.
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Failure>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let shared = self.shared.clone();
        Box::pin(async move {
            let addresses = shared.addresses(name.as_str()).await?;
            let permitted = shared.permitted(name.as_str(), addresses)?;
            // Port 0: the connector puts in the URL's.
            let sockets = permitted.into_iter().map(|ip| SocketAddr::new(ip, 0));
            Ok(sockets.collect::<Vec<_>>().into_iter())
        })
    }
}

impl<L: Lookup> Shared<L> {
    async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, Failure> {
        let answer = self.answer(name);
        // A failure leaves the cell empty: the next one asks again.
        let asking = answer
            .addresses
            .get_or_try_init(|| self.lookup.lookup(name.to_owned()));
        let addresses = tokio::time::timeout(LONGEST_LOOKUP, asking)
            .await
            .map_err(|_| {
                let seconds = LONGEST_LOOKUP.as_secs();
                let late = format!("no answer about {name} within {seconds} s");
                io::Error::new(io::ErrorKind::TimedOut, late)
            })??;
        Ok(addresses.clone())
    }

    /// The answer about `name` that is here or under way.
    fn answer(&self, name: &str) -> Answer {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = answers.get(name)
            && answer.asked.elapsed() < USED_FOR
        {
            return answer.clone();
        }
        if answers.len() >= MOST_NAMES {
            answers.clear();
        }
        let answer = Answer {
            asked: Instant::now(),
            addresses: Arc::default(),
        };
        answers.insert(name.to_owned(), answer.clone());
        answer
    }

    /// Those of `addresses` that may be connected to; an error where there are none.
    fn permitted(&self, name: &str, addresses: Vec<IpAddr>) -> Result<Vec<IpAddr>, Failure> {
        let mut refusal: Option<Refusal> = None;
        let mut permitted = Vec::with_capacity(addresses.len());
        for address in addresses {
            match self.guard.check_address(name, address) {
                Ok(()) => permitted.push(address),
                Err(refused) => refusal = Some(refused),
            }
        }
        match refusal {
            Some(refused) if permitted.is_empty() => Err(refused.into()),
            _ => Ok(permitted),
        }
    }
}

impl Lookup for SystemLookup {
    async fn lookup(&self, name: String) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((name, 0)).await?;
        Ok(found.map(|socket| socket.ip()).collect())
    }
}

#[cfg(test)]
mod tests;
