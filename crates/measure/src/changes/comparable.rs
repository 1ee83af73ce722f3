//! Which earlier run a run can be compared with.

use super::knobs::job_knobs;
use crate::report::RunReport;
use std::collections::BTreeSet;

/// Why nothing can be said of `after` against the earlier run `before`, in a
/// few words that follow "was passed over:"; `None` when they compare: they are
/// alike ([`why_not_alike`]) and the same held their stations.
pub fn why_not_comparable(before: &RunReport, after: &RunReport) -> Option<String> {
    why_not_alike(before, after).or_else(|| {
        let otherwise = before.backend != after.backend;
        otherwise.then(|| "its stations were held otherwise".to_owned())
    })
}

/// Why `after` and the earlier run `before` are not two measurements of one
/// thing, whatever held their stations.
///
/// A quick run compares with a quick or a whole one, a whole one only with a
/// whole one: too few rounds carry no claim. Parameters that change the work
/// must be the same, and a row beside the baseline must stand in both, since
/// effects are told against the baseline.
pub fn why_not_alike(before: &RunReport, after: &RunReport) -> Option<String> {
    if before.lab != after.lab {
        return Some(format!("it is of {}", before.lab));
    }
    if before.partial {
        return Some("it was interrupted".to_owned());
    }
    if before.quick && !after.quick {
        return Some("it was quick".to_owned());
    }
    if let Some(knob) = job_knobs(before, after).first() {
        return Some(format!(
            "its {} was {} and not {}, which is another job",
            knob.name, knob.before, knob.after
        ));
    }
    let (was, is) = (measured(before), measured(after));
    // A run of the baseline alone still shows what was edited.
    if !is.is_empty() && was.is_disjoint(&is) {
        return Some("it has none of these rows".to_owned());
    }
    None
}

/// The measured rows beside the baseline.
fn measured(report: &RunReport) -> BTreeSet<String> {
    let rows = report.rows.iter();
    rows.filter(|row| !row.baseline && !row.rounds.is_empty())
        .map(crate::report::Row::key)
        .collect()
}
