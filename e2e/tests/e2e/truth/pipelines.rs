//! A pipeline whose bottleneck is built in, moved through each stage in turn: it
//! must be named each time.

use crate::lab_pipeline::{bench, disturbed};
use crate::support::said;
use measure::report::{EnforcementMeans, PipelineFigures, RunReport};

/// How often a case is tried on a machine that others disturb.
const ATTEMPTS: u32 = 3;

/// What makes each stage the slowest: next to no CPU, or a long wait. The others
/// have next to nothing to do.
/// So many items that the run is longer than what the first refills pay for.
const CASES: [(&str, Built, &str); 5] = [
    ("source", Built::Quota, "8000"),
    ("parse", Built::Quota, "2000"),
    ("transform", Built::Cost, "400"),
    ("lookup", Built::Wait, "400"),
    ("sink", Built::Quota, "2000"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Built {
    /// The stage gets a few hundredths of a CPU.
    Quota,
    /// An item costs it several milliseconds of CPU time.
    Cost,
    /// It waits for each item for several milliseconds.
    Wait,
}

/// The lab's file with that bottleneck.
fn built(text: &str, stage: &str, built: Built) -> String {
    let cost = if built == Built::Cost { "5ms" } else { "0ms" };
    let wait = if built == Built::Wait { "10ms" } else { "0ms" };
    let text = text
        .replace(
            "PIPELINE_TRANSFORM_COST: 1ms",
            &format!("PIPELINE_TRANSFORM_COST: {cost}"),
        )
        .replace(
            "PIPELINE_LOOKUP_WAIT: 1500us",
            &format!("PIPELINE_LOOKUP_WAIT: {wait}"),
        );
    assert!(
        text.contains(cost) && text.contains(wait),
        "the file has other knobs now"
    );
    if built != Built::Quota {
        return text;
    }
    let (before, rest) = text.split_once(&format!("\n  {stage}:\n")).unwrap();
    let rest = rest.replacen("cpus: \"1.0\"", "cpus: \"0.03\"", 1);
    format!("{before}\n  {stage}:\n{rest}")
}

#[test]
fn a_bottleneck_that_moves_through_the_stages_is_named_each_time() {
    let Some(bench) = bench() else {
        return;
    };
    let text = std::fs::read_to_string(bench.compose()).unwrap();
    for (stage, how, items) in CASES {
        std::fs::write(bench.compose(), built(&text, stage, how)).unwrap();
        let mut seen: Vec<PipelineFigures> = Vec::new();
        let mut disturbances = 0;
        let named = (0..ATTEMPTS).any(|_| {
            let output = bench.run(&[
                ("STRATEGY", "as-declared"),
                ("ROUNDS", "1"),
                ("LIMIT", items),
            ]);
            assert!(output.status.success(), "{stage}: {}", said(&output));
            let report: RunReport = bench.report();
            let means = report.host.enforcement.as_ref().unwrap().means;
            if how == Built::Quota && means == EnforcementMeans::Affinity {
                eprintln!("left out, since a quota needs a control group: {stage}");
                return true;
            }
            let pipeline = report.rows[0].pipeline.clone().unwrap();
            let binding = pipeline.binding.clone();
            let is_open = binding.is_none() || binding.as_deref() == Some("cpus");
            if is_open && disturbed(&report) {
                disturbances += 1;
                return false;
            }
            seen.push(pipeline);
            // It may be left open once, and never be another.
            assert!(
                is_open || binding.as_deref() == Some(stage),
                "{stage}: {seen:#?}"
            );
            !is_open
        });
        if !named && disturbances == ATTEMPTS {
            eprintln!("left open, since others had the CPUs: {stage}");
            continue;
        }
        assert!(named, "{stage} was never named: {seen:#?}");
    }
}
