//! What a pipeline's keys in Redis are called.

use crate::stages::Stage;

/// The keys of one pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys(String);

impl Keys {
    /// Those of the pipeline of that name.
    pub fn of(pipeline: &str) -> Self {
        Self(format!("pipeline:{pipeline}:"))
    }

    /// The stream before `stage`. Its group has the stage's name.
    pub fn queue(&self, stage: Stage) -> String {
        self.named("queue", stage)
    }

    /// How many wait until the queue before `stage` has room.
    pub fn waiting(&self, stage: Stage) -> String {
        self.named("waiting", stage)
    }

    /// A token for each of them, when it has.
    pub fn room(&self, stage: Stage) -> String {
        self.named("room", stage)
    }

    /// How often entries of the queue before `stage` were taken over.
    pub fn claims(&self, stage: Stage) -> String {
        self.named("claims", stage)
    }

    /// The stream of dead letters.
    pub fn dead(&self) -> String {
        format!("{}dead", self.0)
    }

    /// What all runs' keys begin with.
    pub fn runs(&self) -> String {
        format!("{}run:", self.0)
    }

    /// The hash that a run is recorded in.
    pub fn run(&self, run: &str) -> String {
        format!("{}run:{run}", self.0)
    }

    /// Which of a run's items have come to the sink: a bit each.
    pub fn seen(&self, run: &str) -> String {
        format!("{}seen:{run}", self.0)
    }

    /// The results that a run keeps: a hash by the items' numbers.
    pub fn results(&self, run: &str) -> String {
        format!("{}results:{run}", self.0)
    }

    fn named(&self, kind: &str, stage: Stage) -> String {
        format!("{}{kind}:{}", self.0, stage.name())
    }
}
