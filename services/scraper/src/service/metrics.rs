//! What Prometheus sees of fetching.

use crate::outcome::ErrorKind;
use crate::progress::Progress;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};
use std::sync::Arc;

/// Registers the counts of all runs and jobs of this process together, which
/// are counted where it returns.
pub fn register(registry: &Registry) -> prometheus::Result<Arc<Progress>> {
    let all = Arc::new(Progress::default());
    registry.register(Box::new(Counts::of(all.clone())?))?;
    Ok(all)
}

/// The counts of all runs, read when they are asked for: what is counted
/// anyway costs a run nothing more.
struct Counts {
    all: Arc<Progress>,
    descriptions: Vec<Desc>,
}

impl Counts {
    fn of(all: Arc<Progress>) -> prometheus::Result<Self> {
        let families = families(&Progress::default(), &ErrorKind::ALL)?;
        let describe = |family: &MetricFamily| {
            let labels = family.get_metric().first();
            let labels = labels.map_or(Vec::new(), |metric| {
                metric
                    .get_label()
                    .iter()
                    .map(|label| label.name().to_owned())
                    .collect()
            });
            Desc::new(
                family.name().into(),
                family.help().into(),
                labels,
                [].into(),
            )
        };
        let descriptions = families.iter().map(describe).collect::<Result<_, _>>()?;
        Ok(Self { all, descriptions })
    }
}

impl Collector for Counts {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        // The names are constants that were accepted when it was registered.
        families(&self.all, &ErrorKind::ALL).unwrap_or_default()
    }
}

fn families(all: &Progress, kinds: &[ErrorKind]) -> prometheus::Result<Vec<MetricFamily>> {
    let in_flight = IntGauge::new("scraper_in_flight", "Requests under way.")?;
    in_flight.set(i64::try_from(all.in_flight()).unwrap_or(i64::MAX));
    let mut families = in_flight.collect();
    for (name, help, count) in [
        (
            "scraper_pages_total",
            "URLs that became pages.",
            all.pages.get(),
        ),
        (
            "scraper_requests_total",
            "Requests begun.",
            all.requests.get(),
        ),
        (
            "scraper_retries_total",
            "Attempts that were made again.",
            all.retries.get(),
        ),
        (
            "scraper_body_bytes_total",
            "Bytes of bodies, decompressed.",
            all.bytes.get(),
        ),
    ] {
        let counter = IntCounter::new(name, help)?;
        counter.inc_by(count);
        families.extend(counter.collect());
    }
    let failed = Opts::new(
        "scraper_failed_total",
        "URLs without a page, by kind of error.",
    );
    let failed = IntCounterVec::new(failed, &["kind"])?;
    for kind in kinds {
        failed
            .with_label_values(&[kind.name()])
            .inc_by(all.failed_as(*kind));
    }
    families.extend(failed.collect());
    Ok(families)
}
