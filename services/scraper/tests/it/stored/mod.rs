//! `scraper run` and where it stores: kills, outages of PostgreSQL, and what
//! cannot be stored in.

mod kills;
mod outages;
mod refusals;

use crate::postgres::{Cluster, PASSWORD};
use crate::programs::{Origin, run};
use std::collections::BTreeSet;
use std::process::Command;

/// `scraper run` over the pages of `origin`, stored in PostgreSQL.
fn run_into(cluster: &Cluster, origin: &Origin, options: &str) -> Command {
    let mut command = run(&format!("--origin {} {options}", origin.url()));
    command
        .args(["--format", "json", "--store", "postgres", "--ignore-robots"])
        .args(["--database-url", &cluster.url("postgres")])
        .arg("--database-password-file")
        .arg(cluster.password_file(PASSWORD));
    command
}

/// The paths of the pages that are stored, each of which may be there once, and
/// the run they belong to, once there is one.
async fn stored(cluster: &Cluster) -> (BTreeSet<String>, Option<String>) {
    let mut connection = cluster.connect("postgres").await.unwrap();
    // No such table before the run has made it.
    let rows: Vec<(String, String)> = sqlx::query_as("SELECT run, url FROM pages")
        .fetch_all(&mut connection)
        .await
        .unwrap_or_default();
    let run = rows.first().map(|(run, _)| run.clone());
    assert!(
        rows.iter().all(|(of, _)| Some(of) == run.as_ref()),
        "one run"
    );
    let paths: BTreeSet<_> = rows.iter().map(|(_, url)| path(url)).collect();
    assert_eq!(paths.len(), rows.len(), "each page once");
    (paths, run)
}

fn path(url: &str) -> String {
    url.parse::<url::Url>().unwrap().path().to_owned()
}

fn pages(count: u32) -> BTreeSet<String> {
    (1..=count).map(|page| format!("/page/{page}")).collect()
}
