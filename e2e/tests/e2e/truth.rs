//! The verdict held against the truth: work whose bottleneck is built in, run
//! for real, must get that verdict, in Docker and under what holds local
//! stations.

mod pipelines;
mod places;

use measure::report::{Row, RunReport, VerdictKind};
use places::{InDocker, Limits, Locally, On, Place, Program};

/// How often a case is tried on a machine that others disturb.
const ATTEMPTS: u32 = 6;

/// Share of the allowed CPUs' time that others or the hypervisor had, from
/// which on work that needs all of them cannot show that it used them.
pub(crate) const DISTURBED: f64 = 0.015;

/// Share from which on the work is no longer the case that was built: bursts
/// that others slow down fit into each period.
const ANOTHER_CASE: f64 = 0.10;

/// The share of the allowed CPUs' time that others or the hypervisor had.
pub(crate) fn disturbance(row: &Row) -> f64 {
    let accounts = || row.rounds.iter().flat_map(|round| &round.replicas);
    let taken = accounts()
        .map(|a| a.cpus.others_seconds.unwrap_or(0.0) + a.cpus.steal_seconds.unwrap_or(0.0));
    let all = accounts()
        .map(|a| (a.ended_seconds - a.started_seconds) * a.cpus.count.unwrap_or(1) as f64);
    taken.sum::<f64>() / all.sum::<f64>()
}

/// Work with a known bottleneck: its limits and the load's arguments.
struct Case {
    limits: Limits,
    load: &'static str,
    expected: VerdictKind,
}

const TWO_CPUS: Limits = Limits {
    quota: None,
    on: On::Both,
};

const fn quota(cpus: &'static str) -> Limits {
    Limits {
        quota: Some(cpus),
        ..TWO_CPUS
    }
}

const CASES: [Case; 12] = [
    Case {
        limits: quota("0.5"),
        load: "--workers 2 --busy-ms 5 --items 60",
        expected: VerdictKind::Quota,
    },
    Case {
        limits: TWO_CPUS,
        load: "--workers 2 --busy-ms 5 --items 140",
        expected: VerdictKind::Cpu,
    },
    Case {
        limits: TWO_CPUS,
        load: "--workers 1 --busy-ms 5 --items 100",
        expected: VerdictKind::Workers,
    },
    Case {
        limits: TWO_CPUS,
        load: "--workers 4 --busy-ms 5 --items 60",
        expected: VerdictKind::Oversubscribed,
    },
    Case {
        limits: TWO_CPUS,
        load: "--workers 2 --busy-ms 5 --items 30 --first-items 100",
        expected: VerdictKind::Imbalance,
    },
    // 120 ms of CPU every 300 ms or so: 40 % of a quota of one CPU, but
    // more than it has in one period on two CPUs.
    Case {
        limits: quota("1.0"),
        load: "--workers 2 --busy-ms 70 --sleep-ms 280 --items 4",
        expected: VerdictKind::Bursts,
    },
    Case {
        limits: quota("1.0"),
        load: "--workers 2 --busy-ms 5 --items 50 --lock",
        expected: VerdictKind::Contention,
    },
    Case {
        limits: quota("2.0"),
        load: "--workers 2 --busy-ms 5 --items 50 --lock",
        expected: VerdictKind::Contention,
    },
    // Eight threads, as probed for the design, leave 1 to 3 % idle here.
    Case {
        limits: TWO_CPUS,
        load: "--workers 16 --busy-ms 5 --sleep-ms 5 --items 25",
        expected: VerdictKind::Cpu,
    },
    Case {
        limits: TWO_CPUS,
        load: "--workers 2 --busy-ms 1 --sleep-ms 20 --items 25",
        expected: VerdictKind::Waiting,
    },
    // As much under a quota as it takes: 8 ms of the 25 ms in each period.
    Case {
        limits: quota("0.25"),
        load: "--workers 8 --busy-ms 1 --sleep-ms 100 --items 15",
        expected: VerdictKind::Waiting,
    },
    // CPUs that stand idle while threads are ready at other moments: no
    // limit above does that, and no single loss is the largest.
    Case {
        limits: TWO_CPUS,
        load: "--workers 4 --busy-ms 20 --sleep-ms 8 --items 20 --together",
        expected: VerdictKind::Unclear,
    },
];

/// Work beside a hog: its limits, where the hog is, and how many threads it has.
const BESIDE_A_HOG: [(Limits, On, usize); 3] = [
    (TWO_CPUS, On::Both, 2),
    (TWO_CPUS, On::TheFirst, 1),
    // As probed for the design: a quota that is used up all the same.
    (quota("1.0"), On::Both, 2),
];

/// Runs the load and finds it under the limits that were asked for.
fn measured(place: &impl Place, case: &Case) -> Row {
    let text = place.output(case.limits, Program::KnownLoad, case.load);
    let report: RunReport = serde_json::from_str(&text).unwrap();
    let applied = &report.stations[0].effective;
    let asked: Option<f64> = case.limits.quota.map(|cpus| cpus.parse().unwrap());
    // A limit above that the place cannot help may be tighter still.
    if applied.quota_set_above != Some(true) {
        assert_eq!(applied.quota_cpus, asked, "{}: {applied:?}", place.name());
    }
    report.rows.into_iter().next().unwrap()
}

/// The case gets its kind; another kind is a wrong verdict, unless others
/// were so busy that it is another case. A machine that others disturb may
/// also show `host` or leave it open: then it is tried again, and left open
/// in the end only if the disturbance was measured each time.
fn assert_truth(place: &impl Place, case: &Case) {
    let mut quiet_but_open = None;
    for _ in 0..ATTEMPTS {
        let row = measured(place, case);
        let verdict = row.verdict.as_ref().unwrap();
        let shown = format!(
            "{} {:?} {}: {verdict:#?}\n{:?}\n{:?}",
            place.name(),
            case.limits,
            case.load,
            row.time_budget,
            row.blocked_by
        );
        let unaccounted = row.blocked_by.unwrap().unaccounted;
        assert!(unaccounted.abs() < 0.03, "{shown}");
        if verdict.kind == case.expected {
            return;
        }
        let open = [VerdictKind::Unclear, VerdictKind::Host].contains(&verdict.kind);
        let disturbance = disturbance(&row);
        assert!(
            open || disturbance >= ANOTHER_CASE,
            "not {}: {shown}",
            case.expected
        );
        if disturbance < DISTURBED {
            quiet_but_open = Some(shown);
        }
    }
    if let Some(shown) = quiet_but_open {
        panic!("never {}: {shown}", case.expected);
    }
    eprintln!(
        "left open, since others had the CPUs: {}, {}",
        place.name(),
        case.load
    );
}

fn assert_bottlenecks(place: &impl Place) {
    for case in &CASES {
        if case.limits.quota.is_some() && !place.has_groups() {
            eprintln!(
                "left out, since a quota needs a control group: {}",
                case.load
            );
            continue;
        }
        assert_truth(place, case);
    }
}

#[test]
fn work_whose_bottleneck_is_built_in_gets_that_verdict_in_docker() {
    if let Some(place) = InDocker::take("truth cases") {
        assert_bottlenecks(&place);
    }
}

#[test]
fn work_whose_bottleneck_is_built_in_gets_that_verdict_locally() {
    if let Some(place) = Locally::take("truth cases") {
        assert_bottlenecks(&place);
    }
}

fn assert_hogs(place: &impl Place) {
    if !place.has_groups() {
        eprintln!("left out, since a hog is told apart by its control group: truth cases, a hog");
        return;
    }
    for (limits, on, threads) in BESIDE_A_HOG {
        let _hog = place.hog(on, threads);
        let case = Case {
            limits,
            load: "--workers 2 --busy-ms 5 --items 60",
            expected: VerdictKind::Host,
        };
        assert_truth(place, &case);
    }
}

#[test]
fn a_hog_beside_the_work_is_named_in_docker() {
    if let Some(place) = InDocker::take("truth cases, a hog beside") {
        assert_hogs(&place);
    }
}

#[test]
fn a_hog_beside_the_work_is_named_locally() {
    if let Some(place) = Locally::take("truth cases, a hog beside") {
        assert_hogs(&place);
    }
}

/// In Docker alone: a local station sees all the groups that it is in.
#[test]
fn a_limit_above_the_container_is_found_though_it_cannot_be_read() {
    let Some(mut place) = InDocker::take("truth cases, a limit above") else {
        return;
    };
    let Some(parent) = Parent::with_quota(50_000) else {
        eprintln!("left out, since no parent group can be made here: hidden-limit");
        return;
    };
    place.parent = Some(parent.name.clone());
    let case = Case {
        limits: TWO_CPUS,
        load: "--workers 2 --busy-ms 5 --items 60",
        expected: VerdictKind::HiddenLimit,
    };
    assert_truth(&place, &case);
}

/// A control group of version 1 with a quota, for containers to be put below.
struct Parent {
    name: String,
}

impl Parent {
    fn with_quota(micros: u32) -> Option<Self> {
        let name = format!("/parlab-e2e-{}", std::process::id());
        let folder = format!("/sys/fs/cgroup/cpu{name}");
        std::fs::create_dir(&folder).ok()?;
        let parent = Self { name };
        std::fs::write(format!("{folder}/cpu.cfs_quota_us"), micros.to_string()).ok()?;
        Some(parent)
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        // Docker leaves the parents of its containers in the other hierarchies.
        for controller in std::fs::read_dir("/sys/fs/cgroup")
            .into_iter()
            .flatten()
            .flatten()
        {
            let _ = std::fs::remove_dir(format!("{}{}", controller.path().display(), self.name));
        }
    }
}

/// `limit` makes a job of about a millisecond, as long as a process takes to
/// start.
fn assert_overhead(place: &impl Place, limit: &str) {
    let tiny = format!(
        "run --format json --limit {limit} --strategy processes --workers 1 --min-seconds 0.5"
    );
    let text = place.output(TWO_CPUS, Program::Primes, &tiny);
    let report: RunReport = serde_json::from_str(&text).unwrap();
    let mut rows = report.rows.iter();
    let row = rows.find(|row| row.strategy == "processes").unwrap();
    let verdict = row.verdict.as_ref().unwrap();
    let mut also = verdict.also.iter();
    assert!(also.any(|also| also.kind == "overhead"), "{verdict:#?}");
}

#[test]
fn many_tiny_processes_cost_more_than_they_compute_in_docker() {
    if let Some(place) = InDocker::take("truth cases, overhead") {
        assert_overhead(&place, "2e4");
    }
}

#[test]
fn many_tiny_processes_cost_more_than_they_compute_locally() {
    if let Some(place) = Locally::take("truth cases, overhead") {
        // Not optimised, a job takes ten times as long.
        assert_overhead(&place, "4e3");
    }
}
