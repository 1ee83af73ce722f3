//! What to try next, and what that should gain.
//!
//! A gain is named only where the models can work it out from this row's own
//! rounds, and "no gain" is said as plainly as one.

use super::Case;
use super::agree::Agreement;
use super::thresholds::{GAIN, OTHERS, SAME_CPUS};
use super::what_if::{Gain, Hindrance, WhatIf, gain};
use super::words::{self, count, cpu_count, percent, seconds};
use crate::figures::names;
use crate::report::VerdictKind;

/// What to try next; empty where nothing is to be said.
pub(super) fn next(case: &Case, agreement: &Agreement) -> String {
    match agreement.kind {
        VerdictKind::Host => host(case),
        VerdictKind::HiddenLimit => hidden_limit(case),
        VerdictKind::Bursts => bursts(case),
        VerdictKind::Quota => quota(case),
        VerdictKind::Oversubscribed => oversubscribed(case),
        VerdictKind::Cpu => cpu(case),
        VerdictKind::Workers => workers(case),
        VerdictKind::Imbalance => remedy(
            case,
            if case.row.work_shares.is_some() {
                "Give out work as the workers become free (dynamic chunks) instead of in fixed \
                 parts."
            } else {
                "Cut the work into smaller parts, or make the job larger: the others wait for the \
                 last part."
            },
            "That should be",
            &WhatIf {
                equal_sharing: true,
                ..WhatIf::default()
            },
        ),
        VerdictKind::Waiting if case.waiting().is_some() => more_at_once(case),
        VerdictKind::Waiting => remedy(
            case,
            "Have more of these waits under way at once (more workers or async tasks).",
            "That is at most",
            &waits_gone(),
        ),
        VerdictKind::Contention => remedy(
            case,
            "Hold the lock for less, or split what it guards; more CPUs or workers would wait for \
             it too.",
            "Without those waits it is at most",
            &waits_gone(),
        ),
        VerdictKind::Startup => remedy(
            case,
            "Start the workers once and keep them for many jobs.",
            "That is at most",
            &WhatIf {
                gone: Some(Hindrance::Starts),
                ..waits_gone()
            },
        ),
        VerdictKind::Starved => {
            "Look at what feeds this queue: more workers here would wait with these.".to_owned()
        }
        VerdictKind::Backpressure => {
            "Look at what takes from this queue: more workers here would only fill it.".to_owned()
        }
        VerdictKind::Unclear if agreement.disturbed() > 0 => {
            "Run again with nothing else on these CPUs.".to_owned()
        }
        VerdictKind::Idle | VerdictKind::Unclear => String::new(),
    }
}

/// The same limits with nothing to wait for.
fn waits_gone() -> WhatIf {
    WhatIf {
        equal_sharing: true,
        gone: Some(Hindrance::Waits),
        ..WhatIf::default()
    }
}

impl Case<'_> {
    fn gain(&self, change: &WhatIf) -> Option<Gain> {
        gain(self.row, self.rounds, change)
    }

    fn gain_words(&self, gain: &Gain) -> String {
        words::gain(gain, self.expected_seconds(gain), self.job_seconds())
    }

    /// What a job should take then. By the ratio: the median of the rounds'
    /// times would be another one, and a reader divides.
    fn expected_seconds(&self, gain: &Gain) -> f64 {
        self.job_seconds() / gain.ratio.median
    }
}

/// Whether it is a server under a load from outside.
fn is_served(case: &Case) -> bool {
    case.rounds.iter().any(|round| round.served)
}

fn is_gain(gain: &Gain) -> bool {
    gain.ratio.median > 1.0 + GAIN
}

/// A remedy, with what the models give for it where they can tell and it is
/// worth the trouble.
fn remedy(case: &Case, what: &str, claim: &str, change: &WhatIf) -> String {
    match case.gain(change) {
        Some(gain) if is_gain(&gain) => format!("{what} {claim} {}.", case.gain_words(&gain)),
        _ => what.to_owned(),
    }
}

/// Twice as many waits under way: that nothing were to be waited for is a bound
/// that no number of workers reaches.
fn more_at_once(case: &Case) -> String {
    let Some(job) = case.waiting() else {
        return String::new();
    };
    if job.at_once >= job.items {
        return "All of these waits are under way at once already: only shorter ones would help."
            .to_owned();
    }
    let at_once = (2.0 * job.at_once).min(job.items);
    let what = format!(
        "Have more of these waits under way at once: {at_once:.0} instead of {:.0}",
        job.at_once
    );
    let twice = WhatIf {
        at_once: Some(at_once),
        equal_sharing: true,
        ..WhatIf::default()
    };
    let more = match case.gain(&twice) {
        Some(gain) if is_gain(&gain) => format!("{what} should be {}.", case.gain_words(&gain)),
        Some(_) => {
            let others = case.median(|r| r.others_share) >= Some(OTHERS);
            let left = if others {
                "what others leave of the CPU"
            } else {
                "the CPU"
            };
            format!("{what} is not expected to gain anything: {left} binds there.")
        }
        None => format!("{what}."),
    };
    // Far from here an item costs another CPU time: one by itself the most.
    let crossing = case.median(|r| {
        let request = r.request_cpu_seconds()?;
        r.waiting?.crossing(request, r.usable_cpus()?)
    });
    // Below what is under way already the row itself has shown that it is not so.
    let ahead = |crossing: &f64| (job.at_once..at_once).contains(crossing);
    match crossing.filter(ahead) {
        Some(crossing) => format!(
            "{more} From about {crossing:.0} at once on the CPU time granted is used up, and more \
             of them only wait for it."
        ),
        None => more,
    }
}

fn host(case: &Case) -> String {
    let alone = WhatIf {
        gone: Some(Hindrance::Others),
        ..WhatIf::default()
    };
    if case.is_stolen_from() {
        return "Run again while the machine that hosts this one is quieter, or on CPUs of its own."
            .to_owned();
    }
    if case.is_mostly_the_load() {
        return "Run it on a machine with more CPUs, where the load generator has its own; here \
                read the rates beside those of the other rows, which shared the CPUs with it too."
            .to_owned();
    }
    remedy(
        case,
        "Run again with nothing else on these CPUs.",
        "That should be",
        &alone,
    )
}

fn hidden_limit(case: &Case) -> String {
    remedy(
        case,
        "Look for a quota on a parent group: the container engine's, the user's or the machine's \
         own limits.",
        "The limits that show should give",
        &WhatIf::default(),
    )
}

fn bursts(case: &Case) -> String {
    let throttled = case.budget().map_or(0.0, |(budget, _)| budget.throttled);
    let fewer = "run fewer threads at once, so that they use the quota up more slowly";
    let raise = unbinding_quota(case)
        .map(|needed| format!("raise the quota to {needed}, where they cannot use it up"));
    let what = match (case.threads() > 1, raise) {
        (true, Some(raise)) => format!("Either {fewer}, or {raise}."),
        (false, Some(raise)) => format!("To be rid of it, {raise}."),
        (_, None) => format!("To be rid of it, {fewer}."),
    };
    format!(
        "{what} The workers get back at most the {} of their time that they were throttled; the \
         slowest requests gain most.",
        percent(throttled)
    )
}

/// The quota at which it stops binding, min(threads, allowed CPUs), all
/// replicas together.
fn unbinding_quota_cpus(case: &Case) -> Option<f64> {
    let host = case.host_cpus.map_or(f64::INFINITY, |cpus| cpus as f64);
    Some(case.allowed_cpus()?.min(case.threads() as f64).min(host))
}

/// The same in words, where it is above the quota there is.
fn unbinding_quota(case: &Case) -> Option<String> {
    let needed = unbinding_quota_cpus(case)?;
    (needed > case.quota_cpus()? + SAME_CPUS).then(|| quota_words(case, needed))
}

/// A quota as the Compose file states it: of one replica.
fn quota_words(case: &Case, all: f64) -> String {
    let replicas = case.replicas();
    let shared = case.rounds.first().is_some_and(|r| r.limits.shared);
    if replicas > 1 && shared {
        return format!(
            "{} on the group that the {replicas} replicas share",
            cpu_count(all)
        );
    }
    let each = cpu_count(all / replicas as f64);
    if replicas > 1 {
        format!("{each} for each of the {replicas} replicas")
    } else {
        each
    }
}

fn quota(case: &Case) -> String {
    let larger = larger_quota(case).unwrap_or_else(|| {
        "A larger quota would not help: it already covers every thread and CPU there is.".to_owned()
    });
    match fewer_threads(case).or_else(|| threads_without_stalls(case)) {
        Some(fewer) => format!("{larger} {fewer}"),
        None => larger,
    }
}

fn larger_quota(case: &Case) -> Option<String> {
    let words = unbinding_quota(case)?;
    let change = WhatIf {
        quota_cpus: unbinding_quota_cpus(case),
        ..WhatIf::default()
    };
    let why = "is the smallest quota that no longer stops these threads on these CPUs";
    Some(match case.gain(&change) {
        Some(gain) if is_gain(&gain) => {
            format!(
                "{words} {why}: {} is to be expected.",
                case.gain_words(&gain)
            )
        }
        Some(_) => format!(
            "A larger quota is not expected to gain anything: locks, waits, uneven work or other \
             processes would take its place ({words} {why})."
        ),
        None => format!("{words} {why}."),
    })
}

/// Whether so few threads that the quota never stops them do the same.
fn fewer_threads(case: &Case) -> Option<String> {
    let replicas = case.replicas();
    let each = (case.quota_cpus()? / replicas as f64 + SAME_CPUS).floor() as usize;
    let threads = each * replicas;
    // Of threads that wait, fewer have fewer waits under way.
    if threads == 0 || threads >= case.threads() || case.waiting().is_some() {
        return None;
    }
    let gain = case.gain(&WhatIf {
        threads: Some(threads),
        ..WhatIf::default()
    })?;
    (gain.ratio.median > 1.0 - GAIN).then(|| {
        format!(
            "Within this quota {} would do as much ({}), without stalls.",
            count(threads, "thread"),
            seconds(case.expected_seconds(&gain))
        )
    })
}

/// For a server, whose clients wait while it stands still: so few threads of
/// each replica that they cannot use the quota up.
fn threads_without_stalls(case: &Case) -> Option<String> {
    let replicas = case.replicas();
    let each = (case.quota_cpus()? / replicas as f64 + SAME_CPUS).floor() as usize;
    let stall = case.median(|r| r.of_lab.get(names::STALL_SECONDS).copied());
    let stall = stall.filter(|stall| *stall > 0.0).map_or_else(
        || "without stalls".to_owned(),
        |stall| format!("without the stall of {} in each period", seconds(stall)),
    );
    let fewer = each > 0 && each * replicas < case.threads();
    (is_served(case) && fewer).then(|| {
        let of_each = if replicas > 1 { " of each replica" } else { "" };
        format!(
            "{}{of_each} cannot use this quota up: about as many requests per second, {stall}.",
            count(each, "thread")
        )
    })
}

fn oversubscribed(case: &Case) -> String {
    let Some(allowed) = case.allowed_cpus() else {
        return String::new();
    };
    let threads = (allowed.floor() as usize).max(1);
    let one_replica = case.replicas() > threads;
    let one = case.row.workers_are.one();
    let change = WhatIf {
        threads: Some(threads),
        one_replica,
        ..WhatIf::default()
    };
    let who = if one_replica {
        let quota = case.quota_cpus().map_or(String::new(), |q| {
            format!(" and a quota of {}", cpu_count(q.min(allowed)))
        });
        format!("One replica with {}{quota}", count(threads, one))
    } else {
        format!("{} in all", count(threads, one))
    };
    match case.gain(&change) {
        Some(gain) if is_gain(&gain) => {
            format!(
                "{who} should be faster, without turns: {}.",
                case.gain_words(&gain)
            )
        }
        Some(gain) if gain.ratio.median > 1.0 - GAIN => format!(
            "{who} should take the same time ({}), with fewer switches and less memory.",
            seconds(case.expected_seconds(&gain))
        ),
        _ => format!(
            "Try as many workers as there are CPUs: {}.",
            words::cpus(allowed)
        ),
    }
}

fn cpu(case: &Case) -> String {
    let (Some(granted), Some(allowed)) = (case.granted_cpus(), case.allowed_cpus()) else {
        return "More needs more CPUs and as many workers, or faster code.".to_owned();
    };
    if case.waiting().is_some() {
        return "More of them per second need less CPU time for each, or more CPUs and threads \
                that share that work."
            .to_owned();
    }
    let host = case.host_cpus.map_or(allowed, |cpus| cpus as f64);
    if granted < allowed - SAME_CPUS {
        let quota = (2.0 * granted).min(allowed);
        return more_cpus(
            case,
            quota,
            None,
            &format!("A quota of {}", quota_words(case, quota)),
        );
    }
    if allowed < host - SAME_CPUS {
        let more = (2.0 * allowed).min(host);
        let what = format!("A cpuset of {}, where they are free,", cpu_count(more));
        return more_cpus(case, more, Some(more), &what);
    }
    "This machine has no more CPUs: only faster code, or another machine, would help.".to_owned()
}

/// More CPUs by quota or cpuset, with as many threads.
fn more_cpus(case: &Case, total: f64, allowed_cpus: Option<f64>, what: &str) -> String {
    let threads = (total - SAME_CPUS).ceil() as usize;
    let threads = threads.max(case.threads());
    let change = WhatIf {
        quota_cpus: case.quota_cpus().map(|quota| quota.max(total)),
        allowed_cpus,
        threads: (threads > case.threads()).then_some(threads),
        ..WhatIf::default()
    };
    let one = case.row.workers_are.one();
    let with = format!("{what} together with {}", count(threads, one));
    match case.gain(&change) {
        Some(gain) if is_gain(&gain) => {
            format!(
                "{with} should be {}; else only faster code.",
                case.gain_words(&gain)
            )
        }
        Some(_) => "More CPUs are not expected to gain anything here: only faster code.".to_owned(),
        None => format!("{with}, or faster code."),
    }
}

fn workers(case: &Case) -> String {
    let Some(granted) = case.granted_cpus() else {
        return String::new();
    };
    let replicas = case.replicas();
    let threads = ((granted / replicas as f64) - SAME_CPUS).ceil() as usize * replicas;
    let change = WhatIf {
        threads: Some(threads.max(case.threads())),
        ..WhatIf::default()
    };
    let remedy = if case.row.workers * replicas > case.threads() {
        format!("{threads} workers with a thread each")
    } else if replicas > 1 {
        format!("{threads} workers over the {replicas} replicas")
    } else {
        format!("{threads} workers")
    };
    match case.gain(&change) {
        None if is_served(case) => format!("{remedy} could use all the CPUs that were granted."),
        Some(gain) if is_gain(&gain) => {
            format!(
                "{remedy} that share the work evenly should be {}.",
                case.gain_words(&gain)
            )
        }
        _ => "More workers are not expected to gain anything here.".to_owned(),
    }
}
