//! Names of other services in a station's environment become addresses, as
//! Docker's DNS makes them inside a container.
//!
//! A name counts where an address is meant: before a port (`origin:8080`) or
//! after `//` (`http://origin/`). Anywhere else it is a word like any other.

use anyhow::Context;
use service_kit::address::AddressLine;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// The port of the admin endpoints inside a container; any other is the API's.
const ADMIN_PORT: &str = "9000";

/// An address on loopback that was free just now.
pub(super) fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(listener.local_addr()?)
}

/// Whether the text names this service where an address is meant.
pub fn names(text: &str, service: &str) -> bool {
    find(text, service).is_some()
}

/// The text with this service's name replaced by its address.
pub fn resolve(text: &str, service: &str, addresses: &AddressLine) -> String {
    let mut resolved = String::new();
    let mut rest = text;
    // What has been written is not searched: an address names no service.
    let mut before = String::new();
    while let Some(found) = find_after(&before, rest, service) {
        let port = found.port.unwrap_or_default();
        let address = match port {
            ADMIN_PORT => addresses.admin,
            _ => addresses.api,
        };
        resolved.push_str(&rest[..found.start]);
        resolved.push_str(&address.to_string());
        rest[..found.end].clone_into(&mut before);
        rest = &rest[found.end..];
    }
    resolved + rest
}

/// A name with its port, as bytes of the text.
struct Found<'t> {
    start: usize,
    end: usize,
    port: Option<&'t str>,
}

fn find<'t>(text: &'t str, service: &str) -> Option<Found<'t>> {
    find_after("", text, service)
}

/// `before` is what stood in front of `text`.
fn find_after<'t>(before: &str, text: &'t str, service: &str) -> Option<Found<'t>> {
    for (start, _) in text.match_indices(service) {
        let head = format!("{before}{}", &text[..start]);
        let tail = &text[start + service.len()..];
        let is_part = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_' | '.');
        if head.ends_with(is_part) || tail.starts_with(is_part) {
            continue;
        }
        let port = tail.strip_prefix(':').map(|rest| {
            let end = rest.find(|sign: char| !sign.is_ascii_digit());
            &rest[..end.unwrap_or(rest.len())]
        });
        let port = port.filter(|digits| !digits.is_empty());
        // After //user:password@ too.
        let in_url = head.ends_with("//")
            || head
                .rsplit_once("//")
                .is_some_and(|(_, user)| user.ends_with('@') && !user.contains('/'));
        if port.is_some() || in_url {
            let length = service.len() + port.map_or(0, |digits| digits.len() + 1);
            return Some(Found {
                start,
                end: start + length,
                port,
            });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{names, resolve};
    use proptest::prelude::*;
    use service_kit::address::AddressLine;

    fn addresses() -> AddressLine {
        AddressLine {
            api: "127.0.0.1:41".parse().unwrap(),
            admin: "127.0.0.1:42".parse().unwrap(),
            http: None,
        }
    }

    #[test]
    fn a_name_is_an_address_where_one_is_meant() {
        for (text, expected) in [
            ("http://origin:8080/a?b", "http://127.0.0.1:41/a?b"),
            ("http://origin/", "http://127.0.0.1:41/"),
            ("http://origin", "http://127.0.0.1:41"),
            ("origin:9000", "127.0.0.1:42"),
            ("origin:8080,origin:9000", "127.0.0.1:41,127.0.0.1:42"),
            (
                "redis://user:secret@origin/0",
                "redis://user:secret@127.0.0.1:41/0",
            ),
        ] {
            assert!(names(text, "origin"), "{text}");
            assert_eq!(resolve(text, "origin", &addresses()), expected);
        }
    }

    #[test]
    fn elsewhere_it_is_a_word() {
        for text in [
            "origin",
            "an origin: far",
            "http://origin-2:8080",
            "http://my-origin:8080",
            "http://origin.example:80",
            "http://host/origin",
            "",
        ] {
            assert!(!names(text, "origin"), "{text}");
            assert_eq!(resolve(text, "origin", &addresses()), text);
        }
    }

    proptest! {
        #[test]
        fn it_never_panics_and_leaves_no_name(text in "(http://|a|:|80|9000|/|@|é|-){0,12}") {
            let resolved = resolve(&text, "a", &addresses());
            prop_assert!(!names(&resolved, "a"), "{} became {}", text, resolved);
        }
    }
}
