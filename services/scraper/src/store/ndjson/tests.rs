#![allow(clippy::unwrap_used)]
use super::*;
use crate::outcome::Outcome;
use std::time::{Duration, SystemTime};
use url::Url;

fn run(name: &str) -> RunId {
    name.parse().unwrap()
}

fn url(number: u32) -> Url {
    format!("http://origin/page/{number}").parse().unwrap()
}

fn rows(numbers: impl IntoIterator<Item = u32>) -> Vec<Row> {
    let row = |number| {
        Row::from(Outcome {
            url: url(number),
            status: Some(200),
            error: None,
            attempts: 1,
            page: None,
            bytes: 100,
            elapsed: Duration::ZERO,
            fetched_at: SystemTime::UNIX_EPOCH,
        })
    };
    numbers.into_iter().map(row).collect()
}

/// A file in a folder of its own, with the lines of run `a` about pages 1 to 3.
fn three_lines() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pages.ndjson");
    let (mut file, done) = File::open(&path, run("a"), true).unwrap();
    assert!(done.is_empty());
    file.write(&rows(1..=3)).unwrap();
    file.close().unwrap();
    (folder, path)
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn lines(path: &Path) -> usize {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    for line in text.lines() {
        serde_json::from_str::<LineKey>(line).unwrap();
    }
    text.lines().count()
}

#[test]
fn a_resumed_run_finds_its_own_lines_and_no_others() {
    let (_folder, path) = three_lines();
    let (mut other, none) = File::open(&path, run("b"), true).unwrap();
    assert!(none.is_empty());
    other.write(&rows([9])).unwrap();
    other.close().unwrap();

    let (mut file, done) = File::open(&path, run("a"), true).unwrap();
    file.write(&rows([4])).unwrap();
    file.close().unwrap();

    assert_eq!(done.len(), 3);
    assert!((1..=3).all(|number| done.contains(&url(number))));
    assert!(!done.contains(&url(9)));
    assert_eq!(lines(&path), 5);
}

#[test]
fn a_last_line_that_was_cut_off_anywhere_is_mended() {
    let (_folder, path) = three_lines();
    let whole = fs::read(&path).unwrap();
    let last = whole[..whole.len() - 1]
        .iter()
        .rposition(|&byte| byte == b'\n')
        .unwrap();
    for length in last + 1..=whole.len() {
        fs::write(&path, &whole[..length]).unwrap();

        let (mut file, done) = File::open(&path, run("a"), true).unwrap();
        file.write(&rows([7])).unwrap();
        drop(file);

        // Cut before its end a line says nothing; without its line end, all.
        let kept = if length >= whole.len() - 1 { 3 } else { 2 };
        assert_eq!(done.len(), kept, "{length} of {}", whole.len());
        assert_eq!(lines(&path), kept + 1);
    }
}

#[test]
fn zeros_that_a_crash_left_at_the_end_are_removed() {
    let (_folder, path) = three_lines();
    append(&path, &"\0".repeat(4096));

    let (_, done) = File::open(&path, run("a"), true).unwrap();

    assert_eq!(done.len(), 3);
    assert_eq!(lines(&path), 3);
}

#[test]
fn somebody_elses_text_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("letter.txt");
    fs::write(&path, "Dear all,\nbest regards").unwrap();

    let refused = File::open(&path, run("a"), false).unwrap_err();

    assert!(refused.0.contains("letter.txt"), "{refused}");
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "Dear all,\nbest regards"
    );
}

#[test]
fn a_line_in_the_middle_that_is_no_outcome_is_named() {
    let (_folder, path) = three_lines();
    append(&path, "{\"run\": \"a\"}\n");
    append(&path, "{\"run\": \"a\", \"url\": \"http://origin/\"}\n");

    let refused = File::open(&path, run("a"), true).unwrap_err();

    assert!(refused.0.contains("line 4 of"), "{refused}");
}

#[test]
fn what_cannot_be_written_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for (path, says) in [
        (folder.path().to_owned(), "is a directory: name a file"),
        (folder.path().join("none/pages.ndjson"), "make its folder"),
        (PathBuf::from("/dev/null/pages"), "name another file"),
    ] {
        let refused = File::open(&path, run("a"), false).unwrap_err();

        assert!(refused.0.contains(says), "{refused}");
        assert!(refused.0.contains(path.to_str().unwrap()), "{refused}");
    }
}

#[test]
fn two_scrapers_do_not_write_to_one_file() {
    let (_folder, path) = three_lines();
    let first = File::open(&path, run("a"), false).unwrap();

    let refused = File::open(&path, run("b"), false).unwrap_err();

    assert!(refused.0.contains("another scraper"), "{refused}");
    drop(first);
    File::open(&path, run("b"), false).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_with_what_to_do() {
    let (mut file, _) = File::open(Path::new("/dev/full"), run("a"), false).unwrap();

    let trouble = file.write(&rows(1..=3)).unwrap_err();

    assert!(!trouble.passes);
    assert!(trouble.text.contains("/dev/full"), "{}", trouble.text);
    assert!(trouble.text.contains("make room"), "{}", trouble.text);
    let refused = File::open(Path::new("/dev/full"), run("a"), true).unwrap_err();
    assert!(refused.0.contains("device"), "{refused}");
}
