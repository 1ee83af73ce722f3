//! `lab stats`: what the local stations of a run under way use, beside what
//! they may.

use cpu_budget::{Cgroup, CpuUsage};
use service_kit::terminal;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Over how long use is measured; the kernel counts a process' time in ticks
/// of 10 ms.
const WINDOW: Duration = Duration::from_secs(1);

/// What the runner puts into a station's environment.
const MARK: &str = "STATION_NAME=";

/// A local station's process, and the groups that it is in.
#[derive(Debug)]
struct Station {
    name: String,
    process: u32,
    groups: Cgroup,
}

/// What `/proc/<pid>/stat` tells of a process (`proc_pid_stat(5)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// Its process group; that of a station is its own and its children's.
    group: u32,
    /// On a CPU so far, with the children that it has waited for.
    ticks: u64,
    threads: u64,
    resident_pages: u64,
}

/// Prints a line per station; fails where no local run is under way.
pub fn stats() -> anyhow::Result<ExitCode> {
    let before = processes();
    let began = Instant::now();
    let stations = stations(&before);
    if stations.is_empty() {
        eprintln!(
            "✗ no local run is under way, and its stations end with it\n  \
             make lab-primes LOCAL=1 starts one; look in a second terminal while it goes on"
        );
        return Ok(ExitCode::FAILURE);
    }
    let throttled = |station: &Station| station.groups.usage();
    let earlier: Vec<CpuUsage> = stations.iter().map(throttled).collect();
    std::thread::sleep(WINDOW);
    let after = processes();
    let seconds = began.elapsed().as_secs_f64();

    let line = |words: [&str; 8]| {
        let [
            station,
            process,
            cpu,
            quota,
            throttled,
            cpus,
            memory,
            threads,
        ] = words;
        format!(
            "{station:<26} {process:>7} {cpu:>6} {quota:>6} {throttled:>9} {cpus:>6} \
             {memory:>10} {threads:>7}\n"
        )
    };
    let heads = [
        "station",
        "process",
        "CPU",
        "quota",
        "throttled",
        "CPUs",
        "memory",
        "threads",
    ];
    let mut text = line(heads);
    for (station, earlier) in stations.iter().zip(&earlier) {
        let [was, is] = [&before, &after].map(|all| together(all, station.process));
        if is.threads == 0 {
            continue; // it ended meanwhile
        }
        let ticks = is.ticks.saturating_sub(was.ticks) as f64;
        let cpu = ticks / rustix::param::clock_ticks_per_second() as f64 / seconds;
        let budget = station.groups.budget();
        let quota = budget.quota.cpus().map(percent);
        let stopped = throttled_share(&station.groups.usage().since(earlier)).map(percent);
        let bytes = is.resident_pages * rustix::param::page_size() as u64;
        let cpus = budget.cpuset.map(|cpus| cpus.to_string());
        text.push_str(&line([
            &station.name,
            &station.process.to_string(),
            &percent(cpu),
            quota.as_deref().unwrap_or("none"),
            stopped.as_deref().unwrap_or("–"),
            cpus.as_deref().unwrap_or("?"),
            &format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
            &is.threads.to_string(),
        ]));
    }
    text.push_str(
        "\n100% = one core. throttled: of the quota's periods in the last second, those in which\n\
         it ran out. memory: what its processes hold (resident); make top counts its whole group.\n",
    );
    terminal::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

/// Of the periods that passed, those in which the quota ran out.
fn throttled_share(usage: &CpuUsage) -> Option<f64> {
    let periods = usage.periods.filter(|&periods| periods > 0)?;
    Some(usage.throttled_periods? as f64 / periods as f64)
}

/// A station and the children that do its work, added up.
fn together(all: &BTreeMap<u32, Stat>, station: u32) -> Stat {
    let none = Stat {
        parent: 0,
        group: station,
        ticks: 0,
        threads: 0,
        resident_pages: 0,
    };
    let of_group = all.values().filter(|stat| stat.group == station);
    of_group.fold(none, |sum, stat| Stat {
        ticks: sum.ticks + stat.ticks,
        threads: sum.threads + stat.threads,
        resident_pages: sum.resident_pages + stat.resident_pages,
        ..sum
    })
}

/// All processes that can be seen here.
fn processes() -> BTreeMap<u32, Stat> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let stats = numbers.filter_map(|process: u32| {
        let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        Some((process, parse(&text)?))
    });
    stats.collect()
}

fn parse(stat: &str) -> Option<Stat> {
    // The name, in brackets, may hold blanks and brackets itself.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    // The first of these is the third of the file.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some(Stat {
        parent: u32::try_from(field(4)?).ok()?,
        group: u32::try_from(field(5)?).ok()?,
        ticks: field(14)? + field(15)? + field(16)? + field(17)?,
        threads: field(20)?,
        resident_pages: field(24)?,
    })
}

/// The local stations among these, by name.
fn stations(all: &BTreeMap<u32, Stat>) -> Vec<Station> {
    let named = all.iter().filter_map(|(&process, stat)| {
        let environment = std::fs::read(format!("/proc/{process}/environ")).ok()?;
        Some(Station {
            name: name(&environment, stat.parent)?,
            process,
            groups: Cgroup::of_process(process),
        })
    });
    let mut stations: Vec<Station> = named.collect();
    stations.sort_by(|one, other| one.name.cmp(&other.name));
    stations
}

/// The station's name in a process' environment. The runner gives it with its
/// own number, so that a station's children, who inherit it, are told apart.
fn name(environment: &[u8], parent: u32) -> Option<String> {
    let text = String::from_utf8_lossy(environment);
    let mut entries = text.split('\0');
    let name = entries.find_map(|entry| entry.strip_prefix(MARK))?;
    let name = name.strip_suffix(&format!("-{parent}"))?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Stat, name, parse, throttled_share, together};
    use cpu_budget::CpuUsage;

    #[test]
    fn a_stations_children_are_added_to_it_and_named_by_none() {
        let stat = |group| Stat {
            parent: 1,
            group,
            ticks: 30,
            threads: 2,
            resident_pages: 100,
        };
        let all = [(10, stat(10)), (11, stat(10)), (12, stat(12))].into();

        let sum = together(&all, 10);

        assert_eq!((sum.ticks, sum.threads, sum.resident_pages), (60, 4, 200));
        let environment = b"PATH=/bin\0STATION_NAME=primes-half-1-77\0";
        assert_eq!(name(environment, 77).as_deref(), Some("primes-half-1"));
        assert_eq!(name(environment, 10), None);
        assert_eq!(name(b"PATH=/bin\0", 77), None);
    }

    #[test]
    fn the_fields_are_found_behind_any_name() {
        let fields: Vec<String> = (4..=52).map(|field| field.to_string()).collect();
        let stat = parse(&format!("77 (a ) (b) S {}", fields.join(" ")));
        let expected = Stat {
            parent: 4,
            group: 5,
            ticks: 14 + 15 + 16 + 17,
            threads: 20,
            resident_pages: 24,
        };
        assert_eq!(stat, Some(expected));
        assert_eq!(parse("77 (x) S 1"), None);
    }

    #[test]
    fn without_a_period_nothing_is_known_of_throttling() {
        let usage = |periods| CpuUsage {
            periods: Some(periods),
            throttled_periods: Some(1),
            ..CpuUsage::default()
        };
        assert_eq!(throttled_share(&usage(4)), Some(0.25));
        assert_eq!(throttled_share(&usage(0)), None);
    }
}
