//! How often each row's job must be done for a sample, found by probes.

use super::measuring::Measuring;
use super::{NoSample, Runner, station_of};
use crate::labs::PlannedRow;
use crate::station::SampleError;
use crate::survey::Surveyed;
use anyhow::bail;
use measure::calibration;
use measure::report::{ReplicaAccount, Round, RunMark};
use std::time::Duration;
use tokio::time::timeout;

/// A job that takes this long makes a run of many minutes.
const LONG_PROBE: Duration = Duration::from_secs(20);

/// The longest one sample may take while nothing is known of its length.
const LONGEST_SAMPLE: Duration = Duration::from_hours(1);

impl Runner<'_> {
    /// Finds out for each row how often the job must be done for a sample.
    pub(super) async fn calibrate(
        &self,
        surveyed: &[Surveyed],
        plan: Vec<PlannedRow>,
    ) -> anyhow::Result<Vec<Measuring>> {
        let count = plan.len();
        let mut rows = Vec::with_capacity(count);
        for (index, planned) in plan.into_iter().enumerate() {
            let mut measuring = Measuring::new(planned);
            let label = format!(
                "calibrating row {} of {count} · {}",
                index + 1,
                measuring.label()
            );
            self.progress.sample(&label, 0.0, None);
            let at = station_of(surveyed, &measuring.planned.station);
            if at.replicas.is_empty() {
                measuring.row.not_run = Some(at.why_absent());
                rows.push(measuring);
                continue;
            }
            self.now.sample(0, &measuring.planned);
            if let Err(failure) = self.calibrate_row(at, &mut measuring).await {
                match failure {
                    NoSample::Interrupted => bail!(crate::Interrupted),
                    NoSample::Failed(SampleError::Refused(why)) if measuring.row.baseline => {
                        bail!(crate::Refused(why))
                    }
                    NoSample::Failed(error) => measuring.row.not_run = Some(error.to_string()),
                    NoSample::Void(why, _) => measuring.row.not_run = Some(why),
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

    /// One sample of unknown length; a long one is said to be.
    async fn probe(&self, at: &Surveyed, measuring: &mut Measuring) -> Result<Round, NoSample> {
        let label = measuring.label();
        let probe = self.sample(at, measuring, 0, LONGEST_SAMPLE);
        let mut probe = std::pin::pin!(probe);
        if let Ok(round) = timeout(LONG_PROBE, &mut probe).await {
            return round;
        }
        self.progress.notice(&format!(
            "! one job takes longer than {} s ({label}), and each row does it several times; \
             Ctrl-C and a smaller LIMIT make the run shorter",
            LONG_PROBE.as_secs()
        ));
        probe.await
    }

    async fn calibrate_row(
        &self,
        at: &Surveyed,
        measuring: &mut Measuring,
    ) -> Result<(), NoSample> {
        loop {
            let round = self.probe(at, measuring).await?;
            measuring.last_run = marks(&round);
            let threads = round.replicas.first().map_or(1, |r| r.workers.len());
            let together = at.starts_together(threads);
            if together != measuring.common_start {
                // That probe held the replicas' different starts.
                measuring.common_start = together;
                continue;
            }
            let (under_quota, free) = self.lab.sample_seconds();
            let wanted = if at.quota_binds(threads) {
                under_quota
            } else {
                free
            };
            let granted = at.granted_cpus(threads);
            let job = calibration::sustained_repeat_seconds(&round, granted);
            let next = calibration::next_repeats(round.repeats, round.wall_seconds(), job, wanted);
            measuring.repeats = next.repeats();
            measuring.sample_seconds = job * f64::from(measuring.repeats);
            if next.is_final() {
                return Ok(());
            }
        }
    }
}

/// The runs that a station's calibration ended with; none where its last row's
/// failed, since a run of which no account came may have gone on.
pub fn last_runs(rows: &[Measuring], station: &str) -> Vec<RunMark> {
    let last = rows.iter().rfind(|m| m.planned.station == station);
    let calibrated = last.filter(|m| m.row.not_run.is_none());
    calibrated.map_or_else(Vec::new, |m| m.last_run.clone())
}

/// The run that each replica's account is of.
pub fn marks(round: &Round) -> Vec<RunMark> {
    round.replicas.iter().map(mark).collect()
}

/// The run that an account is of.
pub fn mark(account: &ReplicaAccount) -> RunMark {
    RunMark {
        instance: account.instance.clone(),
        run_sequence: account.run_sequence,
    }
}
