//! What is wrong in a service, with its place, in words that say what to do.

use super::said;

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
        ("sysctls: 5", 4, "sysctls: 5 is not a list or a mapping"),
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
