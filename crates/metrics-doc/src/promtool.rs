//! What Prometheus itself thinks of names, units and help texts.

use std::io::{ErrorKind, Write as _};
use std::process::{Command, Stdio};

/// Has `promtool check metrics` (of Debian's package `prometheus`) judge a
/// scrape; panics with its complaints, but for lines that speak of a metric in
/// `excused`.
///
/// Where it is not installed this says that it was left out, unless
/// `PARLAB_REQUIRE_DOCKER` is set, as in CI: then all tools must be there.
pub fn check_with_promtool(scrape: &str, excused: &[&str]) {
    let Some(complaints) = complaints(scrape) else {
        let required = std::env::var_os("PARLAB_REQUIRE_DOCKER").is_some();
        assert!(!required, "promtool is missing: apt-get install prometheus");
        println!("left out: promtool is not installed (Debian's package prometheus has it)");
        return;
    };
    let of_excused = |line: &String| {
        let mut words = line.split([' ', '"', ':']);
        words.any(|word| excused.contains(&word))
    };
    let left: Vec<_> = complaints.iter().filter(|line| !of_excused(line)).collect();
    assert!(left.is_empty(), "promtool: {left:#?}");
}

/// What it says, line by line; `None` where it is not installed.
fn complaints(scrape: &str) -> Option<Vec<String>> {
    let started = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut promtool = match started {
        Ok(promtool) => promtool,
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) => panic!("promtool does not start: {error}"),
    };
    let mut stdin = promtool.stdin.take().expect("it was piped");
    stdin.write_all(scrape.as_bytes()).expect("promtool reads");
    drop(stdin);
    let output = promtool.wait_with_output().expect("promtool ends");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<String> = said
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(str::to_owned)
        .collect();
    assert!(
        output.status.success() || !lines.is_empty(),
        "promtool failed without a word"
    );
    Some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# HELP a_total A.\n# TYPE a_total counter\na_total 1\n";
    const BAD: &str = "# HELP b_runs B.\n# TYPE b_runs counter\nb_runs 1\n";

    #[test]
    fn promtool_is_heard_and_only_what_is_excused_passes() {
        if complaints(GOOD).is_none() {
            return; // not installed
        }
        check_with_promtool(GOOD, &[]);
        check_with_promtool(BAD, &["b_runs"]);
        for (scrape, excused) in [(BAD, &[][..]), (BAD, &["b"]), ("not a scrape", &[])] {
            let refused = std::panic::catch_unwind(|| check_with_promtool(scrape, excused));
            assert!(refused.is_err(), "{scrape} {excused:?}");
        }
    }
}
