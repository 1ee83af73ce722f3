//! What is wrong with the files and how they hang together, and the bounds
//! that keep a bad one from costing time or memory.

use super::{folder, load, load_files, said};
use crate::compose::Environment;
use std::path::Path;
use std::time::{Duration, Instant};

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
            "services:\n  a: {image: x}\nvolumes:\n",
            "compose/lab.yml:3: volumes holds nothing, not a mapping",
        ),
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
            "compose/lab.yml:1: cannot read x.yml: it does not exist",
        ),
        (
            "include: x.yml\nservices:\n  a: {image: x}\n",
            "compose/lab.yml:1: include holds text, not a list",
        ),
        (
            "include:\n- path: x.yml\nservices:\n  a: {image: x}\n",
            "compose/lab.yml:2: include has a mapping, not a file's name",
        ),
        (
            "include: [../x.yml]\nservices:\n  a: {image: x}\n",
            "compose/lab.yml:1: ../x.yml is outside the Compose folder",
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

#[test]
fn included_services_are_the_labs_own_and_cannot_be_changed() {
    let lab = "include: [more.yml]\nservices:\n  a: {image: x, depends_on: [b]}\n";
    let more = "services:\n  b: {image: y, volumes: ['data:/d']}\nvolumes:\n  data:\n";

    let loaded = load_files(&[("lab.yml", lab), ("more.yml", more)]).unwrap();

    let names: Vec<_> = loaded.model.services.keys().collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(&*loaded.place("b", "image").file, "more.yml");
    let again = "services:\n  c: {image: y}\n  a: {image: y}\n  b: {image: y}\n";
    assert_eq!(
        said(&[("lab.yml", lab), ("more.yml", again)]),
        [
            "compose/lab.yml:3: a: more.yml is included and has this service too, and Compose \
             refuses to change it; choose another name"
        ]
    );
    let nested = "include: [lab.yml]\nservices:\n  b: {image: y}\n";
    assert_eq!(
        said(&[("lab.yml", lab), ("more.yml", nested)]),
        [
            "compose/lab.yml:3: a: it depends on b, which this lab does not have; \
             add b to the lab's services",
            "compose/more.yml:1: an included file that includes others is not used in labs; \
             include them in the lab's file"
        ]
    );
}
