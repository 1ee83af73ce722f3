//! Names with many addresses, and replicas that come and go.

use crate::runs::{measured, millis, open, outside};
use crate::server::{Server, Then, whole};
use load::target::Resolve;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

/// Names have these addresses, until they are changed.
#[derive(Debug, Default)]
struct Changing(Mutex<Vec<IpAddr>>);

impl Changing {
    fn set(&self, last: &[u8]) {
        let addresses = last.iter().map(|last| ip(*last));
        *self.0.lock().unwrap() = addresses.collect();
    }
}

impl Resolve for Changing {
    fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        Ok(self.0.lock().unwrap().clone())
    }
}

fn ip(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, last))
}

/// A replica that says its name, at 127.0.0.`last`.
fn replica(name: &'static str, last: u8, port: u16) -> Server {
    Server::at(SocketAddr::new(ip(last), port), move |_, _| {
        Then::Answer(whole(&format!("X-Replica: {name}\r\n"), "hello"))
    })
}

#[test]
fn requests_are_spread_evenly_over_all_addresses() {
    let one = replica("one", 1, 0);
    let _two = replica("two", 2, one.port());
    let _three = replica("three", 3, one.port());
    let names = Arc::new(Changing::default());
    names.set(&[1, 2, 3]);
    let url = format!("http://cluster:{}/", one.port());

    let request = open(&url, 300.0, 1.0, 6);
    let (answer, _) = measured(request, &outside(&["cluster"], names, 1));

    assert_eq!((answer.answered, answer.by_replica.len()), (300, 3));
    for (name, count) in &answer.by_replica {
        // The order in which connections become open decides about the rest.
        assert!((70..=130).contains(count), "{name}: {count}");
    }
}

#[test]
fn a_replica_that_crashes_costs_its_own_requests_and_gets_its_share_when_it_is_back() {
    let one = replica("one", 1, 0);
    let two = replica("two", 2, one.port());
    let port = one.port();
    let names = Arc::new(Changing::default());
    names.set(&[1, 2]);
    let url = format!("http://cluster:{port}/");
    let outside = outside(&["cluster"], names.clone(), 1);

    let run = std::thread::spawn(move || measured(open(&url, 200.0, 6.0, 8), &outside).0);
    std::thread::sleep(millis(1500));
    drop(two);
    std::thread::sleep(millis(1000));
    // Under another address, as after a crash of its whole container.
    names.set(&[1, 3]);
    let back = replica("back", 3, port);
    let answer = run.join().unwrap();

    assert_eq!(answer.sent, 1200);
    assert!(answer.failures() < 100, "{:?}", answer.failed);
    assert!(answer.by_replica["two"] > 50, "{:?}", answer.by_replica);
    assert!(answer.by_replica["back"] > 50, "{:?}", answer.by_replica);
    assert!(back.connections() >= 3, "{}", back.connections());
    let last = answer
        .timeline
        .iter()
        .rev()
        .find(|step| step.1 > 0)
        .unwrap();
    assert_eq!(last.3, 0, "it has recovered: {:?}", answer.timeline);
}

#[test]
fn an_address_that_nobody_listens_at_takes_no_requests_from_the_others() {
    let one = replica("one", 1, 0);
    let names = Arc::new(Changing::default());
    names.set(&[1, 9]);
    let url = format!("http://cluster:{}/", one.port());
    let (answer, _) = measured(open(&url, 100.0, 2.0, 8), &outside(&["cluster"], names, 1));
    assert!(answer.answered >= 190, "{:?}", answer.failed);
}
