//! What may be fetched.
//!
//! A service that fetches what others name can be made to fetch from where
//! only it can reach (server-side request forgery). So a host must be on an
//! allow-list, and the address it resolves to must be one that its entry
//! permits. The address that is checked is the one that is connected to: the
//! check is part of the client's resolver ([`GuardedResolver`]), and hosts
//! that are addresses, which no client resolves, are checked with the URL.
//! Every redirect is a URL to check.
//!
//! | the entry | permits the addresses |
//! |---|---|
//! | an address | that one |
//! | a name in full | public, and those of one's own network: private, loopback, carrier NAT |
//! | `*.domain`, `*` | public |
//!
//! None permits a name to lead to link-local, cloud metadata, multicast or
//! reserved addresses.

mod address;
mod allow;
mod resolver;

pub use address::AddressClass;
pub use allow::{AllowList, Entry, NotAnEntry, Trust};
pub use resolver::{GuardedResolver, Lookup, NoAddress, SystemLookup};

use std::error::Error;
use std::net::IpAddr;
use url::{Host, Url};

/// Decides what may be fetched.
#[derive(Debug, Clone)]
pub struct Guard {
    allowed: AllowList,
    /// Every host at every address: for one's own command line.
    open: bool,
}

/// Why something is not fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not http or https.
    #[error("only http and https are fetched, not {0}")]
    Scheme(String),
    /// A user name or password, which also makes URLs look like others.
    #[error("a URL must not hold a user name or password")]
    Credentials,
    /// No host, or no port that is known.
    #[error("the URL names no host")]
    NoHost,
    /// The allow-list does not have it.
    #[error("{0} is not on the allow-list (--allow)")]
    NotAllowed(String),
    /// The host's address is one that its entry does not permit.
    #[error("{}a {class} address, from where nothing may be fetched", led(host, *address))]
    Address {
        /// The host as it was named.
        host: String,
        /// Where it leads.
        address: IpAddr,
        /// What that is.
        class: AddressClass,
    },
}

impl Guard {
    /// One that permits what `allowed` does.
    pub fn new(allowed: AllowList) -> Self {
        Self {
            allowed,
            open: false,
        }
    }

    /// One that permits every host at every address (`--allow-private`).
    pub fn unrestricted() -> Self {
        Self {
            allowed: AllowList::default(),
            open: true,
        }
    }

    /// Whether `url` may be fetched, as far as the URL alone tells: its scheme,
    /// its host and port, and its host's address where it is one.
    pub fn check_url(&self, url: &Url) -> Result<(), Refusal> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::Scheme(url.scheme().into()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::Credentials);
        }
        let host = url.host().ok_or(Refusal::NoHost)?;
        let port = url.port_or_known_default().ok_or(Refusal::NoHost)?;
        if self.open {
            return Ok(());
        }
        let Some(trust) = self.allowed.trust(url) else {
            return Err(Refusal::NotAllowed(format!("{host}:{port}")));
        };
        let address = match &host {
            // Known when it is resolved.
            Host::Domain(_) => return Ok(()),
            Host::Ipv4(address) => IpAddr::V4(*address),
            Host::Ipv6(address) => IpAddr::V6(*address),
        };
        match trust {
            // An address that stands on the list itself is meant.
            Trust::Named => Ok(()),
            Trust::Covered => check(&host.to_string(), address, trust),
        }
    }

    /// Whether the host called `name` may be connected to at `address`.
    pub fn check_address(&self, name: &str, address: IpAddr) -> Result<(), Refusal> {
        if self.open {
            return Ok(());
        }
        let trust = if self.allowed.names(name) {
            Trust::Named
        } else {
            Trust::Covered
        };
        check(name, address, trust)
    }
}

fn check(host: &str, address: IpAddr, trust: Trust) -> Result<(), Refusal> {
    let class = AddressClass::of(address);
    if class == AddressClass::Public || (trust == Trust::Named && class.is_inside()) {
        return Ok(());
    }
    Err(Refusal::Address {
        host: host.into(),
        address,
        class,
    })
}

/// The beginning of a sentence on `host`, which may be its address itself.
fn led(host: &str, address: IpAddr) -> String {
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(_) => format!("{address} is "),
        Err(_) => format!("{host} leads to {address}, "),
    }
}

impl Refusal {
    /// The refusal behind an error of the client that uses a [`GuardedResolver`].
    pub fn behind<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        std::iter::successors(Some(error), |&error| error.source())
            .find_map(|error| error.downcast_ref())
    }
}

#[cfg(test)]
mod tests;
