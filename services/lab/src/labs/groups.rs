//! A group of rows in one sentence, drawn from its rows.

use measure::report::{Group, Interval, Row, RunReport};

/// Says of a group's measured rows how far they lie apart and what bound each;
/// `None` for fewer than two.
pub fn group<'a>(
    report: &'a RunReport,
    title: String,
    belongs: impl Fn(&&'a Row) -> bool,
    label: impl Fn(&Row) -> String,
) -> Option<Group> {
    let mut rows: Vec<(&Row, Interval)> = report
        .rows
        .iter()
        .filter(belongs)
        .filter_map(|row| Some((row, row.wall_seconds?)))
        .collect();
    if rows.len() < 2 {
        return None;
    }
    rows.sort_by(|a, b| a.1.median.total_cmp(&b.1.median));
    let (fastest, slowest) = (rows[0], rows[rows.len() - 1]);
    let apart = slowest.1.median / fastest.1.median;
    let overlap = fastest.1.high >= slowest.1.low;
    let mut sentence = if report.quick {
        format!(
            "Medians from {} s ({}) to {} s ({}) per job, of too few rounds to tell them apart.",
            significant(fastest.1.median),
            label(fastest.0),
            significant(slowest.1.median),
            label(slowest.0)
        )
    } else if overlap {
        format!(
            "No row is clearly faster than another: {} to {} s per job, and the intervals overlap.",
            significant(fastest.1.median),
            significant(slowest.1.median)
        )
    } else {
        format!(
            "From {} s ({}) to {} s ({}) per job, a factor of {apart:.2}.",
            significant(fastest.1.median),
            label(fastest.0),
            significant(slowest.1.median),
            label(slowest.0)
        )
    };
    sentence.push_str(&bound_by(&rows, &label));
    Some(Group {
        title,
        rows: rows.iter().map(|(row, _)| row.key()).collect(),
        sentence,
    })
}

/// What bound each row, rows of one verdict together.
fn bound_by(rows: &[(&Row, Interval)], label: &impl Fn(&Row) -> String) -> String {
    let mut kinds: Vec<(String, Vec<String>)> = Vec::new();
    for (row, _) in rows {
        let Some(verdict) = &row.verdict else {
            continue;
        };
        let kind = verdict.kind.to_string();
        match kinds.iter_mut().find(|(seen, _)| *seen == kind) {
            Some((_, labels)) => labels.push(label(row)),
            None => kinds.push((kind, vec![label(row)])),
        }
    }
    if kinds.is_empty() {
        return String::new();
    }
    let parts: Vec<_> = kinds
        .into_iter()
        .map(|(kind, labels)| format!("{kind} ({})", labels.join(", ")))
        .collect();
    format!(" What bound them: {}.", parts.join("; "))
}

/// Three significant digits.
fn significant(seconds: f64) -> String {
    let digits = (2 - seconds.abs().max(1e-9).log10().floor() as i32).max(0);
    format!("{seconds:.*}", digits as usize)
}
