//! Every query of a lab's dashboard and of the overview, put to the real
//! Prometheus while the lab runs.

use super::prometheus::Prometheus;
use crate::dashboards::{Dashboard, Query, QueryKind};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

/// How far back a query over time looks. Shorter than the pages': what it finds
/// is of this run.
const LOOK_BACK: Duration = Duration::from_mins(1);

/// How long after a run's end the last figures may come: a scrape and a rule take
/// a second or two each.
const AFTERWARDS: Duration = Duration::from_secs(20);

/// The dashboards' queries, asked again and again until each has had data.
pub(crate) struct Panels {
    ended: Arc<AtomicBool>,
    asking: JoinHandle<Vec<String>>,
}

impl Panels {
    /// Begins to ask, before the lab's run does.
    pub(crate) fn ask(prometheus: Prometheus, lab: &'static str) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&ended);
        Self {
            ended,
            asking: std::thread::spawn(move || {
                let mut last = None;
                without_data(&prometheus, lab, || {
                    if until.load(Ordering::Relaxed) {
                        last.get_or_insert_with(|| Instant::now() + AFTERWARDS);
                    }
                    last.is_none_or(|last| Instant::now() < last)
                })
            }),
        }
    }

    /// The run has ended: each query must have had data by now, or soon after.
    pub(crate) fn all_had_data(self) {
        self.ended.store(true, Ordering::Relaxed);
        let missing = self.asking.join().unwrap();
        assert!(missing.is_empty(), "without data:\n{}", missing.join("\n"));
    }
}

/// Asks as long as there shall be more; returns the queries that never had data,
/// with the last answer.
fn without_data(prometheus: &Prometheus, lab: &str, mut more: impl FnMut() -> bool) -> Vec<String> {
    let mut open: Vec<(Query, String)> = Dashboard::all()
        .iter()
        .filter(|dashboard| dashboard.name == lab || !dashboard.name.starts_with("lab-"))
        .flat_map(filled)
        .map(|query| (query, String::new()))
        .collect();
    assert!(!open.is_empty());
    loop {
        // Asked before, so that the last look is after the end.
        let last = !more();
        open.retain_mut(|(query, answer)| match has_data(prometheus, query) {
            Ok(true) => false,
            Ok(false) => {
                "no data".clone_into(answer);
                true
            }
            Err(error) => {
                *answer = error;
                true
            }
        });
        if last || open.is_empty() {
            let lines = open.iter().map(|(query, answer)| {
                let Query {
                    place, expression, ..
                } = query;
                format!("{place}: {answer}: {expression}")
            });
            return lines.collect();
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// A dashboard's queries as Grafana sends them when all is chosen.
fn filled(dashboard: &Dashboard) -> Vec<Query> {
    let mut values = dashboard.everything();
    for (name, value) in [
        // Four scrapes, as Grafana makes of a scrape a second.
        ("__rate_interval", "4s"),
        ("__range", "15m"),
        ("__interval", "1s"),
    ] {
        values.insert(name.to_owned(), value.to_owned());
    }
    let mut queries = dashboard.queries();
    for query in &mut queries {
        for (name, value) in &values {
            query.expression = query.expression.replace(&format!("${name}"), value);
        }
        assert!(!query.expression.contains('$'), "{query:?}");
    }
    queries
}

/// Whether a query has data; an error where there is no answer. A query that is
/// none ends the test: waiting makes it no better.
fn has_data(prometheus: &Prometheus, query: &Query) -> Result<bool, String> {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let end = now.to_string();
    let start = (now - LOOK_BACK.as_secs()).to_string();
    let expression = query.expression.as_str();
    let answer = match &query.kind {
        QueryKind::Instant => prometheus.ask("query", &[("query", expression)]),
        QueryKind::Range => prometheus.ask(
            "query_range",
            &[
                ("query", expression),
                ("start", &start),
                ("end", &end),
                ("step", "1"),
            ],
        ),
        QueryKind::LabelValues { label } => prometheus.ask(
            &format!("label/{label}/values"),
            &[("match[]", expression), ("start", &start), ("end", &end)],
        ),
    }?;
    assert_eq!(answer["status"], "success", "{}: {answer}", query.place);
    Ok(match query.kind {
        QueryKind::LabelValues { .. } => !answer["data"].as_array().unwrap().is_empty(),
        _ => has_figures(&answer["data"]["result"]),
    })
}

/// Whether an answer holds a number; 0 ÷ 0 is none, and Grafana draws nothing
/// for it.
fn has_figures(result: &Value) -> bool {
    let series = result.as_array().unwrap().iter();
    let mut points = series.flat_map(|series| {
        let over_time = series["values"].as_array().into_iter().flatten();
        over_time.chain(series.get("value"))
    });
    points.any(|point| {
        let figure = point[1].as_str().unwrap().parse::<f64>();
        figure.unwrap().is_finite()
    })
}

/// Answers every request with a figure, but those that ask for `silent`.
fn stub(silent: &'static str) -> Prometheus {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = String::new();
            let mut lines = BufReader::new(&stream);
            lines.read_line(&mut request).unwrap();
            while lines.read_line(&mut String::new()).unwrap() > 2 {}
            let value = if request.contains(silent) { "NaN" } else { "1" };
            let data = if request.contains("/label/") {
                r#"["a"]"#.to_owned()
            } else {
                format!(r#"{{"result":[{{"value":[0,"{value}"]}}]}}"#)
            };
            let body = format!(r#"{{"status":"success","data":{data}}}"#);
            write!(stream, "HTTP/1.0 200 OK\r\n\r\n{body}").unwrap();
        }
    });
    Prometheus::at(address)
}

#[test]
fn a_query_without_data_is_named_with_its_dashboard_and_panel() {
    let prometheus = stub("lab_row_active");

    let missing = without_data(&prometheus, crate::lab_primes::LAB, || false);

    let places: Vec<_> = missing
        .iter()
        .map(|it| it.split('"').nth(1).unwrap())
        .collect();
    assert_eq!(
        places,
        ["Row under way", "Whose turn it was"],
        "{missing:?}"
    );
    assert!(missing[0].starts_with("lab-primes, panel "), "{missing:?}");
}
