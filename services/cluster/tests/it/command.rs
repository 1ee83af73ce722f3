//! The command line.

use crate::served::{Cluster, cluster};

fn refused(arguments: &[&str]) -> String {
    let output = cluster().arg("serve").args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(64), "{arguments:?}");
    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!(line.lines().count(), 1, "{line}");
    line
}

#[test]
fn what_it_cannot_do_is_refused_in_one_line() {
    for (arguments, says) in [
        (
            &["--workers", "0"][..],
            "auto, nproc, 2n+1 or a whole number from 1 to 256",
        ),
        (&["--workers", "1e9"], "from 1 to 256"),
        (&["--workers", "-2"], "CLUSTER_WORKERS"),
        (&["--workers", "n+1"], "auto, nproc, 2n+1"),
        (&["--threads", "0"], "must be from 1 to 256"),
        (
            &["--workers", "256", "--threads", "256"],
            "65536 threads; at most 512",
        ),
        (&["--strategy", "prefork"], "inherit, reuseport"),
        (&["--work", "-1"], "--work"),
        (&["--keep-alive", "soon"], "100ms to 1h"),
        (
            &["--maxconnections", "5"],
            "did you mean --max-connections?",
        ),
    ] {
        let line = refused(arguments);
        assert!(line.contains(says), "{arguments:?}: {line}");
    }
}

#[test]
fn the_environment_says_the_same_as_the_options() {
    let output = cluster()
        .arg("serve")
        .env("CLUSTER_WORKERS", "none")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(64));
    let mut command = Cluster::command("");
    command
        .env("CLUSTER_WORKERS", "3")
        .env("CLUSTER_STRATEGY", "reuseport");
    let running = Cluster::spawn(command);
    assert_eq!(running.workers().len(), 3);
    assert_eq!(running.family()["strategy"], "reuseport");
}

#[test]
fn each_rule_starts_as_many_workers_as_it_says() {
    let host = std::thread::available_parallelism().unwrap().get();
    let workers = |rule: &str| Cluster::start(&format!("--workers {rule}")).workers().len();
    // A quota can only make the first one smaller.
    assert!((1..=host).contains(&workers("auto")));
    let nproc = workers("nproc");
    assert!(nproc >= host);
    assert_eq!(workers("2n+1"), 2 * nproc + 1);
}

#[test]
fn a_worker_is_nothing_that_a_person_starts() {
    let help = cluster().arg("--help").output().unwrap();
    assert!(!String::from_utf8_lossy(&help.stdout).contains("  worker"));
    for orders in ["", "{}"] {
        let output = cluster().args(["worker", orders]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("started by its master alone"), "{said}");
    }
}

#[test]
fn its_health_can_be_asked_for() {
    let running = Cluster::start("--workers 1");
    let healthcheck = |port: u16| {
        let mut command = cluster();
        command.args(["healthcheck", "--admin-port", &port.to_string()]);
        command.output().unwrap().status.code()
    };
    assert_eq!(healthcheck(running.line.admin.port()), Some(0));
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    assert_eq!(healthcheck(port), Some(1));
}
