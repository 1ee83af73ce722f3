//! Starts that fail.

use crate::load::Load;
use crate::served::{Cluster, eventually, signal};
use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};

/// So many threads that a worker needs more than [`starve`] leaves.
const MANY_THREADS: &str = "--workers 2 --threads 200 --work 0";

/// From now on workers do not get the memory for their threads' stacks: the limit
/// is inherited, and the master itself has what it needs.
fn starve(cluster: &Cluster) {
    let status = std::fs::read_to_string(format!("/proc/{}/status", cluster.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let kib: u64 = line
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    let limit = (kib << 10) + (32 << 20);
    let limit = Rlimit {
        current: Some(limit),
        maximum: Some(limit),
    };
    let master = Pid::from_raw(cluster.pid().cast_signed());
    prlimit(master, Resource::As, limit).unwrap();
}

#[test]
fn workers_that_die_at_their_start_are_tried_again_later_and_then_given_up() {
    let mut cluster = Cluster::start(MANY_THREADS);
    starve(&cluster);
    let workers = cluster.workers();

    // One dies: the other serves on, and the master does not give up.
    signal(workers[0], Signal::KILL);
    eventually("five starts have failed", || {
        let failed = cluster.log().matches("a worker died at its start").count();
        (failed >= 5).then_some(())
    });
    let load = Load::start(cluster.http(), 2, "/", 10);
    eventually("the other one serves", || {
        (load.answered() > 50).then_some(())
    });
    load.stop();
    let log = cluster.log();
    for later in [
        "again_in_seconds=0.0",
        "again_in_seconds=0.1",
        "again_in_seconds=0.3",
    ] {
        assert!(log.contains(later), "{later}: {log}");
    }

    // Both are dead: nothing serves, and nothing comes.
    signal(workers[1], Signal::KILL);
    assert_eq!(cluster.ended().code(), Some(70));
    eventually("it is said", || {
        cluster.log().contains("error: ").then_some(())
    });
    let log = cluster.log();
    assert!(
        log.contains("workers in a row died before they were ready"),
        "{log}"
    );
    assert!(log.contains("--workers"), "{log}");
}

#[test]
fn a_rolling_restart_that_cannot_start_leaves_the_workers_as_they_are() {
    let cluster = Cluster::start(MANY_THREADS);
    let before = cluster.workers();
    starve(&cluster);
    let load = Load::start(cluster.http(), 2, "/", 10);
    cluster.signal(Signal::HUP);
    eventually("it is stopped", || {
        cluster
            .log()
            .contains("rolling restart stopped")
            .then_some(())
    });
    assert_eq!(cluster.workers(), before);
    let answered = load.answered();
    eventually("they serve on", || {
        (load.answered() > answered + 50).then_some(())
    });
    let tally = load.stop();
    assert!(tally.lost.is_empty(), "{:?}", tally.lost);
}

#[test]
fn a_port_that_is_taken_is_named_with_its_option() {
    let taken = Cluster::start("--workers 1 --strategy reuseport");
    for (port, option) in [
        (
            format!("--port {}", taken.http().port()),
            "--port (CLUSTER_PORT)",
        ),
        (
            format!(
                "--port 0 --strategy reuseport --port {}",
                taken.http().port()
            ),
            "--port (CLUSTER_PORT)",
        ),
        (
            format!("--api-port {}", taken.line.api.port()),
            "--api-port (API_PORT)",
        ),
        (
            format!("--admin-port {}", taken.line.admin.port()),
            "--admin-port (ADMIN_PORT)",
        ),
    ] {
        let port = port.split_whitespace().last().unwrap().to_owned();
        let name = option.split(' ').next().unwrap();
        let mut command = crate::served::cluster();
        command.args(["serve", "--workers", "1", "--strategy", "reuseport"]);
        for other in ["--port", "--api-port", "--admin-port"] {
            command.args([other, if other == name { &port } else { "0" }]);
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{option}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(&port) && said.contains(option), "{said}");
    }
    assert_eq!(taken.get("/?work=0").status, 200);
}
