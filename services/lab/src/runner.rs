//! One run of a lab: survey the stations, calibrate each row, measure in
//! interleaved rounds, one sample at a time.

mod answers;
mod calibrate;
mod drills;
mod driven;
mod measuring;
mod order;
mod prepare;
mod staged;

use self::measuring::Measuring;
use self::order::order;
use crate::labs::driven::Known;
use crate::labs::{Abilities, Counted, Lab, Options, Part, PlannedRow, Witness};
use crate::now;
use crate::progress::Progress;
use crate::station::{Answer, Replica, SampleError, Stations, http};
use crate::survey::{self, Surveyed};
use anyhow::Context;
use cpu_budget::clock::monotonic_seconds;
use futures_util::future::try_join_all;
use measure::report::{
    Host, Predecessor, ReplicaAccount, Round, RunMark, RunReport, SCHEMA, Station, Void,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};
use tokio::sync::watch;

/// How far ahead a common start of several replicas lies: longer than their
/// requests take to arrive.
const COMMON_START_SECONDS: f64 = 0.25;

/// Everything one run needs.
pub struct Runner<'a> {
    /// The lab.
    pub lab: &'a dyn Lab,
    /// Its stations.
    pub stations: &'a dyn Stations,
    /// What was narrowed.
    pub options: &'a Options,
    /// What the person sees.
    pub progress: &'a Progress,
    /// Turns true when the person wants to stop.
    pub interrupted: watch::Receiver<bool>,
    /// The container engine and its version.
    pub engine: Option<String>,
    /// What others see of the run.
    pub now: &'a now::Writer<'a>,
}

/// A sample that was not taken.
enum NoSample {
    Interrupted,
    Failed(SampleError),
    /// The load was not what it should have been, and why: no fault of the
    /// station's, whose replicas ran for nothing.
    Void(String, Vec<RunMark>),
}

impl Runner<'_> {
    /// Runs the lab. An interrupted run keeps its whole rounds.
    pub async fn run(&self) -> anyhow::Result<RunReport> {
        let started = SystemTime::now();
        let _under_way = self.now.begin(
            self.lab.name(),
            self.stations.backend(),
            started,
            self.options.rounds(),
            self.stations.list(),
        );
        tokio::select! {
            report = self.measured(started) => report,
            never = self.now.beat() => match never {},
        }
    }

    async fn measured(&self, started: SystemTime) -> anyhow::Result<RunReport> {
        let began = monotonic_seconds();
        self.progress.phase("waiting for the stations");
        survey::await_beside(self.stations).await?;
        let surveyed = survey::survey(self.stations).await?;
        let replicas = surveyed.iter().map(|s| (&*s.station.name, &*s.replicas));
        self.now.replicas(replicas);
        let mut facts: Vec<Station> = surveyed.iter().map(|s| s.station.clone()).collect();
        if let Some(why) = nobody_runs(&facts) {
            return Err(crate::Refused(why).into());
        }
        let around = self.stations.around();
        if let Some(why) = self.lab.objection(self.options, around) {
            return Err(crate::Refused(why).into());
        }
        let abilities = self.abilities(&surveyed).await?;
        let plan = self.lab.plan(&facts, &abilities, self.options);
        let plan = plan.map_err(crate::Refused)?;
        if let Some(why) = self.in_vain(&facts, &plan) {
            return Err(crate::Refused(why).into());
        }

        let (driven, staged) = (self.lab.driven(), self.lab.staged());
        let planned = plan.clone();
        let (mut rows, known) = match (driven, staged) {
            (Some(driven), _) => self.prepare(driven, &surveyed, &mut facts, plan).await?,
            (None, Some(staged)) => {
                let rows = self.calibrate_staged(staged, &surveyed, plan).await?;
                (rows, Known::default())
            }
            (None, None) => (self.calibrate(&surveyed, plan).await?, Known::default()),
        };
        for station in &mut facts {
            station.calibrated = calibrate::last_runs(&rows, &station.name);
        }
        let partial = match staged {
            Some(staged) => self.measure_staged(staged, &surveyed, &mut rows).await,
            None => self.measure(&surveyed, &mut rows).await,
        };
        for station in &mut facts {
            let of_station = rows
                .iter()
                .filter(|row| row.planned.station == station.name);
            let runs = of_station.flat_map(|row| row.set_aside.clone());
            station.set_aside.extend(runs);
        }
        let mut drills = Vec::new();
        if let Some(driven) = driven.filter(|_| !partial) {
            let plans = driven.drills(&planned, &known, self.options);
            drills = self.drill(driven, &surveyed, plans).await;
        }
        if let Some(staged) = staged {
            if !partial {
                drills = self.drill_staged(staged, &surveyed).await;
            }
            self.at_rest(staged, &surveyed).await;
        }
        self.progress.finish();

        let mut parameters: BTreeMap<_, _> = self
            .lab
            .parameters(self.options, around)
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        parameters.insert("rounds".into(), self.options.rounds().into());
        let mut report = RunReport {
            schema: SCHEMA.into(),
            lab: self.lab.name().into(),
            backend: self.stations.backend(),
            started: service_kit::host::rfc3339(started),
            seconds: monotonic_seconds() - began,
            quick: self.options.quick,
            partial,
            parameters,
            host: Host {
                cgroup_version: surveyed.iter().find_map(|s| s.cgroup_version.clone()),
                engine: self.engine.clone(),
                enforcement: self.stations.enforcement(),
                ..service_kit::host::host()
            },
            stations: facts,
            rows: rows.into_iter().map(|measuring| measuring.row).collect(),
            comparisons: Vec::new(),
            drills,
            groups: Vec::new(),
            invariants: Vec::new(),
            compared_with: Predecessor::default(),
            changes: Vec::new(),
        };
        self.lab.compare(&mut report);
        measure::analysis::analyse(&mut report);
        self.lab.conclude(&mut report);
        Ok(report)
    }

    async fn abilities(&self, surveyed: &[Surveyed]) -> anyhow::Result<Abilities> {
        if self.lab.staged().is_some() {
            // What can be asked for is the lab's choice, and no station's.
            return Ok(self.lab.abilities());
        }
        let replica = surveyed.iter().find_map(|s| s.replicas.first());
        match replica {
            Some(&replica) => http::describe(replica)
                .await
                .context("a station does not say what it can do"),
            None => Ok(Abilities::default()),
        }
    }

    /// Why none of the stations asked for would be measured, where that is so.
    fn in_vain(&self, stations: &[Station], plan: &[PlannedRow]) -> Option<String> {
        let quick = self.options.quick;
        self.options.in_vain(|name| {
            let station = stations.iter().find(|station| station.name == name);
            let refused = station.and_then(|station| station.refused.clone());
            let left_out = || {
                let why = if quick {
                    "a quick run has no row of it; leave QUICK out"
                } else {
                    "the other options leave no row of it"
                };
                let rows = plan.iter().filter(|row| row.station == name).count();
                (rows == 0).then(|| why.to_owned())
            };
            refused.or_else(left_out)
        })
    }

    /// Measures all rows round by round. Returns whether it was interrupted.
    async fn measure(&self, surveyed: &[Surveyed], rows: &mut [Measuring]) -> bool {
        let rounds = self.options.rounds();
        let total = seconds_of(rows, 0..rows.len()) * f64::from(rounds);
        for round in 0..rounds {
            let order = order(rows.len(), round, rounds);
            let rounds_after = f64::from(rounds - round - 1);
            let mut taken = Vec::new();
            for (place, &index) in order.iter().enumerate() {
                if rows[index].row.not_run.is_some() {
                    continue;
                }
                let label = format!("round {} of {rounds} · {}", round + 1, rows[index].label());
                let left = seconds_of(rows, order[place..].iter().copied())
                    + seconds_of(rows, 0..rows.len()) * rounds_after;
                let done = 1.0 - left / total;
                self.progress
                    .sample(&label, done, Some(Duration::from_secs_f64(left)));
                let at = station_of(surveyed, &rows[index].planned.station);
                self.now.sample(round + 1, &rows[index].planned);
                let deadline = Duration::from_secs_f64(30.0 + 10.0 * rows[index].sample_seconds);
                match self.sample(at, &mut rows[index], round, deadline).await {
                    Ok(sample) => taken.push((index, sample)),
                    Err(NoSample::Interrupted) => return true,
                    Err(NoSample::Failed(error)) => self.lose_station(rows, index, round, &error),
                    Err(NoSample::Void(why, runs)) => {
                        rows[index].set_aside.extend(runs);
                        self.leave_out(&mut rows[index], round, why);
                    }
                }
            }
            for (index, sample) in taken {
                // A lost station keeps whole rounds too.
                if rows[index].row.not_run.is_none() {
                    rows[index].row.rounds.push(sample);
                }
            }
            let left = seconds_of(rows, 0..rows.len()) * rounds_after;
            self.progress
                .round(round + 1, rounds, Duration::from_secs_f64(left));
        }
        false
    }

    /// A station that failed once is not asked again: what it would answer now
    /// comes from another instance or another state.
    fn lose_station(&self, rows: &mut [Measuring], index: usize, round: u32, error: &SampleError) {
        let station = rows[index].planned.station.clone();
        let kept = match round {
            0 => String::new(),
            1 => " (1 whole round is kept)".to_owned(),
            rounds => format!(" ({rounds} whole rounds are kept)"),
        };
        let why = format!("{station} was lost in round {}: {error}", round + 1);
        self.progress
            .notice(&format!("✗ {why}{kept}; the other stations go on"));
        for measuring in rows.iter_mut() {
            if measuring.planned.station == station && measuring.row.not_run.is_none() {
                measuring.row.not_run = Some(why.clone());
            }
        }
    }

    /// This round has no sample of the row. One that has none yet is not tried
    /// again: what made its load void twice is likely to do so again.
    fn leave_out(&self, measuring: &mut Measuring, round: u32, why: String) {
        let label = measuring.label();
        self.progress.notice(&format!(
            "! {label} has no sample in round {}: {why}",
            round + 1
        ));
        if measuring.row.rounds.is_empty() {
            measuring.row.not_run = Some(why.clone());
        }
        measuring.row.void.push(Void { round, why });
    }

    /// One sample of a row: one request to each replica, at the same time.
    async fn sample(
        &self,
        at: &Surveyed,
        measuring: &mut Measuring,
        round: u32,
        deadline: Duration,
    ) -> Result<Round, NoSample> {
        if let Some(driven) = self.lab.driven() {
            return self.driven_sample(driven, at, measuring, round).await;
        }
        let start_at_seconds = measuring
            .common_start
            .then(|| monotonic_seconds() + COMMON_START_SECONDS);
        let around = self.stations.around();
        self.witness_forgets().await.map_err(NoSample::Failed)?;
        let requests = at.replicas.iter().enumerate().map(|(index, &replica)| {
            let part = Part {
                index,
                count: at.replicas.len(),
                repeats: measuring.repeats,
                start_at_seconds,
            };
            let body = self
                .lab
                .request(&measuring.planned, part, self.options, around);
            async move { http::sample(replica, &body, deadline).await }
        });
        let mut interrupted = self.interrupted.clone();
        let answers: Vec<Answer> = tokio::select! {
            answers = try_join_all(requests) => answers.map_err(NoSample::Failed)?,
            // Dropping the requests cancels the runs.
            _ = interrupted.wait_for(|&stop| stop) => return Err(NoSample::Interrupted),
        };
        if measuring.row.work_shares.is_none() {
            measuring.row.work_shares = answers.first().and_then(|a| a.work_shares.clone());
        }
        let witness = self.witness_account().await.map_err(NoSample::Failed)?;
        let counted: Vec<_> = answers.iter().map(|a| a.figures.clone()).collect();
        let counted = Counted {
            stations: &counted,
            witness: &witness,
        };
        let planned = &measuring.planned;
        let figures = self.lab.figures(planned, counted, self.options, around);
        let share = self.lab.share(planned, self.options, around);
        let own = |answer: Answer| self.stations.own_account(answer.account);
        let replicas: Vec<ReplicaAccount> = answers.into_iter().map(own).collect();
        Ok(Round {
            round,
            repeats: measuring.repeats,
            share,
            figures,
            replicas,
            ..Round::default()
        })
    }

    /// The witness begins anew: what it then counts is this sample's.
    async fn witness_forgets(&self) -> Result<(), SampleError> {
        let Some((witness, replica)) = self.witness().await? else {
            return Ok(());
        };
        http::forget(replica, witness.forget)
            .await
            .map_err(|error| unheard(witness, &error))
    }

    /// What the witness counted since; `null` where the lab has none.
    async fn witness_account(&self) -> Result<Value, SampleError> {
        let Some((witness, replica)) = self.witness().await? else {
            return Ok(Value::Null);
        };
        http::account(replica, witness.account)
            .await
            .map_err(|error| unheard(witness, &error))
    }

    async fn witness(&self) -> Result<Option<(Witness, Replica)>, SampleError> {
        let Some(witness) = self.lab.witness() else {
            return Ok(None);
        };
        let found = self.stations.replicas(witness.service).await;
        let replicas = found.map_err(|error| unheard(witness, &error))?;
        let first = replicas.first().copied();
        let none = || SampleError::Lost(format!("{} does not run", witness.service));
        Ok(Some((witness, first.ok_or_else(none)?)))
    }
}

/// Without its witness a sample cannot be held against anything.
fn unheard(witness: Witness, error: &anyhow::Error) -> SampleError {
    SampleError::Lost(format!("{} was not heard: {error:#}", witness.service))
}

/// What one sample of each of these rows takes.
fn seconds_of(rows: &[Measuring], indices: impl IntoIterator<Item = usize>) -> f64 {
    let each = indices
        .into_iter()
        .map(|index| rows[index].expected_seconds());
    each.sum()
}

/// Why nothing can be measured, where no station runs.
fn nobody_runs(stations: &[Station]) -> Option<String> {
    let reasons = stations.iter().map(|station| station.refused.as_deref());
    // Nine stations that fail alike say it once.
    let reasons: Vec<&str> = reasons
        .collect::<Option<BTreeSet<_>>>()?
        .into_iter()
        .collect();
    (!reasons.is_empty()).then(|| {
        format!(
            "no station can run here, so there is nothing to measure: {}",
            reasons.join("; ")
        )
    })
}

fn station_of<'a>(surveyed: &'a [Surveyed], name: &str) -> &'a Surveyed {
    surveyed
        .iter()
        .find(|s| s.station.name == name)
        .expect("rows are planned from the surveyed stations")
}

#[cfg(test)]
mod tests;
