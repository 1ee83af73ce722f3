//! The labs: which rows each one runs, and what it concludes beyond the rows.

mod cluster;
pub mod driven;
mod groups;
pub mod invariants;
mod limits;
mod pipeline;
mod primes;
mod questions;
mod rows;
mod samples;
mod scaling;
mod scraper;
pub mod served;
pub mod staged;
mod throttle;

use crate::station::Around;
use cpu_budget::WorkerAdvice;
use measure::report::{RunReport, Station, WorkersAre};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// What a person narrowed or changed for this run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// A short run: fewer rows and rounds.
    pub quick: bool,
    /// Only these stations; empty: all.
    pub stations: Vec<String>,
    /// Only these strategies; empty: the lab's own choice.
    pub strategies: Vec<String>,
    /// Only these worker counts; empty: the lab's own choice.
    pub workers: Vec<Workers>,
    /// What computes the job.
    pub kernel: Option<String>,
    /// The job's size.
    pub limit: Option<u64>,
    /// How many rounds.
    pub rounds: Option<u32>,
}

impl Options {
    /// How many rounds to run: six give a 96.9 % interval, three 75 %.
    pub fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(if self.quick { 3 } else { 6 })
    }

    /// Whether this station is to be measured.
    pub fn wants(&self, station: &str) -> bool {
        self.stations.is_empty() || self.stations.iter().any(|name| name == station)
    }

    /// Whether strategies or worker counts were chosen, so that the lab's own
    /// rows are not asked for.
    pub fn choose_rows(&self) -> bool {
        !(self.strategies.is_empty() && self.workers.is_empty())
    }

    /// The chosen strategies, else the lab's `own`.
    pub fn strategies_or(&self, own: &str) -> Vec<String> {
        match self.strategies.as_slice() {
            [] => vec![own.to_owned()],
            chosen => chosen.to_vec(),
        }
    }

    /// The chosen worker counts on this station, else the lab's `own`.
    pub fn workers_or(&self, own: &[usize], station: &Station) -> Vec<usize> {
        match self.workers.as_slice() {
            [] => own.to_vec(),
            chosen => chosen.iter().map(|workers| workers.on(station)).collect(),
        }
    }

    /// Why this asks for stations of which none would be measured, where it
    /// does: the baseline alone is not what was asked for. `why_not` gives the
    /// reason of one station.
    pub fn in_vain(&self, why_not: impl Fn(&str) -> Option<String>) -> Option<String> {
        let reason = |name: &String| Some(format!("{name}: {}", why_not(name)?));
        let reasons: Vec<String> = self.stations.iter().map(reason).collect::<Option<_>>()?;
        let asked = self.stations.join(",");
        (!reasons.is_empty()).then(|| {
            format!(
                "STATION={asked}: nothing of this can be measured here, so nothing was: {}",
                reasons.join("; ")
            )
        })
    }
}

/// How many workers of one replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workers {
    /// As many as use all of the station's CPUs.
    Auto,
    /// This many.
    Exactly(usize),
}

impl Workers {
    /// How many that is on a station: by the limits that apply there, and by
    /// those declared where it does not run.
    pub fn on(self, station: &Station) -> usize {
        match self {
            Self::Exactly(workers) => workers,
            Self::Auto => {
                let believed = station.believed_cpus.map(|cpus| cpus as f64);
                let known = station.effective.cpus.or(station.declared.cpus);
                WorkerAdvice::for_cpus(known.or(believed).unwrap_or(1.0)).uses_whole_budget
            }
        }
    }
}

/// What a station's service says of itself.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
pub struct Abilities {
    /// The kernels it has.
    pub kernels: Vec<String>,
    /// The strategies it has.
    pub strategies: Vec<String>,
}

/// One row of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedRow {
    /// The station's name.
    pub station: String,
    /// How the work is shared out.
    pub strategy: String,
    /// What computes it.
    pub kernel: String,
    /// Workers of one replica.
    pub workers: usize,
    /// The row that speedups and predictions are taken from.
    pub baseline: bool,
}

/// One replica's part of a sample.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Which replica, from 0.
    pub index: usize,
    /// Of how many.
    pub count: usize,
    /// How often the job is done, back to back.
    pub repeats: u32,
    /// A common start by the host's monotonic clock, in seconds.
    pub start_at_seconds: Option<f64>,
}

/// A service beside the stations that counts for itself what they do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Witness {
    /// Its name.
    pub service: &'static str,
    /// Where its API makes it count anew (DELETE).
    pub forget: &'static str,
    /// Where its API tells what it counted (GET).
    pub account: &'static str,
}

/// What was counted in one sample beside the accounts.
#[derive(Debug, Clone, Copy)]
pub struct Counted<'a> {
    /// By each replica, by name; unknown is `null`.
    pub stations: &'a [BTreeMap<String, Option<f64>>],
    /// By the witness; `null` without one.
    pub witness: &'a Value,
}

/// A lab: one Compose file's plan and conclusions.
pub trait Lab: Sync {
    /// `lab-<topic>`.
    fn name(&self) -> &'static str;

    /// How large a job may be.
    fn sizes(&self) -> RangeInclusive<u64>;

    /// What its stations' service can do, as far as that is known before one
    /// runs and is asked.
    fn abilities(&self) -> Abilities;

    /// Refuses a name in the options that is none of the stations or abilities.
    fn check(
        &self,
        options: &Options,
        stations: &[String],
        abilities: &Abilities,
    ) -> Result<(), String> {
        rows::names_known(options, stations, abilities)
    }

    /// The rows to run on these stations, the baseline first.
    fn plan(
        &self,
        stations: &[Station],
        abilities: &Abilities,
        options: &Options,
    ) -> Result<Vec<PlannedRow>, String> {
        let names: Vec<_> = stations.iter().map(|s| s.name.clone()).collect();
        self.check(options, &names, abilities)?;
        self.rows(stations, options)
    }

    /// The same for options whose names there are.
    fn rows(&self, stations: &[Station], options: &Options) -> Result<Vec<PlannedRow>, String>;

    /// Why these options cannot be with what is around the stations.
    fn objection(&self, _options: &Options, _around: &Around) -> Option<String> {
        None
    }

    /// The body of a replica's `POST /run`.
    fn request(&self, row: &PlannedRow, part: Part, options: &Options, around: &Around) -> Value;

    /// The share of the job that a sample of this row does, above 0: what it
    /// takes is scaled.
    fn share(&self, _row: &PlannedRow, _options: &Options, _around: &Around) -> f64 {
        1.0
    }

    /// How long a sample is to take at least, where a quota binds and elsewhere:
    /// twenty periods of a quota show how it is handed out.
    fn sample_seconds(&self) -> (f64, f64) {
        (2.0, 1.0)
    }

    /// Who counts beside the stations.
    fn witness(&self) -> Option<Witness> {
        None
    }

    /// What its rows' workers are.
    fn workers_are(&self) -> WorkersAre {
        WorkersAre::Workers
    }

    /// How the load of its samples is made, in labs whose samples last as long as
    /// a load from outside.
    fn driven(&self) -> Option<&dyn driven::Driven> {
        None
    }

    /// How its samples are taken on several stations at once, in labs of pipelines.
    fn staged(&self) -> Option<&dyn staged::Staged> {
        None
    }

    /// The lab's own raw figures of a sample.
    fn figures(
        &self,
        _row: &PlannedRow,
        _counted: Counted,
        _options: &Options,
        _around: &Around,
    ) -> BTreeMap<String, f64> {
        BTreeMap::new()
    }

    /// Parameters of the run as the report gives them.
    fn parameters(&self, options: &Options, around: &Around) -> Vec<(&'static str, Value)>;

    /// Names the comparisons; called before the analysis.
    fn compare(&self, report: &mut RunReport);

    /// Checks what must hold and draws the groups' sentences; called after it.
    fn conclude(&self, report: &mut RunReport);
}

/// The lab of that name, with or without its `lab-`.
pub fn by_name(name: &str) -> Option<&'static dyn Lab> {
    let topic = name.strip_prefix("lab-").unwrap_or(name);
    LABS.iter()
        .copied()
        .find(|lab| lab.name().strip_prefix("lab-") == Some(topic))
}

/// All labs.
pub const LABS: &[&dyn Lab] = &[
    &primes::Primes,
    &scraper::Scraper,
    &cluster::Cluster,
    &throttle::Throttle,
    &pipeline::Pipeline,
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{LABS, Options, Station, Workers};
    use measure::made::station;
    use measure::report::Effective;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn auto_is_as_many_workers_as_use_all_of_a_station_and_never_none() {
        let auto = |quota: f64| Workers::Auto.on(&station("primes-half", Some(quota)));
        assert_eq!([0.25, 0.5, 1.0, 1.5, 2.0].map(auto), [1, 1, 1, 2, 2]);
        assert_eq!(Workers::Exactly(7).on(&station("primes-half", None)), 7);
        let nothing_known = Station {
            effective: Effective::default(),
            believed_cpus: None,
            ..station("primes-two", None)
        };
        assert_eq!(Workers::Auto.on(&nothing_known), 1);
    }

    #[test]
    fn a_run_is_in_vain_where_none_of_the_stations_asked_for_can_be_measured() {
        let asked = |names: &[&str]| Options {
            stations: names.iter().map(|&name| name.to_owned()).collect(),
            ..Options::default()
        };
        let why_not = |name: &str| (name != "two").then(|| "too large".to_owned());
        assert_eq!(
            asked(&["four", "eight"]).in_vain(why_not).unwrap(),
            "STATION=four,eight: nothing of this can be measured here, so nothing was: four: too \
             large; eight: too large"
        );
        for some in [&["two"][..], &["four", "two"], &[]] {
            assert_eq!(asked(some).in_vain(why_not), None, "{some:?}");
        }
    }

    #[test]
    fn every_compose_file_of_a_lab_has_its_entry() {
        let compose = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../compose");
        let files = std::fs::read_dir(compose).unwrap();
        let stems = files.filter_map(|file| {
            let name = file.unwrap().file_name().into_string().unwrap();
            Some(name.strip_suffix(".yml")?.to_owned())
        });
        let labs: BTreeSet<String> = stems.filter(|stem| stem.starts_with("lab-")).collect();
        let entries = LABS.iter().map(|lab| lab.name().to_owned()).collect();
        assert_eq!(labs, entries);
    }
}
