//! Local stations with a program that does no work but tells addresses.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::compose::LabModel;
use crate::model;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

/// Stands for a service: tells what it was started with, tells two addresses,
/// and has a child of its own.
const SERVICE: &str = r#"#!/bin/sh
env >&2
echo "arguments: $*" >&2
port=7000 admin=7001
while [ $# -gt 0 ]; do
    case $1 in
        --port) [ "$2" = 0 ] || port=$2 ;;
        --admin-port) [ "$2" = 0 ] || admin=$2 ;;
    esac
    shift
done
[ -z "$FAIL" ] || { echo "cannot: $FAIL" >&2; exit 64; }
sleep 300 &
echo "{\"api\":\"127.0.0.1:$port\",\"admin\":\"127.0.0.1:$admin\"}"
wait
"#;

/// Stands for `lab enter`, which the test's own program is not.
const ENTER: &str = r#"#!/bin/sh
while [ "$1" != -- ]; do shift; done
shift
exec "$@"
"#;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in [("service", SERVICE), ("enter", ENTER)] {
            let path = folder.0.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        }
        folder
    }

    fn log(&self, replica: &str) -> String {
        std::fs::read_to_string(self.0.path().join(format!("logs/{replica}.log"))).unwrap()
    }

    async fn start(&self, services: &str) -> Local {
        self.try_start(services).await.unwrap()
    }

    async fn try_start(&self, services: &str) -> anyhow::Result<Local> {
        let json = format!(
            "{{\"services\": {{{services}}}, \"x-parlab\": {{\"beside\": [\"origin\"], \"needs\": [\"postgres\"]}}}}"
        );
        let model = LabModel::from_compose_json(&json).unwrap();
        let refused = BTreeMap::new();
        let places = Places {
            enter: self.0.path().join("enter"),
            logs: self.0.path().join("logs"),
        };
        let plan = plan(&model, self.0.path(), &refused);
        let specs = model::specs(&model, &refused, &[]);
        Local::start(specs, plan, Means::Affinity, &places, Components::default()).await
    }
}

impl Local {
    async fn processes(&self) -> Vec<u32> {
        let stations = self.stations.lock().await;
        let replicas = stations.iter().flat_map(|running| &running.replicas);
        replicas.map(Process::id).collect()
    }
}

/// Whether anything of a process group is left; what nobody reaps any more is
/// gone.
fn is_alive(group: u32) -> bool {
    std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let mut fields = fields.split_whitespace();
        let state = fields.next();
        fields.nth(1) == Some(&group.to_string()) && state != Some("Z")
    })
}

async fn ends(group: u32) {
    until(|| !is_alive(group)).await;
}

/// Waits until it holds: signals take effect a moment after they were sent.
async fn until(holds: impl Fn() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("it did not come to pass");
}

const ONE: &str = r#""one": {"image": "parlab/service", "restart": "unless-stopped"}"#;

#[tokio::test]
async fn a_station_gets_its_own_environment_and_nothing_of_the_callers() {
    let folder = Folder::new();

    let local = folder
        .start(
            r#""back": {"image": "parlab/service", "environment": {"SIZE": "5"}},
               "front": {"image": "parlab/service", "environment": {"BACK": "http://back:8080/x"}}"#,
        )
        .await;

    assert_eq!(local.backend(), Backend::Local);
    let replicas = local.replicas("front").await.unwrap();
    assert_eq!(replicas[0].api.port(), 7000);
    assert_eq!(replicas[0].admin.port(), 7001);
    let log = folder.log("front-1");
    assert!(log.contains("BACK=http://127.0.0.1:7000/x"), "{log}");
    assert!(log.contains("STATION_NAME=front-1-"), "{log}");
    assert!(!log.contains("CARGO"), "{log}");
    assert!(log.contains("arguments: serve --host 127.0.0.1"), "{log}");
    assert!(folder.log("back-1").contains("SIZE=5"));
}

#[tokio::test]
async fn dropping_ends_the_stations_and_their_children() {
    let folder = Folder::new();
    let local = folder.start(ONE).await;
    let groups = local.processes().await;
    assert!(groups.iter().all(|&group| is_alive(group)));

    drop(local);

    for group in groups {
        ends(group).await;
    }
}

#[tokio::test]
async fn a_panic_ends_them_too() {
    let folder = Folder::new();
    let local = folder.start(ONE).await;
    let groups = local.processes().await;

    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _running = local;
        panic!("as the runner would");
    }));

    assert!(panicked.is_err());
    for group in groups {
        ends(group).await;
    }
}

#[tokio::test]
async fn one_that_does_not_start_says_why_and_the_others_run() {
    let folder = Folder::new();

    let local = folder
        .start(&format!(
            r#"{ONE}, "bad": {{"image": "parlab/service", "environment": {{"FAIL": "no port"}}}},
               "gone": {{"image": "parlab/missing"}}"#
        ))
        .await;

    let why = |name: &str| {
        let spec = local.list().iter().find(|spec| spec.name == name).unwrap();
        spec.refused.clone().unwrap_or_default()
    };
    assert!(why("bad").contains("exit status: 64"), "{}", why("bad"));
    assert!(why("bad").contains("cannot: no port"), "{}", why("bad"));
    assert!(why("gone").contains("missing"), "{}", why("gone"));
    assert_eq!(why("one"), "");
    assert_eq!(local.replicas("one").await.unwrap().len(), 1);
}

#[tokio::test]
async fn stations_can_be_scaled_crashed_paused_and_killed() {
    let folder = Folder::new();
    let local = folder.start(ONE).await;

    local.act("one", Action::Scale(3)).await.unwrap();
    let three = local.processes().await;
    assert_eq!(three.len(), 3);
    local.act("one", Action::Scale(1)).await.unwrap();
    ends(three[2]).await;
    assert_eq!(local.processes().await, three[..1]);
    assert!(local.act("one", Action::Scale(65)).await.is_err());
    local.act("one", Action::Scale(0)).await.unwrap();
    ends(three[0]).await;
    assert!(local.replicas("one").await.unwrap().is_empty());
    local.act("one", Action::Scale(1)).await.unwrap();
    let three = local.processes().await;

    let before = local.replicas("one").await.unwrap();
    local.act("one", Action::Crash).await.unwrap();
    ends(three[0]).await;
    assert_eq!(
        local.replicas("one").await.unwrap(),
        before,
        "it came back where it was"
    );
    let back = local.processes().await;
    assert_ne!(back, three[..1]);

    local.act("one", Action::Pause).await.unwrap();
    until(|| state(back[0]) == Some('T')).await;
    local.act("one", Action::Resume).await.unwrap();
    until(|| state(back[0]) != Some('T')).await;

    local.act("one", Action::Kill).await.unwrap();
    ends(back[0]).await;
    assert!(local.replicas("one").await.unwrap().is_empty(), "for good");
    assert!(local.act("nobody", Action::Kill).await.is_err());
}

fn state(process: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

#[tokio::test]
async fn without_a_group_of_its_own_a_replica_has_the_cpu_time_of_its_workers() {
    let local = Folder::new().start(ONE).await;
    let worker = |on_cpu_seconds| measure::report::WorkerAccount {
        on_cpu_seconds,
        ..Default::default()
    };
    let cpu_seconds = |workers| {
        let mut account = ReplicaAccount {
            workers,
            ..Default::default()
        };
        account.group.cpu_seconds = Some(9.0);
        local.own_account(account).group.cpu_seconds
    };

    assert_eq!(
        cpu_seconds(vec![worker(Some(1.0)), worker(Some(0.5))]),
        Some(1.5)
    );
    assert_eq!(cpu_seconds(vec![worker(Some(1.0)), worker(None)]), None);
}

#[tokio::test]
async fn what_runs_beside_the_stations_is_started_first_and_is_none_of_them() {
    let folder = Folder::new();

    let local = folder
        .start(
            r#""a": {"image": "parlab/service", "environment": {
                   "ALLOW": "origin:8080", "SECRET": "/run/secrets/postgres-password",
                   "DATABASE": "postgres://parlab@postgres:5432/parlab", "WORD": "postgres"}},
               "origin": {"image": "parlab/service", "environment": {"LATENCY": "100ms"}},
               "postgres": {"image": "postgres:17"}"#,
        )
        .await;

    let names: Vec<&str> = local.list().iter().map(|spec| spec.name.as_str()).collect();
    assert_eq!(names, ["a"]);
    let origin = local.around().beside("origin").unwrap();
    assert_eq!(origin.url, "http://127.0.0.1:7000");
    assert_eq!(origin.environment["LATENCY"], "100ms");
    assert_eq!(local.replicas("origin").await.unwrap().len(), 1);
    let log = folder.log("a-1");
    assert!(log.contains("ALLOW=127.0.0.1:7000"), "{log}");
    // No PostgreSQL runs here, so that nothing is told of one.
    assert!(
        !log.contains("DATABASE=") && !log.contains("SECRET="),
        "{log}"
    );
    assert!(log.contains("WORD=postgres"), "{log}");
    assert!(!local.around().has(Component::Postgres));
}

#[tokio::test]
async fn without_what_runs_beside_them_no_station_is_started() {
    let folder = Folder::new();
    let services = r#""a": {"image": "parlab/service"},
        "origin": {"image": "parlab/service", "environment": {"FAIL": "no web"}}"#;

    let error = folder.try_start(services).await.unwrap_err();

    let said = format!("{error:#}");
    assert!(said.starts_with("origin could not be started"), "{said}");
    assert!(said.contains("cannot: no web"), "{said}");
}
