//! What is wrong, with its place, in words that say what to do.

use super::{folder, load, load_files};
use crate::compose::{Environment, Finding};
use std::path::Path;
use std::time::{Duration, Instant};

/// Every finding for a lab with these lines below `services:\n  one:`.
fn said_of(service: &str) -> Vec<String> {
    let lines: String = service
        .lines()
        .map(|line| format!("    {line}\n"))
        .collect();
    said(&[(
        "lab.yml",
        &format!("services:\n  one:\n    image: x\n{lines}"),
    )])
}

fn said(files: &[(&str, &str)]) -> Vec<String> {
    let findings = match load_files(files) {
        Ok(loaded) => loaded.warnings,
        Err(findings) => findings,
    };
    let print = |finding: &Finding| finding.shown_in("compose").to_string();
    findings.iter().map(print).collect()
}

/// Each of these is one finding, on the line that is named, with these words.
fn each_says(cases: &[(&str, usize, &str)]) {
    for (service, line, words) in cases {
        let said = said_of(service);
        assert_eq!(said.len(), 1, "{service:?}: {said:#?}");
        let start = format!("compose/lab.yml:{line}: ");
        assert!(said[0].starts_with(&start), "{service:?}: {said:?}");
        assert!(said[0].contains(words), "{service:?}: {said:?}");
    }
}

#[test]
fn limits_that_are_no_limits() {
    let deploy = |limit: &str| format!("deploy:\n  resources:\n    limits:\n      {limit}");
    for (limit, words) in [
        (
            "cpus: abc",
            "one: cpus: \"abc\" is not a number; write how many CPUs, such as 0.5 or 2",
        ),
        ("cpus: ''", "cpus: \"\" is not a number"),
        ("cpus: inf", "cpus: \"inf\" is not a number"),
        ("cpus: .inf", "cpus: .inf is not a number"),
        ("cpus: .nan", "cpus: .nan is not a number"),
        ("cpus: [1]", "cpus: a list is not a number"),
        ("cpus: true", "cpus: true is not a number"),
        ("cpus: -1", "cpus: -1 is not a number above 0"),
        ("cpus: 0", "cpus 0 means no limit to Compose"),
        ("cpus: '0.0'", "cpus 0 means no limit to Compose"),
        ("cpus: 0.001", "write at least 0.01"),
        ("cpus:", "cpus has no value"),
        (
            "memory: 12x",
            "memory: \"12x\" is not a size; write a size such as 256M",
        ),
        ("memory: 1000", "memory: 1000 is not text; write a unit"),
        ("memory: '0'", "is not a limit"),
        ("memory: -1", "is not text"),
        ("memory: {}", "memory: a mapping is not a size"),
        ("pids: 1.5", "pids: 1.5 is not a whole number"),
        ("pids: many", "pids: \"many\" is not a whole number"),
        (
            "cpu: 1",
            "deploy.resources.limits has no key \"cpu\"; did you mean cpus?",
        ),
    ] {
        each_says(&[(&deploy(limit), 7, words)]);
    }
}

#[test]
fn replicas_and_cpusets_that_are_none() {
    each_says(&[
        (
            "deploy: {replicas: -1}",
            4,
            "replicas: -1 is not a number of replicas",
        ),
        (
            "deploy: {replicas: many}",
            4,
            "replicas: \"many\" is not a whole number",
        ),
        ("deploy: {replicas: 1.5}", 4, "is not a whole number"),
        (
            "deploy: {replicas: 100000}",
            4,
            "write a number from 1 to 256",
        ),
        ("deploy: {replica: 2}", 4, "did you mean replicas?"),
        ("scale: -2", 4, "scale: -2 is not a number of replicas"),
        (
            "cpuset: '0-'",
            4,
            "cpuset: \"0-\" is not a list of CPUs; write CPU numbers",
        ),
        ("cpuset: '1-0'", 4, "is not a list of CPUs"),
        ("cpuset: a", 4, "is not a list of CPUs"),
        ("cpuset: '0, 1'", 4, "is not a list of CPUs"),
        (
            "cpuset: 0",
            4,
            "cpuset: 0 is not text; put it in quotes: \"0\"",
        ),
        ("cpuset:", 4, "cpuset has no value"),
        (
            "cpu_shares: lots",
            4,
            "cpu_shares: \"lots\" is not a number",
        ),
    ]);
}

#[test]
fn what_contradicts_itself() {
    each_says(&[
        (
            "cpus: 0.5\ndeploy: {resources: {limits: {cpus: 0.6}}}",
            4,
            "cpus is not the same as deploy.resources.limits.cpus, so Compose refuses both; remove cpus",
        ),
        (
            "cpus: 0.5\ndeploy: {resources: {limits: {memory: 64M}}}",
            4,
            "cpus is not the same",
        ),
        (
            "mem_limit: 64m\ndeploy: {resources: {limits: {memory: 65m}}}",
            4,
            "remove mem_limit",
        ),
        (
            "pids_limit: 5\ndeploy: {resources: {limits: {cpus: 1}}}",
            4,
            "remove pids_limit",
        ),
        (
            "scale: 3\ndeploy: {replicas: 2}",
            4,
            "scale is not the same as deploy.replicas",
        ),
        (
            "deploy: {replicas: 2}\ncontainer_name: c",
            5,
            "there are 2 replicas; remove container_name",
        ),
        ("container_name: c\nscale: 2", 4, "remove container_name"),
        (
            "security_opt: [a, a]",
            4,
            "security_opt: \"a\" is not given once only",
        ),
    ]);
    assert!(
        said_of(
            "cpus: 0.5\nmem_limit: 64m\ndeploy: {resources: {limits: {cpus: '0.50', memory: 64M}}}"
        )
        .is_empty()
    );
    assert!(said_of("container_name: c\ndeploy: {replicas: 1}").is_empty());
}

#[test]
fn other_values_of_the_wrong_type() {
    each_says(&[
        (
            "user: 1000",
            4,
            "user: 1000 is not text; put it in quotes: \"1000\"",
        ),
        ("init: maybe", 4, "init: \"maybe\" is not true or false"),
        ("command: [a, 1]", 4, "command: 1 is not text"),
        ("command: 5", 4, "command: 5 is not a list"),
        ("command: a 'b", 4, "close the quote"),
        ("environment: x", 4, "environment: \"x\" is not a mapping"),
        (
            "environment: {A: [1]}",
            4,
            "A: a list is not a single value",
        ),
        (
            "environment: [5]",
            4,
            "environment: a list is not a mapping",
        ),
        ("environment: {A: 2024-01-31}", 4, "put the date in quotes"),
        ("environment: {A: .inf}", 4, "put it in quotes"),
        ("profiles: x", 4, "profiles: \"x\" is not a list"),
        (
            "restart: sometimes",
            4,
            "restart: \"sometimes\" is not a restart policy",
        ),
        ("stop_grace_period: 5", 4, "is not text"),
        ("stop_grace_period: soon", 4, "is not a duration"),
        ("ports: ['http']", 4, "ports: \"http\" is not a port"),
        ("ports: ['99999:80']", 4, "is not a port"),
        ("ports: 80", 4, "ports: 80 is not a list"),
        ("volumes: ['a:b:c:d']", 4, "is not a mount"),
        ("volumes: [{target: /x}]", 4, "is not a mount"),
        ("depends_on: one-two", 4, "is not a list of services"),
        (
            "depends_on: {lab: {required: false}}",
            4,
            "says no condition",
        ),
        (
            "healthcheck: yes",
            4,
            "healthcheck: \"yes\" is not a mapping",
        ),
        ("deploy: 5", 4, "deploy: 5 is not a mapping"),
        ("deploy: {resources: }", 4, "resources has no value"),
        (
            "deploy: {resources: {limits: 5}}",
            4,
            "limits: 5 is not a mapping",
        ),
        ("build: [x]", 4, "build: a list is not a mapping or a path"),
        ("env_file: a.env", 4, "env_file is not used in labs"),
        ("sysctls: 5", 4, "sysctls: 5 is not a mapping"),
        (
            "volumes: ['data:/d']",
            4,
            "one: it uses \"data\", which volumes of this file does not declare; write `volumes: {data: }`",
        ),
        (
            "networks: [back]",
            4,
            "one: it uses \"back\", which networks of this file",
        ),
        ("expose: 80", 4, "expose: 80 is not a list"),
        ("ulimits: 5", 4, "ulimits: 5 is not a mapping"),
        ("environment:", 4, "environment has no value"),
        ("healthcheck: {test: }", 4, "test has no value"),
        ("cpu_set: '0'", 4, "did you mean cpuset?"),
    ]);
}

#[test]
fn what_does_something_else_than_it_seems_to_say_is_a_warning() {
    each_says(&[
        (
            "command: [$WHO]",
            4,
            "warning: the variable WHO is not set, so it is blank here",
        ),
        (
            "environment: {LIMIT: 21e5}",
            4,
            "warning: one: LIMIT: 21e5 reaches the container as 2.1e+06; put it in quotes: \"21e5\"",
        ),
        ("environment: {MODE: 010}", 4, "reaches the container as 8"),
        (
            "healthcheck: {test: [CMD, x], start_interval: 1s}",
            4,
            "needs Docker Engine 25",
        ),
    ]);
    assert!(said_of("environment: {A: '21e5', B: 2000000, C: 0.5}").is_empty());
}

#[test]
fn the_shape_of_the_file() {
    for (text, start) in [
        ("", "compose/lab.yml: is empty"),
        ("# nothing\n", "compose/lab.yml: is empty"),
        ("- a\n", "compose/lab.yml:1: holds a list, not a mapping"),
        ("x-a: 1\n", "compose/lab.yml: has no services"),
        (
            "service:\n  a: {image: x}\n",
            "compose/lab.yml:1: a Compose file has no key \"service\"; did you mean services?",
        ),
        (
            "services: {}\n",
            "compose/lab.yml:1: services holds a mapping, not services",
        ),
        ("services:\n", "compose/lab.yml:1: services holds nothing"),
        (
            "services:\n  a:\n",
            "compose/lab.yml:2: a: the service: nothing is not a mapping",
        ),
        (
            "services:\n  a: {command: [x]}\n",
            "compose/lab.yml:2: a: neither an image nor a build",
        ),
        (
            "services:\n  a b: {image: x}\n",
            "compose/lab.yml:2: \"a b\" is no name for a service",
        ),
        (
            "include: [x.yml]\nservices:\n  a: {image: x}\n",
            "compose/lab.yml:1: include is not used in labs",
        ),
        (
            "version: '3'\nservices:\n  a: {image: x}\n",
            "compose/lab.yml:1: warning: version is obsolete",
        ),
        (
            "services:\n  a:\n    image: x\n    image: y\n",
            "compose/lab.yml:4: image is already set on line 3",
        ),
        (
            "services:\n  a: {image: x, depends_on: [b]}\n",
            "compose/lab.yml:2: a: it depends on b, which this lab does not have",
        ),
        (
            "services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, depends_on: [a]}\n",
            "compose/lab.yml:2: services wait for one another: a, b",
        ),
    ] {
        let said = said(&[("lab.yml", text)]);
        assert_eq!(said.len(), 1, "{text:?}: {said:#?}");
        assert!(said[0].starts_with(start), "{text:?}: {said:?}");
    }
}

const CATALOGUE: &str = "services:\n  base: {image: x, imagee: y}\n  good: {image: x}\n";

#[test]
fn what_extends_wrongly() {
    for (extends, start) in [
        (
            "{file: services.yml, service: god}",
            "compose/lab.yml:2: one: services.yml has no service \"god\" to extend; did you mean good?",
        ),
        (
            "{file: service.yml, service: good}",
            "compose/lab.yml:2: cannot read service.yml: it does not exist; did you mean services.yml?",
        ),
        (
            "{file: ../services.yml, service: good}",
            "compose/lab.yml:2: one: ../services.yml is outside the Compose folder",
        ),
        (
            "{file: /etc/passwd, service: good}",
            "compose/lab.yml:2: one: /etc/passwd is outside",
        ),
        (
            "{file: services.yml}",
            "compose/lab.yml:2: one: extends names no service",
        ),
        (
            "{fil: services.yml, service: good}",
            "compose/lab.yml:2: one: extends has no key \"fil\"",
        ),
        ("5", "compose/lab.yml:2: one: extends is a number"),
        (
            "one",
            "compose/lab.yml:2: one: services extend one another in a circle: one → one",
        ),
        (
            "nobody",
            "compose/lab.yml:2: one: lab.yml has no service \"nobody\" to extend",
        ),
        (
            "{file: services.yml, service: base}",
            "compose/services.yml:2: one: a service has no key \"imagee\"; did you mean image?",
        ),
        (
            "{file: broken.yml, service: base}",
            "compose/broken.yml:2: not YAML",
        ),
        (
            "{file: empty.yml, service: base}",
            "compose/empty.yml: is empty",
        ),
    ] {
        let lab = format!("services:\n  one: {{extends: {extends}, command: [x]}}\n");
        let said = said(&[
            ("lab.yml", &lab),
            ("services.yml", CATALOGUE),
            ("broken.yml", "services: [\n"),
            ("empty.yml", ""),
        ]);
        assert_eq!(said.len(), 1, "{extends}: {said:#?}");
        assert!(said[0].starts_with(start), "{extends}: {said:?}");
    }
}

#[test]
fn circles_over_files_and_clashing_forms() {
    let circle = said(&[
        (
            "lab.yml",
            "services:\n  a: {extends: {file: o.yml, service: b}}\n",
        ),
        (
            "o.yml",
            "services:\n  b: {extends: {file: lab.yml, service: a}}\n",
        ),
    ]);
    assert_eq!(circle.len(), 1);
    assert!(circle[0].contains("in a circle: a → b → a"), "{circle:?}");

    let clash = said(&[(
        "lab.yml",
        "services:\n  a: {extends: b, deploy: 5}\n  b: {image: x, deploy: {replicas: 2}}\n",
    )]);
    assert_eq!(clash.len(), 1, "{clash:?}");
    assert!(clash[0].contains("a: deploy is a number here and a mapping in the service"));
}

#[test]
fn one_fault_in_a_catalogue_is_said_once_however_many_stations_extend_it() {
    let lab = "services:\n  a: {extends: {file: s.yml, service: base}}\n  b: {extends: {file: s.yml, service: base}}\n";
    let said = said(&[
        ("lab.yml", lab),
        ("s.yml", "services:\n  base: {image: x, cpus: abc}\n"),
    ]);
    assert_eq!(said.len(), 1, "{said:?}");
}

#[test]
fn several_faults_are_all_said_in_the_order_of_the_file() {
    let said = said(&[(
        "lab.yml",
        "services:\n  a: {image: x, cpus: abc}\n  b: {image: x, cpuset: '0-'}\n  c: {imag: x}\n",
    )]);
    let lines: Vec<_> = said
        .iter()
        .map(|said| said.split(':').nth(1).unwrap())
        .collect();
    assert_eq!(lines, ["2", "3", "4", "4"], "{said:#?}");
}

#[test]
fn a_required_variable_that_is_missing() {
    let said = said_of("command: ['${LIMIT:?how far to count}']");
    assert_eq!(
        said,
        [
            "compose/lab.yml:4: the variable LIMIT must be set: how far to count; \
          call it as: LIMIT=… make lab-…"
        ]
    );
}

#[test]
fn files_that_are_no_text_too_large_or_not_there() {
    let lab = |bytes: &[u8]| {
        let folder = folder(&[]);
        std::fs::write(folder.path().join("lab.yml"), bytes).unwrap();
        let findings = load(folder.path(), "lab.yml", &Environment::new()).unwrap_err();
        findings[0].shown_in("").to_string()
    };
    assert!(lab(b"a: 1\nb: \xff\n").starts_with("lab.yml:2: holds bytes that are not UTF-8"));
    assert!(lab(&vec![b'#'; 2 << 20]).contains("is larger than 1 MiB"));

    let empty = folder(&[]);
    let findings = load(empty.path(), "lab.yml", &Environment::new()).unwrap_err();
    assert!(findings[0].message.contains("it does not exist"));
    let gone = empty.path().join("gone");
    let findings = load(&gone, "lab.yml", &Environment::new()).unwrap_err();
    assert!(findings[0].hint.starts_with("there is no folder"));
    let findings = load(Path::new("/dev"), "null", &Environment::new()).unwrap_err();
    assert!(findings[0].message.contains("is empty"));
}

#[cfg(unix)]
#[test]
fn a_link_does_not_lead_out_of_the_folder() {
    let elsewhere = folder(&[("x.yml", CATALOGUE)]);
    let lab = folder(&[(
        "lab.yml",
        "services:\n  a: {extends: {file: link.yml, service: good}}\n",
    )]);
    std::os::unix::fs::symlink(elsewhere.path().join("x.yml"), lab.path().join("link.yml"))
        .unwrap();

    let findings = load(lab.path(), "lab.yml", &Environment::new()).unwrap_err();

    assert!(
        findings[0].message.contains("outside the Compose folder"),
        "{findings:?}"
    );
}

#[test]
fn long_chains_and_large_catalogues_are_bounded() {
    let started = Instant::now();
    let chain: String = (1..400)
        .map(|n| format!("  s{n}: {{extends: s{}}}\n", n - 1))
        .collect();
    let chain = said(&[(
        "lab.yml",
        &format!("services:\n  s0: {{image: x}}\n{chain}"),
    )]);
    assert!(
        chain
            .iter()
            .any(|said| said.contains("more than 32 services extend"))
    );

    let words = vec!["x"; 15_000].join(", ");
    let copies: String = (0..400)
        .map(|n| format!("  c{n}: {{extends: big}}\n"))
        .collect();
    let large = format!("services:\n  big: {{image: x, command: [{words}]}}\n{copies}");
    assert!(said(&[("lab.yml", &large)])[0].contains("values together"));
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn places_are_those_of_the_value_that_won() {
    let loaded = load_files(&[
        ("lab.yml", "services:\n  a:\n    extends: {file: s.yml, service: b}\n    deploy:\n      resources:\n        limits:\n          cpus: 2\n"),
        ("s.yml", "services:\n  b:\n    image: x\n    deploy:\n      resources:\n        limits:\n          cpus: 1\n          memory: 64M\n"),
    ])
    .unwrap();

    let at = |path| {
        let place = loaded.place("a", path);
        format!("{}:{}", place.file, place.line)
    };
    assert_eq!(at("deploy.resources.limits.cpus"), "lab.yml:7");
    assert_eq!(at("deploy.resources.limits.memory"), "s.yml:8");
    assert_eq!(at("image"), "s.yml:3");
    assert_eq!(at("cpuset"), "lab.yml:2");
    assert_eq!(loaded.place("nobody", "cpus").line, 0);
}
