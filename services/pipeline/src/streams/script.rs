//! The steps that must not be done by halves, as Lua scripts that run in Redis.

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// Items on to the next queue.
    Move,
    /// Items into the run's result.
    Store,
    /// New items into the first queue.
    Feed,
    /// The mark behind the last item.
    Finish,
    /// The mark on to the next queue.
    Pass,
    /// Entries of consumers that have gone.
    Claim,
    /// An item to the dead letters.
    Bury,
    /// Own entries: still worked on, or given back.
    Keep,
    /// Own entries, read again.
    Recover,
    /// Consumers that have gone, removed.
    Sweep,
    /// A dead letter back to its queue.
    Retry,
}

/// A script with what all share before it.
macro_rules! with_common {
    ($name:literal) => {
        concat!(
            include_str!("lua/common.lua"),
            include_str!(concat!("lua/", $name, ".lua"))
        )
    };
}

/// All of them, with what they do.
pub(super) const ALL: [(Script, &str); 11] = [
    (Script::Move, with_common!("move")),
    (Script::Store, with_common!("store")),
    (Script::Feed, with_common!("feed")),
    (Script::Finish, with_common!("finish")),
    (Script::Pass, with_common!("pass")),
    (Script::Claim, with_common!("claim")),
    (Script::Bury, with_common!("bury")),
    (Script::Keep, with_common!("keep")),
    (Script::Recover, with_common!("recover")),
    (Script::Sweep, with_common!("sweep")),
    (Script::Retry, with_common!("retry")),
];
