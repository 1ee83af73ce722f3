//! The allow-list: which hosts may be fetched from.

use std::fmt;
use std::str::FromStr;
use url::{Host, Url};

/// Which hosts may be fetched from.
///
/// Of several entries for one host, those that name it in full decide, then
/// `*.domain`, then `*`: so with `*` and `localhost:8080`, `localhost:5432`
/// may not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList {
    entries: Vec<Entry>,
}

/// One entry: `host`, `host:port`, `*.domain`, `*.domain:port` or `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    hosts: Hosts,
    /// `None`: all.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    /// This one, in the spelling of [`canonical`].
    Named(Host<String>),
    /// Those below this domain, and not itself.
    Below(String),
    Any,
}

/// How far a host is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// It is named in full: its addresses may be on one's own network.
    Named,
    /// An entry for many hosts covers it. Whoever owns one of these names can
    /// point it anywhere, so its addresses must be public.
    Covered,
}

/// Why a text is no entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}; write host, host:port, *.domain or *")]
pub struct NotAnEntry(&'static str);

impl AllowList {
    /// A list of `entries`.
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        Self {
            entries: entries.into_iter().collect(),
        }
    }

    /// Adds an entry.
    pub fn add(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// How far the list trusts the host and port of `url`; `None`: they are not on it.
    pub fn trust(&self, url: &Url) -> Option<Trust> {
        let host = canonical(&url.host()?);
        let port = url.port_or_known_default()?;
        let mut about = self.most_specific(&host).peekable();
        let trust = match about.peek()?.hosts {
            Hosts::Named(_) => Trust::Named,
            Hosts::Below(_) | Hosts::Any => Trust::Covered,
        };
        about
            .any(|entry| entry.port.is_none_or(|allowed| allowed == port))
            .then_some(trust)
    }

    /// Whether an entry names the host called `name` in full, whatever the port:
    /// a resolver is not told that.
    pub fn names(&self, name: &str) -> bool {
        let Ok(host) = Host::parse(name) else {
            return false;
        };
        let host = canonical_owned(host);
        self.entries
            .iter()
            .any(|entry| entry.hosts == Hosts::Named(host.clone()))
    }

    fn most_specific(&self, host: &Host<String>) -> impl Iterator<Item = &Entry> {
        let best = self
            .entries
            .iter()
            .filter_map(|entry| entry.hosts.specificity(host))
            .max();
        self.entries
            .iter()
            .filter(move |entry| best.is_some() && entry.hosts.specificity(host) == best)
    }
}

impl Entry {
    /// The host and the port of `url`, named in full; `None` when it has none.
    pub fn of(url: &Url) -> Option<Self> {
        Some(Self {
            hosts: Hosts::Named(canonical(&url.host()?)),
            port: Some(url.port_or_known_default()?),
        })
    }

    /// Every host whose addresses are public.
    pub fn any() -> Self {
        Self {
            hosts: Hosts::Any,
            port: None,
        }
    }
}

impl Hosts {
    /// How closely this describes `host`; `None`: not at all. The longer domain is the closer.
    fn specificity(&self, host: &Host<String>) -> Option<usize> {
        match (self, host) {
            (Self::Named(named), host) => (named == host).then_some(usize::MAX),
            (Self::Below(domain), Host::Domain(name)) => {
                let below = name
                    .strip_suffix(domain.as_str())
                    .and_then(|rest| rest.strip_suffix('.'))
                    .is_some_and(|rest| !rest.is_empty());
                below.then_some(domain.len())
            }
            (Self::Below(_), _) => None,
            (Self::Any, _) => Some(0),
        }
    }
}

impl FromStr for Entry {
    type Err = NotAnEntry;

    fn from_str(text: &str) -> Result<Self, NotAnEntry> {
        if text.contains("//") {
            return Err(NotAnEntry("is a URL"));
        }
        let (host, port) = split_port(text).map_err(NotAnEntry)?;
        let hosts = match host.strip_prefix("*") {
            Some("") => Hosts::Any,
            Some(rest) => {
                let domain = rest
                    .strip_prefix('.')
                    .ok_or(NotAnEntry("has a * that stands for no whole names"))?;
                Hosts::Below(domain_name(domain).map_err(NotAnEntry)?)
            }
            None => Hosts::Named(host_name(host).map_err(NotAnEntry)?),
        };
        Ok(Self { hosts, port })
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hosts {
            Hosts::Named(host) => write!(f, "{host}")?,
            Hosts::Below(domain) => write!(f, "*.{domain}")?,
            Hosts::Any => f.write_str("*")?,
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

fn split_port(text: &str) -> Result<(&str, Option<u16>), &'static str> {
    // The colons of an IPv6 address are inside its brackets.
    let after_address = text.rfind(']').map_or(0, |bracket| bracket + 1);
    let Some(colon) = text[after_address..].find(':') else {
        return Ok((text, None));
    };
    let (host, port) = text.split_at(after_address + colon);
    match port[1..].parse() {
        Ok(port @ 1..) if port_is_plain(&text[host.len() + 1..]) => Ok((host, Some(port))),
        _ if host.is_empty() || text.matches(':').count() > 1 => {
            Err("has no brackets around its IPv6 address")
        }
        _ => Err("has a port that is no number from 1 to 65535"),
    }
}

/// `u16::from_str` takes a plus sign.
fn port_is_plain(port: &str) -> bool {
    port.bytes().all(|byte| byte.is_ascii_digit())
}

fn host_name(text: &str) -> Result<Host<String>, &'static str> {
    let host = canonical_owned(Host::parse(text).map_err(|_| "is no host name or address")?);
    match &host {
        Host::Domain(name) if !is_plain(name) => Err("is no host name or address"),
        _ => Ok(host),
    }
}

fn domain_name(text: &str) -> Result<String, &'static str> {
    match host_name(text)? {
        Host::Domain(name) => Ok(name),
        Host::Ipv4(_) | Host::Ipv6(_) => Err("is an address, which nothing is below"),
    }
}

/// Whether `name` has labels and no stars.
fn is_plain(name: &str) -> bool {
    !name.contains('*') && name.split('.').all(|label| !label.is_empty())
}

/// A host as the list compares it: `url` has brought case, IDNA and the
/// spellings of addresses to one form; a dot at the end means the same host.
fn canonical(host: &Host<&str>) -> Host<String> {
    canonical_owned(host.to_owned())
}

fn canonical_owned(host: Host<String>) -> Host<String> {
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

#[cfg(test)]
mod tests;
