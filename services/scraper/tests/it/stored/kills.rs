//! SIGKILL in the middle, and `--resume`.

use super::*;
use crate::programs::{Running, ended, eventually, summary};
use rustix::process::Signal;
use serde_json::Value;

const PAGES: u32 = 600;

/// What a resumed run must have done: fetched what was missing, and nothing else.
fn assert_fetched_the_rest(origin: &Origin, before: &BTreeSet<String>, summary: &Value) {
    let attempts = origin.attempts();
    let again: Vec<_> = before
        .iter()
        .filter(|path| attempts.contains_key(*path))
        .collect();
    assert!(again.is_empty(), "stored and fetched again: {again:?}");
    assert_eq!(before.len() + attempts.len(), PAGES as usize);
    assert_eq!(summary["urls"]["done_before"], before.len());
    assert_eq!(summary["stored"], attempts.len());
}

#[tokio::test]
async fn a_run_that_was_killed_is_resumed_from_postgresql() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let origin = Origin::start("--pages 1000 --latency 50ms");
    for mode in ["async", "threads", "sequential"] {
        sqlx::query("DROP TABLE IF EXISTS pages, _sqlx_migrations")
            .execute(&mut cluster.connect("postgres").await.unwrap())
            .await
            .unwrap();
        let options = format!("--pages {PAGES} --concurrency 8 --mode {mode}");
        let killed = Running::start(&mut run_into(&cluster, &origin, &options));
        while stored(&cluster).await.0.len() < 10 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }

        killed.signal(Signal::KILL);
        killed.ended();
        let (before, run) = stored(&cluster).await;
        origin.forget();
        let options = format!("--pages {PAGES} --concurrency 64 --resume {}", run.unwrap());
        let resumed = ended(&mut run_into(&cluster, &origin, &options));

        assert!(resumed.status.success(), "{resumed:?}");
        assert!(before.len() < PAGES as usize, "{mode}: killed too late");
        assert_fetched_the_rest(&origin, &before, &summary(&resumed));
        assert_eq!(stored(&cluster).await.0, pages(PAGES), "{mode}");
    }
}

#[test]
fn a_run_that_was_killed_is_resumed_from_its_file() {
    let origin = Origin::start("--pages 1000 --latency 50ms");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pages.ndjson");
    let lines = || {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        // The last one may not be whole yet.
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        let lines = whole
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        lines.collect::<Vec<Value>>()
    };
    let paths = || {
        let paths: Vec<_> = lines()
            .iter()
            .map(|line| path(line["url"].as_str().unwrap()))
            .collect();
        let different: BTreeSet<_> = paths.iter().cloned().collect();
        assert_eq!(different.len(), paths.len(), "each page once");
        different
    };
    let command = |options: &str| {
        run(&format!(
            "--origin {} --pages {PAGES} --format json --ignore-robots --store ndjson:{} {options}",
            origin.url(),
            file.display()
        ))
    };
    let killed = Running::start(&mut command("--concurrency 8"));
    eventually("some are stored", || (lines().len() >= 10).then_some(()));

    killed.signal(Signal::KILL);
    killed.ended();
    let before = paths();
    let run = lines()[0]["run"].as_str().unwrap().to_owned();
    // As a kill in the middle of a write would have left it.
    let mut torn = std::fs::read(&file).unwrap();
    torn.extend_from_slice(b"{\"run\":\"");
    std::fs::write(&file, torn).unwrap();
    origin.forget();
    let resumed = ended(&mut command(&format!("--concurrency 64 --resume {run}")));

    assert!(resumed.status.success(), "{resumed:?}");
    assert!(before.len() < PAGES as usize, "killed too late");
    assert_fetched_the_rest(&origin, &before, &summary(&resumed));
    assert_eq!(paths(), pages(PAGES));
}
