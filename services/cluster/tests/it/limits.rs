//! Bounds: connections, files.

use crate::load::Load;
use crate::served::{Cluster, eventually};
use crate::wire::Wire;
use rustix::process::{Resource, Rlimit, prlimit};
use std::process::Command;

#[test]
fn a_full_server_says_so_and_when_to_come_again() {
    let cluster = Cluster::start("--workers 2 --max-connections 3 --work 0");
    // Six that are served, and stay.
    let mut kept: Vec<Wire> = Vec::new();
    while kept.len() < 6 {
        let mut wire = Wire::open(cluster.http()).unwrap();
        assert_eq!(wire.ask("/").unwrap().status, 200, "{}", kept.len());
        kept.push(wire);
    }
    for _ in 0..20 {
        let mut wire = Wire::open(cluster.http()).unwrap();
        let seen = wire.ask("/").unwrap();
        assert_eq!(seen.status, 503);
        assert_eq!(seen.header("retry-after"), Some("1"));
        assert!(seen.header("x-replica").is_some() && seen.is_last());
        assert_eq!(seen.json()["status"], 503);
        assert!(wire.is_closed());
    }
    // Those who are in are served on.
    for wire in &mut kept {
        assert_eq!(wire.ask("/").unwrap().status, 200);
    }
    eventually("they are counted", || {
        let full = cluster.metric("cluster_connections_cut_total{reason=\"full\"}");
        (full >= 20.0).then_some(())
    });
    // And when one leaves there is room again.
    drop(kept.pop());
    eventually("there is room", || {
        let seen = Wire::open(cluster.http()).unwrap().ask("/").ok()?;
        (seen.status == 200).then_some(())
    });
}

/// A cluster whose shell allows so few files that the bound must come down.
#[test]
fn sixty_four_files_are_enough_to_serve_and_to_refuse() {
    let plain = Cluster::command("--workers 2 --work 0");
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -n 64 && exec \"$0\" \"$@\""])
        .arg(plain.get_program())
        .args(plain.get_args())
        .env_clear();
    let cluster = Cluster::spawn(command);
    assert!(cluster.log().contains("ulimit -n"), "{}", cluster.log());
    let mut kept = Vec::new();
    let mut refused = 0;
    for _ in 0..200 {
        let mut wire = Wire::open(cluster.http()).unwrap();
        match wire.ask("/").unwrap().status {
            200 => kept.push(wire),
            503 => refused += 1,
            other => panic!("{other}"),
        }
    }
    assert!(kept.len() >= 40 && refused > 0, "{} kept", kept.len());
    for wire in &mut kept {
        assert_eq!(wire.ask("/").unwrap().status, 200);
    }
    drop(kept);
    // The files are free again.
    let load = Load::start(cluster.http(), 4, "/", 5);
    eventually("it serves", || (load.answered() > 200).then_some(()));
    let tally = load.stop();
    assert!(tally.lost.is_empty(), "{:?}", tally.lost);
    assert_eq!(cluster.family()["restarts"], 0);
    assert!(
        !cluster.log().contains("cannot accept"),
        "{}",
        cluster.log()
    );
}

/// Raises this process' own limit; how many files it may have open.
pub(crate) fn allow_files(wanted: u64) -> u64 {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(wanted).min(wanted);
    let raised = Rlimit {
        current: Some(most.max(limit.current.unwrap_or(0))),
        maximum: limit.maximum,
    };
    let _ = prlimit(None, Resource::Nofile, raised);
    let now = rustix::process::getrlimit(Resource::Nofile);
    now.current.unwrap_or(u64::MAX)
}
