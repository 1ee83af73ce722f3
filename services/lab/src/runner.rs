//! One run of a lab: survey the stations, calibrate each row, measure in
//! interleaved rounds, one sample at a time.

use crate::labs::{Abilities, Lab, Options, Part, PlannedRow};
use crate::progress::Progress;
use crate::station::{Answer, SampleError, StationClient, Stations};
use crate::survey::{self, Surveyed};
use anyhow::{Context, bail};
use cpu_budget::clock::monotonic_seconds;
use futures_util::future::try_join_all;
use measure::calibration;
use measure::report::{Host, ReplicaAccount, Round, Row, RunReport, SCHEMA, Station};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};
use tokio::sync::watch;

/// A sample lasts at least this long where a quota binds: twenty periods.
const QUOTA_SAMPLE_SECONDS: f64 = 2.0;

/// And this long elsewhere.
const FREE_SAMPLE_SECONDS: f64 = 1.0;

/// How far ahead a common start of several replicas lies: longer than their
/// requests take to arrive.
const COMMON_START_SECONDS: f64 = 0.25;

/// The longest one sample may take while nothing is known of its length.
const LONGEST_SAMPLE: Duration = Duration::from_hours(1);

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
}

/// A row while it is measured.
struct Measuring {
    row: Row,
    planned: PlannedRow,
    repeats: u32,
    sample_seconds: f64,
    common_start: bool,
}

/// A sample that was not taken.
enum NoSample {
    Interrupted,
    Failed(SampleError),
}

impl Runner<'_> {
    /// Runs the lab. An interrupted run keeps its whole rounds.
    pub async fn run(&self) -> anyhow::Result<RunReport> {
        let started = SystemTime::now();
        let began = monotonic_seconds();
        let client = StationClient::new()?;
        self.progress.phase("waiting for the stations");
        let surveyed = survey::survey(self.stations, &client).await?;
        let facts: Vec<Station> = surveyed.iter().map(|s| s.station.clone()).collect();
        let abilities = self.abilities(&client, &surveyed).await?;
        let plan = self.lab.plan(&facts, &abilities, self.options);
        let plan = plan.map_err(crate::Refused)?;

        let mut rows = self.calibrate(&client, &surveyed, plan).await?;
        let partial = self.measure(&client, &surveyed, &mut rows).await;
        self.progress.finish();

        let mut parameters: BTreeMap<_, _> = self
            .lab
            .parameters(self.options)
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
                ..service_kit::host::host()
            },
            stations: facts,
            rows: rows.into_iter().map(|measuring| measuring.row).collect(),
            comparisons: Vec::new(),
            groups: Vec::new(),
            invariants: Vec::new(),
            changes: Vec::new(),
        };
        self.lab.compare(&mut report);
        measure::analysis::analyse(&mut report);
        self.lab.conclude(&mut report);
        Ok(report)
    }

    async fn abilities(
        &self,
        client: &StationClient,
        surveyed: &[Surveyed],
    ) -> anyhow::Result<Abilities> {
        let replica = surveyed.iter().find_map(|s| s.replicas.first());
        match replica {
            Some(&replica) => client
                .describe(replica)
                .await
                .context("a station does not say what it can do"),
            None => Ok(Abilities::default()),
        }
    }

    /// Finds out for each row how often the job must be done for a sample.
    async fn calibrate(
        &self,
        client: &StationClient,
        surveyed: &[Surveyed],
        plan: Vec<PlannedRow>,
    ) -> anyhow::Result<Vec<Measuring>> {
        let count = plan.len();
        let mut rows = Vec::with_capacity(count);
        for (index, planned) in plan.into_iter().enumerate() {
            self.progress.sample(
                &format!(
                    "calibrating row {} of {count} · {}",
                    index + 1,
                    label(&planned)
                ),
                0.0,
                Duration::ZERO,
            );
            let at = station_of(surveyed, &planned.station);
            let mut measuring = Measuring::new(planned);
            if at.replicas.is_empty() {
                measuring.row.not_run = Some(at.why_absent());
                rows.push(measuring);
                continue;
            }
            if let Err(failure) = self.calibrate_row(client, at, &mut measuring).await {
                match failure {
                    NoSample::Interrupted => bail!(crate::Interrupted),
                    NoSample::Failed(SampleError::Refused(why)) if measuring.row.baseline => {
                        bail!(crate::Refused(why))
                    }
                    NoSample::Failed(error) => measuring.row.not_run = Some(error.to_string()),
                }
            }
            rows.push(measuring);
        }
        if rows.iter().all(|measuring| measuring.row.not_run.is_some()) {
            let why = rows.iter().find_map(|m| m.row.not_run.clone());
            bail!("no row could be measured: {}", why.unwrap_or_default());
        }
        Ok(rows)
    }

    async fn calibrate_row(
        &self,
        client: &StationClient,
        at: &Surveyed,
        measuring: &mut Measuring,
    ) -> Result<(), NoSample> {
        loop {
            let round = self
                .sample(client, at, measuring, 0, LONGEST_SAMPLE)
                .await?;
            let threads = round.replicas.first().map_or(1, |r| r.workers.len());
            let together = at.starts_together(threads);
            if together != measuring.common_start {
                // That probe held the replicas' different starts.
                measuring.common_start = together;
                continue;
            }
            let wanted = if at.quota_binds(threads) {
                QUOTA_SAMPLE_SECONDS
            } else {
                FREE_SAMPLE_SECONDS
            };
            let granted = at.granted_cpus(threads);
            let job = calibration::sustained_job_seconds(&round, granted);
            let next = calibration::next_repeats(round.repeats, round.wall_seconds(), job, wanted);
            measuring.repeats = next.repeats();
            measuring.sample_seconds = job * f64::from(measuring.repeats);
            if next.is_final() {
                return Ok(());
            }
        }
    }

    /// Measures all rows round by round. Returns whether it was interrupted.
    async fn measure(
        &self,
        client: &StationClient,
        surveyed: &[Surveyed],
        rows: &mut [Measuring],
    ) -> bool {
        let rounds = self.options.rounds();
        let per_round: f64 = rows.iter().map(Measuring::expected_seconds).sum();
        let total = per_round * f64::from(rounds);
        let mut done = 0.0;
        for round in 0..rounds {
            let mut taken = Vec::new();
            for index in 0..rows.len() {
                if rows[index].row.not_run.is_some() {
                    continue;
                }
                let label = format!(
                    "round {} of {rounds} · {}",
                    round + 1,
                    label(&rows[index].planned)
                );
                let left = Duration::from_secs_f64((total - done).max(0.0));
                self.progress.sample(&label, done / total, left);
                let at = station_of(surveyed, &rows[index].planned.station);
                let deadline = Duration::from_secs_f64(30.0 + 10.0 * rows[index].sample_seconds);
                match self
                    .sample(client, at, &mut rows[index], round, deadline)
                    .await
                {
                    Ok(sample) => taken.push((index, sample)),
                    Err(NoSample::Interrupted) => return true,
                    Err(NoSample::Failed(error)) => self.lose_station(rows, index, round, &error),
                }
                done += rows[index].expected_seconds();
            }
            for (index, sample) in taken {
                rows[index].row.rounds.push(sample);
            }
            let left = Duration::from_secs_f64((total - done).max(0.0));
            self.progress.round(round + 1, rounds, left);
        }
        false
    }

    /// A station that failed once is not asked again: what it would answer now
    /// comes from another instance or another state.
    fn lose_station(&self, rows: &mut [Measuring], index: usize, round: u32, error: &SampleError) {
        let station = rows[index].planned.station.clone();
        let kept = match round {
            0 => String::new(),
            rounds => format!(" ({rounds} whole rounds are kept)"),
        };
        let why = format!("{station} was lost in round {}: {error}{kept}", round + 1);
        self.progress
            .notice(&format!("✗ {why}; the other stations go on"));
        for measuring in rows.iter_mut() {
            if measuring.planned.station == station && measuring.row.not_run.is_none() {
                measuring.row.not_run = Some(why.clone());
            }
        }
    }

    /// One sample of a row: one request to each replica, at the same time.
    async fn sample(
        &self,
        client: &StationClient,
        at: &Surveyed,
        measuring: &mut Measuring,
        round: u32,
        deadline: Duration,
    ) -> Result<Round, NoSample> {
        let start_at_seconds = measuring
            .common_start
            .then(|| monotonic_seconds() + COMMON_START_SECONDS);
        let requests = at.replicas.iter().enumerate().map(|(index, &replica)| {
            let part = Part {
                index,
                count: at.replicas.len(),
                repeats: measuring.repeats,
                start_at_seconds,
            };
            let body = self.lab.request(&measuring.planned, part, self.options);
            async move { client.sample(replica, &body, deadline).await }
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
        let replicas: Vec<ReplicaAccount> = answers.into_iter().map(|a| a.account).collect();
        Ok(Round {
            round,
            repeats: measuring.repeats,
            replicas,
        })
    }
}

impl Measuring {
    fn new(planned: PlannedRow) -> Self {
        Self {
            row: Row {
                station: planned.station.clone(),
                strategy: planned.strategy.clone(),
                kernel: planned.kernel.clone(),
                workers: planned.workers,
                baseline: planned.baseline,
                ..Row::default()
            },
            common_start: false,
            planned,
            repeats: 1,
            sample_seconds: 0.0,
        }
    }

    /// With what comes before the clock starts.
    fn expected_seconds(&self) -> f64 {
        if self.row.not_run.is_some() {
            return 0.0;
        }
        self.sample_seconds + 0.1
    }
}

fn label(row: &PlannedRow) -> String {
    let workers = if row.workers == 1 {
        "worker"
    } else {
        "workers"
    };
    format!(
        "{} · {} · {} {workers}",
        row.station, row.strategy, row.workers
    )
}

fn station_of<'a>(surveyed: &'a [Surveyed], name: &str) -> &'a Surveyed {
    surveyed
        .iter()
        .find(|s| s.station.name == name)
        .expect("rows are planned from the surveyed stations")
}

#[cfg(test)]
mod tests;
