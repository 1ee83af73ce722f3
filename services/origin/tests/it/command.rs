//! The command line.

use crate::served::{Origin, origin};

fn refused(arguments: &[&str]) -> String {
    let output = origin().arg("serve").args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(64), "{arguments:?}");
    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!(line.lines().count(), 1, "{line}");
    line
}

#[test]
fn what_it_cannot_do_is_refused_in_one_line() {
    for (arguments, says) in [
        (&["--reset", "2"][..], "--reset <SHARE>"),
        (&["--latency", "soon"], "lognormal:100ms,0.5"),
        (&["--rate-limit", "x"], "requests per second"),
        (&["--pages", "0"], "must be from 1 to 1000000"),
        (&["--reset", "0.6", "--malformed", "0.6"], "at most 1"),
        (&["--all-faults", "0.6", "--malformed", "0.6"], "at most 1"),
        (&["--slowbody", "1"], "did you mean --slow-body?"),
    ] {
        let line = refused(arguments);
        assert!(line.contains(says), "{arguments:?}: {line}");
    }
}

#[test]
fn the_environment_says_the_same_as_the_options() {
    let output = origin()
        .args(["serve", "--pages", "1"])
        .env("ORIGIN_LATENCY", "soon")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("ORIGIN_LATENCY")
    );
}

#[test]
fn its_health_can_be_asked_for() {
    let running = Origin::start("--api-host 127.0.0.1");
    let healthcheck = |port: u16| {
        let mut command = origin();
        command.args(["healthcheck", "--admin-port", &port.to_string()]);
        command.output().unwrap().status.code()
    };
    assert_eq!(healthcheck(running.line.admin.port()), Some(0));
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    assert_eq!(healthcheck(port), Some(1));
}
