//! The steps, as Lua scripts that run in Redis.

use redis::Cmd;
use redis_link::Scripts;
use std::sync::LazyLock;

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// Jobs accepted.
    Submit,
    /// Ready jobs to a worker, on a lease.
    Claim,
    /// What came of jobs.
    Settle,
    /// Leases that last on.
    Extend,
    /// What is due by the clock.
    Tend,
    /// A job cancelled.
    Cancel,
    /// Dead jobs given another chance.
    Retry,
    /// Dead jobs removed.
    Drop,
    /// Jobs, as they are.
    Get,
    /// Ids of jobs in one state.
    List,
    /// What the queue holds.
    Stats,
    /// A worker that is there.
    Beat,
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

/// All of them, in the order of [`Script`].
const ALL: [&str; 12] = [
    with_common!("submit"),
    with_common!("claim"),
    with_common!("settle"),
    with_common!("extend"),
    with_common!("tend"),
    with_common!("cancel"),
    with_common!("retry"),
    with_common!("drop"),
    with_common!("get"),
    with_common!("list"),
    with_common!("stats"),
    with_common!("beat"),
];

/// What the scripts take for the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clock {
    /// Redis' own clock.
    #[default]
    Redis,
    /// For tests: the two numbers (seconds, microseconds) in the queue's list `clock`.
    Set,
}

impl Clock {
    /// The scripts by this clock.
    pub(super) fn scripts(self) -> &'static Scripts {
        static BY_REDIS: LazyLock<Scripts> = LazyLock::new(|| Scripts::new(ALL));
        static AS_SET: LazyLock<Scripts> = LazyLock::new(|| {
            Scripts::new(ALL.map(|source| {
                source.replace(
                    "redis.call('TIME')",
                    "redis.call('LRANGE', P .. 'clock', 0, 1)",
                )
            }))
        });
        match self {
            Self::Redis => &BY_REDIS,
            Self::Set => &AS_SET,
        }
    }

    /// Begins a call of `script` on the keys that begin with `prefix`.
    pub(super) fn call(self, script: Script, prefix: &str) -> Cmd {
        self.scripts().call(script as usize, [prefix])
    }
}
