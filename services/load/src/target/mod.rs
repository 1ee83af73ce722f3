//! Whom load may be sent to, and where they are.

mod allow;
mod resolve;

pub use allow::{AllowList, Refused};
pub use resolve::{Resolve, System};

use std::io;
use std::net::{IpAddr, SocketAddr};
use url::{Host, Url};

/// The most addresses of one name that are used.
const MOST_ADDRESSES: usize = 64;

/// A URL that requests are sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    host: Host<String>,
    port: u16,
    /// The request, ready to be sent.
    bytes: Vec<u8>,
}

impl Target {
    /// The target at `url`, with `?work=` added where that is given.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence that names the field.
    pub fn new(url: &str, work: Option<u64>) -> Result<Self, String> {
        let no_url = |error| format!("{url:?} is no URL such as http://localhost:3000/: {error}");
        let mut url = Url::parse(url).map_err(no_url)?;
        if url.scheme() != "http" {
            return Err(format!("{url} must begin with http://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(format!("{url} must not have a user or a password"));
        }
        if let Some(work) = work {
            url.query_pairs_mut().append_pair("work", &work.to_string());
        }
        let host = url.host().ok_or_else(|| format!("{url} has no host"))?;
        let host = host.to_owned();
        let port = url.port_or_known_default().unwrap_or(80);
        let query = url.query().map(|query| format!("?{query}"));
        let bytes = format!(
            "GET {}{} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: parlab-load\r\n\r\n",
            url.path(),
            query.unwrap_or_default(),
        );
        Ok(Self {
            host,
            port,
            bytes: bytes.into_bytes(),
        })
    }

    /// Its host, as `url` writes it.
    pub fn host(&self) -> &Host<String> {
        &self.host
    }

    /// The request, ready to be sent.
    pub fn request(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether its addresses can change: it has a name.
    pub fn has_name(&self) -> bool {
        matches!(self.host, Host::Domain(_))
    }

    /// Where it is: all addresses that `allow` permits, in order and each once.
    /// IPv6 counts where there is no other.
    ///
    /// # Errors
    /// When its name has no address, or none that is permitted.
    pub fn addresses(
        &self,
        allow: &AllowList,
        resolve: &dyn Resolve,
    ) -> io::Result<Vec<SocketAddr>> {
        let mut found = match &self.host {
            Host::Ipv4(address) => vec![IpAddr::V4(*address)],
            Host::Ipv6(address) => vec![IpAddr::V6(*address)],
            Host::Domain(name) => resolve.resolve(name)?,
        };
        // Addresses of two families are mostly two ways to one server.
        if found.iter().any(IpAddr::is_ipv4) {
            found.retain(IpAddr::is_ipv4);
        }
        found.sort();
        found.dedup();
        let mut refused = None;
        found.retain(|address| match allow.check_address(&self.host, *address) {
            Ok(()) => true,
            Err(why) => {
                refused = Some(why);
                false
            }
        });
        found.truncate(MOST_ADDRESSES);
        match refused {
            Some(why) if found.is_empty() => Err(io::Error::other(why)),
            _ if found.is_empty() => Err(io::Error::other(format!(
                "{} is known but has no address",
                self.host
            ))),
            _ => Ok(found
                .into_iter()
                .map(|address| SocketAddr::new(address, self.port))
                .collect()),
        }
    }
}

#[cfg(test)]
mod tests;
