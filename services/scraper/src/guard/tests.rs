#![allow(clippy::unwrap_used)]
use super::*;

fn guard(entries: &[&str]) -> Guard {
    Guard::new(AllowList::new(
        entries.iter().map(|entry| entry.parse().unwrap()),
    ))
}

fn check(guard: &Guard, url: &str) -> Result<(), Refusal> {
    guard.check_url(&Url::parse(url).unwrap())
}

/// Attempts to be let through to where nothing may be fetched from, all the
/// more since here everything public may. Those whose name must be resolved
/// first are in the resolver's tests.
const ATTEMPTS: [&str; 58] = [
    // This machine, by name and address.
    "http://127.0.0.1/",
    "http://127.0.0.1:9000/metrics",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.255.255.254/",
    "http://127.0.0.1./",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]:8080/",
    "http://0.0.0.0/",
    "http://0/",
    "http://[::]/",
    // Decimal, hexadecimal, octal, and all of them together.
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0X7F.1/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://0177.0x0.0.1/",
    "http://00000000177.0.0.1/",
    "http://0x7f.0.1/",
    "http://3232235521/",
    "http://0xa9fea9fe/",
    "http://2852039166/",
    "http://0251.0376.0251.0376/",
    // Percent, full width, circled: what a browser takes for digits and dots.
    "http://%31%32%37.0.0.1/",
    "http://１２７.0.0.1/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    // Private networks and the provider's.
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://[fc00::1]/",
    "http://[fdff::1]/",
    "http://[fec0::1]/",
    // Link-local and the clouds' metadata.
    "http://169.254.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/v2/credentials",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://[fe80::1]/",
    "http://[fd00:ec2::254]/",
    // IPv4 inside IPv6: mapped, compatible, translated, NAT64, 6to4, Teredo.
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[64:ff9b::169.254.169.254]/",
    "http://[64:ff9b::10.0.0.1]/",
    "http://[64:ff9b:1::127.0.0.1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:4136:e378:8000:63bf:f5ff:fffe]/",
    // Many receivers, examples, and what is set aside.
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[ff02::1]/",
    "http://192.0.2.1/",
    "http://198.18.0.1/",
    "http://[2001:db8::1]/",
];

#[test]
fn no_attempt_is_let_through_where_all_that_is_public_may_be_fetched() {
    let guard = guard(&["*", "origin:8080"]);
    for url in ATTEMPTS {
        let refused = check(&guard, url);

        assert!(
            matches!(refused, Err(Refusal::Address { .. })),
            "{url}: {refused:?}"
        );
    }
    assert_eq!(check(&guard, "http://1.1.1.1/"), Ok(()));
    assert_eq!(check(&guard, "http://[2606:4700::1111]/"), Ok(()));
    assert_eq!(check(&guard, "http://example.org/"), Ok(()));
}

#[test]
fn no_attempt_is_let_through_where_only_the_origin_may_be_fetched() {
    let guard = guard(&["origin:8080"]);
    let others = [
        "http://origin/",
        "http://origin:9000/metrics",
        "http://origin.evil.com:8080/",
        "http://evil.com:8080/origin:8080/",
        "http://evil.com:8080?origin:8080",
        "http://evil.com:8080#origin:8080",
        "http://evil.com:8080\\origin:8080/",
        "http://notorigin:8080/",
        "http://localhost:8080/",
        "http://1.1.1.1:8080/",
    ];
    for url in ATTEMPTS.iter().chain(&others) {
        let refused = check(&guard, url);

        assert!(
            matches!(refused, Err(Refusal::NotAllowed(_))),
            "{url}: {refused:?}"
        );
    }
    assert_eq!(check(&guard, "http://origin:8080/page/1"), Ok(()));
    assert_eq!(check(&guard, "http://ORIGIN.:8080/page/1"), Ok(()));
}

#[test]
fn only_http_and_https_are_let_through_whoever_asks() {
    for guard in [guard(&["*"]), Guard::unrestricted()] {
        for url in [
            "file:///etc/passwd",
            "ftp://example.org/",
            "gopher://example.org:6379/_FLUSHALL",
            "data:text/html,hello",
            "javascript:alert(1)",
            "ws://example.org/",
            "unix:/var/run/docker.sock",
            "blob:http://example.org/",
        ] {
            let refused = check(&guard, url);
            assert!(
                matches!(refused, Err(Refusal::Scheme(_))),
                "{url}: {refused:?}"
            );
        }
        for url in [
            "http://user@example.org/",
            "http://user:word@example.org/",
            "http://:word@example.org/",
            "http://example.org@169.254.169.254/",
            "http://example.org:80@127.0.0.1/",
        ] {
            assert_eq!(check(&guard, url), Err(Refusal::Credentials), "{url}");
        }
    }
}

#[test]
fn a_name_that_is_on_the_list_may_lead_into_ones_own_network_and_no_further() {
    let guard = guard(&["origin:8080", "*.example.org"]);
    for (name, address, permitted) in [
        ("origin", "172.18.0.3", true),
        ("origin", "127.0.0.1", true),
        ("origin", "100.64.0.1", true),
        ("origin", "fd12:3456::1", true),
        ("origin", "1.1.1.1", true),
        ("origin", "::ffff:10.0.0.1", true),
        ("origin", "169.254.169.254", false),
        ("origin", "fd00:ec2::254", false),
        ("origin", "169.254.1.1", false),
        ("origin", "fe80::1", false),
        ("origin", "0.0.0.0", false),
        ("origin", "::", false),
        ("origin", "224.0.0.1", false),
        ("origin", "2002:a00:1::", false),
        ("a.example.org", "1.1.1.1", true),
        ("a.example.org", "10.0.0.1", false),
        ("a.example.org", "127.0.0.1", false),
        ("other", "10.0.0.1", false),
    ] {
        let checked = guard.check_address(name, address.parse().unwrap());

        assert_eq!(checked.is_ok(), permitted, "{name} {address}: {checked:?}");
    }
}

#[test]
fn an_address_that_is_on_the_list_is_meant() {
    let guard = guard(&["127.0.0.1:8080", "[::1]", "169.254.169.254"]);
    for (url, permitted) in [
        ("http://127.0.0.1:8080/", true),
        ("http://127.0.0.1:9000/", false),
        ("http://[::1]:1234/", true),
        ("http://169.254.169.254/", true),
        ("http://[::ffff:127.0.0.1]:8080/", false),
        ("http://localhost:8080/", false),
    ] {
        assert_eq!(check(&guard, url).is_ok(), permitted, "{url}");
    }
}

#[test]
fn a_command_line_may_allow_everything() {
    for url in ATTEMPTS {
        assert_eq!(check(&Guard::unrestricted(), url), Ok(()), "{url}");
    }
}

#[test]
fn a_refusal_says_where_the_host_leads() {
    let guard = guard(&["*"]);
    let by_address = check(&guard, "http://0251.0376.0251.0376/").unwrap_err();
    let by_name = guard.check_address("a.org", [10, 0, 0, 1].into());

    assert_eq!(
        by_address.to_string(),
        "169.254.169.254 is a cloud metadata address, from where nothing may be fetched"
    );
    assert_eq!(
        by_name.unwrap_err().to_string(),
        "a.org leads to 10.0.0.1, a private address, from where nothing may be fetched"
    );
}
