//! What happened and the figures that prove it, in plain words.

use super::Case;
use super::agree::Agreement;
use super::rules::Unknown;
use super::thresholds::{STOLEN, USED_UP};
use super::words::{count, cpu_count, cpu_noun, cpus, kind, percent};
use crate::figures::RoundFigures;
use crate::report::{BlockedBy, TimeBudget, VerdictKind};

/// A share below this is shown as 0 %: nobody would take it for a loss.
const SHOWN: f64 = 0.0005;

/// What happened.
pub(super) fn text(case: &Case, agreement: &Agreement) -> String {
    let Some((budget, by)) = case.budget() else {
        return unclear(case, agreement);
    };
    match agreement.kind {
        VerdictKind::Host => host(case, &budget),
        VerdictKind::HiddenLimit => format!(
            "For {} of worker time threads stood ready for a CPU while allowed CPUs were idle: a \
             limit above this container, which it cannot read, kept them off.",
            percent(budget.runnable)
        ),
        VerdictKind::Bursts => bursts(case),
        VerdictKind::Quota => format!(
            "The quota was the limit: {} of it ({}) was used{}, and for {} of worker time it kept \
             threads off a CPU.",
            how_much_of_the_quota(case),
            maybe(case.quota_cpus(), cpu_count),
            once_begun(case),
            percent(budget.throttled)
        ),
        VerdictKind::Oversubscribed => format!(
            "{} took turns on {}: for {} of their time they were ready and no CPU was free.",
            count(case.threads(), "thread"),
            maybe(case.allowed_cpus(), cpu_count),
            percent(budget.runnable)
        ),
        VerdictKind::Cpu => format!(
            "All the CPU that was granted ({}) did work{}.",
            maybe(case.granted_cpus().or(case.allowed_cpus()), cpu_count),
            once_begun(case)
        ),
        VerdictKind::Workers => workers(case),
        VerdictKind::Unclear => unclear(case, agreement),
        blocked => blocked_text(blocked, &by),
    }
}

/// Of a job that waits, from when on the rules look at usage; nothing where the
/// whole time shows the same.
fn once_begun(case: &Case) -> &'static str {
    match idle_start(case) {
        Some(_) => " once the first answers had come",
        None => "",
    }
}

/// All of it, or the share that is not all: of a job that waits it may be less.
fn how_much_of_the_quota(case: &Case) -> String {
    let used = case.median(|r| Some(r.usage_once_begun_cpus()? / r.quota_cpus()?));
    match used {
        Some(used) if used < USED_UP => percent(used),
        _ => "all".to_owned(),
    }
}

/// The share of the time before there was anything to do, where it shows.
fn idle_start(case: &Case) -> Option<f64> {
    let share = case.median(|r| Some(r.idle_start_share()))?;
    (share >= SHOWN).then_some(share)
}

fn maybe(value: Option<f64>, words: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| "unknown".to_owned(), words)
}

fn host(case: &Case, budget: &TimeBudget) -> String {
    let hidden = case.median(|r| r.stolen_share_of_busy).unwrap_or(0.0);
    match budget.stolen {
        Some(stolen) if stolen >= STOLEN => format!(
            "The hypervisor gave the CPUs to somebody else for {} of the workers' time.",
            percent(stolen)
        ),
        None if hidden >= STOLEN => format!(
            "The hypervisor gave the CPUs to somebody else for about {} of the time that the \
             workers could keep them busy. This kernel counts it as running.",
            percent(hidden)
        ),
        _ => format!(
            "Something else had the CPU: for {} of their time the workers were ready and none \
             was free, while other processes used {} of the allowed CPUs{}.",
            percent(budget.runnable),
            maybe(case.median(|r| r.others_share), percent),
            of_the_load(case)
        ),
    }
}

/// How much of what others used was the lab's own, where the samples were taken
/// under a load from outside.
fn of_the_load(case: &Case) -> String {
    let share = case.median(|r| r.load_share);
    share.map_or_else(String::new, |share| {
        format!(
            ", {} of them the lab's own load generator, which shares these CPUs",
            percent(share)
        )
    })
}

fn bursts(case: &Case) -> String {
    let used = case.median(|r| Some(r.usage_once_begun_cpus()? / r.quota_cpus()?));
    let period = case.rounds.first().and_then(|r| r.limits.period_seconds);
    format!(
        "The work fits the quota on average ({} of it used{}) but not in every period of {}: it \
         ran out in {} of them.",
        maybe(used, percent),
        once_begun(case),
        maybe(period, super::words::seconds),
        maybe(case.median(RoundFigures::throttled_period_share), percent)
    )
}

fn workers(case: &Case) -> String {
    let threads = count(case.threads(), "thread");
    let granted = maybe(case.granted_cpus(), cpu_count);
    let asked = case.row.workers * case.replicas();
    if asked > case.threads() {
        return format!(
            "{asked} workers were asked for, but {threads} did the work, always running, of \
             {granted} granted: tasks that share a thread take turns on it."
        );
    }
    format!("{threads} did nothing but work, on {granted} granted.")
}

/// What a cause of being blocked cost.
pub(super) fn blocked_text(kind: VerdictKind, by: &BlockedBy) -> String {
    match kind {
        VerdictKind::Imbalance => format!(
            "The workers ended at different times: having nothing left to do while others worked \
             took {} of their time.",
            percent(by.tail)
        ),
        VerdictKind::Waiting => format!(
            "The workers waited for a disk, a network or a timer for {} of their time.",
            percent(by.io)
        ),
        VerdictKind::Starved => format!(
            "The workers waited for work for {} of their time: what feeds them is the limit.",
            percent(by.input)
        ),
        VerdictKind::Backpressure => format!(
            "The workers could not hand their work on for {} of their time: what takes it is the \
             limit.",
            percent(by.output)
        ),
        VerdictKind::Contention => format!(
            "The workers waited for each other's locks for {} of their time.",
            percent(by.lock)
        ),
        VerdictKind::Startup => format!(
            "Starting the workers took {} of their time.",
            percent(by.start)
        ),
        _ => format!(
            "The workers had no requests for {} of their time: there is room for more.",
            percent(by.idle)
        ),
    }
}

fn unclear(case: &Case, agreement: &Agreement) -> String {
    if !agreement.agreed {
        return disagreement(case, agreement);
    }
    match agreement.unknown {
        Some(Unknown::Schedstat) => {
            return "Where the time went is unknown: the kernel does not count how long a thread \
                    waits for a CPU (schedstat) here, or the counters contradict each other."
                .to_owned();
        }
        Some(Unknown::CpuUsers) => {
            return "The workers were ready and no CPU was free, but who used the CPUs is \
                    unknown: it was either something else on this host or a limit above this \
                    container."
                .to_owned();
        }
        Some(Unknown::Unaccounted) => {
            return "Most of the time that was lost is not accounted for by the workers."
                .to_owned();
        }
        Some(Unknown::Counters) => {
            return "More CPU was counted than the allowed CPUs can give in the measured time: \
                    part of it belongs to work before or after the job."
                .to_owned();
        }
        None => {}
    }
    let Some((budget, by)) = case.budget() else {
        return "Where the time went is unknown.".to_owned();
    };
    let mut losses = losses(&budget, &by);
    losses.sort_by(|a, b| b.1.total_cmp(&a.1));
    let [(largest, most), (second, less)] = [losses[0], losses[1]];
    if less < SHOWN {
        return format!(
            "No single limit shows. The only loss was {largest} ({}).",
            percent(most)
        );
    }
    format!(
        "No single limit shows. The two largest losses were {largest} ({}) and {second} ({}).",
        percent(most),
        percent(less)
    )
}

/// Rounds that somebody else disturbed are told apart from those that disagree
/// about the work itself.
fn disagreement(case: &Case, agreement: &Agreement) -> String {
    let seen: Vec<String> = agreement
        .seen
        .iter()
        .filter(|(k, _)| **k != VerdictKind::Host)
        .map(|(k, rounds)| format!("{} in {}", kind(*k), count(*rounds, "round")))
        .collect();
    let seen = seen.join(", ");
    match agreement.disturbed() {
        0 => format!("The rounds disagree: {seen}."),
        disturbed => format!(
            "Something else had the CPU in {disturbed} of {}; the others show {seen}.",
            count(case.rounds.len(), "round")
        ),
    }
}

fn losses(budget: &TimeBudget, by: &BlockedBy) -> Vec<(&'static str, f64)> {
    vec![
        ("the quota", budget.throttled),
        ("no CPU being free", budget.runnable),
        ("the hypervisor", budget.stolen.unwrap_or(0.0)),
        ("workers ending early", by.tail),
        ("workers starting late", by.start),
        ("waiting for io", by.io),
        ("waiting for work", by.input),
        ("handing work on", by.output),
        ("locks", by.lock),
        ("waiting for requests", by.idle),
        ("time not accounted for", by.unaccounted),
    ]
}

/// The figures that prove it.
pub(super) fn evidence(case: &Case, kind: VerdictKind) -> String {
    let mut parts = Vec::new();
    if let Some((budget, _)) = case.budget() {
        parts.push(states(&budget));
    }
    if let Some(usage) = case.median(|r| r.usage_cpus) {
        parts.push(usage_of_granted(case, usage));
    }
    let by_usage = matches!(
        kind,
        VerdictKind::Bursts | VerdictKind::Quota | VerdictKind::Oversubscribed | VerdictKind::Cpu
    );
    if let Some(share) = idle_start(case).filter(|_| by_usage) {
        parts.push(format!(
            "{} of the time passed before the first answers came",
            percent(share)
        ));
    }
    let ran_out = case.median(RoundFigures::throttled_period_share);
    if let (Some(share), true) = (ran_out, case.quota_cpus().is_some()) {
        parts.push(format!(
            "the quota ran out in {} of its periods",
            percent(share)
        ));
    }
    let cpu_users = matches!(
        kind,
        VerdictKind::Host
            | VerdictKind::HiddenLimit
            | VerdictKind::Oversubscribed
            | VerdictKind::Unclear
    );
    if cpu_users {
        parts.extend(allowed_cpus_use(case));
    }
    parts.join("; ")
}

fn states(budget: &TimeBudget) -> String {
    let stolen = budget.stolen.filter(|s| *s >= 0.0005);
    format!(
        "running {}, throttled {}, runnable {}, blocked {}{} of worker time",
        percent(budget.running),
        percent(budget.throttled),
        percent(budget.runnable),
        percent(budget.blocked),
        stolen.map_or_else(String::new, |s| format!(", stolen {}", percent(s)))
    )
}

fn usage_of_granted(case: &Case, usage: f64) -> String {
    match case.granted_cpus() {
        Some(granted) => format!(
            "{usage:.2} of {} granted {} in use",
            cpus(granted),
            cpu_noun(granted)
        ),
        None => format!("{usage:.2} CPUs in use"),
    }
}

fn allowed_cpus_use(case: &Case) -> Option<String> {
    let mut uses = Vec::new();
    if let Some(others) = case.median(|r| r.others_share) {
        uses.push(format!("{} used by others", percent(others)));
    }
    if let Some(idle) = case.median(|r| r.idle_share) {
        uses.push(format!("{} idle", percent(idle)));
    }
    if let Some(steal) = case.median(|r| r.steal_share).filter(|s| *s >= 0.0005) {
        uses.push(format!("{} stolen", percent(steal)));
    }
    let allowed = case.allowed_cpus()?;
    (!uses.is_empty()).then(|| {
        format!(
            "of the {} allowed {} {}",
            cpus(allowed),
            cpu_noun(allowed),
            uses.join(", ")
        )
    })
}
