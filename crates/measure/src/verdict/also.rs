//! What else the figures show, beside the verdict.

use super::Case;
use super::agree::Agreement;
use super::rules::largest_cause;
use super::text::blocked_text;
use super::thresholds::{
    COSTLY, FIDELITY, LOSS, ROUNDS_WITH_ONE_ODD, SHORT_JOB_SECONDS, UNACCOUNTED,
};
use super::words::{kind, percent, seconds};
use crate::figures::{Fidelity, RoundFigures};
use crate::report::{Also, VerdictKind};
use crate::stats::{median, pair_by_round};

/// Stolen time that may hide in running is named from this share of the
/// allowed CPUs on: half the model's tolerance.
const STEAL_TO_NAME: f64 = 0.01;

/// Losses that the account knows of explain what the quota model misses when
/// they come to this much of it at least; the model itself may be off by the rest.
const EXPLAINED: f64 = 0.75;

/// Everything that is to be said beside the verdict.
pub(super) fn also(case: &Case, agreement: &Agreement) -> Vec<Also> {
    [
        short_job(case),
        cost(case),
        blocked(case, agreement.kind),
        unaccounted(case),
        fidelity(case, agreement.kind),
        hidden_steal(case).filter(|_| agreement.kind != VerdictKind::Host),
        unaligned(case),
        odd_round(agreement),
        outliers(case),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn entry(kind: &str, text: String) -> Also {
    Also {
        kind: kind.to_owned(),
        text,
    }
}

/// A job so short that waking the workers and handing them their parts is what
/// was measured.
fn short_job(case: &Case) -> Option<Also> {
    let wall = case.job_seconds();
    (wall < SHORT_JOB_SECONDS).then(|| {
        entry(
            "short-job",
            format!(
                "One job takes {}: starting it and handing it out weigh as much as the work. A \
                 larger one shows what the limits do.",
                seconds(wall)
            ),
        )
    })
}

/// CPU seconds of one job ÷ the baseline's, within rounds.
fn cost_ratios(rounds: &[RoundFigures], baseline: &[RoundFigures]) -> Vec<f64> {
    let of = |rounds: &[RoundFigures]| -> Vec<(u32, f64)> {
        let cpu = |r: &RoundFigures| Some((r.round, r.job_cpu_seconds()?));
        rounds.iter().filter_map(cpu).collect()
    };
    let pairs = pair_by_round(&of(rounds), &of(baseline));
    pairs.iter().map(|(own, baseline)| own / baseline).collect()
}

/// Whether a job costs more CPU in every round, or in none (from six on: but
/// one); `None` when the rounds differ, and when it is unknown.
fn costs_more(rounds: &[RoundFigures], baseline: &[RoundFigures]) -> Option<bool> {
    let ratios = cost_ratios(rounds, baseline);
    let may_differ = usize::from(ratios.len() >= ROUNDS_WITH_ONE_ODD);
    let costly = ratios.iter().filter(|r| **r >= COSTLY).count();
    match ratios.len() {
        0 => None,
        all if costly + may_differ >= all => Some(true),
        _ if costly <= may_differ => Some(false),
        _ => None,
    }
}

/// More CPU for the same job: by the strategy itself, or because several
/// workers share cores, caches and clock speed.
fn cost(case: &Case) -> Option<Also> {
    if !costs_more(case.rounds, case.baseline)? {
        return None;
    }
    let ratio = median(&cost_ratios(case.rounds, case.baseline))?;
    let costs = format!("One job costs {ratio:.2} × the baseline's CPU time");
    Some(match costs_more(case.one_worker, case.baseline) {
        Some(true) => entry(
            "overhead",
            format!("{costs}, with one worker too: the strategy itself costs it."),
        ),
        Some(false) => entry(
            "shared-core",
            format!(
                "{costs}, with one worker it does not: workers at the same time slow each other \
                 down (hyper-threads of one core, cache, turbo clock)."
            ),
        ),
        None => entry(
            "cpu-cost",
            format!(
                "{costs}. No row of this strategy with one worker on the baseline's station tells \
                 whether the strategy costs it or workers slow each other down."
            ),
        ),
    })
}

/// A verdict that rests on CPU counters says nothing of time spent blocked,
/// which may still be worth more than what it names.
fn blocked(case: &Case, verdict: VerdictKind) -> Option<Also> {
    let by_counters = matches!(
        verdict,
        VerdictKind::Quota | VerdictKind::Bursts | VerdictKind::Cpu
    );
    let (_, by) = case.budget()?;
    let (largest, share) = largest_cause(&by);
    let named = by_counters && share >= LOSS && largest != VerdictKind::Idle;
    named.then(|| entry(kind(largest), blocked_text(largest, &by)))
}

fn unaccounted(case: &Case) -> Option<Also> {
    let open = case.unaccounted().filter(|u| u.abs() > UNACCOUNTED)?;
    let text = if open > 0.0 {
        format!("{} of worker time is not accounted for.", percent(open))
    } else {
        format!(
            "The accounts hold {} of worker time more than there was.",
            percent(-open)
        )
    };
    Some(entry(
        "unaccounted",
        format!("{text} The verdict is that much less sure."),
    ))
}

/// The quota model against what was measured: explained or flagged.
fn fidelity(case: &Case, verdict: VerdictKind) -> Option<Also> {
    let Some(fidelity) = case.row.quota_fidelity else {
        return untold(case, verdict);
    };
    if (fidelity - 1.0).abs() <= FIDELITY {
        return None;
    }
    let off = format!(
        "The quota model gives {fidelity:.3} of the measured time for the CPU that was used."
    );
    let why = if fidelity < 1.0 {
        slower_than_model(case, 1.0 - fidelity)
    } else {
        faster_than_model(case)
    };
    Some(entry("quota-fidelity", format!("{off} {why}")))
}

/// Why the quota model is not held against a row that its quota shaped.
fn untold(case: &Case, verdict: VerdictKind) -> Option<Also> {
    if !matches!(verdict, VerdictKind::Quota | VerdictKind::Bursts) {
        return None;
    }
    let shares = case.row.work_shares.as_deref();
    let mut rounds = case.rounds.iter().map(|r| Fidelity::of(r, shares));
    let why = rounds.find_map(|fidelity| match fidelity {
        Fidelity::WaitsToo => Some(
            "so few were under way at once that some of the quota's periods found nothing to do",
        ),
        Fidelity::TooShort => Some(
            "a job is so short that it matters how much of the CPU time was used before its first \
             answers came, and nobody counts that",
        ),
        Fidelity::Told(_) | Fidelity::NoMatter => None,
    })?;
    Some(entry(
        "quota-fidelity",
        format!("The quota model alone does not tell this wall: {why}."),
    ))
}

/// Time that the quota model does not know: waiting for a CPU beyond taking
/// turns, and being blocked.
fn slower_than_model(case: &Case, missing: f64) -> String {
    const OPEN: &str = "Nothing in the account explains the difference.";
    let Some((budget, by)) = case.budget() else {
        return OPEN.to_owned();
    };
    let threads = case.threads() as f64;
    let busy = case
        .allowed_cpus()
        .map_or(threads, |cpus| cpus.min(threads));
    let turns = budget.running * (threads / busy - 1.0);
    let waited = (budget.runnable - turns).max(0.0);
    let blocked = (budget.blocked - by.unaccounted.max(0.0)).max(0.0);
    let stolen = budget.stolen.unwrap_or(0.0);
    if waited + blocked + stolen >= missing * EXPLAINED {
        format!(
            "The rest is not the quota's: {} of worker time went waiting for a free CPU, {} \
             blocked and {} to the hypervisor.",
            percent(waited),
            percent(blocked),
            percent(stolen)
        )
    } else {
        OPEN.to_owned()
    }
}

fn faster_than_model(case: &Case) -> String {
    let unaligned = case.rounds.iter().any(|r| r.aligned == Some(false));
    if unaligned {
        "Some samples did not start with a refill: what was left of the period before came on top."
            .to_owned()
    } else {
        "Nothing in the account explains why it was faster than the quota allows.".to_owned()
    }
}

fn hidden_steal(case: &Case) -> Option<Also> {
    let told = case
        .rounds
        .iter()
        .all(|r| r.time_budget.is_some_and(|b| b.stolen.is_some()));
    let steal = case
        .median(|r| r.steal_share)
        .filter(|s| !told && *s >= STEAL_TO_NAME)?;
    Some(entry(
        "steal",
        format!(
            "The hypervisor took {} of the allowed CPUs' time; how much of it the running time \
             hides is unknown.",
            percent(steal)
        ),
    ))
}

fn unaligned(case: &Case) -> Option<Also> {
    let rounds = rounds_where(case, |r| r.aligned == Some(false))?;
    Some(entry(
        "unaligned",
        format!(
            "No refill of the quota was seen before the start of {rounds}: such a sample may begin \
             with part of a period's budget."
        ),
    ))
}

fn odd_round(agreement: &Agreement) -> Option<Also> {
    let (round, other) = agreement.odd?;
    Some(entry(
        "odd-round",
        format!("Round {} by itself shows `{}`.", round + 1, kind(other)),
    ))
}

fn outliers(case: &Case) -> Option<Also> {
    let strays = rounds_where(case, |r| case.row.outliers.contains(&r.round))?;
    let walls: Vec<String> = case
        .rounds
        .iter()
        .filter(|r| case.row.outliers.contains(&r.round))
        .map(|r| seconds(r.job_seconds()))
        .collect();
    Some(entry(
        "outlier",
        format!("Far from the others: {strays} ({}).", walls.join(", ")),
    ))
}

/// `round 2`, `rounds 2, 4`, counted from 1 as people do; `None` when there is none.
fn rounds_where(case: &Case, holds: impl Fn(&RoundFigures) -> bool) -> Option<String> {
    let rounds: Vec<String> = case
        .rounds
        .iter()
        .filter(|r| holds(r))
        .map(|r| (r.round + 1).to_string())
        .collect();
    match rounds.len() {
        0 => None,
        1 => Some(format!("round {}", rounds[0])),
        _ => Some(format!("rounds {}", rounds.join(", "))),
    }
}
