//! Samples under a load from outside: the station's window and the driver's
//! measured part begin at the same moment and last equally long.

use super::calibrate::mark;
use super::measuring::Measuring;
use super::{NoSample, Runner};
use crate::labs::driven::{Driven, Load, Window, raw_figures};
use crate::labs::{Part, PlannedRow};
use crate::station::{Answer, Replica, SampleError, http};
use crate::survey::Surveyed;
use cpu_budget::clock::monotonic_seconds;
use futures_util::future::try_join_all;
use measure::report::{ReplicaAccount, Round};
use measure::serving::raw;
use serde_json::{Value, json};
use std::time::Duration;

/// How far ahead of its warm-up a load is asked for: meanwhile a station changes
/// to the family of workers that the row is about.
const LEAD_SECONDS: f64 = 0.4;

/// A window that opens later than this after the load has begun counts another
/// time than the load does.
const LATE_SECONDS: f64 = 0.02;

/// How long answers may take beyond the load's own time: the last requests have
/// their time-out.
const ANSWER_SECONDS: f64 = 30.0;

/// Where a replica's API tells who its workers are and what they have counted.
pub(super) const WORKERS: &str = "/workers";

/// A sample under load, and the driver's whole answer.
pub(super) struct UnderLoad {
    pub(super) round: Round,
    pub(super) answer: Value,
}

impl Runner<'_> {
    /// A sample of a driven lab; one whose load was not what it should have been
    /// is taken once more.
    pub(super) async fn driven_sample(
        &self,
        driven: &dyn Driven,
        at: &Surveyed,
        measuring: &mut Measuring,
        round: u32,
    ) -> Result<Round, NoSample> {
        let (Some(load), planned) = (measuring.load.clone(), measuring.planned.clone()) else {
            let why = "nothing is known of its load".to_owned();
            return Err(NoSample::Void(why, Vec::new()));
        };
        let take = || self.under_load(driven, at, &planned, &load, round);
        match take().await {
            Err(NoSample::Void(_, runs)) => {
                measuring.set_aside.extend(runs);
                Ok(take().await?.round)
            }
            taken => Ok(taken?.round),
        }
    }

    /// One sample of this family of workers under this load. `round` also says
    /// what the load's chance is drawn from: every round has another one.
    pub(super) async fn under_load(
        &self,
        driven: &dyn Driven,
        at: &Surveyed,
        row: &PlannedRow,
        load: &Load,
        round: u32,
    ) -> Result<UnderLoad, NoSample> {
        let window = driven.window(self.options);
        let served_before = served(at).await;
        let start = monotonic_seconds() + LEAD_SECONDS + window.warm_up_seconds;
        let deadline = Duration::from_secs_f64(
            LEAD_SECONDS + window.warm_up_seconds + window.seconds + ANSWER_SECONDS,
        );
        let seed = u64::from(round) + 1;
        let body = self
            .load_body(load, &at.station.name, window, start, seed)
            .await;
        let body = body.map_err(NoSample::Failed)?;
        let generator = self.driver(driven).await.map_err(NoSample::Failed)?;
        let around = self.stations.around();
        let requests = at.replicas.iter().enumerate().map(|(index, &replica)| {
            let part = Part {
                index,
                count: at.replicas.len(),
                repeats: 1,
                start_at_seconds: Some(start),
            };
            let body = self.lab.request(row, part, self.options, around);
            async move { http::sample(replica, &body, deadline).await }
        });
        let both = async {
            let answer = async {
                let asked = http::ask::<Value>(generator, "/run", &body, deadline).await;
                asked.map_err(|error| of_driver(driven, error))
            };
            tokio::try_join!(try_join_all(requests), answer)
        };
        let mut interrupted = self.interrupted.clone();
        let (answers, answer): (Vec<Answer>, Value) = tokio::select! {
            both = both => both.map_err(NoSample::Failed)?,
            // Dropping the requests cancels the runs.
            _ = interrupted.wait_for(|&stop| stop) => return Err(NoSample::Interrupted),
        };
        if let Some(why) = void(&answers, &answer, start) {
            let runs = answers.iter().map(|answer| mark(&answer.account));
            return Err(NoSample::Void(why, runs.collect()));
        }
        let own: Vec<_> = answers.iter().map(|a| a.figures.clone()).collect();
        let mut figures = raw_figures(row, load, window, &answer, &own);
        figures.insert(raw::SEED.to_owned(), seed as f64);
        figures.insert(raw::LOAD_STARTED_SECONDS.to_owned(), start);
        // Nobody asks anything now but this runner, one thing after the other.
        let served_in_all = served(at).await.zip(served_before);
        let served_in_all = served_in_all.map(|(after, before)| after - before);
        figures.extend(served_in_all.map(|count| (raw::SERVED_IN_ALL.to_owned(), count)));
        if let Some(question) = driven.question(load) {
            figures.extend(self.look_at_answers(&at.station.name, question).await);
        }
        let own = |answer: Answer| self.stations.own_account(answer.account);
        let replicas: Vec<ReplicaAccount> = answers.into_iter().map(own).collect();
        let round = Round {
            round,
            figures,
            replicas,
            ..Round::default()
        };
        Ok(UnderLoad { round, answer })
    }

    /// What the driver is asked: the load, at whom, when and by what chance.
    pub(super) async fn load_body(
        &self,
        load: &Load,
        station: &str,
        window: Window,
        start: f64,
        seed: u64,
    ) -> Result<Value, SampleError> {
        let targets = self.targets(station).await?;
        Ok(with(
            &load.body,
            &json!({
                "targets": targets,
                "warm_up_seconds": window.warm_up_seconds,
                "seconds": window.seconds,
                "start_at_seconds": start,
                "seed": seed,
            }),
        ))
    }

    /// Where those who use the station reach it.
    pub(super) async fn targets(&self, station: &str) -> Result<Vec<String>, SampleError> {
        let served = self.stations.served(station).await;
        served.map_err(|error| SampleError::Lost(format!("{station} is not reached: {error:#}")))
    }

    /// Where the driver answers.
    pub(super) async fn driver(&self, driven: &dyn Driven) -> Result<Replica, SampleError> {
        let name = driven.driver();
        let lost = |why: String| SampleError::Lost(format!("{name} makes no load: {why}"));
        let found = self.stations.replicas(name).await;
        let found = found.map_err(|error| lost(format!("{error:#}")))?;
        let first = found.first().copied();
        first.ok_or_else(|| lost("it does not run".to_owned()))
    }
}

/// How many requests the replicas have served by now, in all their lives; `None`
/// where one of them does not tell.
async fn served(at: &Surveyed) -> Option<f64> {
    let accounts = at.replicas.iter().map(|&one| http::account(one, WORKERS));
    let accounts = try_join_all(accounts).await.ok()?;
    let each = accounts.iter().map(|account| account["served"].as_f64());
    each.sum()
}

/// The first object with the fields of the second.
pub(super) fn with(one: &Value, other: &Value) -> Value {
    let fields = [one, other].into_iter().filter_map(Value::as_object);
    let fields = fields
        .flatten()
        .map(|(name, value)| (name.clone(), value.clone()));
    Value::Object(fields.collect())
}

/// The driver's refusal is not the station's.
pub(super) fn of_driver(driven: &dyn Driven, error: SampleError) -> SampleError {
    let name = driven.driver();
    match error {
        SampleError::Refused(why) => SampleError::Refused(format!("{name} refused: {why}")),
        SampleError::Lost(why) => SampleError::Lost(format!("{name} was lost: {why}")),
    }
}

/// Why a sample tells nothing, by the driver's word or by the moments at which
/// the windows opened.
fn void(answers: &[Answer], answer: &Value, start: f64) -> Option<String> {
    if let Some(why) = answer["void"].as_str() {
        return Some(why.to_owned());
    }
    let opened = answers.iter().map(|answer| answer.account.started_seconds);
    let late = opened.fold(f64::NEG_INFINITY, f64::max) - start;
    (late > LATE_SECONDS).then(|| {
        format!(
            "the station's window opened {:.0} ms after the load had begun: its workers were not \
             ready in time",
            late * 1e3
        )
    })
}
