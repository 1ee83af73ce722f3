//! A snapshot for people.

use super::{Core, CpuPercent, Snapshot};
use crate::words::{bytes, clean, decimals, gigahertz, limit, of_limit, percent, told_apart};
use std::fmt::Write as _;

/// The whole text, without colours: it is printed once and mostly kept.
pub fn of(snapshot: &Snapshot) -> String {
    let mut text = String::new();
    let mut line = |words: String| {
        let _ = writeln!(text, "{}", words.trim_end());
    };
    let unknown = || "?".to_owned();
    let count = snapshot
        .cpus_online
        .map_or_else(unknown, |cpus| cpus.to_string());
    let used = snapshot.cpu.as_ref();
    line(format!(
        "{count} CPUs, {} used, {} stolen, over {:.2} s",
        percent(used.map(|used| used.used_percent)),
        percent(used.map(|used| used.steal_percent)),
        snapshot.interval_seconds,
    ));
    let load = snapshot.load_average.as_ref().map_or_else(unknown, |load| {
        format!(
            "{} {} {}",
            load.one_minute, load.five_minutes, load.fifteen_minutes
        )
    });
    line(format!("load {load} (1, 5, 15 minutes)"));
    let memory = snapshot.memory.as_ref();
    line(format!(
        "memory {} used of {}",
        percent(memory.and_then(|memory| memory.used_percent)),
        memory.map_or_else(unknown, |memory| bytes(memory.total_bytes)),
    ));
    let switches = snapshot.context_switches_per_second;
    line(format!(
        "context switches {} per second",
        switches.map_or_else(unknown, |switches| format!("{switches:.0}"))
    ));
    if snapshot
        .cores
        .iter()
        .all(|core| core.frequency_hertz.is_none())
    {
        let nominal = snapshot.nominal_frequency_hertz;
        let nominal = nominal.map_or(String::new(), |hertz| {
            format!("; sold with {}", gigahertz(hertz))
        });
        line(format!("frequency not told by this machine{nominal}"));
    }
    line(format!("\n{:>6} {}", "core", CORE_HEADS));
    for core in &snapshot.cores {
        line(core_line(core));
    }
    line(format!(
        "\n{:>8} {:>8} {:>8} {:>8} {:>10}  process",
        "pid", "CPU", "last on", "threads", "memory"
    ));
    for process in &snapshot.processes {
        let last = process
            .last_cpu
            .map_or_else(unknown, |cpu| format!("cpu{cpu}"));
        line(format!(
            "{:>8} {:>8} {last:>8} {:>8} {:>10}  {}",
            process.pid,
            percent(Some(process.cpu_percent)),
            process.threads,
            bytes(process.resident_bytes),
            clean(&process.name),
        ));
    }
    if snapshot.processes_hidden {
        line("         (this user sees only processes of its own: /proc hides the others)".into());
    }
    if !snapshot.containers.is_empty() {
        line(format!(
            "\n{:<24} {:>8} {:>8} {:>10} {:>22}",
            "container", "CPUs", "quota", "throttled", "memory"
        ));
    }
    for container in &snapshot.containers {
        let names = snapshot.containers.iter().map(|one| one.name.as_str());
        line(format!(
            "{:<24} {:>8} {:>8} {:>10} {:>22}",
            told_apart(&container.name, &container.id, names),
            decimals(container.cpus_used),
            limit(container.quota_cpus),
            container
                .throttled_percent
                .map_or("–".into(), |share| percent(Some(share))),
            of_limit(container.memory_bytes, container.memory_limit_bytes),
        ));
    }
    text.push_str(
        "\nA process' or a container's 100 % or 1.00 is one core. last on: where its main thread\n\
         last ran. throttled: of the quota's periods, those in which it ran out.\n",
    );
    text
}

const CORE_HEADS: &str = "    used     user     nice   system   stolen  frequency";

fn core_line(core: &Core) -> String {
    let share = |part: fn(&CpuPercent) -> f64| percent(core.used.as_ref().map(part));
    let frequency = core.frequency_hertz.map_or("–".into(), gigahertz);
    format!(
        "{:>6} {:>8} {:>8} {:>8} {:>8} {:>8}  {frequency:>9}",
        core.cpu,
        share(|used| used.used_percent),
        share(|used| used.user_percent),
        share(|used| used.nice_percent),
        share(|used| used.system_percent),
        share(|used| used.steal_percent),
    )
}
