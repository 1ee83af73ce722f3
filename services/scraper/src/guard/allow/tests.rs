#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

fn list(entries: &[&str]) -> AllowList {
    AllowList::new(entries.iter().map(|entry| entry.parse().unwrap()))
}

fn trust(entries: &[&str], url: &str) -> Option<Trust> {
    list(entries).trust(&Url::parse(url).unwrap())
}

#[test]
fn the_entry_that_describes_a_host_most_closely_decides() {
    for (entries, url, expected) in [
        (&[][..], "http://origin/", None),
        (&["origin"], "http://origin/", Some(Trust::Named)),
        (&["origin"], "http://origin:81/", Some(Trust::Named)),
        (&["origin:81"], "http://origin:81/", Some(Trust::Named)),
        (&["origin:81"], "http://origin/", None),
        (&["origin:80"], "http://origin/", Some(Trust::Named)),
        (&["origin:443"], "https://origin/", Some(Trust::Named)),
        (&["origin:80"], "https://origin/", None),
        (&["*"], "http://origin/", Some(Trust::Covered)),
        (&["*:443"], "http://origin/", None),
        (&["*", "origin:81"], "http://origin:82/", None),
        (
            &["origin:81", "origin:82"],
            "http://origin:82/",
            Some(Trust::Named),
        ),
        (&["*.a.org"], "http://b.a.org/", Some(Trust::Covered)),
        (&["*.a.org"], "http://c.b.a.org/", Some(Trust::Covered)),
        (&["*.a.org"], "http://a.org/", None),
        (&["*.a.org"], "http://ba.org/", None),
        (&["*.a.org"], "http://a.org.evil.com/", None),
        (&["*.a.org"], "http://.a.org/", None),
        (&["*.a.org", "*.b.a.org:8080"], "http://c.b.a.org/", None),
        (
            &["*.a.org", "b.a.org"],
            "http://b.a.org/",
            Some(Trust::Named),
        ),
        (&["a.org"], "http://a.org./", Some(Trust::Named)),
        (&["A.Org."], "http://a.oRG/", Some(Trust::Named)),
        (&["a.org"], "http://a.org../", None),
        (
            &["münchen.example"],
            "http://xn--mnchen-3ya.example/",
            Some(Trust::Named),
        ),
        (
            &["127.0.0.1:8080"],
            "http://0x7f.1:8080/",
            Some(Trust::Named),
        ),
        (&["2130706433"], "http://127.0.0.1/", Some(Trust::Named)),
        (&["[::1]:8080"], "http://[0:0::1]:8080/", Some(Trust::Named)),
        (&["127.0.0.1"], "http://[::ffff:127.0.0.1]/", None),
        (&["127.0.0.1"], "http://127.0.0.1.example/", None),
        (&["a.org"], "http://a.org@evil.com/", None),
        (&["a.org"], "http://evil.com/?a.org", None),
        (&["a.org"], "http://evil.com/#@a.org", None),
    ] {
        assert_eq!(trust(entries, url), expected, "{entries:?} {url}");
    }
}

#[test]
fn what_is_no_entry_is_refused_with_what_to_write() {
    for (text, says) in [
        ("", "no host name"),
        ("http://origin:8080", "is a URL"),
        ("origin:", "1 to 65535"),
        ("origin:0", "1 to 65535"),
        ("origin:65536", "1 to 65535"),
        ("origin:+80", "1 to 65535"),
        ("origin:80:90", "brackets"),
        ("::1", "brackets"),
        ("fe80::1:80", "brackets"),
        ("[::1", "brackets"),
        ("*origin", "whole names"),
        ("*.", "no host name"),
        ("*.*", "no host name"),
        ("a.*.org", "no host name"),
        ("a..org", "no host name"),
        ("*.10.0.0.1", "nothing is below"),
        ("*.[::1]", "nothing is below"),
        ("a b", "no host name"),
        ("user@origin", "no host name"),
        ("origin/path", "no host name"),
        ("256.0.0.1", "no host name"),
    ] {
        let refused = text.parse::<Entry>().unwrap_err().to_string();

        assert!(refused.contains(says), "{text:?}: {refused}");
        assert!(refused.contains("*.domain"), "{text:?}: {refused}");
    }
}

/// Labels of names, never of digits alone, so that no name is an address.
fn label() -> impl Strategy<Value = String> {
    "[a-z]([a-z0-9-]{0,6}[a-z0-9])?".prop_filter("punycode", |label| !label.starts_with("xn--"))
}

fn name() -> impl Strategy<Value = String> {
    prop::collection::vec(label(), 1..5)
        .prop_map(|labels| labels.join("."))
        .prop_filter("valid", |name| {
            matches!(Host::parse(name), Ok(Host::Domain(_)))
        })
}

fn url(host: &str, port: u16) -> Url {
    Url::parse(&format!("http://{host}:{port}/page")).unwrap()
}

proptest! {
    #[test]
    fn an_entry_reads_back_as_it_is_written(
        host in name(), below: bool, port in prop::option::of(1_u16..)
    ) {
        let entry = Entry {
            hosts: if below { Hosts::Below(host) } else { Hosts::Named(Host::Domain(host)) },
            port,
        };
        prop_assert_eq!(entry.to_string().parse::<Entry>().unwrap(), entry);
    }

    #[test]
    fn a_host_is_the_same_in_capitals_and_with_a_dot_at_its_end(host in name(), port in 1_u16..) {
        let list = list(&[&host]);
        for spelling in [host.to_uppercase(), format!("{host}."), host.clone()] {
            prop_assert_eq!(list.trust(&url(&spelling, port)), Some(Trust::Named));
            prop_assert!(list.names(&spelling));
        }
    }

    #[test]
    fn only_the_host_that_is_named_is_let_through(one in name(), other in name(), port in 1_u16..) {
        let list = list(&[&one]);
        prop_assert_eq!(list.trust(&url(&other, port)).is_some(), one == other);
        prop_assert_eq!(list.names(&other), one == other);
    }

    #[test]
    fn only_the_port_that_is_named_is_let_through(host in name(), one in 1_u16.., other in 1_u16..) {
        let list = list(&[&format!("{host}:{one}")]);
        prop_assert_eq!(list.trust(&url(&host, other)).is_some(), one == other);
    }

    #[test]
    fn a_star_covers_what_is_below_and_no_other(domain in name(), labels in name(), other in name()) {
        let list = list(&[&format!("*.{domain}")]);
        let below = format!("{labels}.{domain}");
        prop_assume!(below.len() < 250);
        prop_assert_eq!(list.trust(&url(&below, 80)), Some(Trust::Covered));
        prop_assert_eq!(list.trust(&url(&domain, 80)), None);
        // The same letters, without the dot between.
        prop_assert_eq!(list.trust(&url(&format!("{labels}{domain}"), 80)).is_some(),
            format!("{labels}{domain}").ends_with(&format!(".{domain}")));
        prop_assert_eq!(list.trust(&url(&other, 80)).is_some(), other.ends_with(&format!(".{domain}")));
        prop_assert!(!list.names(&below), "a star trusts no name in full");
    }

    #[test]
    fn an_address_is_the_same_in_every_spelling(bits: u32, port in 1_u16..) {
        let address = std::net::Ipv4Addr::from_bits(bits);
        let list = list(&[&address.to_string()]);
        let [a, b, c, d] = address.octets();
        for spelling in [
            bits.to_string(),
            format!("0x{bits:x}"),
            format!("0{bits:o}"),
            format!("0{a:o}.0x{b:x}.{}", u32::from(c) << 8 | u32::from(d)),
            format!("{a}.{}", bits & 0xff_ffff),
        ] {
            prop_assert_eq!(list.trust(&url(&spelling, port)), Some(Trust::Named), "{}", spelling);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in ".*") {
        let _ = text.parse::<Entry>();
        list(&["*.a.org", "b"]).names(&text);
    }
}
