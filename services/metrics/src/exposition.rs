//! The figures as Prometheus' text: every metric that docs/metrics.md names for
//! the monitor, and no other. What is unknown is absent.

use crate::names::Names;
use crate::proc::pressure::{Pressure, Resource};
use crate::rates::HostUse;
use crate::reading::{ContainerReading, Reading};
use cpu_budget::host::CpuTimes;
use prometheus::TextEncoder;
use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};

/// What one scrape is answered from.
pub struct Scrape<'s> {
    /// The counters, and what is of this moment.
    pub reading: &'s Reading,
    /// The course's gauges, over the interval that this scrape gets.
    pub used: &'s HostUse,
    /// What containers are called.
    pub names: &'s Names,
}

/// One sample: its labels and its value.
type Sample = (Vec<(&'static str, String)>, f64);

/// One metric.
struct Family {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    samples: fn(&Scrape) -> Vec<Sample>,
}

const fn gauge(
    name: &'static str,
    help: &'static str,
    samples: fn(&Scrape) -> Vec<Sample>,
) -> Family {
    Family {
        name,
        help,
        kind: MetricType::GAUGE,
        samples,
    }
}

const fn counter(
    name: &'static str,
    help: &'static str,
    samples: fn(&Scrape) -> Vec<Sample>,
) -> Family {
    Family {
        name,
        help,
        kind: MetricType::COUNTER,
        samples,
    }
}

const FAMILIES: [Family; 19] = [
    gauge(
        "cpu_usage_total",
        "CPU use of the host, 0 to 100 per cent, over about the last second or since the scrape before.",
        |scrape| alone(scrape.used.total.map(|used| used.busy() * 100.0)),
    ),
    gauge(
        "cpu_usage_per_core",
        "CPU use of one CPU, 0 to 100 per cent, over the same time.",
        |scrape| {
            let cores = scrape.used.per_core.iter();
            cores
                .map(|(cpu, used)| (vec![("core", format!("cpu{cpu}"))], used.busy() * 100.0))
                .collect()
        },
    ),
    gauge(
        "memory_usage_percent",
        "Memory of the host in use, 0 to 100 per cent.",
        |scrape| {
            alone(
                scrape
                    .reading
                    .memory
                    .and_then(|memory| memory.used_percent()),
            )
        },
    ),
    gauge(
        "system_load_average",
        "Load average of the host.",
        |scrape| {
            let loads = scrape.reading.load.into_iter().flatten();
            let named = ["1min", "5min", "15min"].into_iter().zip(loads);
            named
                .map(|(interval, load)| (vec![("interval", interval.to_owned())], load))
                .collect()
        },
    ),
    gauge(
        "host_cpus_online",
        "CPUs of the host that are online.",
        |scrape| {
            alone(
                scrape
                    .reading
                    .cpus
                    .as_ref()
                    .map(|cpus| cpus.per_cpu.len() as f64),
            )
        },
    ),
    counter(
        "host_cpu_seconds_total",
        "CPU time of each CPU of the host, by mode.",
        |scrape| {
            let cpus = scrape.reading.cpus.iter().flat_map(|cpus| &cpus.per_cpu);
            cpus.flat_map(|(cpu, times)| {
                modes(times).map(|(mode, seconds)| {
                    (
                        vec![("cpu", format!("cpu{cpu}")), ("mode", mode.to_owned())],
                        seconds,
                    )
                })
            })
            .collect()
        },
    ),
    gauge(
        "host_cpu_frequency_hertz",
        "Frequency of each CPU at this moment, where the machine tells it.",
        |scrape| {
            let cpus = scrape.reading.hertz.iter();
            cpus.map(|(cpu, hertz)| (vec![("cpu", format!("cpu{cpu}"))], *hertz))
                .collect()
        },
    ),
    gauge("host_memory_bytes", "Memory of the host.", |scrape| {
        alone(
            scrape
                .reading
                .memory
                .map(|memory| memory.total_bytes as f64),
        )
    }),
    gauge(
        "host_memory_available_bytes",
        "Memory of the host that could be had without swapping.",
        |scrape| {
            let available = scrape
                .reading
                .memory
                .and_then(|memory| memory.available_bytes);
            alone(available.map(|bytes| bytes as f64))
        },
    ),
    counter(
        "host_context_switches_total",
        "Context switches of all CPUs of the host.",
        |scrape| {
            alone(
                scrape
                    .reading
                    .context_switches
                    .map(|switches| switches as f64),
            )
        },
    ),
    counter(
        "host_pressure_waiting_seconds_total",
        "Time in which at least one task waited for the resource.",
        |scrape| pressure(scrape, |pressure| pressure.waiting_seconds),
    ),
    counter(
        "host_pressure_stalled_seconds_total",
        "Time in which all tasks that were not idle waited for the resource.",
        |scrape| pressure(scrape, |pressure| pressure.stalled_seconds),
    ),
    counter(
        "container_cpu_usage_seconds_total",
        "CPU time that the container has used.",
        |scrape| containers(scrape, |container| container.usage.usage_seconds),
    ),
    gauge(
        "container_cpu_quota_cpus",
        "The container's CPU quota in CPUs; absent where it has none.",
        |scrape| containers(scrape, |container| container.quota.cpus()),
    ),
    counter(
        "container_cpu_periods_total",
        "Quota periods in which the container had work.",
        |scrape| containers(scrape, |container| count(container.usage.periods)),
    ),
    counter(
        "container_cpu_throttled_periods_total",
        "Quota periods in which the container's quota ran out.",
        |scrape| containers(scrape, |container| count(container.usage.throttled_periods)),
    ),
    counter(
        "container_cpu_throttled_seconds_total",
        "Time the container was stopped by its quota, summed over the CPUs' run queues.",
        |scrape| containers(scrape, |container| container.usage.throttled_seconds),
    ),
    gauge(
        "container_memory_bytes",
        "Memory that the container uses, page cache included.",
        |scrape| containers(scrape, |container| count(container.memory.current_bytes)),
    ),
    gauge(
        "container_memory_limit_bytes",
        "The container's memory limit; absent where it has none.",
        |scrape| containers(scrape, |container| count(container.memory.limit_bytes)),
    ),
];

/// The text of one scrape.
///
/// # Errors
/// When a name or a value cannot be written: not for any that stands here.
pub fn text(scrape: &Scrape) -> prometheus::Result<String> {
    let families = FAMILIES.iter().filter_map(|family| family.of(scrape));
    TextEncoder::new().encode_to_string(&families.collect::<Vec<_>>())
}

impl Family {
    /// Its samples; `None` where there are none.
    fn of(&self, scrape: &Scrape) -> Option<MetricFamily> {
        let samples = (self.samples)(scrape);
        if samples.is_empty() {
            return None;
        }
        let mut family = MetricFamily::default();
        family.set_name(self.name.to_owned());
        family.set_help(self.help.to_owned());
        family.set_field_type(self.kind);
        family.set_metric(
            samples
                .into_iter()
                .map(|sample| self.metric(sample))
                .collect(),
        );
        Some(family)
    }

    fn metric(&self, (labels, value): Sample) -> Metric {
        let labels = labels.into_iter().map(|(name, value)| {
            let mut label = LabelPair::default();
            label.set_name(name.to_owned());
            label.set_value(value);
            label
        });
        let mut metric = Metric::from_label(labels.collect());
        if self.kind == MetricType::COUNTER {
            let mut counter = Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        } else {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
        metric
    }
}

/// The one sample of a metric without labels.
fn alone(value: Option<f64>) -> Vec<Sample> {
    value.map(|value| (Vec::new(), value)).into_iter().collect()
}

fn count(number: Option<u64>) -> Option<f64> {
    number.map(|number| number as f64)
}

fn modes(times: &CpuTimes) -> [(&'static str, f64); 8] {
    [
        ("user", times.user_seconds),
        ("nice", times.nice_seconds),
        ("system", times.system_seconds),
        ("idle", times.idle_seconds),
        ("iowait", times.iowait_seconds),
        ("irq", times.irq_seconds),
        ("softirq", times.softirq_seconds),
        ("steal", times.steal_seconds),
    ]
}

fn pressure(scrape: &Scrape, seconds: fn(&Pressure) -> Option<f64>) -> Vec<Sample> {
    let all = scrape.reading.pressure.iter();
    let label = |resource: &Resource| vec![("resource", resource.name().to_owned())];
    all.filter_map(|(resource, pressure)| Some((label(resource), seconds(pressure)?)))
        .collect()
}

fn containers(scrape: &Scrape, value: fn(&ContainerReading) -> Option<f64>) -> Vec<Sample> {
    let all = scrape.reading.containers.iter();
    all.filter_map(|container| {
        let id = container.id.short().to_owned();
        let labels = vec![("id", id), ("name", scrape.names.of(&container.id))];
        Some((labels, value(container)?))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{Scrape, text};
    use crate::names::Names;
    use crate::rates::HostUse;
    use crate::reading::Reading;

    #[test]
    fn what_is_unknown_is_absent() {
        let (reading, used, names) = (Reading::default(), HostUse::default(), Names::default());
        let scrape = Scrape {
            reading: &reading,
            used: &used,
            names: &names,
        };
        assert_eq!(text(&scrape).unwrap(), "");
    }
}
