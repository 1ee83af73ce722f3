//! How evenly workers share what comes to one queue, and what they know of each
//! other for that.

use crate::served::{Cluster, eventually, signal, stop};
use crate::wire::Wire;
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

/// How often a burst is made; what is asserted is of the middle one, since a worker
/// that gets no CPU at all for some milliseconds is left out, and rightly so.
const BURSTS: usize = 9;

/// Connections opened at once, each with a request of some milliseconds: how many
/// each worker has.
fn burst(cluster: &Cluster, connections: usize) -> BTreeMap<u64, usize> {
    let mut wires: Vec<Wire> = (0..connections)
        .map(|_| {
            let mut wire = Wire::open(cluster.http()).unwrap();
            wire.get("/?work=1e6").unwrap();
            wire
        })
        .collect();
    let mut by = BTreeMap::new();
    for wire in &mut wires {
        let worker = wire.next(false).unwrap().json()["worker"].as_u64().unwrap();
        *by.entry(worker).or_default() += 1;
    }
    by
}

/// What `figure` makes of the middle one of several bursts, each after the
/// connections of the one before have ended.
fn of_bursts(
    cluster: &Cluster,
    connections: usize,
    figure: impl Fn(&BTreeMap<u64, usize>) -> f64,
) -> f64 {
    let mut figures: Vec<f64> = (0..BURSTS)
        .map(|_| {
            eventually("no connection is left", || {
                (open_by_board(cluster).iter().sum::<u64>() == 0).then_some(())
            });
            figure(&burst(cluster, connections))
        })
        .collect();
    eprintln!("{connections} connections: {figures:?}");
    figures.sort_by(f64::total_cmp);
    figures[BURSTS / 2]
}

/// Keeps as many CPUs busy as there are while `act` runs.
fn beside_busy_loops<T>(act: impl FnOnce() -> T) -> T {
    let stop = AtomicBool::new(false);
    let cpus = std::thread::available_parallelism().unwrap().get();
    std::thread::scope(|scope| {
        for _ in 0..cpus {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let result = act();
        stop.store(true, Ordering::Relaxed);
        result
    })
}

/// The connections of each worker that counts, by the board, which is a file of
/// the master's.
fn open_by_board(cluster: &Cluster) -> Vec<u64> {
    let folder = format!("/proc/{}/fd", cluster.pid());
    let mut files = std::fs::read_dir(folder).unwrap().flatten();
    let board = files.find(|file| {
        let link = std::fs::read_link(file.path()).unwrap_or_default();
        link.to_string_lossy().contains("cluster-board")
    });
    let bytes = board.map(|file| std::fs::read(file.path()).unwrap());
    let bytes = bytes.unwrap_or_default();
    let (words, rest) = bytes.as_chunks();
    assert!(rest.is_empty());
    let words = words.iter().map(|word| u64::from_ne_bytes(*word));
    words.filter_map(|word| word.checked_sub(1)).collect()
}

#[test]
fn two_workers_share_a_burst() {
    let cluster = Cluster::start("--workers 2");
    let fewest = |by: &BTreeMap<u64, usize>| {
        let fewest = by.values().min().copied().unwrap_or(0);
        if by.len() == 2 { fewest as f64 } else { 0.0 }
    };
    let alone = of_bursts(&cluster, 16, fewest);
    assert!(alone >= 5.0, "{alone}");
    let beside = beside_busy_loops(|| of_bursts(&cluster, 16, fewest));
    assert!(beside >= 5.0, "{beside}");
}

#[test]
fn four_workers_share_a_burst_fairly() {
    let cluster = Cluster::start("--workers 4");
    // Jain's index of the connections of each.
    let fairness = of_bursts(&cluster, 32, |by| {
        let squares: usize = by.values().map(|count| count * count).sum();
        (32.0 * 32.0) / (4.0 * squares as f64)
    });
    assert!(fairness >= 0.9, "{fairness}");
}

#[test]
fn one_that_stands_still_keeps_nobody_from_an_answer() {
    let cluster = Cluster::start("--workers 2");
    let workers = cluster.workers();
    stop(workers[0]);
    let answered = burst(&cluster, 100);
    assert_eq!(answered, BTreeMap::from([(u64::from(workers[1]), 100)]));
    // One after another too, each beside the one before.
    let mut before = Wire::open(cluster.http()).unwrap();
    for _ in 0..100 {
        let mut wire = Wire::open(cluster.http()).unwrap();
        assert_eq!(wire.ask("/?work=0").unwrap().status, 200);
        before = wire;
    }
    drop(before);

    signal(workers[0], Signal::CONT);
    let share = of_bursts(&cluster, 16, |by| by.len() as f64);
    assert!(share >= 2.0, "it takes part again");
}

#[test]
fn the_board_has_those_that_serve_and_what_they_have_open() {
    let cluster = Cluster::start("--workers 3 --max-work 1e12 --drain-seconds 600");
    let says = |expected: u64| {
        eventually("the board says so", || {
            let open = open_by_board(&cluster);
            (open.len() == 3 && open.iter().sum::<u64>() == expected).then_some(())
        });
    };
    let mut busy = Vec::new();
    let mut open_one = || {
        let mut wire = Wire::open(cluster.http()).unwrap();
        // It takes hours.
        wire.get("/?work=1e12").unwrap();
        busy.push(wire);
    };
    says(0);
    open_one();
    says(1);

    // Those that drain do not count, however long they do.
    for draining in 1..=2 {
        let relieved = cluster.workers();
        cluster.signal(Signal::HUP);
        eventually("all are relieved", || {
            let now = cluster.workers();
            let is_new = now.iter().all(|pid| !relieved.contains(pid));
            (now.len() == 3 && is_new).then_some(())
        });
        says(0);
        eventually("those without work have ended", || {
            let workers = cluster.family()["workers"].as_array().unwrap().len();
            (workers == 3 + draining).then_some(())
        });
        open_one();
        says(1);
    }

    // Nor do those that die.
    for pid in cluster.workers() {
        signal(pid, Signal::KILL);
    }
    says(0);
}

#[test]
fn who_shares_nothing_has_no_board() {
    for options in ["--workers 1", "--workers 2 --strategy reuseport"] {
        let cluster = Cluster::start(options);
        assert_eq!(cluster.get("/?work=0").status, 200);
        assert!(open_by_board(&cluster).is_empty());
    }
}
