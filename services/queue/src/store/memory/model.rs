//! The queue's steps as plain code: what the scripts are held against.

use crate::job::{
    Cancelled, Event, Job, JobId, JsonText, Listing, NewJob, PRIORITIES, Page, Seq, Start, State,
    Stats, Submitted, Totals, What, WorkerInfo,
};
use crate::store::cursor::Cursor;
use crate::store::{Accepted, Claim, Claimed, Lease, Outcome, Settlement, Taken, Verdict, Wanted};
use crate::work::{Class, Kind};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

// As in the scripts' common part, which gives the reasons.
const MOST_LOSSES: u32 = 20;
const LONGEST_LEASE: u64 = 600_000_000;
const DEAD_RETENTION: u64 = 7 * 86_400_000_000;
const STEP: usize = 200;
const EVENTS_KEPT: usize = 4096;
const FORGOTTEN_AFTER: u64 = 60_000_000;

/// Jobs, each with a moment: when it is due, or over.
type Timed = BTreeSet<(u64, u64)>;

/// The whole queue. Moments are microseconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Model {
    jobs: BTreeMap<u64, Entry>,
    ready: [[VecDeque<u64>; PRIORITIES]; 2],
    scheduled: Timed,
    failed: Timed,
    leases: Timed,
    to_live: Timed,
    succeeded: Timed,
    dead: Timed,
    cancelled: Timed,
    keys: HashMap<String, u64>,
    effects: BTreeMap<String, BTreeMap<u64, u64>>,
    totals: Totals,
    last_id: u64,
    last_token: u64,
    workers: BTreeMap<String, (u64, WorkerInfo)>,
    events: VecDeque<Event>,
}

#[derive(Debug)]
struct Entry {
    new: NewJob,
    state: State,
    created: u64,
    /// Ready since.
    since: Option<u64>,
    /// Where it stands in the set of its state.
    at: u64,
    over: Option<u64>,
    failed: u32,
    losses: u32,
    token: u64,
    worker: Option<String>,
    started: Option<u64>,
    finished: Option<u64>,
    progress: Option<f64>,
    result: Option<String>,
    error: Option<String>,
}

impl Entry {
    fn class(&self) -> usize {
        class_of(&self.new.kind)
    }

    fn since(&self) -> u64 {
        self.since.unwrap_or(self.created)
    }
}

fn class_of(kind: &str) -> usize {
    usize::from(Kind::named(kind).map(Kind::class) == Some(Class::Io))
}

fn micros(duration: Duration) -> u64 {
    duration.as_micros() as u64
}

impl Model {
    /// Accepts all of `group`, or none.
    pub(super) fn submit(&mut self, group: &[NewJob], depth: u64, now: u64) -> Accepted {
        let waiting = self.waiting();
        if waiting + group.len() as u64 > depth {
            return Accepted::Full(waiting);
        }
        if let Some((index, id)) = self.clash(group) {
            return Accepted::KeyReused { index, id };
        }
        Accepted::All(group.iter().map(|job| self.accept(job, now)).collect())
    }

    fn waiting(&self) -> u64 {
        let ready: usize = self.ready.iter().flatten().map(VecDeque::len).sum();
        (ready + self.scheduled.len() + self.failed.len()) as u64
    }

    fn clash(&self, group: &[NewJob]) -> Option<(usize, JobId)> {
        let mut own: HashMap<&str, &NewJob> = HashMap::new();
        for (index, job) in group.iter().enumerate() {
            let Some(key) = job.key.as_deref() else {
                continue;
            };
            let holder = self.keys.get(key);
            let other = match holder {
                Some(id) => self.jobs.get(id).map(|entry| &entry.new),
                None => own.get(key).copied(),
            };
            let same = |other: &NewJob| other.kind == job.kind && other.payload == job.payload;
            if other.is_some_and(|other| !same(other)) {
                return Some((index, JobId(holder.copied().unwrap_or(0))));
            }
            own.insert(key, job);
        }
        None
    }

    fn accept(&mut self, job: &NewJob, now: u64) -> Submitted {
        let holder = job.key.as_ref().and_then(|key| self.keys.get(key));
        if let Some((id, entry)) = holder.and_then(|id| Some((*id, self.jobs.get(id)?))) {
            return Submitted {
                id: JobId(id),
                state: entry.state,
                existing: true,
            };
        }
        self.last_id = (self.last_id + 1).max(now);
        let id = self.last_id;
        let due = match job.start {
            Start::Now => now,
            Start::After(delay) => now + micros(delay),
            Start::At { unix_micros } => unix_micros,
        };
        if let Some(key) = &job.key {
            self.keys.insert(key.clone(), id);
        }
        let over = job.ttl.map(|ttl| now + micros(ttl));
        let entry = Entry {
            new: job.clone(),
            state: State::Ready,
            created: now,
            since: None,
            at: due,
            over: None,
            failed: 0,
            losses: 0,
            token: 0,
            worker: None,
            started: None,
            finished: None,
            progress: None,
            result: None,
            error: None,
        };
        self.jobs.insert(id, entry);
        self.totals.submitted += 1;
        if Kind::named(&job.kind).is_none() {
            self.die(id, Kind::unknown(&job.kind), now);
        } else {
            self.entry(id).over = over;
            self.to_live.extend(over.map(|over| (over, id)));
            if due > now {
                self.entry(id).state = State::Scheduled;
                self.scheduled.insert((due, id));
                self.note(id, What::State(State::Scheduled), now);
            } else {
                self.make_ready(id, VecDeque::push_back, now);
            }
        }
        Submitted {
            id: JobId(id),
            state: self.jobs[&id].state,
            existing: false,
        }
    }

    /// Gives ready jobs to a worker.
    pub(super) fn claim(&mut self, claim: &Claim, now: u64) -> Claimed {
        self.tend(now);
        let mut claimed = Claimed::default();
        for (class, wanted) in [(0, claim.wanted.cpu), (1, claim.wanted.io)] {
            for _ in 0..wanted {
                let Some(id) = self.first(class, claim.ageing, now) else {
                    break;
                };
                claimed.jobs.push(self.give(id, claim, now));
            }
        }
        if claimed.jobs.is_empty() {
            let dues = [self.scheduled.first(), self.failed.first()];
            let due = dues.into_iter().flatten().map(|(due, _)| *due).min();
            claimed.due_in = due.map(|due| Duration::from_micros(due.saturating_sub(now)));
        }
        claimed
    }

    /// The job whose turn it is: ready since earliest, where each priority counts
    /// for `ageing`.
    fn first(&mut self, class: usize, ageing: Duration, now: u64) -> Option<u64> {
        loop {
            let heads = self.ready[class].iter().enumerate().rev();
            let heads = heads.filter_map(|(priority, list)| Some((priority, *list.front()?)));
            let score = |(priority, id): &(usize, u64)| {
                self.jobs[id].since() as i128 - *priority as i128 * ageing.as_micros() as i128
            };
            // Of several that are equal, the first: the most urgent.
            let (_, id) = heads.min_by_key(score)?;
            if self.jobs[&id].over.is_some_and(|over| over <= now) {
                self.expire(id, now);
            } else {
                return Some(id);
            }
        }
    }

    fn give(&mut self, id: u64, claim: &Claim, now: u64) -> Taken {
        self.unwait(id);
        self.last_token += 1;
        let token = self.last_token;
        let deadline = now + micros(claim.lease);
        self.leases.insert((deadline, id));
        if let Some(over) = self.entry(id).over.take() {
            self.to_live.remove(&(over, id));
        }
        let entry = self.entry(id);
        entry.state = State::Active;
        entry.at = deadline;
        entry.token = token;
        entry.worker = Some(claim.worker.clone());
        entry.started = Some(now);
        let taken = Taken {
            id: JobId(id),
            token,
            kind: entry.new.kind.clone(),
            payload: entry.new.payload.clone(),
            priority: entry.new.priority,
            attempt: entry.failed,
            timeout: entry.new.timeout,
            waited: Duration::from_micros(now.saturating_sub(entry.since())),
            age: Duration::from_micros(now.saturating_sub(entry.created)),
        };
        self.note(id, What::State(State::Active), now);
        taken
    }

    /// Whether some of what is wanted is ready.
    pub(super) fn has_ready(&self, wanted: Wanted) -> bool {
        let any = |class: usize| self.ready[class].iter().any(|list| !list.is_empty());
        wanted.cpu > 0 && any(0) || wanted.io > 0 && any(1)
    }

    /// What came of a job.
    pub(super) fn settle(&mut self, settlement: &Settlement, now: u64) -> Verdict {
        let id = settlement.id.0;
        if let Some(refused) = self.refused(id, settlement.token) {
            return refused;
        }
        self.leave(id);
        match &settlement.outcome {
            Outcome::Done(result) => {
                let entry = self.entry(id);
                entry.result = Some(result.clone());
                let retention = micros(entry.new.retention);
                if let Some(effect) = entry.new.effect.clone() {
                    let effects = self.effects.entry(effect).or_default();
                    *effects.entry(id).or_default() += 1;
                }
                self.totals.succeeded += 1;
                self.retire(id, State::Succeeded, retention, now);
            }
            Outcome::Failed(error) => self.fail(id, error, settlement.jitter, now),
            Outcome::Hopeless(error) => {
                self.totals.failed_tries += 1;
                self.entry(id).failed += 1;
                self.die(id, error.clone(), now);
            }
            Outcome::GivenBack => self.make_ready(id, VecDeque::push_front, now),
        }
        Verdict::Settled(self.jobs[&id].state)
    }

    fn refused(&mut self, id: u64, token: u64) -> Option<Verdict> {
        let entry = self.jobs.get(&id);
        if entry.is_some_and(|entry| entry.state == State::Active && entry.token == token) {
            return None;
        }
        self.totals.refused += 1;
        Some(Verdict::Refused(entry.map(|entry| entry.state)))
    }

    fn fail(&mut self, id: u64, error: &str, jitter: f64, now: u64) {
        self.totals.failed_tries += 1;
        let entry = self.entry(id);
        entry.failed += 1;
        entry.error = Some(error.to_owned());
        if entry.failed >= entry.new.attempts {
            self.die(id, error.to_owned(), now);
            return;
        }
        let longest = entry.new.backoff.longest_after(entry.failed);
        let wait = (micros(longest) as f64 * (1.0 - jitter / 2.0)) as u64;
        if wait == 0 {
            entry.since = Some(now);
            self.make_ready(id, VecDeque::push_back, now);
            return;
        }
        entry.state = State::Failed;
        entry.at = now + wait;
        self.failed.insert((now + wait, id));
        self.note(id, What::State(State::Failed), now);
    }

    /// Makes a lease last on, if its token is current.
    pub(super) fn extend(&mut self, lease: &Lease, for_more: Duration, now: u64) -> bool {
        let id = lease.id.0;
        if self.refused(id, lease.token).is_some() {
            return false;
        }
        self.leave(id);
        let deadline = now + micros(for_more);
        self.leases.insert((deadline, id));
        // To the thousandth, as it is kept.
        let progress = lease.progress.map(|done| (done * 1e3).round() / 1e3);
        let entry = self.entry(id);
        entry.at = deadline;
        if let Some(progress) = progress.filter(|progress| entry.progress != Some(*progress)) {
            entry.progress = Some(progress);
            self.note(id, What::Progress(progress), now);
        }
        true
    }

    /// Sees to what is due by the clock.
    pub(super) fn tend(&mut self, now: u64) {
        for id in due(&self.to_live, now) {
            if self.waits(id) {
                self.expire(id, now);
            }
            let is_over = |(over, other): &(u64, u64)| *other != id || *over > now;
            self.to_live.retain(is_over);
        }
        for set in [State::Scheduled, State::Failed] {
            for id in due(self.set(set), now) {
                self.unwait(id);
                self.entry(id).since = Some(now);
                self.make_ready(id, VecDeque::push_back, now);
            }
        }
        for id in due(&self.leases, now) {
            self.lose(id, now);
        }
        self.cut_leases(now);
        for set in [State::Succeeded, State::Cancelled, State::Dead] {
            for id in due(self.set(set), now) {
                self.forget(id);
                self.totals.dropped += u64::from(set == State::Dead);
            }
        }
    }

    fn lose(&mut self, id: u64, now: u64) {
        self.leave(id);
        self.totals.lost += 1;
        let entry = self.entry(id);
        entry.losses += 1;
        if entry.losses >= MOST_LOSSES {
            let reason = format!("it was lost with its worker {} times", entry.losses);
            self.die(id, reason, now);
        } else {
            self.make_ready(id, VecDeque::push_front, now);
        }
    }

    fn cut_leases(&mut self, now: u64) {
        let longest = now + LONGEST_LEASE;
        let beyond: Vec<u64> = self
            .leases
            .range((longest, u64::MAX)..)
            .take(STEP)
            .map(|(_, id)| *id)
            .collect();
        for id in beyond {
            self.leave(id);
            self.leases.insert((longest, id));
            self.entry(id).at = longest;
        }
    }

    /// Cancels a job.
    pub(super) fn cancel(&mut self, id: JobId, now: u64) -> Cancelled {
        let Some(entry) = self.jobs.get(&id.0) else {
            return Cancelled::Unknown;
        };
        let was = entry.state;
        let retention = micros(entry.new.retention);
        if was.is_final() {
            return Cancelled::Already(was);
        }
        if was == State::Active {
            self.leave(id.0);
        } else {
            self.unwait(id.0);
        }
        self.totals.cancelled += 1;
        self.retire(id.0, State::Cancelled, retention, now);
        Cancelled::Now { was }
    }

    /// Gives dead jobs another chance.
    pub(super) fn retry(&mut self, ids: &[JobId], now: u64) -> u64 {
        let mut retried = 0;
        for id in self.named_or_first_dead(ids) {
            if self
                .jobs
                .get(&id)
                .is_none_or(|entry| entry.state != State::Dead)
            {
                continue;
            }
            self.leave_final(id);
            let entry = self.entry(id);
            entry.failed = 0;
            entry.losses = 0;
            entry.over = None;
            entry.worker = None;
            entry.started = None;
            entry.finished = None;
            entry.progress = None;
            entry.error = None;
            entry.since = Some(now);
            self.to_live.retain(|(_, other)| *other != id);
            self.make_ready(id, VecDeque::push_back, now);
            self.totals.retried += 1;
            retried += 1;
        }
        retried
    }

    /// Throws dead jobs away.
    pub(super) fn drop_dead(&mut self, ids: &[JobId]) -> u64 {
        let mut dropped = 0;
        for id in self.named_or_first_dead(ids) {
            if self
                .jobs
                .get(&id)
                .is_some_and(|entry| entry.state == State::Dead)
            {
                self.forget(id);
                dropped += 1;
            }
        }
        self.totals.dropped += dropped;
        dropped
    }

    fn named_or_first_dead(&self, ids: &[JobId]) -> Vec<u64> {
        if ids.is_empty() {
            return self.dead.iter().take(STEP).map(|(_, id)| *id).collect();
        }
        ids.iter().map(|id| id.0).collect()
    }

    /// A job, as it is.
    pub(super) fn job(&self, id: JobId) -> Option<Job> {
        let entry = self.jobs.get(&id.0)?;
        let seconds = |micros: u64| micros as f64 / 1e6;
        let json = |text: &String| JsonText::parse(text.clone()).ok();
        let is_due = matches!(entry.state, State::Scheduled | State::Failed);
        let was_ready = entry.state != State::Scheduled;
        let ready_at = entry.since.or(was_ready.then_some(entry.created));
        Some(Job {
            id,
            kind: entry.new.kind.clone(),
            payload: json(&entry.new.payload)?,
            state: entry.state,
            priority: entry.new.priority,
            attempt: entry.failed,
            attempts: entry.new.attempts,
            losses: entry.losses,
            created_at: seconds(entry.created),
            ready_at: ready_at.map(seconds),
            due_at: is_due.then_some(seconds(entry.at)),
            started_at: entry.started.map(seconds),
            finished_at: entry.finished.map(seconds),
            worker: entry.worker.clone(),
            progress: entry.progress,
            result: entry.result.as_ref().and_then(json),
            error: entry.error.clone(),
            key: entry.new.key.clone(),
        })
    }

    /// A page of jobs.
    pub(super) fn list(&self, listing: &Listing) -> Page {
        let mut cursor = Cursor::of(listing);
        let mut jobs = Vec::new();
        while let Some(at) = cursor {
            let all = self.in_order(at.state);
            let behind = at
                .last
                .and_then(|last| all.iter().position(|id| *id == last.0));
            let skip = behind.map_or(at.skip as usize, |place| place + 1);
            let of_kind = |id: &u64| {
                let kind = &self.jobs[id].new.kind;
                listing.kind.as_ref().is_none_or(|wanted| wanted == kind)
            };
            let left = listing.limit - jobs.len();
            let rest = all.iter().enumerate().skip(skip);
            let found: Vec<(usize, &u64)> = rest.filter(|(_, id)| of_kind(id)).take(left).collect();
            jobs.extend(found.iter().filter_map(|(_, id)| self.job(JobId(**id))));
            let next = found.last().filter(|_| found.len() == left);
            let next = next.map(|(place, id)| (*place as u64 + 1, JobId(**id)));
            let next = next.filter(|(place, _)| *place < all.len() as u64);
            cursor = at.next(
                next.map(|(skip, _)| skip),
                next.map(|(_, id)| id),
                listing.state,
            );
            if jobs.len() >= listing.limit {
                break;
            }
        }
        Page {
            jobs,
            next: cursor.map(|cursor| cursor.to_string()),
        }
    }

    fn in_order(&self, state: State) -> Vec<u64> {
        if state == State::Ready {
            let [cpu, io] = &self.ready;
            let priorities = (0..PRIORITIES).rev();
            let ids = priorities.flat_map(|p| cpu[p].iter().chain(&io[p]));
            return ids.copied().collect();
        }
        let mut ids: Vec<u64> = self.set(state).iter().map(|(_, id)| *id).collect();
        if state.is_final() {
            ids.reverse();
        }
        ids
    }

    /// What the queue holds and has done.
    pub(super) fn stats(&self, now: u64) -> Stats {
        let mut by_priority = [0; PRIORITIES];
        for list in &self.ready {
            for (ready, list) in by_priority.iter_mut().zip(list) {
                *ready += list.len() as u64;
            }
        }
        let by_state = State::ALL.map(|state| {
            let jobs = match state {
                State::Ready => by_priority.iter().sum(),
                state => self.set(state).len() as u64,
            };
            (state, jobs)
        });
        let heads = self.ready.iter().flatten().filter_map(VecDeque::front);
        let oldest = heads.map(|id| self.jobs[id].since()).min();
        let worker = |(name, (seen, info)): (&String, &(u64, WorkerInfo))| WorkerInfo {
            name: name.clone(),
            seen_seconds: now.saturating_sub(*seen) as f64 / 1e6,
            ..info.clone()
        };
        Stats {
            waiting: self.waiting(),
            by_state: by_state.into(),
            by_priority,
            oldest_seconds: oldest.map(|since| now.saturating_sub(since) as f64 / 1e6),
            totals: self.totals,
            rates: None,
            workers: self.workers.iter().map(worker).collect(),
        }
    }

    /// A worker says that it is there.
    pub(super) fn beat(&mut self, worker: &str, info: Option<&WorkerInfo>, now: u64) {
        match info {
            Some(info) => {
                let said = (now, info.clone());
                self.workers.insert(worker.to_owned(), said);
            }
            None => drop(self.workers.remove(worker)),
        }
        self.workers
            .retain(|_, (seen, _)| *seen + FORGOTTEN_AFTER >= now);
    }

    /// What happened after `after`.
    pub(super) fn events_after(&self, after: Seq, most: usize) -> Vec<Event> {
        let first = self.events.partition_point(|event| event.seq <= after);
        self.events.iter().skip(first).take(most).cloned().collect()
    }

    /// The place of the last event there is.
    pub(super) fn last_event(&self) -> Seq {
        self.events
            .back()
            .map(|event| event.seq)
            .unwrap_or_default()
    }

    /// How often each job's success was counted under that name.
    pub(super) fn effects(&self, name: &str) -> Vec<(JobId, u64)> {
        let effects = self.effects.get(name).into_iter().flatten();
        effects.map(|(id, count)| (JobId(*id), *count)).collect()
    }

    fn entry(&mut self, id: u64) -> &mut Entry {
        self.jobs
            .get_mut(&id)
            .expect("what stands in a set is a job")
    }

    fn waits(&self, id: u64) -> bool {
        let waiting = [State::Scheduled, State::Ready, State::Failed];
        let state = self.jobs.get(&id).map(|entry| entry.state);
        state.is_some_and(|state| waiting.contains(&state))
    }

    fn set(&self, state: State) -> &Timed {
        match state {
            State::Scheduled => &self.scheduled,
            State::Failed => &self.failed,
            State::Succeeded => &self.succeeded,
            State::Dead => &self.dead,
            State::Cancelled => &self.cancelled,
            State::Active | State::Ready => &self.leases,
        }
    }

    fn make_ready(&mut self, id: u64, push: fn(&mut VecDeque<u64>, u64), now: u64) {
        let entry = self.entry(id);
        entry.state = State::Ready;
        let (class, priority) = (entry.class(), usize::from(entry.new.priority));
        push(&mut self.ready[class][priority], id);
        self.note(id, What::State(State::Ready), now);
    }

    /// Off where it waits.
    fn unwait(&mut self, id: u64) {
        let entry = &self.jobs[&id];
        let (class, priority) = (entry.class(), usize::from(entry.new.priority));
        let place = (entry.at, id);
        match entry.state {
            State::Scheduled => drop(self.scheduled.remove(&place)),
            State::Failed => drop(self.failed.remove(&place)),
            _ => self.ready[class][priority].retain(|other| *other != id),
        }
    }

    /// Off its worker.
    fn leave(&mut self, id: u64) {
        let place = (self.jobs[&id].at, id);
        self.leases.remove(&place);
    }

    fn leave_final(&mut self, id: u64) {
        let entry = &self.jobs[&id];
        let place = (entry.at, id);
        match entry.state {
            State::Succeeded => self.succeeded.remove(&place),
            State::Cancelled => self.cancelled.remove(&place),
            _ => self.dead.remove(&place),
        };
    }

    fn expire(&mut self, id: u64, now: u64) {
        self.unwait(id);
        let reason = "its time to live was over before a worker took it";
        self.die(id, reason.into(), now);
    }

    fn die(&mut self, id: u64, reason: String, now: u64) {
        self.entry(id).error = Some(reason);
        self.totals.died += 1;
        self.retire(id, State::Dead, DEAD_RETENTION, now);
    }

    fn retire(&mut self, id: u64, state: State, kept: u64, now: u64) {
        let entry = self.entry(id);
        entry.state = state;
        entry.at = now + kept;
        entry.finished = Some(now);
        let place = (now + kept, id);
        match state {
            State::Succeeded => self.succeeded.insert(place),
            State::Cancelled => self.cancelled.insert(place),
            _ => self.dead.insert(place),
        };
        self.note(id, What::State(state), now);
    }

    fn forget(&mut self, id: u64) {
        self.leave_final(id);
        if let Some(key) = self.jobs.remove(&id).and_then(|entry| entry.new.key) {
            self.keys.remove(&key);
        }
    }

    fn note(&mut self, id: u64, what: What, now: u64) {
        let last = self.last_event();
        let millis = (now / 1000).max(last.millis);
        let step = if millis == last.millis {
            last.step + 1
        } else {
            0
        };
        let kind = self.jobs[&id].new.kind.clone();
        self.events.push_back(Event {
            seq: Seq {
                millis,
                step,
                part: 0,
            },
            at: millis as f64 / 1e3,
            id: JobId(id),
            kind,
            what,
        });
        if self.events.len() > EVENTS_KEPT {
            self.events.pop_front();
        }
    }
}

/// The first jobs of a set whose moment has come.
fn due(set: &Timed, now: u64) -> Vec<u64> {
    let due = set.range(..=(now, u64::MAX)).take(STEP);
    due.map(|(_, id)| *id).collect()
}
