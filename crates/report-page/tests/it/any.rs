//! Whatever a report holds, the page is well formed and leaves no row out.

use crate::markup::Markup;
use measure::made::any::{Parts, any_report};
use measure::report::RunReport;
use proptest::prelude::*;
use report_page::page;

fn figure() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => 1e-6..1e4f64,
        1 => Just(0.0),
        1 => -5.0..0.0f64,
        1 => any::<f64>(),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
    ]
}

/// Letters, and what HTML would take for its own.
fn name() -> impl Strategy<Value = String> {
    "[a-zä数<>&\"'/ -]{1,20}"
}

fn reports() -> impl Strategy<Value = RunReport> {
    any_report(&Parts {
        name: name().boxed(),
        sentence: name().boxed(),
        figure: figure().boxed(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_page_is_well_formed_and_has_every_row(report in reports()) {
        // Taking it apart also holds every number of the drawings finite.
        let markup = Markup::of(&page(&report));
        prop_assert!(!markup.tags.iter().any(|tag| tag == "script"));
        for row in &report.rows {
            for part in [Some(&row.station), Some(&row.strategy), row.not_run.as_ref()] {
                prop_assert!(part.is_none_or(|part| markup.text.contains(part)), "{:?}", part);
            }
            let said = row.verdict.as_ref().map(|verdict| &verdict.text);
            prop_assert!(said.is_none_or(|text| markup.text.contains(text)), "{:?}", said);
        }
    }
}
