//! Drills: something of a pipeline is broken while items flow, and the source
//! tells what came of them.

use super::super::{NoSample, Runner};
use super::answer::StationAnswer;
use crate::labs::staged::{Staged, StagedDeed, StagedDrill};
use crate::station::{Action, Replica, http};
use crate::survey::{self, Surveyed};
use anyhow::{Context, anyhow};
use cpu_budget::clock::monotonic_seconds;
use measure::report::Drill;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::sleep;

/// How far ahead the first item is.
const LEAD_SECONDS: f64 = 0.3;

/// How long the items may take: what a dead consumer held waits until others
/// take it over.
const DEADLINE: Duration = Duration::from_mins(2);

impl Runner<'_> {
    /// The drills in turn. One that fails says why, and the others go on; an
    /// interrupted one is left out with those after it.
    pub(in crate::runner) async fn drill_staged(
        &self,
        staged: &dyn Staged,
        surveyed: &[Surveyed],
    ) -> Vec<Drill> {
        let mut done = Vec::new();
        for plan in staged.drills(self.options) {
            self.progress.phase(&format!("drill · {}", plan.name));
            self.now.sample(0, &plan.row);
            let mut interrupted = self.interrupted.clone();
            let outcome = tokio::select! {
                outcome = self.drill_pipeline(staged, surveyed, &plan) => outcome,
                _ = interrupted.wait_for(|&stop| stop) => break,
            };
            let mut drill = outcome.unwrap_or_else(|error| Drill {
                failed_because: Some(format!("{error:#}")),
                ..Drill::default()
            });
            plan.name.clone_into(&mut drill.name);
            plan.deed.subject().clone_into(&mut drill.station);
            done.push(drill);
        }
        done
    }

    async fn drill_pipeline(
        &self,
        staged: &dyn Staged,
        surveyed: &[Surveyed],
        plan: &StagedDrill,
    ) -> anyhow::Result<Drill> {
        let members = self.arranged(staged, surveyed, &plan.row).await;
        let members = members.map_err(|error| match error {
            NoSample::Failed(error) => anyhow!(error),
            NoSample::Void(why, _) => anyhow!(why),
            NoSample::Interrupted => anyhow!("it was interrupted"),
        })?;
        let source = members.first().and_then(|(_, replicas)| replicas.first());
        let &source = source.context("there is no source")?;
        let start = monotonic_seconds() + LEAD_SECONDS;
        let mut body = self.staged_body(&plan.row, 1, start);
        body["items"] = plan.items.into();
        let flow = async {
            let asked = http::ask::<StationAnswer>(source, "/run", &body, DEADLINE).await;
            asked.context("the source does not tell what came of its items")
        };
        let deed = async {
            let until = start + plan.at_seconds - monotonic_seconds();
            sleep(Duration::from_secs_f64(until.max(0.0))).await;
            let asked = monotonic_seconds() - start;
            self.break_it(plan.deed).await?;
            anyhow::Ok(asked)
        };
        let before = self.instances(plan.deed).await;
        let (answer, done): (anyhow::Result<StationAnswer>, _) = tokio::join!(flow, deed);
        let done = done.context("it could not be done")?;
        let answer = answer?;
        // Whoever comes next finds the pipeline whole again.
        for (station, replicas) in &members {
            survey::exactly(self.stations, station, replicas.len()).await?;
        }
        let after = self.instances(plan.deed).await;
        let restarts = match plan.deed {
            // What stands still is not replaced.
            StagedDeed::Pause(..) => Some(0),
            StagedDeed::Crash(_) => after
                .zip(before)
                .map(|(after, before)| after.difference(&before).count() as u64),
        };
        told(plan, &answer, done, restarts)
    }

    async fn break_it(&self, deed: StagedDeed) -> anyhow::Result<()> {
        let subject = deed.subject();
        match deed {
            StagedDeed::Crash(_) => self.stations.act(subject, Action::Crash).await,
            StagedDeed::Pause(_, seconds) => {
                self.stations.act(subject, Action::Pause).await?;
                sleep(Duration::from_secs_f64(seconds)).await;
                self.stations.act(subject, Action::Resume).await
            }
        }
    }

    /// The processes of what is to be broken, where these can be told apart.
    async fn instances(&self, deed: StagedDeed) -> Option<BTreeSet<String>> {
        let StagedDeed::Crash(station) = deed else {
            return None;
        };
        let replicas: Vec<Replica> = self.stations.replicas(station).await.ok()?;
        let mut instances = BTreeSet::new();
        for replica in replicas {
            let told = http::account(replica, "/").await.ok()?;
            instances.insert(told["instance"].as_str()?.to_owned());
        }
        Some(instances)
    }
}

impl StagedDeed {
    /// What it is done to.
    fn subject(self) -> &'static str {
        match self {
            Self::Crash(station) => station,
            Self::Pause(component, _) => component.name(),
        }
    }
}

/// The source's account as the report has it.
fn told(
    plan: &StagedDrill,
    answer: &StationAnswer,
    done: f64,
    restarts: Option<u64>,
) -> anyhow::Result<Drill> {
    let outcome = answer.figures.outcome.as_ref();
    let outcome = outcome.context("the source does not tell how the run ended")?;
    let lost = outcome.given.saturating_sub(outcome.arrived + outcome.dead);
    let mut failed = BTreeMap::from([
        ("lost".to_owned(), lost),
        ("dead letters".to_owned(), outcome.dead),
        ("doubled".to_owned(), outcome.doubled.unwrap_or(0)),
    ]);
    failed.retain(|_, count| *count > 0);
    if !outcome.exact && failed.is_empty() {
        // The sums say so, whatever the counts do.
        failed.insert("not those that were given".to_owned(), 1);
    }
    Ok(Drill {
        seconds: answer.account.seconds(),
        done_at_seconds: Some(done),
        sent: plan.items.max(outcome.given),
        answered: outcome.arrived,
        failed,
        restarts,
        ..Drill::default()
    })
}
