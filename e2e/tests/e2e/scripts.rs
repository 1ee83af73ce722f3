//! The scripts' own parts, without Docker and without a lab.

use crate::support::{Checkout, said};
use std::process::Command;

/// Sources these parts of the scripts in the checkout, and runs a command.
fn with_parts(checkout: &Checkout, parts: &[&str], command: &str) -> (Option<i32>, String) {
    let source = |part: &&str| format!(". scripts/lib/{part}.sh; ");
    let sourced: Vec<String> = parts.iter().map(source).collect();
    let sourced = sourced.concat();
    let output = Command::new("sh")
        .current_dir(checkout.path(""))
        .args(["-euc", &format!("{sourced}{command}")])
        .env_remove("CI")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    (output.status.code(), said(&output))
}

#[test]
fn a_taken_port_is_told_with_its_service_its_line_and_its_variable() {
    let checkout = Checkout::new();
    let lab = "services:\n  page:\n    ports: [\"127.0.0.1:${PARLAB_PORT_PAGE:-3000}:3000\"]\n  \
               fixed:\n    ports:\n      - \"8080:80\"\n";
    std::fs::write(checkout.path("compose/lab-x.yml"), lab).unwrap();
    let explained = |variables: &str, said_by_docker: &str| {
        std::fs::write(checkout.path("log"), format!("first\n{said_by_docker}\n")).unwrap();
        let command = format!("{variables} explain_taken_port log");
        with_parts(&checkout, &["common", "ports"], &command)
    };
    let engine = "driver failed programming external connectivity on endpoint page-1 (a1b2): ";

    for (variables, said_by_docker, expected) in [
        (
            "",
            "Bind for 127.0.0.1:3000 failed: port is already allocated",
            "port 3000 of this machine is taken, so page (compose/lab-x.yml:3) cannot have it\n  \
             choose another one, PARLAB_PORT_PAGE=<port> in front of make",
        ),
        (
            "PARLAB_PORT_PAGE=4000;",
            "Error starting userland proxy: listen tcp4 127.0.0.1:4000: bind: address already in use",
            "port 4000 of this machine is taken, so page (compose/lab-x.yml:3)",
        ),
        (
            "",
            "failed to bind host port for 0.0.0.0:8080:172.18.0.2:80/tcp: address already in use",
            "so fixed (compose/lab-x.yml:6) cannot have it\n  write another one there",
        ),
        (
            "",
            "Bind for :::5000 failed: port is already allocated",
            "port 5000 of this machine is taken\n  end what listens there",
        ),
    ] {
        let (status, said) = explained(variables, &format!("{engine}{said_by_docker}"));
        assert_eq!(status, Some(0), "{said}");
        assert!(said.contains(expected), "{said}");
    }
    let (status, said) = explained("", "Error response from daemon: no such image");
    assert_eq!(status, Some(1), "another failure is not explained: {said}");
}

#[test]
fn a_failed_step_shows_the_end_of_its_log_unless_it_is_explained() {
    let checkout = Checkout::new();
    std::fs::create_dir_all(checkout.path("results/.run")).unwrap();
    let step = "fails() { echo 'cannot do this'; return 3; }; explains() { echo plainly; }; ";
    let phase = |explained_by: &str| {
        let command = format!("{step}{explained_by} phase 'doing it' fails");
        with_parts(&checkout, &["common"], &command)
    };

    let (status, said) = phase("");
    assert_eq!(status, Some(3), "{said}");
    assert!(
        said.contains("doing it failed") && said.contains("cannot do this"),
        "{said}"
    );
    let (status, said) = phase("explained_by=explains;");
    assert_eq!(status, Some(3), "{said}");
    assert!(
        said.contains("plainly") && !said.contains("cannot do this"),
        "{said}"
    );
}

#[test]
fn without_a_terminal_stand_ins_are_made_only_where_that_was_asked_for() {
    let checkout = Checkout::new();
    let made = "echo stand-ins are made\n";
    std::fs::write(checkout.path("scripts/offline-images.sh"), made).unwrap();

    let (status, said) = with_parts(&checkout, &["common", "images"], "make_stand_ins");
    assert_eq!(status, Some(69), "{said}");
    assert!(
        said.contains("make offline-images") && !said.contains("are made"),
        "{said}"
    );
    let (status, said) = with_parts(&checkout, &["common", "images"], "CI=true; make_stand_ins");
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("stand-ins are made"), "{said}");
}

#[test]
fn make_tells_a_lab_which_variables_stand_on_its_command_line() {
    let checkout = Checkout::new();
    let told = "printf '<%s>\\n' \"$LAB_GIVEN\"\n";
    std::fs::write(checkout.path("scripts/lab.sh"), told).unwrap();
    let given = |arguments: &[&str]| {
        let mut make = checkout.make(&[&["lab-primes"], arguments].concat());
        said(&make.env("ROUND", "1").output().unwrap())
    };

    assert!(given(&["LIMT=3", "STATION=a b=c"]).contains("<LIMT STATION>"));
    assert!(
        given(&[]).contains("<>"),
        "the environment is not the command line"
    );
}
