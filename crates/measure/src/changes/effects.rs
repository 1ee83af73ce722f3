//! What a change did to the rows that both runs measured.

use super::knobs::job_knobs;
use super::served;
use crate::report::{Round, Row, RunReport};
use crate::serving::is_of_servers;
use crate::stats::{ROUNDS_FOR_A_CLAIM, RunsOutcome, compare_runs, pair_by_round};
use crate::text::names::name_of_key;
use crate::verdict::thresholds::{FIDELITY, SAME_CPUS};
use crate::verdict::words::{count, seconds};

/// Two runs and their baselines.
pub(super) struct Runs<'a> {
    before: &'a RunReport,
    after: &'a RunReport,
    baselines: Result<[&'a Row; 2], String>,
    /// Whether they are of servers, whose rows have no wall and no baseline.
    served: bool,
}

/// What became of one row.
struct Effect {
    text: String,
    kind: EffectKind,
}

/// What may be said of it.
#[derive(PartialEq)]
enum EffectKind {
    Claimed,
    WithinNoise,
    /// Why it was not compared.
    NotCompared(String),
}

/// A row that both runs measured, by the rule for two runs.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedRow {
    /// [`Row::key`].
    pub key: String,
    /// Wall seconds of one job, median, in the earlier run and in the later.
    pub wall_seconds: [f64; 2],
    /// Before ÷ after, each divided by its own run's baseline: above 1 it
    /// became faster.
    pub ratio: f64,
    /// What may be claimed.
    pub outcome: RunsOutcome,
    /// The ratio that the model gives; `None` where it predicts nothing.
    pub predicted_ratio: Option<f64>,
}

/// The rows that both runs measured, in the order of `after`, beside the
/// baseline; or why nothing can be told.
pub fn compared_rows(before: &RunReport, after: &RunReport) -> Result<Vec<ComparedRow>, String> {
    let runs = Runs::new(before, after);
    let pairs = runs.pairs(|_| true)?;
    Ok(pairs
        .iter()
        .filter_map(|(key, was, is)| runs.compared(key, was, is))
        .collect())
}

impl<'a> Runs<'a> {
    pub(super) fn new(before: &'a RunReport, after: &'a RunReport) -> Self {
        Self {
            before,
            after,
            baselines: baselines(before, after),
            served: is_of_servers(before) && is_of_servers(after),
        }
    }

    /// Why no row of the two can be compared; `None` where rows can.
    pub(super) fn incomparable(&self) -> Option<String> {
        if self.served {
            return other_jobs(self.before, self.after);
        }
        self.baselines.as_ref().err().cloned()
    }

    /// The effect on each row of a station.
    pub(super) fn station_effects(&self, station: &str) -> Vec<String> {
        if self.served {
            return served::effects(self.before, self.after, |name| name == station);
        }
        let of_station = |row: &Row| row.station == station;
        match self.effects(of_station) {
            Err(why) => vec![why],
            Ok(effects) if effects.is_empty() => {
                vec!["No row of this station was measured in both runs.".to_owned()]
            }
            Ok(effects) => effects.into_iter().map(|e| e.text).collect(),
        }
    }

    /// The effects that can be claimed on any row but those of the `edited`
    /// stations, and how many rows are left, by why nothing is claimed of them.
    pub(super) fn effects_beside(&self, edited: &[&str]) -> Vec<String> {
        if self.served {
            let beside = |name: &str| !edited.contains(&name);
            return served::effects(self.before, self.after, beside);
        }
        let effects = match self.effects(|row| !edited.contains(&row.station.as_str())) {
            Err(why) => return vec![why],
            Ok(effects) => effects,
        };
        let unclaimed = effects.iter().filter(|e| e.kind == EffectKind::WithinNoise);
        let unclaimed = unclaimed.count();
        let mut reasons: Vec<(&str, usize)> = Vec::new();
        for effect in &effects {
            let EffectKind::NotCompared(why) = &effect.kind else {
                continue;
            };
            match reasons.iter_mut().find(|(said, _)| said == why) {
                Some((_, rows)) => *rows += 1,
                None => reasons.push((why, 1)),
            }
        }
        let claimed = effects.iter().filter(|e| e.kind == EffectKind::Claimed);
        let mut texts: Vec<String> = claimed.map(|e| e.text.clone()).collect();
        if unclaimed > 0 {
            texts.push(format!(
                "{}: no difference beside the baseline that could be claimed.",
                count(unclaimed, "row")
            ));
        }
        texts.extend(
            reasons
                .into_iter()
                .map(|(why, rows)| format!("{}: {why}.", count(rows, "row"))),
        );
        texts
    }

    /// The effects on the rows that both runs have and `affected` picks. The
    /// baseline is left out: divided by itself it never moves.
    fn effects(&self, affected: impl Fn(&Row) -> bool) -> Result<Vec<Effect>, String> {
        let pairs = self.pairs(affected)?;
        Ok(pairs
            .iter()
            .filter_map(|(key, was, is)| self.effect(key, was, is))
            .collect())
    }

    /// Such a row's key, and what it was in either run.
    fn pairs(&self, affected: impl Fn(&Row) -> bool) -> Result<Vec<(String, Side, Side)>, String> {
        let [base_before, base_after] = self.baselines.as_ref().map_err(Clone::clone)?;
        let rows = self
            .after
            .rows
            .iter()
            .filter(|row| affected(row) && !row.baseline);
        Ok(rows
            .filter_map(|now| {
                let earlier = self.before.rows.iter().find(|row| row.key() == now.key())?;
                let was = Side::new(earlier, base_before)?;
                Some((now.key(), was, Side::new(now, base_after)?))
            })
            .collect())
    }

    fn effect(&self, key: &str, was: &Side, is: &Side) -> Option<Effect> {
        let ComparedRow { ratio, outcome, .. } = self.compared(key, was, is)?;
        let walls = walls_words(was, is);
        let (kind, measured) = match outcome {
            RunsOutcome::Faster => (
                EffectKind::Claimed,
                format!("{ratio:.2} × as fast ({walls})"),
            ),
            RunsOutcome::Slower => (
                EffectKind::Claimed,
                format!("took {:.2} × as long ({walls})", 1.0 / ratio),
            ),
            RunsOutcome::WithinNoise => {
                (EffectKind::WithinNoise, format!("within noise ({walls})"))
            }
            RunsOutcome::TooFewRounds => {
                let why = self.why_not_compared(was, is);
                let text = format!("{why} ({walls})");
                (EffectKind::NotCompared(why), text)
            }
        };
        let model = match kind {
            EffectKind::NotCompared(_) => None,
            _ => model_words(was, is),
        };
        let name = name_of_key(self.after, key);
        Some(Effect {
            text: format!("{name}: {measured}{}.", model.unwrap_or_default()),
            kind,
        })
    }

    fn why_not_compared(&self, was: &Side, is: &Side) -> String {
        let [before, after] = [was, is].map(|side| side.normalised.len());
        if before.min(after) < ROUNDS_FOR_A_CLAIM {
            return format!("not compared: {before} and {after} rounds, six needed");
        }
        let quick = if self.after.quick {
            "this"
        } else {
            "the earlier"
        };
        format!("not compared: {quick} run was quick")
    }

    fn compared(&self, key: &str, was: &Side, is: &Side) -> Option<ComparedRow> {
        let (ratio, mut outcome) = compare_runs(&was.normalised, &is.normalised)?;
        if self.before.quick || self.after.quick {
            outcome = RunsOutcome::TooFewRounds;
        }
        Some(ComparedRow {
            key: key.to_owned(),
            wall_seconds: [was.wall_seconds, is.wall_seconds],
            ratio,
            outcome,
            predicted_ratio: predicted_ratio(was, is),
        })
    }
}

/// A row in one of the runs.
struct Side {
    /// Samples ÷ the run's baseline of the same round.
    normalised: Vec<f64>,
    wall_seconds: f64,
    baseline_seconds: f64,
    /// Predicted wall ÷ the CPU seconds of the run's baseline, which it was
    /// predicted from: so the model's ratio of two runs is that of the limits.
    predicted: Option<f64>,
}

impl Side {
    fn new(row: &Row, baseline: &Row) -> Option<Self> {
        let pairs = pair_by_round(&walls(row), &walls(baseline));
        let baseline_seconds = baseline.wall_seconds?.median;
        Some(Self {
            normalised: pairs.iter().map(|(own, baseline)| own / baseline).collect(),
            wall_seconds: row.wall_seconds?.median,
            baseline_seconds,
            predicted: row
                .predicted_wall_seconds
                .zip(baseline.cpu_seconds)
                .map(|(predicted, cpu)| predicted.median / cpu),
        })
    }

    fn range(&self) -> (f64, f64) {
        let fold = |f: fn(f64, f64) -> f64, from| self.normalised.iter().copied().fold(from, f);
        (
            fold(f64::min, f64::INFINITY),
            fold(f64::max, f64::NEG_INFINITY),
        )
    }
}

fn walls(row: &Row) -> Vec<(u32, f64)> {
    row.rounds
        .iter()
        .map(|r: &Round| (r.round, r.job_seconds()))
        .collect()
}

/// Both walls; and the baseline's where it moved too (another job, or another
/// speed of the machine), since the ratio is then not that of the walls.
fn walls_words(was: &Side, is: &Side) -> String {
    let both = |was, is| format!("{} → {}", seconds(was), seconds(is));
    let walls = both(was.wall_seconds, is.wall_seconds);
    if (is.baseline_seconds / was.baseline_seconds - 1.0).abs() <= FIDELITY {
        return walls;
    }
    format!(
        "{walls}, while the baseline went {}",
        both(was.baseline_seconds, is.baseline_seconds)
    )
}

/// Whether it moved as the model says: predicted before ÷ after lies within
/// what the samples span, and what the model may be off.
fn model_words(was: &Side, is: &Side) -> Option<String> {
    let predicted = predicted_ratio(was, is)?;
    let ((low_was, high_was), (low_is, high_is)) = (was.range(), is.range());
    let within = predicted >= low_was / high_is * (1.0 - FIDELITY)
        && predicted <= high_was / low_is * (1.0 + FIDELITY);
    let words = if predicted >= 1.0 {
        format!("{predicted:.2} × as fast")
    } else {
        format!("{:.2} × as long", 1.0 / predicted)
    };
    let verb = if within {
        "as the model predicted"
    } else {
        "the model predicted"
    };
    Some(format!("; {verb} ({words})"))
}

fn predicted_ratio(was: &Side, is: &Side) -> Option<f64> {
    let ratio = was.predicted? / is.predicted?;
    ratio.is_finite().then_some(ratio)
}

/// That the runs did different jobs, where they did.
fn other_jobs(before: &RunReport, after: &RunReport) -> Option<String> {
    let jobs = job_knobs(before, after);
    let differ = jobs
        .iter()
        .map(|knob| format!("{} {} → {}", knob.name, knob.before, knob.after));
    let differ: Vec<String> = differ.collect();
    (!differ.is_empty()).then(|| {
        format!(
            "Not compared: the two runs did different jobs ({}).",
            differ.join(", ")
        )
    })
}

/// The baselines of both runs, when they can stand for the machine's speed in
/// each: the same single-worker job, and no quota that stops it.
pub(super) fn baselines<'a>(
    before: &'a RunReport,
    after: &'a RunReport,
) -> Result<[&'a Row; 2], String> {
    if let Some(why) = other_jobs(before, after) {
        return Err(why);
    }
    let of = |report: &'a RunReport| report.rows.iter().find(|row| row.baseline);
    let (Some(was), Some(is)) = (of(before), of(after)) else {
        return Err("No effect can be told: a run has no baseline row.".to_owned());
    };
    let work = |row: &Row| (row.strategy.clone(), row.kernel.clone(), row.workers);
    if work(was) != work(is) {
        return Err("No effect can be told: the baseline rows did different work.".to_owned());
    }
    let unhindered = |row: &Row| {
        row.granted_cpus
            .is_some_and(|granted| granted >= row.workers as f64 - SAME_CPUS)
    };
    if was.station == is.station && same_limits(before, after, &was.station) {
        return Ok([was, is]);
    }
    if unhindered(was) && unhindered(is) {
        return Ok([was, is]);
    }
    Err(
        "No effect can be told: the baseline's own station changed, and its limits hold it back."
            .to_owned(),
    )
}

fn same_limits(before: &RunReport, after: &RunReport, station: &str) -> bool {
    let declared = |report: &RunReport| {
        report
            .stations
            .iter()
            .find(|s| s.name == station)
            .map(|s| s.declared.clone())
    };
    declared(before) == declared(after)
}
