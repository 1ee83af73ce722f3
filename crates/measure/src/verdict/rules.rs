//! The rules: what bound one sample. The first one that holds decides.
//!
//! A rule whose figures are unknown does not hold; and where an unknown figure
//! could have made an earlier rule hold, later ones are not asked.

use super::thresholds::{
    ALL_RUNNING, BURSTS, EVERY_PERIOD, IDLE, LOSS, MORE_THAN_ALL, OTHERS, SAME_CPUS,
    SERVER_USED_UP, STOLEN, THROTTLED, THROTTLED_PERIODS, UNACCOUNTED, USED_UP, USED_UP_WAITING,
};
use crate::figures::RoundFigures;
use crate::report::{BlockedBy, TimeBudget, VerdictKind};

/// What one sample shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// The kind of verdict.
    pub kind: VerdictKind,
    /// Why no rule could be followed, where the kind is `unclear` for want of a
    /// figure.
    pub unknown: Option<Unknown>,
}

/// A figure whose absence leaves a sample's verdict open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// The kernel counted no waiting time.
    Schedstat,
    /// Threads waited for a CPU, and nobody knows who had it.
    CpuUsers,
    /// The loss that a rule names is smaller than what is not accounted for.
    Unaccounted,
    /// More CPU was counted than there was.
    Counters,
}

/// The finding of one sample.
pub fn find(round: &RoundFigures) -> Finding {
    let Some(case) = Case::new(round) else {
        return Finding::unknown(Unknown::Schedstat);
    };
    if case.used_more_than_there_was() {
        return Finding::unknown(Unknown::Counters);
    }
    if case.host() {
        return case.finding(VerdictKind::Host);
    }
    if case.hidden_limit() {
        return case.finding(VerdictKind::HiddenLimit);
    }
    if case.cpu_users_unknown() {
        return Finding::unknown(Unknown::CpuUsers);
    }
    let by_usage = [
        (case.bursts(), VerdictKind::Bursts),
        (case.quota(), VerdictKind::Quota),
        (case.oversubscribed(), VerdictKind::Oversubscribed),
        (case.cpu(), VerdictKind::Cpu),
        (case.workers(), VerdictKind::Workers),
    ];
    match by_usage.into_iter().find(|(holds, _)| *holds) {
        Some((_, kind)) => case.finding(kind),
        None => case.blocked(),
    }
}

impl Finding {
    fn of(kind: VerdictKind) -> Self {
        Self {
            kind,
            unknown: None,
        }
    }

    fn unknown(unknown: Unknown) -> Self {
        Self {
            kind: VerdictKind::Unclear,
            unknown: Some(unknown),
        }
    }
}

/// One sample with a known time budget.
struct Case<'a> {
    round: &'a RoundFigures,
    budget: TimeBudget,
    blocked_by: BlockedBy,
}

impl<'a> Case<'a> {
    fn new(round: &'a RoundFigures) -> Option<Self> {
        Some(Self {
            round,
            budget: round.time_budget?,
            blocked_by: round.blocked_by?,
        })
    }

    /// Rule 1. Where stolen time hides in running, the workers' part of what the
    /// hypervisor took from the CPUs they kept busy stands for it.
    fn host(&self) -> bool {
        self.stolen() >= STOLEN || (self.ready_in_vain() && self.round.others_share >= Some(OTHERS))
    }

    fn stolen(&self) -> f64 {
        let from_busy = self.round.stolen_share_of_busy;
        self.budget.stolen.or(from_busy).unwrap_or(0.0)
    }

    /// Rule 2. Idle CPUs prove a limit only as far as workers were there to
    /// use them: one worker leaves the second of two CPUs idle by itself.
    fn hidden_limit(&self) -> bool {
        self.ready_in_vain() && self.round.spare_idle_share >= Some(IDLE)
    }

    /// Threads waited for a CPU, and whether others had it or it was idle is
    /// not known. (With all allowed CPUs used by the group neither can be.)
    fn cpu_users_unknown(&self) -> bool {
        let unknown = self.round.others_share.is_none() || self.round.spare_idle_share.is_none();
        self.ready_in_vain() && unknown && !self.used_up(self.round.allowed_cpus)
    }

    /// Rule 3. Threads that waited longer for a free CPU than for the quota
    /// have another limit: a fleet whose quotas add up to its CPUs uses a
    /// little less than those, and some periods of some replica run out. And a
    /// job that waits for longer than the quota stops it waits, though its items
    /// come together now and then and use a period up. A server's threads that
    /// have no requests hide the others' waits in every share of worker time, so
    /// its periods alone decide.
    fn bursts(&self) -> bool {
        let below_quota = self
            .of_limit_once_begun(self.round.quota_cpus())
            .is_some_and(|used| used < USED_UP);
        let waits = self.round.waiting.is_some() && self.blocked_by.io > self.budget.throttled;
        below_quota
            && !waits
            && !self.used_up_waiting()
            && !self.server_used_its_quota_up()
            && self.round.throttled_periods >= Some(BURSTS)
            && self.round.throttled_period_share() >= Some(THROTTLED_PERIODS)
            && (self.round.served || self.round.throttled_period_share() < Some(EVERY_PERIOD))
            && self.blocked_by.start + self.blocked_by.tail < LOSS
            && self.budget.running < ALL_RUNNING
            && (self.round.served || self.budget.throttled >= self.budget.runnable)
    }

    /// Rule 4.
    fn quota(&self) -> bool {
        let used_up = self.used_up(self.round.quota_cpus()) || self.used_up_waiting();
        self.server_used_its_quota_up()
            || (used_up
                && self.budget.throttled >= THROTTLED
                && self.budget.throttled > self.budget.runnable)
    }

    /// A server whose every period runs out had more to do than the quota pays
    /// for, though it takes a moment after each refill until all of its clients
    /// have heard and asked again. One that used all of it and ran out in some
    /// periods had about as much to do. Either way nobody else took a part of
    /// it: its threads that were ready waited for each other.
    fn server_used_its_quota_up(&self) -> bool {
        let ran_out = |share| self.round.throttled_period_share() >= Some(share);
        let used = |share| {
            let used = self.of_limit(self.round.quota_cpus());
            used.is_some_and(|used| used >= share)
        };
        self.round.served
            && self.budget.running < ALL_RUNNING
            && ((used(SERVER_USED_UP) && ran_out(EVERY_PERIOD))
                || (used(USED_UP) && ran_out(THROTTLED_PERIODS)))
    }

    /// Whether a job that waits used its quota up, all but the ends of its repeats.
    fn used_up_waiting(&self) -> bool {
        self.round.waiting.is_some()
            && self.budget.throttled >= LOSS
            && self
                .of_limit_once_begun(self.round.quota_cpus())
                .is_some_and(|used| used >= USED_UP_WAITING)
    }

    /// Rule 5.
    fn oversubscribed(&self) -> bool {
        self.used_up(self.round.allowed_cpus)
            && self.more_threads_than(self.round.allowed_cpus)
            && self.budget.runnable >= LOSS
            && self.budget.blocked < LOSS
    }

    /// Rule 6. All allowed CPUs are all that could be granted, so they stand in
    /// where the quota is unknown.
    fn cpu(&self) -> bool {
        let granted = self.round.granted_cpus.or(self.round.allowed_cpus);
        let used = self.of_limit(granted);
        // Between two requests a server is idle for a moment.
        let all_but_moments = self.round.served
            && self.budget.running >= ALL_RUNNING
            && used.is_some_and(|used| used >= SERVER_USED_UP);
        (self.used_up(granted) || all_but_moments) && self.blocked_by.lock < LOSS
    }

    /// Rule 7.
    fn workers(&self) -> bool {
        let threads = self.round.threads() as f64;
        let fewer = self
            .round
            .granted_cpus
            .is_some_and(|granted| threads < granted - SAME_CPUS);
        self.budget.running >= ALL_RUNNING && fewer
    }

    /// Rules 8 and 9.
    fn blocked(&self) -> Finding {
        let budget = &self.budget;
        let stolen = budget.stolen.unwrap_or(0.0);
        let others = budget.throttled.max(budget.runnable).max(stolen);
        if budget.blocked < LOSS || budget.blocked < others {
            return Finding::of(VerdictKind::Unclear);
        }
        match largest_cause(&self.blocked_by) {
            (kind, share) if share >= LOSS => self.finding(kind),
            // Many small causes: none of them is what bound the work.
            _ => Finding::of(VerdictKind::Unclear),
        }
    }

    /// The kind, unless the loss that it rests on is smaller than what the
    /// accounts leave open.
    fn finding(&self, kind: VerdictKind) -> Finding {
        let open = self.round.unaccounted.unwrap_or(0.0).abs();
        match self.loss_behind(kind) {
            Some(loss) if open > UNACCOUNTED && loss <= open => {
                Finding::unknown(Unknown::Unaccounted)
            }
            _ => Finding::of(kind),
        }
    }

    /// The share of worker time that a kind rests on; `None` for those that
    /// rest on the group's and the CPUs' counters.
    fn loss_behind(&self, kind: VerdictKind) -> Option<f64> {
        match kind {
            VerdictKind::Host if self.stolen() >= STOLEN => None,
            VerdictKind::Host | VerdictKind::HiddenLimit | VerdictKind::Oversubscribed => {
                Some(self.budget.runnable)
            }
            // A server's periods say it, whatever its idle threads make of the share.
            VerdictKind::Quota if self.server_used_its_quota_up() => None,
            VerdictKind::Quota => Some(self.budget.throttled),
            VerdictKind::Bursts
            | VerdictKind::Cpu
            | VerdictKind::Workers
            | VerdictKind::Unclear => None,
            _ => Some(largest_cause(&self.blocked_by).1),
        }
    }

    /// Whether waiting for a free CPU cost most, and a free one would have helped:
    /// not where a server's quota was used up anyway, and not where its threads
    /// had no requests for longer than they waited for the CPUs that they share
    /// with the load generator.
    fn ready_in_vain(&self) -> bool {
        let had_little_to_do = self.round.served
            && self.blocked_by.idle > self.budget.runnable
            && self.others_beside_the_load() < Some(OTHERS);
        self.runnable_is_largest() && !had_little_to_do && !self.server_used_its_quota_up()
    }

    /// Share of the allowed CPUs' time that neither the station nor the lab's own
    /// load generator used.
    fn others_beside_the_load(&self) -> Option<f64> {
        Some(self.round.others_share? - self.round.load_share.unwrap_or(0.0))
    }

    /// Whether waiting for a free CPU cost most, and enough to name. Waiting
    /// for requests is not a loss.
    fn runnable_is_largest(&self) -> bool {
        let budget = &self.budget;
        let blocked = budget.blocked - self.blocked_by.idle;
        let others = budget
            .throttled
            .max(blocked)
            .max(budget.stolen.unwrap_or(0.0));
        budget.runnable >= LOSS && budget.runnable >= others
    }

    /// CPU counted outside the sample's wall makes every figure of usage false.
    fn used_more_than_there_was(&self) -> bool {
        self.of_limit(self.round.allowed_cpus)
            .is_some_and(|used| used > MORE_THAN_ALL)
    }

    fn used_up(&self, limit: Option<f64>) -> bool {
        self.of_limit_once_begun(limit)
            .is_some_and(|used| used >= USED_UP)
    }

    /// Usage of a limit from the moment on in which there was something to do.
    fn of_limit_once_begun(&self, limit: Option<f64>) -> Option<f64> {
        Some(self.round.usage_once_begun_cpus()? / limit?)
    }

    fn of_limit(&self, limit: Option<f64>) -> Option<f64> {
        Some(self.round.usage_cpus? / limit?)
    }

    fn more_threads_than(&self, cpus: Option<f64>) -> bool {
        cpus.is_some_and(|cpus| self.round.threads() as f64 > cpus + SAME_CPUS)
    }
}

/// The cause that blocked time was mostly spent on, and its share.
pub(super) fn largest_cause(by: &BlockedBy) -> (VerdictKind, f64) {
    let causes = [
        (VerdictKind::Imbalance, by.tail),
        (VerdictKind::Waiting, by.io),
        (VerdictKind::Starved, by.input),
        (VerdictKind::Backpressure, by.output),
        (VerdictKind::Contention, by.lock),
        (VerdictKind::Startup, by.start),
        (VerdictKind::Idle, by.idle),
    ];
    causes
        .into_iter()
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .unwrap_or((VerdictKind::Unclear, 0.0))
}
