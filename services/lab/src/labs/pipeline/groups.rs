//! A group of rows in one sentence each: replicas, queues, and the network.

use super::plan::Way;
use measure::duration;
use measure::figures::names;
use measure::report::{Group, PipelineFigures, Row, RunReport};
use measure::text::figures::digits;

/// The groups of which rows were measured.
pub fn groups(report: &RunReport) -> Vec<Group> {
    [replicas(report), queues(report), network(report)]
        .into_iter()
        .flatten()
        .collect()
}

struct Measured<'r> {
    row: &'r Row,
    figures: &'r PipelineFigures,
    items_per_second: f64,
}

fn measured(row: &Row) -> Option<Measured<'_>> {
    let figures = row.pipeline.as_ref()?;
    Some(Measured {
        row,
        figures,
        items_per_second: figures.items_per_second?.median,
    })
}

fn way_of(report: &RunReport, way: Way) -> Option<Measured<'_>> {
    let row = report.rows.iter().find(|row| row.strategy == way.name());
    measured(row?)
}

fn group(title: &str, rows: &[&Measured], sentence: String) -> Group {
    Group {
        title: title.to_owned(),
        rows: rows.iter().map(|measured| measured.row.key()).collect(),
        sentence,
        serial_fractions: Vec::new(),
    }
}

/// What replicas of the slowest stage gain, and where that ends.
fn replicas(report: &RunReport) -> Option<Group> {
    let ways = [
        Way::AsDeclared,
        Way::Replicas(1),
        Way::Replicas(2),
        Way::Replicas(4),
    ];
    let mut rows: Vec<Measured> = ways.into_iter().filter_map(|w| way_of(report, w)).collect();
    let count = |measured: &Measured| transforms(measured.figures);
    rows.sort_by_key(count);
    rows.dedup_by_key(|measured| count(measured));
    if rows.len() < 2 {
        return None;
    }
    let each = rows.iter().map(|measured| {
        let predicted = measured.figures.predicted_items_per_second;
        let predicted = predicted.filter(|_| !measured.row.baseline);
        let predicted = predicted.map_or_else(String::new, |rate| {
            format!(", {} predicted", digits(rate.median))
        });
        let binding = measured
            .figures
            .binding
            .as_deref()
            .unwrap_or("no one stage");
        format!(
            "{} × {} items/s{predicted} ({binding} set the pace)",
            count(measured),
            digits(measured.items_per_second)
        )
    });
    let each: Vec<String> = each.collect();
    let sentence = format!("Replicas of transform: {}.", each.join("; "));
    let rows: Vec<&Measured> = rows.iter().collect();
    Some(group("what replicas are worth", &rows, sentence))
}

fn transforms(figures: &PipelineFigures) -> usize {
    let mut stages = figures.stages.iter();
    stages
        .find(|stage| stage.stage == super::TRANSFORM)
        .map_or(0, |stage| stage.replicas)
}

/// Whether larger queues gain anything, and what they cost.
fn queues(report: &RunReport) -> Option<Group> {
    let ways = [
        Way::Capacity(10),
        Way::Capacity(100),
        Way::AsDeclared,
        Way::Capacity(10_000),
    ];
    let rows: Vec<Measured> = ways.into_iter().filter_map(|w| way_of(report, w)).collect();
    if rows.len() < 2 {
        return None;
    }
    let each = rows.iter().map(|measured| {
        let latency = measured.row.figures.get(names::P50_SECONDS);
        let latency = latency.map_or("?".to_owned(), |seconds| duration(*seconds));
        let capacity = measured.row.figures.get(names::QUEUE_CAPACITY);
        let capacity =
            capacity.map_or(measured.row.strategy.clone(), |items| format!("{items:.0}"));
        format!(
            "{capacity}: {} items/s, {latency}",
            digits(measured.items_per_second)
        )
    });
    let each: Vec<String> = each.collect();
    let sentence = format!(
        "Items that each queue may hold, what came out per second, and how long half of the items \
         took from source to sink at most: {}. What the slowest stage does not need in its queue \
         only waits there.",
        each.join("; ")
    );
    let rows: Vec<&Measured> = rows.iter().collect();
    Some(group("what queues are worth", &rows, sentence))
}

/// What the way from process to process costs.
fn network(report: &RunReport) -> Option<Group> {
    let (one, over) = (
        way_of(report, Way::InProcess)?,
        way_of(report, Way::OneCpu)?,
    );
    let cpu = |measured: &Measured| measured.figures.cpu_ms_per_item;
    let (cheap, dear) = (cpu(&one)?, cpu(&over)?);
    let sentence = format!(
        "An item took {} ms of CPU in one process, and {} ms over Redis with what Redis itself \
         took: {} µs more for each of its four hops. Per second came {} and {}.",
        digits(cheap),
        digits(dear),
        digits((dear - cheap) * 1e3 / 4.0),
        digits(one.items_per_second),
        digits(over.items_per_second),
    );
    Some(group(
        "what crossing from process to process costs",
        &[&one, &over],
        sentence,
    ))
}
