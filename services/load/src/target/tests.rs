#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

#[derive(Debug)]
struct Fixed(Vec<IpAddr>);

impl Resolve for Fixed {
    fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        Ok(self.0.clone())
    }
}

fn list(hosts: &[&str]) -> AllowList {
    AllowList::new(hosts).unwrap()
}

fn target(url: &str) -> Target {
    Target::new(url, None).unwrap()
}

fn request(target: &Target) -> String {
    String::from_utf8(target.request().to_vec()).unwrap()
}

#[test]
fn a_request_has_its_path_its_host_and_the_work() {
    let plain = request(&target("http://localhost:3000"));
    assert!(plain.starts_with("GET / HTTP/1.1\r\nHost: localhost:3000\r\n"));
    assert!(plain.ends_with("\r\n\r\n"));
    let work = Target::new("http://cluster-one/info?a=1", Some(70)).unwrap();
    let work = request(&work);
    assert!(work.starts_with("GET /info?a=1&work=70 HTTP/1.1\r\nHost: cluster-one:80\r\n"));
}

#[test]
fn nothing_can_be_smuggled_into_a_request() {
    let smuggled = request(&target("http://localhost/a\r\nX-Evil:%0d%0a b"));
    assert_eq!(smuggled.matches("\r\n").count(), 4, "{smuggled}");
    assert!(smuggled.starts_with("GET /aX-Evil:%0d%0a%20b HTTP/1.1\r\n"));
}

#[test]
fn what_is_no_target_is_refused() {
    for (url, says) in [
        ("", "is no URL"),
        ("localhost:3000", "must begin with http://"),
        ("https://localhost", "must begin with http://"),
        ("file:///etc/passwd", "must begin with http://"),
        ("http://a:b@localhost", "user"),
        ("http://", "is no URL"),
    ] {
        let why = Target::new(url, None).unwrap_err();
        assert!(why.contains(says), "{url}: {why}");
    }
}

#[test]
fn all_addresses_are_used_each_once() {
    let found: Vec<IpAddr> = ["10.0.0.2", "10.0.0.1", "10.0.0.2"]
        .map(|text| text.parse().unwrap())
        .into();
    let allow = list(&["cluster"]);
    let addresses = target("http://cluster:3000").addresses(&allow, &Fixed(found));
    let expected: Vec<SocketAddr> = ["10.0.0.1:3000", "10.0.0.2:3000"]
        .map(|text| text.parse().unwrap())
        .into();
    assert_eq!(addresses.unwrap(), expected);
}

#[test]
fn a_public_address_of_a_name_on_the_list_is_left_out() {
    let allow = list(&["cluster"]);
    let (private, public) = (
        "172.18.0.2".parse().unwrap(),
        "93.184.216.34".parse().unwrap(),
    );
    let both = Fixed(vec![private, public]);
    let addresses = target("http://cluster").addresses(&allow, &both).unwrap();
    assert_eq!(addresses, [SocketAddr::new(private, 80)]);

    let only = target("http://cluster").addresses(&allow, &Fixed(vec![public]));
    let why = only.unwrap_err().to_string();
    assert!(why.contains("93.184.216.34"), "{why}");
}

#[test]
fn two_ways_to_this_machine_are_one_server() {
    let addresses = |texts: &[&str]| {
        let found = texts.iter().map(|text| text.parse().unwrap()).collect();
        target("http://localhost")
            .addresses(&list(&[]), &Fixed(found))
            .unwrap()
    };
    let v4: SocketAddr = "127.0.0.1:80".parse().unwrap();
    let v6: SocketAddr = "[::1]:80".parse().unwrap();
    assert_eq!(addresses(&["::1", "127.0.0.1"]), [v4]);
    assert_eq!(addresses(&["::1"]), [v6]);
}

#[test]
fn localhost_is_this_machine_or_nobody() {
    let elsewhere = Fixed(vec!["10.0.0.1".parse().unwrap()]);
    let addresses = target("http://localhost").addresses(&list(&[]), &elsewhere);
    assert!(addresses.is_err());
}

#[test]
fn names_are_compared_as_hosts() {
    let allow = list(&["Cluster-One", " cluster-two. ", "", "10.1.2.3"]);
    for url in [
        "http://cluster-one/",
        "http://CLUSTER-ONE.:3000/",
        "http://cluster-two/x",
        "http://10.1.2.3/",
        "http://0x0a.1.2.3/",
        "http://127.0.0.1:1/",
        "http://127.1/",
        "http://[::1]/",
        "http://localhost/",
    ] {
        assert_eq!(allow.check_host(target(url).host()), Ok(()), "{url}");
    }
    for url in [
        "http://cluster-three/",
        "http://cluster-one.example/",
        "http://localhost.example/",
        "http://10.1.2.4/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
    ] {
        assert!(allow.check_host(target(url).host()).is_err(), "{url}");
    }
    assert!(AllowList::new(["*"]).is_err());
    assert!(AllowList::new(["a b"]).is_err());
}

proptest! {
    #[test]
    fn no_other_host_may_be_sent_load(name in "[a-z][a-z0-9-]{0,20}(\\.[a-z]{2,5})?") {
        prop_assume!(name != "localhost" && name != "cluster");
        let Ok(target) = Target::new(&format!("http://{name}/"), None) else {
            return Ok(());
        };
        prop_assert!(list(&["cluster"]).check_host(target.host()).is_err());
    }

    #[test]
    fn no_other_address_may_be_sent_load(bits: u32) {
        let address = std::net::Ipv4Addr::from(bits);
        let target = Target::new(&format!("http://{address}:3000/"), None).unwrap();
        let permitted = list(&[]).check_host(target.host()).is_ok();
        prop_assert_eq!(permitted, address.is_loopback());
    }

    #[test]
    fn whatever_is_given_is_a_request_or_refused(url in ".*", work: Option<u64>) {
        if let Ok(target) = Target::new(&url, work) {
            let text = request(&target);
            prop_assert_eq!(text.matches('\n').count(), 4);
            prop_assert!(text.is_ascii());
        }
    }
}
