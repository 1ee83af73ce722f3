//! The states of real threads on this machine: what they ran, what they
//! waited, and that both together are the time that passed.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use cpu_budget::clock::monotonic_seconds;
use cpu_budget::host::HostCpuTimes;
use cpu_budget::thread::{WaitClock, on_cpu};
use cpu_budget::{Cgroup, CpuBudget, SchedStat};

/// What one thread did between two moments, in seconds.
struct Account {
    wall: f64,
    ran: f64,
    waited: f64,
}

/// Runs `work` and accounts for this thread, or says that the kernel has no
/// figures to test.
fn account(work: impl FnOnce()) -> Option<Account> {
    let Some(clock) = WaitClock::open() else {
        println!("skipped: this kernel keeps no schedstat figures");
        return None;
    };
    let ran = || on_cpu().unwrap().as_secs_f64();
    let waited = || clock.read().unwrap().as_secs_f64();
    let (start, ran_before, waited_before) = (Instant::now(), ran(), waited());
    work();
    Some(Account {
        ran: ran() - ran_before,
        waited: waited() - waited_before,
        wall: start.elapsed().as_secs_f64(),
    })
}

fn burn(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        black_box((0..1000u64).fold(0, |sum, n| black_box(sum + n)));
    }
}

#[test]
fn a_busy_thread_runs_or_waits_all_the_time() {
    let Some(account) = account(|| burn(Duration::from_millis(400))) else {
        return;
    };

    let accounted = (account.ran + account.waited) / account.wall;
    assert!((0.9..1.05).contains(&accounted), "{accounted} of the wall");
    assert!(account.ran > 0.0);
}

#[test]
fn a_sleeping_thread_does_neither() {
    let Some(account) = account(|| thread::sleep(Duration::from_millis(300))) else {
        return;
    };

    // The wait to be put back on a CPU depends on who else runs here.
    assert!(account.ran < 0.03, "ran {} s asleep", account.ran);
    assert!(account.ran + account.waited < 0.5 * account.wall);
}

#[test]
fn more_busy_threads_than_cpus_wait_for_each_other() {
    let cpus = CpuBudget::read().allowed_cpus().unwrap();
    let busy = || account(|| burn(Duration::from_millis(600)));

    let accounts: Option<Vec<Account>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..2 * cpus).map(|_| scope.spawn(busy)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let Some(accounts) = accounts else { return };

    let sum = |field: fn(&Account) -> f64| accounts.iter().map(field).sum::<f64>();
    let waited = sum(|account| account.waited) / sum(|account| account.wall);
    // Half the time when nothing else runs here, more when something does.
    assert!((0.35..1.0).contains(&waited), "waited {waited} of the time");
}

#[test]
fn the_machine_counts_the_cpu_time_that_this_test_burns() {
    let budget = CpuBudget::read();
    let cgroup = Cgroup::of_this_process();
    let allowed = budget.cpuset.unwrap();
    let (host, group, clock) = (
        HostCpuTimes::read().unwrap(),
        cgroup.usage(),
        monotonic_seconds(),
    );

    burn(Duration::from_millis(500));
    let burnt = on_cpu().unwrap().as_secs_f64();
    let host = HostCpuTimes::read().unwrap().since(&host).over(&allowed);
    let group = cgroup.usage().since(&group);
    let wall = monotonic_seconds() - clock;

    assert_eq!(host.cpus, allowed.len());
    // In ticks of 10 ms per CPU and kind of time, so with room for several.
    assert!(
        host.busy_seconds > burnt - 0.2,
        "{} s busy, {burnt} s burnt",
        host.busy_seconds
    );
    let total = host.busy_seconds + host.idle_seconds + host.steal_seconds;
    let possible = wall * allowed.len() as f64;
    assert!(
        (total - possible).abs() < 0.25 * possible,
        "{total} of {possible} CPU seconds"
    );
    if let Some(usage) = group.usage_seconds {
        assert!(
            usage > burnt - 0.05,
            "{usage} s in the group, {burnt} s burnt"
        );
    }
}

/// A thread that does `work` once it is told, and what anybody may read of it.
fn watched(work: impl FnOnce() + Send + 'static) -> Option<(Arc<SchedStat>, impl FnOnce())> {
    let (tell, told) = mpsc::channel::<()>();
    let (give, given) = mpsc::channel();
    let thread = thread::spawn(move || {
        give.send(SchedStat::of_this_thread()).unwrap();
        told.recv().unwrap();
        work();
        let _ = told.recv(); // until nobody tells any more
    });
    let stat = Arc::new(given.recv().unwrap()?);
    tell.send(()).unwrap();
    let end = move || {
        drop(tell);
        thread.join().unwrap();
    };
    Some((stat, end))
}

fn eventually(what: &str, probe: impl Fn() -> bool) {
    let asked = Instant::now();
    while !probe() {
        assert!(asked.elapsed() < Duration::from_secs(20), "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn another_threads_figures_rise_while_it_runs_and_it_is_seen_asleep_afterwards() {
    let Some((stat, end)) = watched(|| burn(Duration::from_millis(300))) else {
        return; // this kernel keeps no schedstat figures
    };
    let before = stat.read().unwrap();

    eventually("it runs", || {
        stat.read().unwrap().on_cpu > before.on_cpu + Duration::from_millis(50)
    });
    eventually("it sleeps", || stat.sleeps() == Some(true));
    let asleep = stat.read().unwrap();
    thread::sleep(Duration::from_millis(20));
    assert_eq!(stat.read().unwrap(), asleep, "asleep nothing is counted");

    end();
    assert_eq!(stat.read(), None, "of a thread that has ended");
    assert_eq!(stat.sleeps(), None);
}

#[test]
fn a_process_can_be_watched_by_its_number() {
    let mut child = std::process::Command::new("sleep")
        .arg("60")
        .spawn()
        .unwrap();
    let stat = SchedStat::of_process(child.id()).unwrap();

    if WaitClock::open().is_some() {
        eventually("it has run and sleeps", || {
            stat.read().is_some_and(|figures| figures.turns > 0) && stat.sleeps() == Some(true)
        });
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(stat.read(), None);
}
