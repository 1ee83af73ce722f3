//! STUB until the text helper lands.
use crate::report::RunReport;
/// Style
pub struct Style {
    /// w
    pub width: usize,
    /// c
    pub color: bool,
    /// u
    pub unicode: bool,
}
impl Style {
    /// d
    pub fn detect(_t: bool, no_color: bool, w: Option<usize>) -> Self {
        Self {
            width: w.unwrap_or(120),
            color: !no_color,
            unicode: true,
        }
    }
}
/// r
pub fn render(report: &RunReport, _s: &Style) -> String {
    let mut o = String::new();
    for r in &report.rows {
        let b = r.time_budget;
        o += &format!(
            "{:22} {:14} {} thr {:?} wall {:?} pred {:?} sp {:?} fid {:?} cpus {:?}\n    {:?}\n    {:?}\n    {:?}\n",
            r.station,
            r.strategy,
            r.workers,
            r.threads,
            r.wall_seconds.map(|w| (w.median, w.low, w.high)),
            r.predicted_wall_seconds.map(|w| (w.median, w.low, w.high)),
            r.speedup.map(|s| s.median),
            r.quota_fidelity,
            r.cpus_used,
            b,
            r.blocked_by,
            r.verdict
        );
    }
    o += &format!(
        "{:#?}\n{:#?}\n{:#?}\n{:#?}",
        report.comparisons, report.groups, report.invariants, report.changes
    );
    o
}
