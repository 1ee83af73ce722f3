//! The `cpu_budget_*` metrics, read from the kernel whenever they are asked for.

use cpu_budget::{Cgroup, CpuBudget};
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::budget::BudgetReport;

/// For so long the limits count as read. They take twice as many files as what
/// was used, `available_parallelism` alone most of them, and change when a
/// person changes them: reading them at each scrape of each replica would cost
/// the stations more than all the rest of it.
const LIMITS_LAST: Duration = Duration::from_secs(5);

#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
}

/// One metric: what it is called and where its value stands in the report.
struct Figure {
    name: &'static str,
    help: &'static str,
    kind: Kind,
    value: fn(&BudgetReport) -> Option<f64>,
}

const FIGURES: [Figure; 10] = [
    Figure {
        name: "cpu_budget_effective_cpus",
        help: "How many CPUs' worth of time the process can get: the least of quota, cpuset and host.",
        kind: Kind::Gauge,
        value: |report| report.effective_cpus,
    },
    Figure {
        name: "cpu_budget_quota_cpus",
        help: "The CPU quota in CPUs; absent when there is none or it is unknown.",
        kind: Kind::Gauge,
        value: BudgetReport::quota_cpus,
    },
    Figure {
        name: "cpu_budget_believed_cpus",
        help: "How many CPUs the language's runtime believes it has.",
        kind: Kind::Gauge,
        value: |report| report.believed_cpus.map(|cpus| cpus as f64),
    },
    Figure {
        name: "cpu_budget_usage_seconds_total",
        help: "CPU time that the container has used.",
        kind: Kind::Counter,
        value: |report| report.usage.usage_seconds,
    },
    Figure {
        name: "cpu_budget_periods_total",
        help: "Quota periods in which the container had work.",
        kind: Kind::Counter,
        value: |report| report.usage.periods.map(|periods| periods as f64),
    },
    Figure {
        name: "cpu_budget_throttled_periods_total",
        help: "Quota periods in which the container used its quota up and was stopped.",
        kind: Kind::Counter,
        value: |report| report.usage.throttled_periods.map(|periods| periods as f64),
    },
    Figure {
        name: "cpu_budget_throttled_seconds_total",
        help: "Time the container was stopped by its quota, summed over the CPUs' run queues.",
        kind: Kind::Counter,
        value: |report| report.usage.throttled_seconds,
    },
    Figure {
        name: "cpu_budget_memory_bytes",
        help: "Memory that the container uses, page cache included.",
        kind: Kind::Gauge,
        value: |report| report.memory.current_bytes.map(|bytes| bytes as f64),
    },
    Figure {
        name: "cpu_budget_memory_peak_bytes",
        help: "The most memory that the container has used.",
        kind: Kind::Gauge,
        value: |report| report.memory.peak_bytes.map(|bytes| bytes as f64),
    },
    Figure {
        name: "cpu_budget_memory_limit_bytes",
        help: "The memory limit; absent when there is none or it is unknown.",
        kind: Kind::Gauge,
        value: |report| report.memory.limit_bytes.map(|bytes| bytes as f64),
    },
];

/// Gives the process's CPU budget and usage as metrics; what is unknown is absent, never 0.
/// The limits may be 5 s old.
#[derive(Debug)]
pub struct BudgetCollector {
    cgroup: Cgroup,
    limits: Mutex<Option<(Instant, CpuBudget)>>,
    descriptions: Vec<Desc>,
}

impl BudgetCollector {
    /// A collector for the group that `cgroup` reads.
    ///
    /// # Errors
    /// When a name of ours is no metric name: not for any that stands here.
    pub fn new(cgroup: Cgroup) -> prometheus::Result<Self> {
        let describe = |figure: &Figure| {
            Desc::new(
                figure.name.into(),
                figure.help.into(),
                Vec::new(),
                std::collections::HashMap::new(),
            )
        };
        Ok(Self {
            cgroup,
            limits: Mutex::new(None),
            descriptions: FIGURES.iter().map(describe).collect::<Result<_, _>>()?,
        })
    }

    /// The figures at this moment.
    fn report(&self, now: Instant) -> BudgetReport {
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = limits.take().filter(|(read, _)| now - *read < LIMITS_LAST);
        let (read, budget) = fresh.unwrap_or_else(|| (now, self.cgroup.budget()));
        let memory = self.cgroup.memory();
        let report = BudgetReport::of(&budget, self.cgroup.usage(), &memory);
        *limits = Some((read, budget));
        report
    }
}

impl Collector for BudgetCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        families(&self.report(Instant::now()))
    }
}

fn families(report: &BudgetReport) -> Vec<MetricFamily> {
    FIGURES
        .iter()
        .filter_map(|figure| Some((figure, (figure.value)(report)?)))
        .filter_map(|(figure, value)| family(figure, value).ok())
        .flatten()
        .collect()
}

fn family(figure: &Figure, value: f64) -> prometheus::Result<Vec<MetricFamily>> {
    Ok(match figure.kind {
        Kind::Gauge => {
            let gauge = Gauge::new(figure.name, figure.help)?;
            gauge.set(value);
            gauge.collect()
        }
        // The kernel counts, not we: a fresh counter per scrape takes its total.
        Kind::Counter => {
            let counter = Counter::new(figure.name, figure.help)?;
            counter.inc_by(value);
            counter.collect()
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use cpu_budget::{CpuBudget, CpuQuota, CpuUsage, MemoryUsage, Quota};

    use super::*;

    fn text(budget: &CpuBudget, usage: CpuUsage) -> String {
        let report = BudgetReport::of(budget, usage, &MemoryUsage::default());
        prometheus::TextEncoder::new()
            .encode_to_string(&families(&report))
            .unwrap()
    }

    #[test]
    fn what_is_unknown_is_absent() {
        let text = text(&CpuBudget::default(), CpuUsage::default());

        assert_eq!(text, "");
    }

    #[test]
    fn known_figures_have_their_kind_and_value_also_when_zero() {
        let budget = CpuBudget {
            quota: CpuQuota::Limited(Quota::new(50_000, 100_000).unwrap()),
            ..CpuBudget::default()
        };
        let usage = CpuUsage {
            usage_seconds: Some(12.5),
            throttled_periods: Some(0),
            ..CpuUsage::default()
        };

        let text = text(&budget, usage);

        for line in [
            "# TYPE cpu_budget_quota_cpus gauge",
            "cpu_budget_quota_cpus 0.5",
            "# TYPE cpu_budget_usage_seconds_total counter",
            "cpu_budget_usage_seconds_total 12.5",
            "cpu_budget_throttled_periods_total 0",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is not in {text}"
            );
        }
        assert!(!text.contains("throttled_seconds"));
        assert!(!text.contains("memory"));
    }

    /// A test of a running service leaves out what it cannot know where it runs.
    #[test]
    fn every_figure_is_documented_and_no_other() {
        let documented: Vec<_> = metrics_doc::section("Every service")
            .into_iter()
            .filter(|(name, _)| name.starts_with("cpu_budget_"))
            .map(|(name, metric)| (name, metric.kind.unwrap()))
            .collect();
        let mut figures = FIGURES.map(|figure| {
            let kind = match figure.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
            };
            (figure.name.to_owned(), kind.to_owned())
        });
        figures.sort();
        assert_eq!(documented, figures);
    }

    /// The files of a group of cgroup v1 that is its hierarchy's root, below `root`.
    fn write_quota(root: &std::path::Path, quota_micros: u32, used_nanos: u64) {
        let write = |file: &str, text: &str| {
            let path = root.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("proc/self/cgroup", "1:cpuacct,cpu:/\n");
        write(
            "proc/self/mountinfo",
            "20 1 0:20 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpuacct,cpu\n",
        );
        write("sys/fs/cgroup/cpu/cgroup.procs", "1\n");
        write(
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us",
            &quota_micros.to_string(),
        );
        write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
        write("sys/fs/cgroup/cpu/cpuacct.usage", &used_nanos.to_string());
    }

    #[test]
    fn what_was_used_is_read_each_time_and_the_limits_every_five_seconds() {
        let root = tempfile::tempdir().unwrap();
        write_quota(root.path(), 50_000, 1_000_000_000);
        let collector = BudgetCollector::new(Cgroup::under(root.path())).unwrap();
        let begun = Instant::now();
        let seen = |seconds: f64| {
            let report = collector.report(begun + Duration::from_secs_f64(seconds));
            (report.quota_cpus(), report.usage.usage_seconds)
        };
        assert_eq!(seen(0.0), (Some(0.5), Some(1.0)));

        write_quota(root.path(), 150_000, 2_000_000_000);

        assert_eq!(seen(4.9), (Some(0.5), Some(2.0)));
        assert_eq!(seen(5.0), (Some(1.5), Some(2.0)));
    }

    #[test]
    fn every_name_can_be_registered() {
        let registry = prometheus::Registry::new();
        let collector = BudgetCollector::new(Cgroup::of_this_process()).unwrap();

        registry.register(Box::new(collector)).unwrap();

        assert!(
            FIGURES
                .iter()
                .all(|figure| figure.name.starts_with("cpu_budget_"))
        );
    }
}
