//! What was broken on purpose, and what that cost.

use super::figures::{NONE, UNKNOWN, count};
use super::paragraph::Paragraph;
use super::plain_table::plain_table;
use super::style::{Paint, Style};
use crate::duration::duration;
use crate::pipeline::is_of_pipelines;
use crate::report::{Drill, RunReport};

/// What stands above the columns.
pub const DRILL_HEADS: [&str; 7] = [
    "station",
    "what was done",
    "sent",
    "answered",
    "lost",
    "replaced",
    "over after",
];

/// The drills as a table; below it why one tells nothing. Empty where there were
/// none.
pub fn drills(report: &RunReport, style: &Style) -> String {
    if report.drills.is_empty() {
        return String::new();
    }
    let told = report
        .drills
        .iter()
        .filter(|drill| drill.failed_because.is_none());
    let lines: Vec<Vec<String>> = told.map(|drill| drill_cells(drill).into()).collect();
    let mut text = style.heading("Drills: something is broken while a load goes on");
    if !lines.is_empty() {
        text.push_str(&plain_table(style, &DRILL_HEADS, &DRILL_HEADS[2..], lines));
        text.push_str(&Paragraph::new(drill_note(report)).render(style));
    }
    for drill in &report.drills {
        let who = format!("{}, {}:", drill.station, drill.name);
        if let Some(why) = &drill.failed_because {
            let head = format!("{} {who}", style.cross());
            text.push_str(&Paragraph::new(why).head(head, Paint::Red).render(style));
        } else if let Some(why) = &drill.void {
            let head = format!("! {who}");
            let text_of =
                format!("the load was not on time ({why}); what was lost is counted all the same.");
            text.push_str(
                &Paragraph::new(text_of)
                    .head(head, Paint::Yellow)
                    .render(style),
            );
        }
    }
    text
}

/// How to read the table.
pub fn drill_note(report: &RunReport) -> &'static str {
    if is_of_pipelines(report) {
        OF_ITEMS
    } else {
        OF_REQUESTS
    }
}

const OF_ITEMS: &str = "Sent are the items that the source gave, answered those of them that came \
    to the sink; lost are those that did not, that came again, or that went to the dead letters. \
    Replaced is how many processes were started in place of dead ones.";

const OF_REQUESTS: &str = "Lost is by kind: closed, reset and broken, the connection ended with \
    the request under way; connect_refused, connect_timeout and connect_failed, none could be made; \
    no_connection and timeout, none was free or no answer came in time. Replaced is how many workers \
    were started in place of dead ones, by the station's own count. Over after is the time from the \
    drill until the last slice of the load in which a request was lost.";

/// A drill's cells.
pub fn drill_cells(drill: &Drill) -> [String; 7] {
    let over = match (drill.done_at_seconds, drill.recovery_seconds()) {
        (None, _) => NONE.to_owned(),
        (Some(_), None) => "not until the end".to_owned(),
        (Some(_), Some(0.0)) if drill.lost() == 0 => "nothing was lost".to_owned(),
        (Some(_), Some(seconds)) => duration(seconds),
    };
    let kinds: Vec<String> = drill
        .failed
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    let lost = match drill.lost() {
        0 => "0".to_owned(),
        _ => kinds.join(", "),
    };
    let replaced = drill.restarts.map(|restarts| restarts.to_string());
    let station = match drill.workers {
        // What lies between stations has none.
        0 => drill.station.clone(),
        workers => format!("{} ({})", drill.station, count(workers, "worker")),
    };
    [
        station,
        drill.name.clone(),
        drill.sent.to_string(),
        drill.answered.to_string(),
        lost,
        replaced.unwrap_or_else(|| UNKNOWN.to_owned()),
        over,
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::made;
    use crate::report::Slice;
    use std::collections::BTreeMap;

    fn drill() -> Drill {
        let slice = |(index, failed): (u32, u64)| Slice {
            at_seconds: f64::from(index) / 10.0,
            sent: 50,
            answered: 50 - failed,
            failed,
            p99_seconds: Some(0.002),
        };
        Drill {
            name: "one of its workers is killed (SIGKILL)".to_owned(),
            station: "cluster-two".to_owned(),
            workers: 2,
            done_at_seconds: Some(0.21),
            sent: 300,
            answered: 297,
            failed: BTreeMap::from([("reset".to_owned(), 3), ("timeout".to_owned(), 0)]),
            restarts: Some(1),
            timeline: (0..).zip([0, 0, 3, 0, 0, 0]).map(slice).collect(),
            ..Drill::default()
        }
    }

    #[test]
    fn what_was_lost_has_its_kind_and_what_failed_its_reason() {
        let mut report = made::sample();
        report.drills = vec![
            drill(),
            Drill {
                station: "cluster-replicas".to_owned(),
                name: "a replica crashes".to_owned(),
                failed_because: Some("the host script did not answer".to_owned()),
                ..Drill::default()
            },
        ];

        let text = drills(&report, &Style::detect(false, false, None));

        for part in [
            "3 reset",
            "297",
            "90.0 ms",
            "the host script did not answer",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        assert!(!text.contains("0 timeout"), "{text}");
        assert_eq!(
            drills(&made::sample(), &Style::detect(false, false, None)),
            ""
        );
    }

    #[test]
    fn one_that_loses_nothing_says_so_and_one_that_goes_on_too() {
        let mut unharmed = drill();
        unharmed.failed.clear();
        unharmed
            .timeline
            .iter_mut()
            .for_each(|slice| slice.failed = 0);
        assert_eq!(drill_cells(&unharmed)[6], "nothing was lost");
        let mut worse = drill();
        worse.timeline.last_mut().unwrap().failed = 1;
        worse.restarts = None;
        assert_eq!(drill_cells(&worse)[5..], [UNKNOWN, "not until the end"]);
    }
}
