//! What the scraper and the origin counted of one sample, as raw figures.

use crate::labs::Counted;
use measure::waiting::raw;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a sample was asked to do.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    /// Pages of the whole job.
    pub pages: u64,
    /// Pages of each repeat.
    pub sampled_pages: u64,
    /// Pages at once.
    pub at_once: usize,
    /// The origin's latency, where it is known.
    pub latency_seconds: Option<f64>,
    /// Whether the origin is set to answers that the scraper gives up.
    pub lingers: bool,
}

/// The pages that each repeat was asked for.
pub const SAMPLED_PAGES: &str = "sampled_pages";

/// Requests as the scraper counted them.
pub const REQUESTS: &str = "requests";

/// Outcomes that were stored.
pub const STORED: &str = "stored";

/// 1 where the origin was set to answers that the scraper gives up while they
/// are sent, which the origin has under way until it notices; else 0.
pub const LINGERS: &str = "origin_lingers";

/// What stands before the name of a figure that the origin counted.
const OF_ORIGIN: &str = "origin_";

/// Figures of which several replicas have the largest and not the sum.
const HIGHEST: [&str; 2] = ["highest_in_flight", raw::MEMORY_PEAK_BYTES];

/// The scraper's own figures by its names, the origin's behind `origin_`, and
/// what was asked. What nobody counted is left out.
pub fn raw_figures(job: &Job, counted: Counted) -> BTreeMap<String, f64> {
    let mut figures = BTreeMap::from([
        (raw::JOB_PAGES.to_owned(), job.pages as f64),
        (SAMPLED_PAGES.to_owned(), job.sampled_pages as f64),
        (raw::AT_ONCE.to_owned(), job.at_once as f64),
        (LINGERS.to_owned(), f64::from(u8::from(job.lingers))),
    ]);
    if let Some(seconds) = job.latency_seconds {
        figures.insert(raw::LATENCY_SECONDS.to_owned(), seconds);
    }
    let [first, others @ ..] = counted.stations else {
        return figures;
    };
    for (name, figure) in first {
        let figure = others.iter().fold(*figure, |so_far, other| {
            let one = other.get(name).copied().flatten()?;
            let highest = HIGHEST.contains(&name.as_str());
            so_far.map(|so_far| {
                if highest {
                    so_far.max(one)
                } else {
                    so_far + one
                }
            })
        });
        figures.extend(figure.filter(|f| f.is_finite()).map(|f| (name.clone(), f)));
    }
    figures.extend(of_origin(counted.witness));
    figures
}

/// The numbers of the origin's account; those by status are `status_200`.
fn of_origin(account: &Value) -> BTreeMap<String, f64> {
    let mut figures = BTreeMap::new();
    for (name, value) in account.as_object().into_iter().flatten() {
        if let Some(number) = value.as_f64() {
            figures.insert(format!("{OF_ORIGIN}{name}"), number);
        }
    }
    for (status, value) in account["by_status"].as_object().into_iter().flatten() {
        if let Some(number) = value.as_f64() {
            figures.insert(format!("{OF_ORIGIN}status_{status}"), number);
        }
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_accounts_are_kept_and_what_nobody_counted_is_left_out() {
        let job = Job {
            pages: 1000,
            sampled_pages: 20,
            at_once: 1,
            latency_seconds: None,
            lingers: false,
        };
        let station = BTreeMap::from([
            ("pages".to_owned(), Some(20.0)),
            ("memory_peak_bytes".to_owned(), None),
        ]);
        let origin = json!({
            "requests": 21, "highest_in_flight": 1, "by_status": {"200": 20, "503": 1},
            "paths": null, "connections": 1,
        });

        let figures = raw_figures(
            &job,
            Counted {
                stations: &[station],
                witness: &origin,
            },
        );

        let expected = [
            ("at_once", 1.0),
            ("job_pages", 1000.0),
            ("origin_connections", 1.0),
            ("origin_highest_in_flight", 1.0),
            ("origin_lingers", 0.0),
            ("origin_requests", 21.0),
            ("origin_status_200", 20.0),
            ("origin_status_503", 1.0),
            ("pages", 20.0),
            ("sampled_pages", 20.0),
        ];
        let expected = expected.map(|(name, figure)| (name.to_owned(), figure));
        assert_eq!(figures, BTreeMap::from(expected));
    }

    #[test]
    fn of_several_replicas_counts_add_up_and_peaks_do_not() {
        let job = Job {
            pages: 10,
            sampled_pages: 10,
            at_once: 5,
            latency_seconds: Some(0.1),
            lingers: false,
        };
        let replica = |pages, peak| {
            BTreeMap::from([
                ("pages".to_owned(), Some(pages)),
                ("highest_in_flight".to_owned(), Some(peak)),
            ])
        };
        let figures = raw_figures(
            &job,
            Counted {
                stations: &[replica(5.0, 3.0), replica(4.0, 5.0)],
                witness: &Value::Null,
            },
        );
        assert_eq!((figures["pages"], figures["highest_in_flight"]), (9.0, 5.0));
        assert!((figures["latency_seconds"] - 0.1).abs() < 1e-12);
    }
}
