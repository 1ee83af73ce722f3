//! What ran, where, and how much the run may claim.

use super::figures::{UNKNOWN, run_time};
use super::names::known;
use super::paragraph::Paragraph;
use super::style::{Paint, Style};
use crate::report::{Backend, Enforcement, EnforcementMeans, Host, RunReport};
use crate::verdict::words::count;

/// The lab, its backend and host, what was asked for, and whether the run was
/// quick or interrupted.
pub fn title(report: &RunReport, style: &Style) -> String {
    let mut text = Paragraph::new(machine(report))
        .head(report.lab.clone(), Paint::Bold)
        .render(style);
    text.push_str(&Paragraph::new(run(report)).render(style));
    if let Some(enforcement) = &report.host.enforcement {
        text.push_str(
            &Paragraph::new(limits_by(enforcement))
                .head("Limits", Paint::Bold)
                .render(style),
        );
    }
    if report.quick {
        text.push_str(
            &Paragraph::new("fewer rows and rounds, and no comparison is claimed from it.")
                .head("Quick run:", Paint::Yellow)
                .render(style),
        );
    }
    if report.partial {
        text.push_str(
            &Paragraph::new("the run was interrupted, and only its whole rounds are in here.")
                .head("Partial:", Paint::Yellow)
                .render(style),
        );
    }
    text
}

fn machine(report: &RunReport) -> String {
    let host = &report.host;
    let mut parts = vec![
        format!("· {}", backend(report.backend)),
        cpus(host),
        format!("kernel {}", known(host.kernel.clone(), |kernel| kernel)),
        format!(
            "cgroup {}",
            known(host.cgroup_version.clone(), |version| version)
        ),
    ];
    // Without Docker there is no engine to be unknown.
    if report.backend == Backend::Docker || host.engine.is_some() {
        parts.push(format!(
            "engine {}",
            known(host.engine.clone(), |engine| engine)
        ));
    }
    parts.join(" · ")
}

/// Where the stations ran, in words.
pub fn backend(backend: Backend) -> &'static str {
    match backend {
        Backend::Docker => "stations in Docker",
        Backend::Local => "stations as local processes",
        Backend::InProcess => "in this process",
    }
}

/// What held the limits, and what it leaves out.
fn limits_by(enforcement: &Enforcement) -> String {
    let means = match enforcement.means {
        EnforcementMeans::Cgroup => "control groups of the run's own",
        EnforcementMeans::Systemd => "scopes of the user's systemd manager",
        EnforcementMeans::Affinity => "CPU affinity alone",
    };
    let left_out = enforcement.cannot_show.join("; ");
    if left_out.is_empty() {
        return format!("by {means}.");
    }
    format!("by {means}. This cannot show: {left_out}.")
}

fn cpus(host: &Host) -> String {
    let cpus = host.cpus.map(|cpus| count(cpus, "CPU"));
    let cpus = cpus.unwrap_or_else(|| format!("{UNKNOWN} CPUs"));
    match &host.model {
        Some(model) => format!("{cpus} ({model})"),
        None => cpus,
    }
}

fn run(report: &RunReport) -> String {
    let asked: Vec<String> = report
        .parameters
        .iter()
        .map(|(name, value)| match value {
            serde_json::Value::String(text) => format!("{name} {text}"),
            other => format!("{name} {other}"),
        })
        .collect();
    let asked = if asked.is_empty() {
        String::new()
    } else {
        format!(" · asked for: {}", asked.join(", "))
    };
    format!(
        "started {}, took {}{asked}",
        report.started,
        run_time(report.seconds)
    )
}
