//! `metrics snapshot`, on a made-up host and on this one.

use crate::service::metrics;
use crate::tree::{Tree, id};
use serde_json::Value;

const SCHEMA: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../docs/snapshot.schema.json"
);

fn snapshot(arguments: &[String]) -> Value {
    let output = metrics()
        .args(["snapshot", "--json", "--interval", "300ms"])
        .args(arguments)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let snapshot = serde_json::from_slice(&output.stdout).unwrap();
    let schema = std::fs::read_to_string(SCHEMA).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    if let Err(error) = validator.validate(&snapshot) {
        panic!("{error}: {snapshot}");
    }
    snapshot
}

#[test]
fn this_machine_is_measured_over_a_real_interval() {
    // Something that uses a CPU, to be seen among the processes.
    let busy = std::thread::spawn(|| {
        let until = std::time::Instant::now() + std::time::Duration::from_secs(3);
        while std::time::Instant::now() < until {}
    });

    let snapshot = snapshot(&["--top".into(), "1000".into()]);

    busy.join().unwrap();
    assert!(snapshot["interval_seconds"].as_f64().unwrap() >= 0.3);
    let online = snapshot["cpus_online"].as_u64().unwrap() as usize;
    assert_eq!(snapshot["cores"].as_array().unwrap().len(), online);
    let own = u64::from(std::process::id());
    let processes = snapshot["processes"].as_array().unwrap();
    let this = processes.iter().find(|one| one["pid"] == own).unwrap();
    assert!(this["cpu_percent"].as_f64().unwrap() > 0.0, "{this}");
    assert!((this["last_cpu"].as_u64().unwrap()) < 8192, "{this}");
    let uses = processes
        .iter()
        .map(|one| one["cpu_percent"].as_f64().unwrap());
    assert!(uses.is_sorted_by(|one, other| one >= other));
}

#[test]
fn what_a_host_does_not_tell_is_null_and_hidden_processes_are_said() {
    let tree = Tree::with_cpus(&[0, 3], 1000);
    tree.process(7, "own \u{1b}[2J", 500, 3);
    let arguments = tree.arguments();

    let snapshot = snapshot(&arguments);

    // Nothing was counted meanwhile.
    assert_eq!(snapshot["cpu"], Value::Null);
    assert_eq!(snapshot["cores"][1]["cpu"], 3);
    assert_eq!(snapshot["cores"][1]["use"], Value::Null);
    assert_eq!(snapshot["cores"][1]["frequency_hertz"], Value::Null);
    assert_eq!(snapshot["processes_hidden"], true);
    assert_eq!(snapshot["processes"], Value::Array(Vec::new()));
    tree.process(1, "init", 1, 0);
    tree.frequencies(&[0, 3]);
    let told = self::snapshot(&arguments);
    assert_eq!(told["processes_hidden"], false);
    assert_eq!(told["cores"][1]["frequency_hertz"], 2_450_000_000.0);
}

#[test]
fn the_text_names_cores_processes_and_containers() {
    let tree = Tree::with_cpus(&[0, 3], 1000);
    tree.v2_group(&format!("docker/{}", id('1')), 5_000_000, 40);
    tree.process(7, "own", 500, 3);
    let output = metrics()
        .args(["snapshot", "--interval", "0.3"])
        .args(tree.arguments())
        .output()
        .unwrap();

    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("2 CPUs, ? used, ? stolen"), "{text}");
    assert!(text.contains("load 0.52 1.58 12.59"), "{text}");
    assert!(text.contains("memory 25.0 % used of 7.81 MiB"), "{text}");
    assert!(text.contains("111111111111"), "{text}");
    assert!(text.contains("sees only processes of its own"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[test]
fn where_there_is_no_proc_nobody_is_said_to_hide_processes() {
    let output = metrics()
        .args(["snapshot", "--interval", "100ms", "--proc", "/nowhere"])
        .output()
        .unwrap();

    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("hides"), "{text}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("no process can be read in /nowhere: --proc"),
        "{said}"
    );
}
