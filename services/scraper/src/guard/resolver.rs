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

/// How long an answer is used: connections that open together ask once, and a
/// name that moved is found again soon.
const USED_FOR: Duration = Duration::from_secs(30);

/// How long it is believed that a name has no address.
const FAILURE_USED_FOR: Duration = Duration::from_secs(1);

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
    /// How long one lookup may take. The system's own gives up later.
    within: Duration,
    answers: Mutex<HashMap<String, Answer>>,
}

#[derive(Debug, Clone)]
struct Answer {
    asked: Instant,
    addresses: Arc<OnceCell<Result<Vec<IpAddr>, NoAddress>>>,
}

/// Why a name led nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} has no address: {why}")]
pub struct NoAddress {
    name: String,
    why: String,
}

impl GuardedResolver {
    /// One that asks the system, and waits so long for an answer.
    pub fn new(guard: Arc<Guard>, within: Duration) -> Self {
        Self::asking(guard, SystemLookup, within)
    }
}

impl<L: Lookup> GuardedResolver<L> {
    /// One that asks `lookup`, and waits so long for an answer.
    pub fn asking(guard: Arc<Guard>, lookup: L, within: Duration) -> Self {
        Self {
            shared: Arc::new(Shared {
                guard,
                lookup,
                within,
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
    /// A [`Refusal`] or [`NoAddress`].
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
    /// The addresses of `name`, looked up once for all who ask at the same time.
    async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, NoAddress> {
        let answer = self.answer(name);
        let found = answer.addresses.get_or_init(|| self.look_up(name)).await;
        found.clone()
    }

    async fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, NoAddress> {
        let looking = self.lookup.lookup(name.to_owned());
        let why = match tokio::time::timeout(self.within, looking).await {
            Ok(Ok(addresses)) if !addresses.is_empty() => return Ok(addresses),
            Ok(Ok(_)) => "the name is known, an address is not".into(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {:?}", self.within),
        };
        let name = name.to_owned();
        Err(NoAddress { name, why })
    }

    /// The answer about `name` that is here or under way.
    fn answer(&self, name: &str) -> Answer {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = answers.get(name)
            && answer.is_fresh()
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
    fn permitted(&self, name: &str, addresses: Vec<IpAddr>) -> Result<Vec<IpAddr>, Refusal> {
        let mut refusal = None;
        let mut permitted = Vec::with_capacity(addresses.len());
        for address in addresses {
            match self.guard.check_address(name, address) {
                Ok(()) => permitted.push(address),
                Err(refused) => refusal = Some(refused),
            }
        }
        match refusal {
            Some(refused) if permitted.is_empty() => Err(refused),
            _ => Ok(permitted),
        }
    }
}

impl Answer {
    fn is_fresh(&self) -> bool {
        let used_for = match self.addresses.get() {
            Some(Err(_)) => FAILURE_USED_FOR,
            _ => USED_FOR,
        };
        self.asked.elapsed() < used_for
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
