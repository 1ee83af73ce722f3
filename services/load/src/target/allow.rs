//! The allow-list: this is a load generator, so it must not be turned on others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::Host;

/// Whom load may be sent to beside this machine itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList {
    hosts: Vec<Host<String>>,
}

/// Why load may not be sent somewhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The host is not on the list.
    #[error(
        "{0} is neither this machine nor on the allow-list; `--allow` (LOAD_ALLOW) names the hosts that may be sent load"
    )]
    Host(Host<String>),
    /// A host on the list has an address on the public internet.
    #[error("{host} has the address {address}, which is not one of a private network")]
    Address {
        /// The host.
        host: Host<String>,
        /// Its address.
        address: IpAddr,
    },
}

impl AllowList {
    /// A list of hosts: names or addresses, without port. Empty ones say nothing.
    ///
    /// # Errors
    /// The first one that is no host.
    pub fn new<S: AsRef<str>>(hosts: impl IntoIterator<Item = S>) -> Result<Self, String> {
        let mut list = Self::default();
        for host in hosts {
            let host = host.as_ref().trim();
            if !host.is_empty() {
                list.hosts.push(parse(host)?);
            }
        }
        Ok(list)
    }

    /// Whether load may be sent to `host` at all.
    ///
    /// # Errors
    /// When it is neither this machine nor on the list.
    pub fn check_host(&self, host: &Host<String>) -> Result<(), Refused> {
        if is_this_machine(host) || self.hosts.contains(&canonical(host.clone())) {
            Ok(())
        } else {
            Err(Refused::Host(host.clone()))
        }
    }

    /// Whether it may be sent there when `host` has this `address`.
    ///
    /// # Errors
    /// When the host may not, or the address is public: a name on the list is a
    /// lab's own, and that has private ones.
    pub fn check_address(&self, host: &Host<String>, address: IpAddr) -> Result<(), Refused> {
        self.check_host(host)?;
        let permitted = if is_this_machine(host) {
            address.is_loopback()
        } else {
            is_private(address)
        };
        permitted.then_some(()).ok_or_else(|| Refused::Address {
            host: host.clone(),
            address,
        })
    }
}

fn parse(text: &str) -> Result<Host<String>, String> {
    let host = Host::parse(text).map_err(|_| format!("{text:?} is no host name or address"))?;
    match &host {
        // `url` lets characters through that no host name has.
        Host::Domain(name) if name.contains(['*', ',', ' ']) => {
            Err(format!("{text:?} must be one whole host name"))
        }
        _ => Ok(canonical(host)),
    }
}

/// A dot at the end means the same host; `url` has brought the rest to one form.
fn canonical(host: Host<String>) -> Host<String> {
    match host {
        Host::Domain(mut name) => {
            if name.ends_with('.') {
                name.pop();
            }
            Host::Domain(name)
        }
        address => address,
    }
}

fn is_this_machine(host: &Host<String>) -> bool {
    match host {
        Host::Domain(name) => name.trim_end_matches('.') == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_private_v4(mapped),
            None => is_private_v6(address),
        },
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    address.is_loopback() || address.is_private() || address.is_link_local()
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
}
