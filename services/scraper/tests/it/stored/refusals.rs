//! Where nothing can be stored: told before anything is fetched.

use super::*;
use crate::programs::ended;

/// What the command says on stderr; it must fail and fetch nothing.
fn refused(origin: &Origin, command: &mut Command) -> String {
    let ended = ended(command);
    assert!(!ended.status.success(), "{ended:?}");
    assert!(ended.stdout.is_empty(), "{ended:?}");
    assert_eq!(origin.stats()["requests"], 0);
    String::from_utf8(ended.stderr).unwrap()
}

#[tokio::test]
async fn a_postgresql_that_cannot_be_used_is_told_with_what_to_do() {
    let Some(mut cluster) = Cluster::start().await else {
        return;
    };
    let origin = Origin::start("");
    let with = |cluster: &Cluster, url: &str, password: &str| {
        let mut command = run(&format!("--origin {} --store postgres", origin.url()));
        command
            .args(["--database-url", url, "--database-password-file"])
            .arg(cluster.password_file(password));
        command
    };
    let good = cluster.url("postgres");

    let wrong = refused(&origin, &mut with(&cluster, &good, "sardine"));
    assert!(wrong.contains("does not let scraper in"), "{wrong}");
    let missing = refused(
        &origin,
        &mut with(&cluster, &cluster.url("nowhere"), PASSWORD),
    );
    assert!(missing.contains("createdb nowhere"), "{missing}");
    cluster.crash();
    let away = refused(&origin, &mut with(&cluster, &good, PASSWORD));
    assert!(away.contains("no PostgreSQL listens at"), "{away}");

    for text in [wrong, missing, away] {
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

#[test]
fn a_file_that_cannot_be_used_is_told_with_what_to_do() {
    let origin = Origin::start("");
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().display();
    for (options, says) in [
        (
            format!("--store ndjson:{folder}"),
            "is a directory: name a file",
        ),
        (
            format!("--store ndjson:{folder}/none/a"),
            "make its folder first",
        ),
        ("--store sqlite:a".into(), "none, postgres or ndjson:FILE"),
        ("--store postgres".into(), "--database-url"),
        ("--store none --resume a".into(), "--resume"),
        (format!("--store ndjson:{folder}/a --resume a/b"), "letters"),
    ] {
        let mut command = run(&format!("--origin {} {options}", origin.url()));

        let refused = refused(&origin, &mut command);

        assert!(refused.contains(says), "{options}: {refused}");
        assert_eq!(refused.lines().count(), 1, "{refused}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_ends_the_run_with_what_to_do() {
    let origin = Origin::start("--pages 100000 --latency 1ms");
    let options = format!(
        "--origin {} --pages 100000 --store ndjson:/dev/full",
        origin.url()
    );

    let ended = ended(&mut run(&options));

    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let stderr = String::from_utf8(ended.stderr).unwrap();
    assert!(
        stderr.contains("/dev/full") && stderr.contains("make room"),
        "{stderr}"
    );
    // What there was is told all the same.
    let stdout = String::from_utf8(ended.stdout).unwrap();
    for row in ["pages", "not stored", "left", "stored"] {
        assert!(
            stdout
                .lines()
                .any(|line| line.trim_start().starts_with(row)),
            "{stdout}"
        );
    }
    assert!(
        stderr.contains("0 URLs have their outcome stored"),
        "{stderr}"
    );
    // Nobody fetches what cannot be stored.
    assert!(origin.stats()["requests"].as_u64() < Some(50_000));
}
