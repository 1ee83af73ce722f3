//! A whole service as a process: `examples/greeter.rs`.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Output};

use rustix::process::Signal;
use serving::{Serving, eventually};

use crate::clients::get;

fn greeter() -> Command {
    // …/target/debug/deps/it-<hash> → …/target/debug/examples/greeter
    let test = std::env::current_exe().unwrap();
    let path: PathBuf = test.ancestors().nth(2).unwrap().join("examples/greeter");
    assert!(
        path.exists(),
        "cargo test builds it; else: cargo build --example greeter"
    );
    let mut command = Command::new(path);
    for name in [
        "API_PORT",
        "ADMIN_PORT",
        "API_HOST",
        "ADMIN_HOST",
        "DRAIN_SECONDS",
        "LOG_FORMAT",
        "RUST_LOG",
    ] {
        command.env_remove(name);
    }
    command
}

/// A running `greeter serve`.
fn serving(more: &[&str]) -> Serving {
    Serving::start(&mut greeter(), more)
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn prints_where_it_listens_and_serves_there() {
    let serving = serving(&[]);

    assert_eq!(get(serving.line.api, "/").body, "hello");
    assert_eq!(get(serving.line.admin, "/readyz").status, 200);
    assert_ne!(serving.line.api.port(), serving.line.admin.port());
}

#[test]
fn a_signal_drains_it_and_it_exits_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut serving = serving(&[]);

        serving.signal(signal);

        assert_eq!(serving.ended().code(), Some(0), "{signal:?}");
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut serving = serving(&["--drain-seconds", "3600"]);
    // Half a request: the drain waits for the rest of it.
    let mut stream = TcpStream::connect(serving.line.api).unwrap();
    stream.write_all(b"GET / HT").unwrap();
    // Answered after it, so the server has seen that connection by now.
    assert_eq!(get(serving.line.api, "/").status, 200);

    serving.signal(Signal::TERM);
    eventually("it drains", || {
        (get(serving.line.admin, "/readyz").body == "draining").then_some(())
    });
    serving.signal(Signal::INT);

    assert_eq!(serving.ended().code(), Some(130));
}

#[test]
fn healthcheck_tells_by_its_exit_code() {
    let mut serving = serving(&[]);
    let port = serving.line.admin.port().to_string();
    let check = || {
        let output = greeter()
            .args(["healthcheck", "--admin-port", &port])
            .output();
        output.unwrap()
    };

    let healthy = check();
    assert_eq!(healthy.status.code(), Some(0));
    assert_eq!(stderr(&healthy), "");

    serving.signal(Signal::TERM);
    serving.ended();
    let gone = check();
    assert_eq!(gone.status.code(), Some(1));
    assert_eq!(stderr(&gone).lines().count(), 1, "{}", stderr(&gone));
}

#[test]
fn bad_configuration_is_one_line_and_exit_code_64() {
    let by_environment = |name: &str, value: &str| {
        let mut command = greeter();
        command.arg("serve").env(name, value);
        command
    };
    let by_arguments = |arguments: &[&str]| {
        let mut command = greeter();
        command.args(arguments);
        command
    };
    for (mut command, parts) in [
        (
            by_arguments(&["serve", "--port", "abc"]),
            vec!["--port", "API_PORT", "abc", "0 to 65535"],
        ),
        (
            by_environment("API_PORT", "70000"),
            vec!["--port", "API_PORT", "70000", "65535"],
        ),
        (
            by_environment("DRAIN_SECONDS", "-1"),
            vec!["DRAIN_SECONDS", "-1", "0 to 3600"],
        ),
        (
            by_environment("BODY_LIMIT_BYTES", "1MB"),
            vec!["BODY_LIMIT_BYTES", "1MB", "at least 1"],
        ),
        (
            by_environment("API_HOST", "localhost"),
            vec!["API_HOST", "localhost", "IP address"],
        ),
        (
            by_environment("LOG_FORMAT", "xml"),
            vec!["LOG_FORMAT", "xml", "human or json"],
        ),
        (
            by_environment("RUST_LOG", "greeter=loud"),
            vec!["RUST_LOG", "greeter=loud"],
        ),
        (
            by_arguments(&["serve", "--prot", "1"]),
            vec!["--prot", "did you mean --port?"],
        ),
        (
            by_arguments(&["sreve"]),
            vec!["sreve", "serve, healthcheck", "did you mean serve?"],
        ),
        (by_arguments(&[]), vec!["serve, healthcheck"]),
    ] {
        let output = command.output().unwrap();

        let line = stderr(&output);
        assert_eq!(output.status.code(), Some(64), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
        for part in parts {
            assert!(line.contains(part), "{part:?} is missing in {line}");
        }
    }
}

#[test]
fn help_and_version_exit_0() {
    for argument in ["--help", "--version"] {
        let output = greeter().arg(argument).output().unwrap();

        assert_eq!(output.status.code(), Some(0));
        assert!(!output.stdout.is_empty());
    }
}

#[test]
fn a_taken_port_is_an_error_that_names_it() {
    let serving = serving(&[]);
    let port = serving.line.api.port().to_string();

    let output = greeter()
        .args(["serve", "--admin-port", "0", "--port", &port])
        .output()
        .unwrap();

    assert_eq!(output.status.code(), Some(1));
    let line = stderr(&output);
    assert!(line.contains(&port) && line.contains("API_PORT"), "{line}");
}
