//! Which web pages may speak to the WebSocket.
//!
//! Browsers let any page open a WebSocket to any host and say in `Origin` which
//! page it is: without a check, every page that somebody visits could use their
//! queue. Programs send no `Origin`.

use axum::http::{HeaderMap, header};
use url::{Host, Url};

/// The pages that may.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    also: Vec<String>,
}

impl Origins {
    /// Those of this machine, and those of these origins, such as
    /// `https://example.org:8443`; `null` are pages from files.
    pub fn new(also: Vec<String>) -> Self {
        Self { also }
    }

    /// Whether the page that asks with these headers may.
    ///
    /// That the host is the one asked for counts for nothing: a name of the page's
    /// own may have been made to lead here (DNS rebinding).
    pub fn allow(&self, headers: &HeaderMap) -> bool {
        let mut given = headers.get_all(header::ORIGIN).iter();
        match (given.next(), given.next()) {
            (None, _) => true,
            (Some(origin), None) => origin.to_str().is_ok_and(|origin| {
                is_of_this_machine(origin)
                    || self
                        .also
                        .iter()
                        .any(|also| also.eq_ignore_ascii_case(origin))
            }),
            (Some(_), Some(_)) => false,
        }
    }
}

fn is_of_this_machine(origin: &str) -> bool {
    let Ok(url) = Url::parse(origin) else {
        return false;
    };
    let is_of_the_web = matches!(url.scheme(), "http" | "https");
    is_of_the_web
        && match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn allowed(also: &[&str], origins: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for origin in origins {
            headers.append(header::ORIGIN, origin.parse().unwrap());
        }
        Origins::new(also.iter().map(ToString::to_string).collect()).allow(&headers)
    }

    #[test]
    fn pages_of_this_machine_and_programs_may() {
        assert!(allowed(&[], &[]));
        for origin in [
            "http://localhost:8100",
            "https://localhost",
            "http://127.0.0.1:8100",
            "http://[::1]:8100",
            "http://lab.localhost",
        ] {
            assert!(allowed(&[], &[origin]), "{origin}");
        }
    }

    #[test]
    fn other_pages_may_not_unless_they_are_listed() {
        for origin in [
            "http://example.org",
            "http://localhost.example.org",
            "http://127.0.0.1.example.org",
            "http://notlocalhost",
            "file://localhost",
            "null",
            "",
            "localhost",
        ] {
            assert!(!allowed(&[], &[origin]), "{origin}");
        }
        assert!(!allowed(&[], &["http://localhost", "http://example.org"]));
        let also = ["https://example.org:8443", "null"];
        assert!(allowed(&also, &["https://EXAMPLE.org:8443"]));
        assert!(allowed(&also, &["null"]));
        assert!(!allowed(&also, &["https://example.org"]));
    }
}
