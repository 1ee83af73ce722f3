//! Lists of URLs, good and bad.

use crate::programs::{Origin, ended, run, summary};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use tempfile::TempDir;

fn list(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list.txt");
    std::fs::write(&file, text).unwrap();
    (folder, file)
}

fn fetched(text: &str, options: &str) -> Output {
    let (_folder, file) = list(text);
    let options = format!("--allow-private --format json {options}");
    ended(run(&options).arg("--urls").arg(file))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn duplicates_are_fetched_once_however_they_are_written() {
    let origin = Origin::start("");
    let url = origin.url();
    let list =
        format!("# mine\n{url}/page/1\n\n{url}/page/1#part\n {url}/./page/%31 \n{url}/page/2\r\n");

    let output = fetched(&list, "");

    assert!(output.status.success(), "{output:?}");
    let summary = summary(&output);
    assert_eq!(
        (&summary["pages"], &summary["urls"]["duplicates"]),
        (&2.into(), &2.into())
    );
    assert!(origin.attempts().values().all(|attempts| *attempts == 1));
}

#[test]
fn bad_lines_are_named_with_their_number_and_cost_no_other() {
    let origin = Origin::start("");
    let mut list = format!("{}/page/1\nnonsense\nftp://x/\n", origin.url());
    let _ = writeln!(list, "http://{}/", "a".repeat(100_000));
    let _ = writeln!(list, "{}/page/2", origin.url());

    let output = fetched(&list, "");

    assert_eq!(output.status.code(), Some(64), "{output:?}");
    assert_eq!(summary(&output)["pages"], 2);
    let said = said(&output);
    for part in [
        "line 2: \"nonsense\"",
        "line 3: \"ftp://x/\"",
        "line 4: is longer",
        "3 lines of",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn of_many_bad_lines_some_are_named() {
    let output = fetched(&"x\n".repeat(1000), "");
    let said = said(&output);
    assert!(said.lines().count() < 20, "{said}");
    assert!(said.contains("990 more"), "{said}");
}

/// No page that was asked for, so no mean of them and none that was fetched.
#[test]
fn a_list_without_a_url_is_not_said_to_be_fetched() {
    let (_folder, file) = list("not one\n");

    let output = ended(run("").arg("--urls").arg(file));

    let said = said(&output);
    assert_eq!(output.status.code(), Some(64), "{said}");
    assert!(
        said.contains("one line of") && said.contains("there are no others"),
        "{said}"
    );
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(table.contains("CPU"), "{table}");
    assert!(!table.contains("ms a URL"), "{table}");
}

#[test]
fn what_is_no_list_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "\n# nothing\n").unwrap();
    for (path, part) in [
        (folder.path().to_owned(), "is a directory"),
        (folder.path().join("missing"), "cannot be read"),
        (empty, "holds no URL"),
    ] {
        let output = ended(run("--format json").arg("--urls").arg(&path));

        assert_eq!(output.status.code(), Some(64), "{output:?}");
        let said = said(&output);
        assert!(
            said.contains(part) && said.contains(path.to_str().unwrap()),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    for options in [
        "",
        "--urls x --origin http://h",
        "--origin http://h/path",
        "--origin h",
        "--origin http://h --store x",
        "--origin http://h --store postgres",
        "--origin http://h --resume x",
    ] {
        let output = ended(&mut run(options));
        assert_eq!(output.status.code(), Some(64), "{options}: {output:?}");
        assert_eq!(said(&output).lines().count(), 1, "{options}: {output:?}");
    }
}

#[test]
fn private_addresses_are_fetched_from_when_that_is_allowed_only() {
    let origin = Origin::start("");
    let (_folder, file) = list(&format!("{}/page/1\nhttp://localhost:1/\n", origin.url()));

    let output = ended(run("--format json").arg("--urls").arg(file));

    assert!(output.status.success(), "{output:?}");
    assert_eq!(summary(&output)["failed"]["refused"], 2);
    let said = said(&output);
    assert!(
        said.contains("2 URLs were refused") && said.contains("--allow-private"),
        "{said}"
    );
    assert_eq!(origin.stats()["requests"], 0);
}

#[test]
fn a_line_on_standard_input_is_fetched_when_it_is_there() {
    let origin = Origin::start("");
    let mut command = run("--urls - --allow-private --format json");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for page in 1..=3 {
        writeln!(stdin, "{}/page/{page}", origin.url()).unwrap();

        crate::programs::eventually("the page is fetched while the list is open", || {
            (origin.attempts().len() == page).then_some(())
        });
    }
    drop(stdin);
    assert_eq!(summary(&child.wait_with_output().unwrap())["pages"], 3);
}

#[test]
fn a_million_urls_take_the_memory_of_their_fingerprints() {
    // Refused one by one, so that the list and not the network is tried.
    let mut list = String::new();
    for number in 0..1_000_000 {
        let _ = writeln!(
            list,
            "http://127.0.0.1/a-path-of-some-length/as-pages-have-them/{number}"
        );
    }
    let (_folder, file) = self::list(&list);

    let output = ended(run("--format json --ignore-robots").arg("--urls").arg(file));

    assert!(output.status.success(), "{output:?}");
    let summary = summary(&output);
    assert_eq!(summary["failed"]["refused"], 1_000_000);
    let memory = summary["memory_peak_bytes"].as_u64().unwrap();
    assert!(memory < 100 << 20, "{memory} bytes");
}
