//! What a driven lab must know before its rounds, and the loads that follow.

use super::driven::{of_driver, with};
use super::measuring::Measuring;
use super::{NoSample, Runner, station_of};
use crate::labs::PlannedRow;
use crate::labs::driven::{Ask, Driven, Known, Step, Taken};
use crate::station::http;
use crate::survey::Surveyed;
use anyhow::bail;
use measure::report::{RunMark, Station, Void};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a search may take.
const SEARCH: Duration = Duration::from_mins(3);

impl Runner<'_> {
    /// Measures what the rows' loads depend on, and returns the rows with their
    /// loads.
    pub(super) async fn prepare(
        &self,
        driven: &dyn Driven,
        surveyed: &[Surveyed],
        stations: &mut [Station],
        plan: Vec<PlannedRow>,
    ) -> anyhow::Result<(Vec<Measuring>, Known)> {
        let mut known = Known::default();
        let mut last_runs = BTreeMap::new();
        while let Some(step) = driven.next_step(&plan, stations, &known, self.options) {
            self.progress.phase(&step.label);
            self.now.sample(0, &step.row);
            let at = station_of(surveyed, &step.row.station);
            let mut runs = Vec::new();
            let taken = self.take(driven, at, &step, &mut runs).await;
            match taken {
                Ok(taken) => {
                    if let Some(round) = &taken.round {
                        last_runs.insert(step.row.station.clone(), super::calibrate::marks(round));
                    }
                    driven.learn(&step, &taken, &mut known);
                }
                Err(NoSample::Interrupted) => bail!(crate::Interrupted),
                Err(NoSample::Failed(error)) => known.unknown(&step.name, error.to_string()),
                Err(NoSample::Void(why, last)) => {
                    runs.extend(last);
                    known.unknown(&step.name, why);
                }
            }
            let name = &step.row.station;
            if let Some(station) = stations.iter_mut().find(|station| station.name == *name) {
                station.set_aside.extend(runs);
            }
            if !known.is_settled(&step.name) {
                known.unknown(&step.name, format!("nothing came of {}", step.label));
            }
        }
        let rows = plan.into_iter().map(|planned| {
            let at = station_of(surveyed, &planned.station);
            self.with_load(driven, at, planned, &known, &last_runs)
        });
        let rows: Vec<Measuring> = rows.collect();
        if rows.iter().all(|measuring| measuring.row.not_run.is_some()) {
            let why = rows.iter().find_map(|m| m.row.not_run.clone());
            bail!("no row could be measured: {}", why.unwrap_or_default());
        }
        Ok((rows, known))
    }

    fn with_load(
        &self,
        driven: &dyn Driven,
        at: &Surveyed,
        planned: PlannedRow,
        known: &Known,
        last_runs: &BTreeMap<String, Vec<RunMark>>,
    ) -> Measuring {
        let mut measuring = Measuring::new(planned);
        measuring.sample_seconds = driven.window(self.options).in_all();
        measuring.row.workers_are = self.lab.workers_are();
        if at.replicas.is_empty() {
            measuring.row.not_run = Some(at.why_absent());
            return measuring;
        }
        let runs = last_runs.get(&measuring.planned.station);
        measuring.last_run = runs.cloned().unwrap_or_default();
        match driven.load(&measuring.planned, known, self.options) {
            Ok(load) => measuring.load = Some(load),
            Err(why) => {
                measuring.row.not_run = Some(why.clone());
                measuring.row.void.push(Void { round: 0, why });
            }
        }
        measuring
    }

    async fn take(
        &self,
        driven: &dyn Driven,
        at: &Surveyed,
        step: &Step,
        set_aside: &mut Vec<RunMark>,
    ) -> Result<Taken, NoSample> {
        match &step.ask {
            Ask::Sample(load) => {
                let first = self.under_load(driven, at, &step.row, load, 0).await;
                let taken = match first {
                    Err(NoSample::Void(_, runs)) => {
                        set_aside.extend(runs);
                        self.under_load(driven, at, &step.row, load, 0).await?
                    }
                    taken => taken?,
                };
                Ok(Taken {
                    round: Some(taken.round),
                    answer: taken.answer,
                })
            }
            Ask::Search(body) => {
                let answer = self.search(driven, at, body).await?;
                Ok(Taken {
                    round: None,
                    answer,
                })
            }
        }
    }

    async fn search(
        &self,
        driven: &dyn Driven,
        at: &Surveyed,
        body: &Value,
    ) -> Result<Value, NoSample> {
        let targets = self.targets(&at.station.name).await;
        let targets = targets.map_err(NoSample::Failed)?;
        let body = with(body, &json!({"targets": targets}));
        let generator = self.driver(driven).await.map_err(NoSample::Failed)?;
        let mut interrupted = self.interrupted.clone();
        tokio::select! {
            answer = http::ask(generator, "/search", &body, SEARCH) => {
                answer.map_err(|error| NoSample::Failed(of_driver(driven, error)))
            }
            _ = interrupted.wait_for(|&stop| stop) => Err(NoSample::Interrupted),
        }
    }
}
