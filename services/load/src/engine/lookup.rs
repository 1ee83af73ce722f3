//! Asking again where the targets are, while the run goes on.

use super::Outside;
use crate::plan::Plan;
use crate::target::{AllowList, Resolve, Target};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

/// Names are not asked for more often than this.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);

/// For so long after something has changed it is asked again and again: a
/// replica that went away takes its time to come back.
const ASKED_FOR: Duration = Duration::from_secs(30);

/// Looks names up on a thread of its own, one round at a time.
#[derive(Debug)]
pub struct Lookup {
    targets: Vec<Target>,
    allow: AllowList,
    resolve: Arc<dyn Resolve>,
    answers: Receiver<Answers>,
    sender: Sender<Answers>,
    under_way: bool,
    asked: Instant,
    ask_until: Instant,
}

/// What each target's name has come to; nothing for those that failed.
type Answers = Vec<(usize, Vec<SocketAddr>)>;

impl Lookup {
    /// For the targets of a plan.
    pub fn new(plan: &Plan, outside: &Outside) -> Self {
        let (sender, answers) = mpsc::channel();
        let now = Instant::now();
        Self {
            targets: plan.targets.clone(),
            allow: outside.allow.clone(),
            resolve: outside.resolve.clone(),
            answers,
            sender,
            under_way: false,
            asked: now,
            ask_until: now,
        }
    }

    /// Something has changed: from now on it is asked for a while.
    pub fn ask(&mut self) {
        self.ask_until = Instant::now() + ASKED_FOR;
    }

    /// What has become known since. Asks again where that is due.
    pub fn answers(&mut self) -> Answers {
        let answers = self.answers.try_recv().ok();
        self.under_way &= answers.is_none();
        let is_due = self.ask_until > Instant::now() && self.asked.elapsed() > SHORTEST_PAUSE;
        if is_due && !self.under_way && self.targets.iter().any(Target::has_name) {
            self.begin();
        }
        answers.unwrap_or_default()
    }

    fn begin(&mut self) {
        self.asked = Instant::now();
        let (targets, allow) = (self.targets.clone(), self.allow.clone());
        let (resolve, sender) = (self.resolve.clone(), self.sender.clone());
        let begun = std::thread::Builder::new()
            .name("lookup".into())
            .spawn(move || {
                let found = targets.iter().enumerate().filter_map(|(place, target)| {
                    let addresses = target.addresses(&allow, &*resolve).ok()?;
                    Some((place, addresses))
                });
                // The run may have ended meanwhile.
                let _ = sender.send(found.collect());
            });
        self.under_way = begun.is_ok();
    }
}
