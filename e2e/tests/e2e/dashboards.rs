//! The dashboards as files: what Grafana would refuse or show as "No data" is
//! found here, without Grafana.

mod documented;
mod promql;

use crate::support::root;
use documented::Documented;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The Grafana that compose/observability.yml runs: the form below is its own.
const GRAFANA: &str = "grafana/grafana:11.6.0";

/// The form of a dashboard that this Grafana writes.
const SCHEMA_VERSION: u64 = 41;

/// Panels of Grafana's own; any other would be a plugin to install.
const PANEL_TYPES: [&str; 10] = [
    "barchart",
    "bargauge",
    "gauge",
    "heatmap",
    "row",
    "stat",
    "state-timeline",
    "table",
    "text",
    "timeseries",
];

/// Units that are used here, by Grafana's names.
const UNITS: [&str; 5] = ["bytes", "percent", "percentunit", "s", "short"];

const COLUMNS: u64 = 24;

/// One file of grafana/dashboards.
pub(crate) struct Dashboard {
    /// Its name without `.json`.
    pub(crate) name: String,
    json: Value,
}

/// Something that Grafana asks Prometheus for.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    /// Dashboard and panel, variable or annotation, for a message.
    pub(crate) place: String,
    /// As it stands in the file, `$variables` included.
    pub(crate) expression: String,
    pub(crate) kind: QueryKind,
}

/// How it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum QueryKind {
    /// Values of this moment.
    Instant,
    /// Values over the time shown.
    Range,
    /// What a label's values are; the expression is the series to look at.
    LabelValues { label: String },
}

impl Dashboard {
    /// All of them.
    pub(crate) fn all() -> Vec<Self> {
        let entries = std::fs::read_dir(root().join("grafana/dashboards")).unwrap();
        let mut all: Vec<_> = entries
            .map(|entry| Self::read(&entry.unwrap().path()))
            .collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        assert!(!all.is_empty());
        all
    }

    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let json = serde_json::from_str(&text);
        Self {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            json: json.unwrap_or_else(|error| panic!("{}: {error}", path.display())),
        }
    }

    /// Its panels, also those in a folded row.
    fn panels(&self) -> Vec<&Value> {
        let top = list(&self.json["panels"]);
        top.flat_map(|panel| std::iter::once(panel).chain(list(&panel["panels"])))
            .collect()
    }

    fn variables(&self) -> Vec<&Value> {
        list(&self.json["templating"]["list"]).collect()
    }

    fn annotations(&self) -> Vec<&Value> {
        list(&self.json["annotations"]["list"]).collect()
    }

    /// Everything that it asks Prometheus for.
    pub(crate) fn queries(&self) -> Vec<Query> {
        let name = &self.name;
        let of_panels = self.panels().into_iter().flat_map(|panel| {
            list(&panel["targets"]).map(move |target| Query {
                place: format!("{name}, {} {}", place(panel), text(&target["refId"])),
                expression: text(&target["expr"]).to_owned(),
                kind: if target["instant"] == true {
                    QueryKind::Instant
                } else {
                    QueryKind::Range
                },
            })
        });
        let of_variables = self.variables().into_iter().map(|variable| {
            let place = format!("{name}, variable {}", text(&variable["name"]));
            let (series, label) = label_values(text(&variable["query"]["query"]))
                .unwrap_or_else(|| panic!("{place}: not label_values(series, label)"));
            Query {
                place,
                expression: series.to_owned(),
                kind: QueryKind::LabelValues {
                    label: label.to_owned(),
                },
            }
        });
        let of_annotations = self.annotations().into_iter().map(|annotation| Query {
            place: format!("{name}, annotation {:?}", text(&annotation["name"])),
            expression: text(&annotation["expr"]).to_owned(),
            kind: QueryKind::Range,
        });
        of_panels
            .chain(of_variables)
            .chain(of_annotations)
            .collect()
    }

    /// What its variables stand for when everything is chosen.
    pub(crate) fn everything(&self) -> BTreeMap<String, String> {
        let variables = self.variables().into_iter();
        variables
            .map(|variable| {
                let all = text(&variable["allValue"]).to_owned();
                (text(&variable["name"]).to_owned(), all)
            })
            .collect()
    }
}

/// A list's items; none where there is no list.
fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A text; empty where there is none.
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn place(panel: &Value) -> String {
    format!("panel {} {:?}", panel["id"], text(&panel["title"]))
}

/// Series and label of `label_values(series, label)`.
fn label_values(query: &str) -> Option<(&str, &str)> {
    let inner = query.strip_prefix("label_values(")?.strip_suffix(')')?;
    let (series, label) = inner.rsplit_once(',')?;
    Some((series.trim(), label.trim()))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The value behind a key in one of our small YAML files.
fn value_in<'t>(yaml: &'t str, key: &str) -> &'t str {
    let mut values = yaml
        .lines()
        .filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix(key))
        .filter_map(|rest| rest.strip_prefix(": "));
    values
        .next()
        .unwrap_or_else(|| panic!("no {key} in {yaml}"))
}

#[test]
fn every_lab_has_its_dashboard_and_every_dashboard_its_lab() {
    let mut expected: Vec<_> = crate::repository::labs();
    expected.push("overview".to_owned());
    expected.sort();
    let dashboards = Dashboard::all();
    let names: Vec<_> = dashboards.iter().map(|it| it.name.clone()).collect();
    assert_eq!(
        names, expected,
        "compose/lab-*.yml against grafana/dashboards"
    );
    for dashboard in dashboards {
        let uid = format!("parlab-{}", dashboard.name);
        assert_eq!(dashboard.json["uid"], uid, "links to it name this");
    }
}

#[test]
fn every_dashboard_has_the_form_of_the_pinned_grafana() {
    let source = read("grafana/provisioning/datasources/prometheus.yml");
    let uid = value_in(&source, "uid");
    let mut titles = BTreeSet::new();
    for dashboard in Dashboard::all() {
        let Dashboard { name, json } = &dashboard;
        assert_eq!(
            json["schemaVersion"], SCHEMA_VERSION,
            "{name}: {GRAFANA} writes this"
        );
        assert!(
            titles.insert(text(&json["title"]).to_owned()),
            "{name}: its title"
        );
        assert!(
            !text(&json["description"]).is_empty(),
            "{name}: no description"
        );
        assert_eq!(
            json["tags"][0], "parlab",
            "{name}: the links between them go by it"
        );
        let mut ids = BTreeSet::new();
        for panel in dashboard.panels() {
            let place = format!("{name}, {}", place(panel));
            let id = panel["id"].as_u64();
            assert!(
                id.is_some_and(|id| id > 0 && ids.insert(id)),
                "{place}: its id"
            );
            let kind = text(&panel["type"]);
            assert!(PANEL_TYPES.contains(&kind), "{place}: no panel {kind:?}");
            let mut targets = BTreeSet::new();
            for target in list(&panel["targets"]) {
                assert!(
                    targets.insert(text(&target["refId"])),
                    "{place}: a refId twice"
                );
            }
            assert_eq!(
                !targets.is_empty(),
                shows_figures(panel),
                "{place}: queries"
            );
            for matcher in list(&panel["fieldConfig"]["overrides"]).map(|it| &it["matcher"]) {
                let known = match text(&matcher["id"]) {
                    "byFrameRefID" => targets.contains(text(&matcher["options"])),
                    other => ["byName", "byType"].contains(&other),
                };
                assert!(
                    known,
                    "{place}: an override of {matcher}, which is not there"
                );
            }
        }
        let sources = dashboard
            .panels()
            .into_iter()
            .filter(|it| shows_figures(it));
        let sources = sources
            .chain(dashboard.variables())
            .chain(dashboard.annotations());
        for source in sources.map(|it| &it["datasource"]) {
            assert_eq!(source["uid"], uid, "{name}: the provisioned source");
        }
    }
}

fn shows_figures(panel: &Value) -> bool {
    !matches!(text(&panel["type"]), "row" | "text")
}

#[test]
fn the_pinned_grafana_finds_its_source_its_dashboards_and_its_first_page() {
    let compose = read("compose/observability.yml");
    let source = read("grafana/provisioning/datasources/prometheus.yml");
    let provider = read("grafana/provisioning/dashboards/parlab.yml");
    let path = value_in(&provider, "path");
    for line in [
        format!("image: {GRAFANA}"),
        "- ../grafana/provisioning:/etc/grafana/provisioning:ro".to_owned(),
        format!("- ../grafana/dashboards:{path}:ro"),
        format!("GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH: {path}/overview.json"),
        "prometheus:".to_owned(),
    ] {
        let found = compose.lines().any(|it| it.trim() == line);
        assert!(found, "compose/observability.yml has no line {line:?}");
    }
    assert_eq!(value_in(&source, "url"), "http://prometheus:9090");
}

#[test]
fn panels_lie_side_by_side_within_the_page() {
    for dashboard in Dashboard::all() {
        let mut taken: BTreeMap<(u64, u64), String> = BTreeMap::new();
        for panel in list(&dashboard.json["panels"]) {
            let place = format!("{}, {}", dashboard.name, place(panel));
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| {
                let length = panel["gridPos"][side].as_u64();
                length.unwrap_or_else(|| panic!("{place}: gridPos.{side}"))
            });
            assert!(
                w > 0 && h > 0 && x + w <= COLUMNS,
                "{place}: {COLUMNS} columns"
            );
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                if let Some(other) = taken.insert(cell, place.clone()) {
                    panic!("{place} lies on {other}");
                }
            }
        }
    }
}

#[test]
fn every_panel_says_what_it_shows_in_which_unit_and_why_it_may_be_empty() {
    for dashboard in Dashboard::all() {
        for panel in dashboard.panels() {
            let place = format!("{}, {}", dashboard.name, place(panel));
            assert!(!text(&panel["title"]).is_empty(), "{place}: no title");
            if text(&panel["type"]) == "row" {
                continue;
            }
            assert!(
                !text(&panel["description"]).is_empty(),
                "{place}: no description"
            );
            if text(&panel["type"]) == "text" {
                let content = text(&panel["options"]["content"]);
                for part in ["look", "**Edit**", "compose/lab-", "docs/labs/"] {
                    let whole = format!("{} {content}", text(&panel["title"]));
                    assert!(whole.contains(part), "{place}: no {part:?}");
                }
                continue;
            }
            let defaults = &panel["fieldConfig"]["defaults"];
            let overrides = list(&panel["fieldConfig"]["overrides"])
                .flat_map(|it| list(&it["properties"]))
                .filter(|property| property["id"] == "unit")
                .map(|property| &property["value"]);
            for unit in std::iter::once(&defaults["unit"]).chain(overrides) {
                assert!(UNITS.contains(&text(unit)), "{place}: unit {unit}");
            }
            assert!(
                !text(&defaults["noValue"]).is_empty(),
                "{place}: it would say \"No data\""
            );
            let steps = list(&defaults["thresholds"]["steps"]);
            let values: Vec<_> = steps.map(|step| step["value"].as_f64()).collect();
            assert!(
                values.first() == Some(&None) && values.is_sorted_by(|a, b| a < b),
                "{place}: thresholds begin without a value and rise: {values:?}"
            );
            for target in list(&panel["targets"]) {
                let named = target["format"] == "table" || target["legendFormat"].is_string();
                assert!(named, "{place}: no legend for {}", target["refId"]);
            }
        }
    }
}

#[test]
fn every_query_asks_for_what_docs_metrics_names() {
    let documented = Documented::read();
    for query in Dashboard::all().iter().flat_map(Dashboard::queries) {
        let labels = check(&query.expression, &query.place, &documented);
        if let QueryKind::LabelValues { label } = query.kind {
            assert!(labels.contains(&label), "{}: no label {label}", query.place);
        }
    }
}

/// Holds a query against the documented metrics; returns the labels that its
/// answer may have.
fn check(expression: &str, place: &str, documented: &Documented) -> BTreeSet<String> {
    let query = promql::read(expression).unwrap_or_else(|error| panic!("{place}: {error}"));
    assert!(
        !query.selectors.is_empty(),
        "{place}: no metric in {expression:?}"
    );
    let mut all = BTreeSet::new();
    for selector in query.selectors {
        let metric = &selector.metric;
        let labels = documented.labels(metric);
        let labels = labels.unwrap_or_else(|| panic!("{place}: docs/metrics.md has no {metric}"));
        for label in &selector.labels {
            assert!(
                labels.contains(label),
                "{place}: {metric} has no label {label}"
            );
        }
        all.extend(labels.iter().cloned());
    }
    for label in &query.grouped_by {
        assert!(
            all.contains(label),
            "{place}: no metric has the label {label}"
        );
    }
    // Grouping drops all other labels.
    if query.grouped_by.is_empty() {
        all
    } else {
        query.grouped_by
    }
}

#[test]
fn every_legend_and_every_variable_is_there() {
    let documented = Documented::read();
    for dashboard in Dashboard::all() {
        for panel in dashboard.panels() {
            for target in list(&panel["targets"]) {
                let place = format!("{}, {}", dashboard.name, place(panel));
                let labels = check(text(&target["expr"]), &place, &documented);
                for label in between(text(&target["legendFormat"]), "{{", "}}") {
                    assert!(
                        labels.contains(label),
                        "{place}: {{{{{label}}}}} stays empty"
                    );
                }
            }
        }
        let known = dashboard.everything();
        for (name, all) in &known {
            assert!(
                !all.is_empty(),
                "{}: ${name} has no allValue",
                dashboard.name
            );
        }
        for query in dashboard.queries() {
            let used = query.expression.split('$').skip(1).map(|rest| {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                &rest[..end.unwrap_or(rest.len())]
            });
            for name in used {
                let built_in = ["__rate_interval", "__range", "__interval"].contains(&name);
                assert!(
                    built_in || known.contains_key(name),
                    "{}: ${name}",
                    query.place
                );
            }
        }
        let repeated = dashboard.panels().into_iter().map(|panel| &panel["repeat"]);
        for name in repeated.filter(|name| !name.is_null()) {
            assert!(
                known.contains_key(text(name)),
                "{}: repeat {name}",
                dashboard.name
            );
        }
    }
}

/// What stands between two marks, each time.
fn between<'t>(text: &'t str, open: &str, close: &str) -> Vec<&'t str> {
    let behind = text.split(open).skip(1);
    behind
        .filter_map(|rest| Some(rest.split_once(close)?.0))
        .collect()
}

#[test]
fn every_dashboard_follows_a_run_and_marks_its_start_and_end() {
    for dashboard in Dashboard::all() {
        let Dashboard { name, json } = &dashboard;
        assert_eq!(
            json["refresh"], "5s",
            "{name}: the shortest that Grafana allows by itself"
        );
        let minutes = text(&json["time"]["from"]).strip_prefix("now-");
        assert!(
            ["5m", "15m"].contains(&minutes.unwrap()),
            "{name}: {}",
            json["time"]
        );
        for metric in [
            "lab_run_started_timestamp_seconds",
            "lab_run_ended_timestamp_seconds",
        ] {
            let annotations = dashboard.annotations();
            let mark = annotations
                .iter()
                .find(|it| text(&it["expr"]).starts_with(metric));
            let mark = mark.unwrap_or_else(|| panic!("{name}: no annotation from {metric}"));
            // Grafana takes the value for milliseconds.
            assert!(text(&mark["expr"]).ends_with("* 1000"), "{name}: {mark}");
            assert_eq!(
                (&mark["useValueForTime"], &mark["enable"]),
                (&true.into(), &true.into())
            );
            // Two runs close together leave an end standing for seconds only.
            assert_eq!(mark["step"], "1s", "{name}");
        }
        for variable in ["station", "replica"] {
            let variables = dashboard.variables();
            let variable = variables.iter().find(|it| it["name"] == variable).unwrap();
            for choice in ["multi", "includeAll"] {
                assert_eq!(variable[choice], true, "{name}: {variable}");
            }
            // Stations come and go while the page is open.
            assert_eq!(variable["refresh"], 2, "{name}: {variable}");
        }
    }
}

#[test]
fn the_overview_has_the_courses_panels() {
    let dashboards = Dashboard::all();
    let overview = dashboards.iter().find(|it| it.name == "overview").unwrap();
    for (metric, legend, unit) in [
        ("cpu_usage_per_core", "{{core}}", "percent"),
        ("memory_usage_percent", "memory", "percent"),
        ("system_load_average", "{{interval}}", "short"),
    ] {
        let panels = overview.panels();
        let panel = panels.iter().find(|panel| {
            list(&panel["targets"]).any(|it| it["expr"] == metric && it["legendFormat"] == legend)
        });
        let panel = panel.unwrap_or_else(|| panic!("no panel of {metric} by {legend}"));
        assert_eq!(panel["fieldConfig"]["defaults"]["unit"], unit, "{metric}");
    }
}

#[test]
fn queries_in_the_documents_ask_for_what_docs_metrics_names() {
    let documented = Documented::read();
    let mut found = 0;
    for document in crate::repository::documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for block in between(&text, "```promql\n", "```") {
            for query in block.lines().filter(|line| !line.is_empty()) {
                check(query, &document.display().to_string(), &documented);
                found += 1;
            }
        }
    }
    assert!(found > 0, "docs/labs/observability.md shows some");
}
