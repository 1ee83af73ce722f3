//! Drills: something of a station is broken under load, and the driver's account
//! tells what became of the requests.

use super::driven::{WORKERS, of_driver};
use super::{Runner, station_of};
use crate::labs::Part;
use crate::labs::driven::{Deed, DrillPlan, Driven, Window, failures};
use crate::station::{Action, Replica, http};
use crate::survey::{self, Surveyed};
use anyhow::{Context, bail};
use cpu_budget::clock::monotonic_seconds;
use measure::report::{Drill, Slice};
use measure::serving::raw;
use serde_json::Value;
use std::time::Duration;
use tokio::time::sleep;

/// How far ahead the load of a drill is asked for.
const LEAD_SECONDS: f64 = 0.3;

/// The load before the part that is told of.
const WARM_UP_SECONDS: f64 = 0.3;

/// How long the answer may take beyond the load's own time.
const ANSWER_SECONDS: f64 = 30.0;

impl Runner<'_> {
    /// The drills in turn. One that fails says why, and the others go on; an
    /// interrupted one is left out with those after it.
    pub(super) async fn drill(
        &self,
        driven: &dyn Driven,
        surveyed: &[Surveyed],
        drills: Vec<DrillPlan>,
    ) -> Vec<Drill> {
        let mut done = Vec::new();
        for plan in drills {
            let at = station_of(surveyed, &plan.row.station);
            if at.replicas.is_empty() {
                continue;
            }
            let label = format!("drill · {} · {}", plan.row.station, plan.name);
            self.progress.phase(&label);
            self.now.sample(0, &plan.row);
            let mut interrupted = self.interrupted.clone();
            let outcome = tokio::select! {
                outcome = self.drill_one(driven, at, &plan) => outcome,
                _ = interrupted.wait_for(|&stop| stop) => break,
            };
            let mut drill = outcome.unwrap_or_else(|error| Drill {
                failed_because: Some(format!("{error:#}")),
                ..Drill::default()
            });
            plan.name.clone_into(&mut drill.name);
            drill.station.clone_from(&plan.row.station);
            drill.workers = plan.row.workers;
            done.push(drill);
        }
        done
    }

    async fn drill_one(
        &self,
        driven: &dyn Driven,
        at: &Surveyed,
        plan: &DrillPlan,
    ) -> anyhow::Result<Drill> {
        self.arrange(driven, at, plan).await?;
        let window = Window {
            warm_up_seconds: WARM_UP_SECONDS,
            seconds: plan.seconds,
        };
        let start = monotonic_seconds() + LEAD_SECONDS + WARM_UP_SECONDS;
        let body = self
            .load_body(&plan.load, &at.station.name, window, start, 1)
            .await?;
        let generator = self.driver(driven).await?;
        let deadline =
            Duration::from_secs_f64(LEAD_SECONDS + plan.seconds + WARM_UP_SECONDS + ANSWER_SECONDS);
        let load = async {
            let answer = http::ask::<Value>(generator, "/run", &body, deadline).await;
            answer.map_err(|error| of_driver(driven, error).into())
        };
        let deed = async {
            let until = start + plan.at_seconds - monotonic_seconds();
            sleep(Duration::from_secs_f64(until.max(0.0))).await;
            let asked = monotonic_seconds() - start;
            self.act(at, plan.deed).await?;
            anyhow::Ok(asked)
        };
        let restarts_before = restarts(at, plan.deed).await;
        let (answer, done): (anyhow::Result<Value>, _) = tokio::join!(load, deed);
        let answer = answer?;
        let done = done.context("it could not be done")?;
        // Whoever comes next finds the station whole again.
        let whole = survey::ready_replicas(self.stations, &at.station.name, at.replicas.len());
        whole.await?;
        let restarts_after = restarts(at, plan.deed).await;
        let restarted = restarts_before.zip(restarts_after);
        Ok(told(
            plan,
            &answer,
            done,
            restarted.map(|(before, after)| after - before),
        ))
    }

    /// Has the station run the drill's family of workers: a sample without load
    /// makes it change.
    async fn arrange(
        &self,
        driven: &dyn Driven,
        at: &Surveyed,
        plan: &DrillPlan,
    ) -> anyhow::Result<()> {
        let deadline =
            Duration::from_secs_f64(driven.window(self.options).in_all() + ANSWER_SECONDS);
        for (index, &replica) in at.replicas.iter().enumerate() {
            let part = Part {
                index,
                count: at.replicas.len(),
                repeats: 1,
                start_at_seconds: None,
            };
            let around = self.stations.around();
            let mut body = self.lab.request(&plan.row, part, self.options, around);
            body["seconds"] = 0.1.into();
            http::sample(replica, &body, deadline).await?;
        }
        Ok(())
    }

    async fn act(&self, at: &Surveyed, deed: Deed) -> anyhow::Result<()> {
        match deed {
            Deed::CrashReplica => self.stations.act(&at.station.name, Action::Crash).await,
            Deed::KillWorker => {
                let replica = first(at)?;
                let workers = http::account(replica, WORKERS).await?;
                let pid = workers["workers"][0]["pid"].as_u64();
                let pid = pid.with_context(|| format!("{} names no worker", at.station.name))?;
                http::forget(replica, &format!("{WORKERS}/{pid}")).await
            }
        }
    }
}

fn first(at: &Surveyed) -> anyhow::Result<Replica> {
    match at.replicas.first() {
        Some(&replica) => Ok(replica),
        None => bail!("{} does not run", at.station.name),
    }
}

/// The workers that the station says it started in place of dead ones; `None`
/// where nobody could have counted them through the drill.
async fn restarts(at: &Surveyed, deed: Deed) -> Option<u64> {
    if deed == Deed::CrashReplica {
        return None;
    }
    let workers = http::account(first(at).ok()?, WORKERS).await.ok()?;
    workers["restarts"].as_u64()
}

/// The driver's account as the report has it.
fn told(plan: &DrillPlan, answer: &Value, done: f64, restarts: Option<u64>) -> Drill {
    let failed = failures(answer);
    let lost: f64 = failed.values().sum();
    let sent = answer["sent"].as_u64().unwrap_or(0);
    let figure = |name: &str| plan.load.figures.get(name).copied().unwrap_or(0.0);
    Drill {
        connections: figure(raw::CONNECTIONS) as usize,
        offered_per_second: figure(raw::OFFERED_PER_SECOND),
        seconds: plan.seconds,
        done_at_seconds: Some(done),
        sent,
        answered: sent.saturating_sub(lost as u64),
        failed: failed
            .into_iter()
            .map(|(kind, count)| (kind, count as u64))
            .collect(),
        restarts,
        void: answer["void"].as_str().map(str::to_owned),
        timeline: timeline(&answer["timeline"]),
        ..Drill::default()
    }
}

fn timeline(rows: &Value) -> Vec<Slice> {
    let slice = |row: &Value| {
        Some(Slice {
            at_seconds: row[0].as_f64()?,
            sent: row[1].as_u64()?,
            answered: row[2].as_u64()?,
            failed: row[3].as_u64()?,
            p99_seconds: row[4].as_f64(),
        })
    };
    let rows = rows.as_array().into_iter().flatten();
    rows.filter_map(slice).collect()
}
