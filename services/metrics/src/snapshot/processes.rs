//! The processes of a host, and which of them used a CPU most.

use super::ProcessUse;
use crate::config::Places;
use crate::proc::process::Process;
use cpu_budget::clock::monotonic_seconds;
use std::collections::BTreeMap;

/// All processes that this user sees, at one moment.
#[derive(Debug)]
pub struct Processes {
    at_seconds: f64,
    all: BTreeMap<u32, Process>,
}

impl Processes {
    /// Reads them. Costs some 10 µs each, which is why nothing that runs for
    /// long does it.
    pub fn read(places: &Places) -> Self {
        let at_seconds = monotonic_seconds();
        let entries = std::fs::read_dir(&places.proc)
            .into_iter()
            .flatten()
            .flatten();
        let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let all = numbers.filter_map(|pid: u32| {
            let text = places.proc(format!("{pid}/stat"))?;
            Some((pid, Process::parse(&text)?))
        });
        Self {
            at_seconds,
            all: all.collect(),
        }
    }

    /// Whether those of other users are hidden: every PID namespace has a
    /// process 1. Where there is none at all, nobody hides them.
    pub fn hidden(&self) -> bool {
        !self.is_empty() && !self.all.contains_key(&1)
    }

    /// Whether none can be read: then it is no /proc.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Those that used a CPU most since an earlier moment, at most so many. One
    /// that was not there then has used all that it has since.
    pub fn since(&self, earlier: &Self, most: usize) -> Vec<ProcessUse> {
        let per_second = rustix::param::clock_ticks_per_second() as f64;
        let seconds = self.at_seconds - earlier.at_seconds;
        let mut uses: Vec<ProcessUse> = Vec::new();
        for (&pid, now) in &self.all {
            let before = earlier.all.get(&pid);
            let before = before.filter(|before| before.started == now.started);
            let ticks = now
                .ticks
                .saturating_sub(before.map_or(0, |before| before.ticks));
            if ticks == 0 {
                continue;
            }
            uses.push(ProcessUse {
                pid,
                name: now.name.clone(),
                cpu_percent: ticks as f64 / per_second / seconds * 100.0,
                last_cpu: now.last_cpu,
                threads: now.threads,
                resident_bytes: now.resident_pages * rustix::param::page_size() as u64,
            });
        }
        uses.sort_by(|one, other| other.cpu_percent.total_cmp(&one.cpu_percent));
        uses.truncate(most);
        uses
    }
}

#[cfg(test)]
mod tests {
    use super::Processes;
    use crate::proc::process::Process;

    fn process(name: &str, ticks: u64, started: u64) -> Process {
        Process {
            name: name.to_owned(),
            ticks,
            threads: 1,
            started,
            resident_pages: 1,
            last_cpu: Some(0),
        }
    }

    fn at(at_seconds: f64, all: Vec<(u32, Process)>) -> Processes {
        Processes {
            at_seconds,
            all: all.into_iter().collect(),
        }
    }

    #[test]
    fn the_busiest_stand_first_and_a_number_used_again_is_another_process() {
        let second = rustix::param::clock_ticks_per_second();
        let earlier = at(
            10.0,
            vec![
                (1, process("init", 5, 0)),
                (7, process("old", 900 * second, 3)),
                (8, process("busy", 50, 4)),
            ],
        );
        let later = at(
            12.0,
            vec![
                (1, process("init", 5, 0)),
                (7, process("new", second, 9)),
                (8, process("busy", 50 + 2 * second, 4)),
            ],
        );

        let uses = later.since(&earlier, 5);

        let seen: Vec<_> = uses
            .iter()
            .map(|one| (one.name.as_str(), one.cpu_percent))
            .collect();
        assert_eq!(seen, [("busy", 100.0), ("new", 50.0)]);
        assert_eq!(later.since(&earlier, 1).len(), 1);
        assert!(!later.hidden());
        assert!(at(0.0, vec![(7, process("own", 1, 1))]).hidden());
        assert!(!at(0.0, vec![]).hidden());
    }
}
