//! The scripts' own parts, without Docker and without a lab.

use crate::local::bench::programs;
use crate::support::{Checkout, root, said};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
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
    let lab = "services:\n  page:\n    ports: [\"127.0.0.1:${PARLAB_PORT_PAGE:-3456}:3456\"]\n  \
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
            "Bind for 127.0.0.1:3456 failed: port is already allocated",
            "port 3456 of this machine is taken, so page (compose/lab-x.yml:3) cannot have it\n  \
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
fn what_is_no_port_keeps_no_watcher_down() {
    let checkout = Checkout::new();
    std::fs::create_dir_all(checkout.path("results/.run")).unwrap();
    let chosen = |value: &str| {
        // Docker is not asked: whatever listens here is another program's.
        let command = format!(
            "is_taken() {{ [ $1 = 4000 ]; }}; is_ours() {{ false; }}; PARLAB_PORT_PROMETHEUS='{value}'; choose_ports; \
             echo \"prometheus at <$PARLAB_PORT_PROMETHEUS>\"; cat $STATE/watchers.said"
        );
        std::fs::write(checkout.path("results/.run/watchers.said"), "").unwrap();
        let (status, said) = with_parts(&checkout, &["common", "ports", "observability"], &command);
        assert_eq!(status, Some(0), "{said}");
        said
    };

    for none in [
        "abc",
        "70000",
        "-1",
        "123456789012345678901234567890",
        "80 81",
    ] {
        let said = chosen(none);
        assert!(said.contains("prometheus at <0>"), "{said}");
        let why = format!("! PARLAB_PORT_PROMETHEUS='{none}' is no port (0 to 65535)");
        assert!(said.contains(&why), "{said}");
    }
    let taken = chosen("4000");
    assert!(taken.contains("prometheus at <0>"), "{taken}");
    assert!(
        taken.contains("port 4000 of this machine is taken"),
        "{taken}"
    );
    for port in ["4001", "0", "65535"] {
        let said = chosen(port);
        assert!(said.contains(&format!("prometheus at <{port}>")), "{said}");
        assert!(!said.contains("! "), "{said}");
    }
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

#[test]
fn the_local_runner_is_told_which_script_it_is_to_end_with() {
    let checkout = Checkout::new();
    let runner = checkout.path("target/release/lab");
    std::fs::create_dir_all(runner.parent().unwrap()).unwrap();
    std::fs::write(&runner, "#!/bin/sh\necho \"$PPID: $*\"\n").unwrap();
    let run = "chmod +x target/release/lab; unset CARGO_TARGET_DIR; topic=primes; echo \"shell $$\"; run_local";

    let (status, said) = with_parts(&checkout, &["common", "local"], run);

    assert_eq!(status, Some(0), "{said}");
    let (_, said) = said.split_once("shell ").unwrap();
    let (shell, called) = said.split_once('\n').unwrap();
    let expected = format!("{shell}: run --local --script {shell} ");
    assert!(called.starts_with(&expected), "{called}");
}

#[test]
fn what_a_terminal_sends_to_all_of_a_pipe_reaches_the_local_runner_once() {
    let checkout = Checkout::new();
    let run = "run_untended sh -c 'echo \"runner $$ in $(ps -o sid= -p $$)\"'";

    let (status, said) = with_parts(&checkout, &["common", "local"], run);

    assert_eq!(status, Some(0), "{said}");
    let (_, said) = said.split_once("runner ").unwrap();
    let words: Vec<&str> = said.split_whitespace().collect();
    assert_eq!(words[0], words[2], "a session of its own: {said}");
}

/// What `lab check` says of these options, and how it ends.
fn checked(variable: &str, value: &str) -> (Option<i32>, String) {
    let output = Command::new(programs().join("lab"))
        .current_dir(root())
        .args(["check", "--lab", "primes", "--format", "stations"])
        .env(variable, value)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    (output.status.code(), stderr.into_owned())
}

#[test]
fn a_slip_in_a_name_is_refused_before_anything_is_built_as_the_runner_would() {
    let checkout = Checkout::new();
    let parts = ["common", "options"];
    let file = "file=compose/lab-primes.yml; ";
    let by_script = |variable: &str, value: &str| {
        let command = format!("{file}{variable}='{value}' check_options");
        with_parts(&checkout, &parts, &command)
    };
    let names = |list: &str| {
        let (status, said) = with_parts(&checkout, &parts, &format!("{file}{list}"));
        assert_eq!(status, Some(0), "{said}");
        let words = said.split_whitespace().skip(2).map(str::to_owned);
        words.collect::<Vec<_>>()
    };
    let (variables, stations) = (names("known_variables"), names("written_services"));
    assert!(variables.contains(&"LIMIT".to_owned()) && variables.contains(&"LOCAL".to_owned()));
    assert!(stations.contains(&"primes-half".to_owned()), "{stations:?}");

    let stations = stations.iter().filter(|name| *name != "lab");
    let given = variables.iter().map(|name| ("LAB_GIVEN", name));
    for (variable, name) in given.chain(stations.map(|name| ("STATION", name))) {
        let end = name.len() - 1;
        for slip in [
            &name[..end],
            &format!("{name}x"),
            &format!("x{}", &name[1..]),
        ] {
            let (status, said) = by_script(variable, slip);
            assert_eq!(status, Some(64), "{variable}={slip}: {said}");
            let (status, expected) = checked(variable, slip);
            assert_eq!(status, Some(64), "{variable}={slip}: {expected}");
            let line = said.lines().find(|line| line.starts_with('✗')).unwrap();
            assert!(expected.starts_with(line), "{line} or {expected}");
        }
        assert_eq!(by_script(variable, name).0, Some(0), "{name}");
    }
    let help = Command::new(programs().join("lab"))
        .args(["check", "--help"])
        .output()
        .unwrap();
    let help = said(&help);
    let all: Vec<&str> = help
        .split("[env: ")
        .skip(1)
        .map(|text| text.split('=').next().unwrap())
        .collect();
    assert!(all.contains(&"ROUNDS"), "{help}");
    assert_eq!(by_script("LAB_GIVEN", &all.join(" ")).0, Some(0), "{all:?}");
    assert_eq!(by_script("LAB_GIVEN", "DEBIAN_MIRROR").0, Some(0));
}

#[test]
fn while_a_lab_runs_nothing_is_removed_or_built_beside_it() {
    let checkout = Checkout::new();
    // A lock of its own: another lab may be running on this machine.
    let lock = checkout.path("lock");
    let part = checkout.path("scripts/lib/lock.sh");
    let text = std::fs::read_to_string(&part).unwrap();
    let own = text.replace("LOCK=/tmp/parlab.lock", &format!("LOCK={}", lock.display()));
    assert_ne!(own, text);
    std::fs::write(part, own).unwrap();
    let run = checkout.path("results/.run");
    std::fs::create_dir_all(&run).unwrap();
    let told = |verb: &str| {
        let mut make = checkout.make(&[verb]);
        make.env("DOCKER_HOST", "unix:///nowhere")
            // What `make clean` clears is not the folder that this test is in.
            .env("CARGO_TARGET_DIR", checkout.path("target"));
        said(&make.output().unwrap())
    };

    std::fs::create_dir(&lock).unwrap();
    std::fs::write(lock.join("pid"), std::process::id().to_string()).unwrap();
    for verb in ["down", "clean", "observability"] {
        let said = told(verb);
        let running = format!("a lab is running here (process {})", std::process::id());
        assert!(said.contains(&running), "make {verb}: {said}");
        assert!(run.exists(), "make {verb}: {said}");
    }

    std::fs::remove_dir_all(&lock).unwrap();
    let said = told("clean");
    assert!(!said.contains("a lab is running"), "{said}");
    assert!(!run.exists(), "{said}");
}

/// What `make top` comes to where no Docker answers, when the runner last told this.
fn top(checkout: &Checkout, told: &str, settings: &[&str]) -> String {
    let control = checkout.path("results/.run/control");
    std::fs::create_dir_all(&control).unwrap();
    std::fs::write(control.join("now.json"), told).unwrap();
    let mut make = checkout.make(&[&["top"], settings].concat());
    make.env("DOCKER_HOST", "unix:///nowhere")
        .env_remove("CARGO_TARGET_DIR");
    said(&make.output().unwrap())
}

#[test]
fn make_top_shows_the_local_run_under_way_and_builds_nothing_then() {
    let checkout = Checkout::new();
    let program = checkout.path("target/release/lab-top");
    std::fs::create_dir_all(program.parent().unwrap()).unwrap();
    std::fs::write(&program, "#!/bin/sh\necho \"shown <$*>\"\n").unwrap();
    std::fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    let goes_on = r#"{"backend": "local", "ended_seconds": null}"#;

    // Without a terminal it is one frame.
    assert!(top(&checkout, goes_on, &[]).contains("shown <--once>"));
    assert!(top(&checkout, goes_on, &["JSON=1"]).contains("shown <--json>"));
    assert!(top(&checkout, goes_on, &["ONCE=1", "JSON=1"]).contains("shown <--json --once>"));

    let ended = r#"{"backend":"local","ended_seconds":1763750000.5}"#;
    let in_docker = r#"{"backend":"docker","ended_seconds":null}"#;
    for elsewhere in [ended, in_docker] {
        let said = top(&checkout, elsewhere, &[]);
        assert!(said.contains("no local run is under way"), "{said}");
        assert!(said.contains("make lab-primes LOCAL=1"), "{said}");
    }
    let both = top(&checkout, goes_on, &["LOCAL=1", "DOCKER=1"]);
    assert!(both.contains("set one of them, or neither"), "{both}");
}
