//! Samples of a pipeline: the same request to all of its stations, and one start.

mod answer;
mod between;
mod drills;

use super::measuring::Measuring;
use super::order::order;
use super::{NoSample, Runner, seconds_of, station_of};
use crate::labs::staged::{Member, Staged};
use crate::labs::{Part, PlannedRow};
use crate::station::{Action, Replica, SampleError, http};
use crate::survey::{self, Surveyed};
use answer::StationAnswer;
use anyhow::bail;
use cpu_budget::clock::monotonic_seconds;
use futures_util::future::try_join_all;
use measure::pipeline::raw;
use measure::report::{Round, RunMark, Station};
use serde_json::Value;
use std::time::Duration;

/// How far ahead the common start lies: a stage's threads look up from an empty
/// queue ten times a second, and one that its quota has stopped later still.
const LEAD_SECONDS: f64 = 0.5;

/// A station whose clock starts later than this was not ready: its account is of
/// another time than the others'.
const LATE_SECONDS: f64 = 0.05;

/// How long a sample may take beyond what is expected of it.
const ANSWER_SECONDS: f64 = 60.0;

/// How much of a sample's time a quick run takes.
const QUICK_SHARE: f64 = 0.6;

/// The most repeats of a job in one sample.
const MOST_REPEATS: u32 = 100;

impl Runner<'_> {
    /// Finds out for each row how often the job must be done for a sample, by a
    /// first one that also warms up what was just started.
    pub(super) async fn calibrate_staged(
        &self,
        staged: &dyn Staged,
        surveyed: &[Surveyed],
        plan: Vec<PlannedRow>,
    ) -> anyhow::Result<Vec<Measuring>> {
        let count = plan.len();
        let mut rows = Vec::with_capacity(count);
        for (index, planned) in plan.into_iter().enumerate() {
            let mut measuring = Measuring::new(planned);
            measuring.row.workers_are = self.lab.workers_are();
            let label = measuring.label();
            let label = format!("calibrating row {} of {count} · {label}", index + 1);
            self.progress.sample(&label, 0.0, None);
            if let Some(why) = absent(staged, surveyed, &measuring.planned) {
                measuring.row.not_run = Some(why);
                rows.push(measuring);
                continue;
            }
            self.now.sample(0, &measuring.planned);
            match self
                .staged_sample(staged, surveyed, &mut measuring, 0)
                .await
            {
                Ok(round) => self.plan_samples(&mut measuring, &round),
                Err(NoSample::Interrupted) => bail!(crate::Interrupted),
                Err(NoSample::Failed(SampleError::Refused(why))) if measuring.row.baseline => {
                    bail!(crate::Refused(why))
                }
                Err(NoSample::Failed(error)) => measuring.row.not_run = Some(error.to_string()),
                Err(NoSample::Void(why, _)) => measuring.row.not_run = Some(why),
            }
            // That was no sample.
            measuring.set_aside.clear();
            rows.push(measuring);
        }
        if rows.iter().all(|measuring| measuring.row.not_run.is_some()) {
            let why = rows.iter().find_map(|m| m.row.not_run.clone());
            bail!("no row could be measured: {}", why.unwrap_or_default());
        }
        Ok(rows)
    }

    fn plan_samples(&self, measuring: &mut Measuring, first: &Round) {
        let (_, wanted) = self.lab.sample_seconds();
        let wanted = if self.options.quick {
            wanted * QUICK_SHARE
        } else {
            wanted
        };
        let job = first.job_seconds();
        let repeats = (wanted / job).ceil().max(1.0);
        measuring.repeats = if repeats.is_finite() {
            (repeats as u32).min(MOST_REPEATS)
        } else {
            1
        };
        measuring.sample_seconds = job * f64::from(measuring.repeats);
        // What the report calls workers is what a replica really has.
        let threads = first.replicas.first().map(|r| r.workers.len());
        let in_one = first.stages.iter().all(|stage| stage.shares_process);
        if let Some(threads) = threads.filter(|_| !in_one) {
            measuring.row.workers = threads;
        }
    }

    /// Measures all rows round by round; whether it was interrupted. Rows that
    /// need the same replicas follow each other, forth in one round and back in
    /// the next: what is scaled up need not be scaled down in between.
    pub(super) async fn measure_staged(
        &self,
        staged: &dyn Staged,
        surveyed: &[Surveyed],
        rows: &mut [Measuring],
    ) -> bool {
        let rounds = self.options.rounds();
        let total = seconds_of(rows, 0..rows.len()) * f64::from(rounds);
        let stations: Vec<Station> = surveyed.iter().map(|s| s.station.clone()).collect();
        for round in 0..rounds {
            let order = together(staged, &stations, rows, round, rounds);
            let rounds_after = f64::from(rounds - round - 1);
            let mut taken = Vec::new();
            for (place, &index) in order.iter().enumerate() {
                if rows[index].row.not_run.is_some() {
                    continue;
                }
                let label = format!("round {} of {rounds} · {}", round + 1, rows[index].label());
                let left = seconds_of(rows, order[place..].iter().copied())
                    + seconds_of(rows, 0..rows.len()) * rounds_after;
                let left_of_all = Some(Duration::from_secs_f64(left));
                self.progress
                    .sample(&label, 1.0 - left / total, left_of_all);
                self.now.sample(round + 1, &rows[index].planned);
                match self
                    .staged_sample(staged, surveyed, &mut rows[index], round)
                    .await
                {
                    Ok(sample) => taken.push((index, sample)),
                    Err(NoSample::Interrupted) => return true,
                    Err(NoSample::Failed(error)) => self.lose_station(rows, index, round, &error),
                    Err(NoSample::Void(why, _)) => self.leave_out(&mut rows[index], round, why),
                }
            }
            for (index, sample) in taken {
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

    /// One sample; one that began too late somewhere is taken once more.
    async fn staged_sample(
        &self,
        staged: &dyn Staged,
        surveyed: &[Surveyed],
        measuring: &mut Measuring,
        round: u32,
    ) -> Result<Round, NoSample> {
        let mut interrupted = self.interrupted.clone();
        let both = async {
            match self.staged_once(staged, surveyed, measuring, round).await {
                Err(NoSample::Void(_, runs)) => {
                    let again = self.staged_once(staged, surveyed, measuring, round).await;
                    (again, runs)
                }
                taken => (taken, Vec::new()),
            }
        };
        let (taken, set_aside) = tokio::select! {
            both = both => both,
            // Dropping the requests cancels the runs.
            _ = interrupted.wait_for(|&stop| stop) => return Err(NoSample::Interrupted),
        };
        measuring.set_aside.extend(set_aside);
        if let Err(NoSample::Void(_, runs)) = &taken {
            measuring.set_aside.extend(runs.iter().cloned());
        }
        taken
    }

    async fn staged_once(
        &self,
        staged: &dyn Staged,
        surveyed: &[Surveyed],
        measuring: &Measuring,
        round: u32,
    ) -> Result<Round, NoSample> {
        let row = &measuring.planned;
        let members = self.arranged(staged, surveyed, row).await?;
        let deadline = Duration::from_secs_f64(
            LEAD_SECONDS + ANSWER_SECONDS + 10.0 * measuring.sample_seconds,
        );
        let start = monotonic_seconds() + LEAD_SECONDS;
        let body = self.staged_body(row, measuring.repeats, start);
        let requests = members.iter().flat_map(|(station, replicas)| {
            let body = &body;
            replicas.iter().map(move |&replica| async move {
                let answer = http::ask::<StationAnswer>(replica, "/run", body, deadline).await;
                let answer = answer.map_err(|error| of_station(station, error));
                answer.map(|answer| (station.clone(), answer))
            })
        });
        let around = self.stations.around();
        let before = between::cpu_seconds(around).await;
        let answers = try_join_all(requests).await.map_err(NoSample::Failed)?;
        let after = between::cpu_seconds(around).await;
        let mut late = answers.iter().map(|(station, answer)| {
            let late = answer.account.started_seconds - start;
            (station, late)
        });
        if let Some((station, late)) = late.rfind(|(_, late)| *late > LATE_SECONDS) {
            let runs = answers.iter().map(|(_, answer)| RunMark {
                instance: answer.account.instance.clone(),
                run_sequence: answer.account.run_sequence,
            });
            let why = format!("{station} began {:.0} ms after the others", late * 1e3);
            return Err(NoSample::Void(why, runs.collect()));
        }
        let repeats = measuring.repeats;
        let own = |account| self.stations.own_account(account);
        let sample = answer::round(answers, &row.station, round, repeats, own);
        let mut sample = sample.map_err(|why| NoSample::Failed(SampleError::Lost(why)))?;
        if let (Some(before), Some(after)) = (before, after) {
            let between = raw::BETWEEN_CPU_SECONDS.to_owned();
            sample.figures.insert(between, (after - before).max(0.0));
        }
        Ok(sample)
    }

    /// What every station is asked: the row's request, in a run that nobody else
    /// has named.
    fn staged_body(&self, row: &PlannedRow, repeats: u32, start: f64) -> Value {
        let part = Part {
            index: 0,
            count: 1,
            repeats,
            start_at_seconds: Some(start),
        };
        let around = self.stations.around();
        let mut body = self.lab.request(row, part, self.options, around);
        body["run"] = format!("{:x}-{:x}", std::process::id(), (start * 1e6) as u64).into();
        body
    }

    /// Has the stations run that the row needs, in the replicas that it needs,
    /// and nobody else who would take part.
    async fn arranged(
        &self,
        staged: &dyn Staged,
        surveyed: &[Surveyed],
        row: &PlannedRow,
    ) -> Result<Vec<(String, Vec<Replica>)>, NoSample> {
        let stations: Vec<Station> = surveyed.iter().map(|s| s.station.clone()).collect();
        let runs = |name: &str| {
            let station = surveyed.iter().find(|s| s.station.name == name);
            station.is_some_and(|station| station.station.refused.is_none())
        };
        for name in staged.absent(row).into_iter().filter(|name| runs(name)) {
            self.scaled(name, 0).await?;
        }
        let mut members = Vec::new();
        for Member { station, replicas } in staged.members(row, &stations) {
            let found = self.scaled(&station, replicas).await?;
            members.push((station, found));
        }
        Ok(members)
    }

    /// Scales a station where it does not have so many replicas, and waits until
    /// it has: these, each ready.
    async fn scaled(&self, name: &str, replicas: usize) -> Result<Vec<Replica>, NoSample> {
        let lost = |error: anyhow::Error| {
            let why = format!("{name} could not be had {replicas} times: {error:#}");
            NoSample::Failed(SampleError::Lost(why))
        };
        let found = self.stations.replicas(name).await.unwrap_or_default();
        if found.len() != replicas {
            let scale = self.stations.act(name, Action::Scale(replicas));
            scale.await.map_err(lost)?;
        }
        let ready = survey::exactly(self.stations, name, replicas);
        ready.await.map_err(lost)
    }

    /// Leaves the stations as the file has them.
    pub(super) async fn at_rest(&self, staged: &dyn Staged, surveyed: &[Surveyed]) {
        let stations: Vec<Station> = surveyed.iter().map(|s| s.station.clone()).collect();
        for Member { station, replicas } in staged.at_rest(&stations) {
            if let Err(NoSample::Failed(error)) = self.scaled(&station, replicas).await {
                self.progress.notice(&format!("! {error}"));
            }
        }
    }
}

/// Why a row cannot be measured, where a station that it needs does not run.
fn absent(staged: &dyn Staged, surveyed: &[Surveyed], row: &PlannedRow) -> Option<String> {
    let stations: Vec<Station> = surveyed.iter().map(|s| s.station.clone()).collect();
    let members = staged.members(row, &stations);
    let missing = members
        .iter()
        .map(|member| station_of(surveyed, &member.station))
        .find(|station| station.replicas.is_empty())?;
    Some(missing.why_absent())
}

fn of_station(station: &str, error: SampleError) -> SampleError {
    match error {
        SampleError::Refused(why) => SampleError::Refused(format!("{station}: {why}")),
        SampleError::Lost(why) => SampleError::Lost(format!("{station}: {why}")),
    }
}

/// The rows of a round by index: in another order each time, those together that
/// need the same replicas.
fn together(
    staged: &dyn Staged,
    stations: &[Station],
    rows: &[Measuring],
    round: u32,
    rounds: u32,
) -> Vec<usize> {
    let arrangement = |index: &usize| staged.members(&rows[*index].planned, stations);
    let mut kinds: Vec<Vec<Member>> = Vec::new();
    for index in 0..rows.len() {
        let members = arrangement(&index);
        if !kinds.contains(&members) {
            kinds.push(members);
        }
    }
    if round % 2 == 1 {
        kinds.reverse();
    }
    let mut ordered = order(rows.len(), round, rounds);
    ordered.sort_by_key(|index| {
        let members = arrangement(index);
        kinds.iter().position(|kind| *kind == members)
    });
    ordered
}
