//! `lab export`: the newest run as metrics, for Prometheus.

use crate::now::{self, unix_seconds};
use crate::run::on_a_runtime;
use anyhow::Context;
use clap::Args;
use measure::now::Now;
use measure::report::Backend;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{GaugeVec, Opts, Registry};
use service_kit::admin::{self, Readiness, Service};
use service_kit::shutdown::Shutdown;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

const SERVICE: Service = Service {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
};

/// Options of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The folder into which the runner writes what it does
    #[arg(long, env = "LAB_CONTROL", default_value = "/run/parlab/control")]
    pub control: PathBuf,

    /// IP address to listen on
    #[arg(long, env = "ADMIN_HOST", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub admin_host: IpAddr,

    /// TCP port to listen on, 0 to 65535; 0 lets the kernel choose
    #[arg(long, env = "ADMIN_PORT", default_value_t = 9000)]
    pub admin_port: u16,
}

/// Serves `/metrics` until SIGTERM or SIGINT.
pub fn export(args: &ExportArgs) -> anyhow::Result<ExitCode> {
    let address = (args.admin_host, args.admin_port);
    let listener = TcpListener::bind(address).with_context(|| {
        let (host, port) = address;
        format!(
            "cannot listen on {host}, port {port}; --admin-port (ADMIN_PORT) chooses another one"
        )
    })?;
    let registry = Registry::new();
    registry.register(Box::new(Runs::in_folder(&args.control)?))?;
    on_a_runtime(async {
        let shutdown = Shutdown::on_signals()?;
        let readiness = Readiness::new(&shutdown);
        let at = admin::start(SERVICE, listener, registry, readiness.clone())?;
        readiness.ready();
        eprintln!("the newest run as metrics: http://{at}/metrics");
        shutdown.begun().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// One metric: what it is called, by what it is told apart, and its series.
struct Figure {
    name: &'static str,
    help: &'static str,
    labels: &'static [&'static str],
    series: fn(&Seen) -> Series,
}

/// Label values, and what holds of them.
type Series = Vec<(Vec<String>, f64)>;

/// The file, and when it was looked at.
struct Seen {
    now: Now,
    at_seconds: f64,
}

impl Seen {
    fn ended(&self) -> Option<f64> {
        self.now.ended_at(self.at_seconds)
    }

    /// One series of the run.
    fn run(&self, value: f64) -> Series {
        let backend = match self.now.backend {
            Backend::Docker => "docker",
            Backend::Local => "local",
            Backend::InProcess => "in-process",
        };
        vec![(vec![self.now.lab.clone(), backend.to_owned()], value)]
    }
}

const RUN: &[&str] = &["lab", "backend"];

const FIGURES: [Figure; 8] = [
    Figure {
        name: "station_declared_cpus",
        help: "The quota in CPUs that the Compose file gives one replica; absent where it gives none.",
        labels: &["station"],
        series: |seen| {
            let stations = seen.now.stations.iter();
            let quotas = stations.filter_map(|s| Some((vec![s.name.clone()], s.declared.cpus?)));
            quotas.collect()
        },
    },
    Figure {
        name: "station_declared_replicas",
        help: "Replicas that the Compose file asks for.",
        labels: &["station"],
        series: |seen| {
            let stations = seen.now.stations.iter();
            let replicas = stations.map(|s| (vec![s.name.clone()], s.declared_replicas as f64));
            replicas.collect()
        },
    },
    Figure {
        name: "lab_run_active",
        help: "1 while a run goes on, else 0.",
        labels: RUN,
        series: |seen| seen.run(if seen.ended().is_none() { 1.0 } else { 0.0 }),
    },
    Figure {
        name: "lab_run_started_timestamp_seconds",
        help: "When the newest run began, in Unix time.",
        labels: RUN,
        series: |seen| seen.run(seen.now.started_seconds),
    },
    Figure {
        name: "lab_run_ended_timestamp_seconds",
        help: "When the newest run ended, in Unix time; absent while it goes on.",
        labels: RUN,
        series: |seen| seen.ended().map_or_else(Vec::new, |ended| seen.run(ended)),
    },
    Figure {
        name: "lab_run_round",
        help: "The round under way; 0 before the first.",
        labels: RUN,
        series: |seen| seen.run(seen.now.round.into()),
    },
    Figure {
        name: "lab_run_rounds",
        help: "Rounds of the newest run.",
        labels: RUN,
        series: |seen| seen.run(seen.now.rounds.into()),
    },
    Figure {
        name: "lab_row_active",
        help: "1 for the row whose sample is being taken; absent otherwise.",
        labels: &["lab", "station", "strategy", "kernel", "workers"],
        series: |seen| {
            let row = seen.now.row.iter().filter(|_| seen.ended().is_none());
            let one = row.map(|row| {
                let lab = seen.now.lab.clone();
                let workers = row.workers.to_string();
                let (station, strategy) = (row.station.clone(), row.strategy.clone());
                let labels = vec![lab, station, strategy, row.kernel.clone(), workers];
                (labels, 1.0)
            });
            one.collect()
        },
    },
];

/// Reads the file whenever metrics are asked for; what it does not tell is
/// absent.
struct Runs {
    control: PathBuf,
    descriptions: Vec<Desc>,
}

impl Runs {
    fn in_folder(control: &Path) -> prometheus::Result<Self> {
        let describe = |figure: &Figure| {
            let labels = figure.labels.iter().map(|&label| label.to_owned());
            Desc::new(
                figure.name.into(),
                figure.help.into(),
                labels.collect(),
                HashMap::new(),
            )
        };
        Ok(Self {
            control: control.to_owned(),
            descriptions: FIGURES.iter().map(describe).collect::<Result<_, _>>()?,
        })
    }

    fn at(&self, time: SystemTime) -> Vec<MetricFamily> {
        let now = match now::read(&self.control) {
            Ok(Some(now)) => now,
            Ok(None) => return Vec::new(),
            Err(error) => {
                eprintln!("! {error:#}");
                return Vec::new();
            }
        };
        let seen = Seen {
            now,
            at_seconds: unix_seconds(time),
        };
        let families = FIGURES.iter().filter_map(|figure| {
            let gauge = GaugeVec::new(Opts::new(figure.name, figure.help), figure.labels).ok()?;
            for (labels, value) in (figure.series)(&seen) {
                let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
                gauge.with_label_values(&labels).set(value);
            }
            Some(gauge.collect())
        });
        families.flatten().collect()
    }
}

impl Collector for Runs {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.at(SystemTime::now())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use prometheus::TextEncoder;
    use serde_json::{Value, json};
    use std::time::Duration;

    const AT: Duration = Duration::from_secs(200);

    fn now() -> Value {
        json!({
            "lab": "lab-primes", "backend": "docker",
            "started_seconds": 100.5, "updated_seconds": 190.0, "ended_seconds": null,
            "round": 2, "rounds": 6,
            "row": {"station": "primes-half", "strategy": "channels", "kernel": "trial", "workers": 2},
            "stations": [
                {"name": "primes-half", "declared_replicas": 4, "replicas": [],
                 "declared": {"cpus": 0.5, "cpuset": null, "memory_bytes": null}},
                {"name": "primes-pinned", "declared_replicas": 1, "replicas": [],
                 "declared": {"cpus": null, "cpuset": "0", "memory_bytes": null}},
            ],
        })
    }

    /// The metrics of this file, without their comments.
    fn metrics(file: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("now.json"), file).unwrap();
        served(folder.path())
    }

    fn served(control: &Path) -> Vec<String> {
        let families = Runs::in_folder(control)
            .unwrap()
            .at(SystemTime::UNIX_EPOCH + AT);
        let families: Vec<_> = families
            .into_iter()
            .filter(|family| !family.get_metric().is_empty())
            .collect();
        let text = TextEncoder::new().encode_to_string(&families).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(str::to_owned).collect()
    }

    #[test]
    fn a_run_under_way_is_told_with_its_row_and_what_its_file_declares() {
        assert_eq!(
            metrics(&now().to_string()),
            [
                r#"station_declared_cpus{station="primes-half"} 0.5"#,
                r#"station_declared_replicas{station="primes-half"} 4"#,
                r#"station_declared_replicas{station="primes-pinned"} 1"#,
                r#"lab_run_active{backend="docker",lab="lab-primes"} 1"#,
                r#"lab_run_started_timestamp_seconds{backend="docker",lab="lab-primes"} 100.5"#,
                r#"lab_run_round{backend="docker",lab="lab-primes"} 2"#,
                r#"lab_run_rounds{backend="docker",lab="lab-primes"} 6"#,
                concat!(
                    r#"lab_row_active{kernel="trial",lab="lab-primes",station="primes-half","#,
                    r#"strategy="channels",workers="2"} 1"#
                ),
            ]
        );
    }

    #[test]
    fn a_run_that_ended_or_was_killed_has_an_end_and_no_row() {
        let ended = |change: fn(&mut Value)| {
            let mut now = now();
            change(&mut now);
            let lines = metrics(&now.to_string());
            assert!(
                lines.iter().all(|line| !line.contains("lab_row_active")),
                "{lines:?}"
            );
            let told = |name| lines.iter().find(|line| line.starts_with(name)).cloned();
            assert_eq!(
                told("lab_run_active").unwrap(),
                r#"lab_run_active{backend="docker",lab="lab-primes"} 0"#
            );
            told("lab_run_ended_timestamp_seconds").unwrap()
        };

        let at = ended(|now| now["ended_seconds"] = 195.0.into());
        assert!(at.ends_with(" 195"), "{at}");
        let at = ended(|now| now["updated_seconds"] = 79.0.into());
        assert!(at.ends_with(" 79"), "{at}");
    }

    #[test]
    fn without_a_file_or_with_half_of_one_nothing_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert!(served(folder.path()).is_empty());
        assert!(metrics("{\"lab\": \"lab-pri").is_empty());
    }

    /// The rows of this page's table of runs: name, type, labels.
    fn documented() -> Vec<(String, Vec<String>)> {
        let page = include_str!("../../../docs/metrics.md");
        let (_, section) = page.split_once("\n## `lab`: runs\n").unwrap();
        let section = section.split("\n## ").next().unwrap();
        let rows = section.lines().filter(|line| line.starts_with("| `"));
        rows.map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            assert_eq!(cells[2], "gauge", "{row}");
            let labels = cells[3]
                .split(", ")
                .map(|label| label.trim_matches('`').to_owned());
            (cells[1].trim_matches('`').to_owned(), labels.collect())
        })
        .collect()
    }

    #[test]
    fn the_documentation_has_these_metrics_and_no_others() {
        let served: Vec<(String, Vec<String>)> = FIGURES
            .iter()
            .map(|figure| {
                let labels = figure.labels.iter().map(|&label| label.to_owned());
                (figure.name.to_owned(), labels.collect())
            })
            .collect();
        assert_eq!(documented(), served);
    }
}
