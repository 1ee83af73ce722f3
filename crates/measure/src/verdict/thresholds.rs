//! Every threshold of the verdict, with its reason.

/// A state or cause below this share of worker time is no loss to name: six
/// rounds on a quiet machine differ by 2 to 4 points.
pub const LOSS: f64 = 0.05;

/// Time stolen by the hypervisor. Lower than [`LOSS`]: nothing inside the
/// machine can bring it about, so even a little of it is a finding.
pub const STOLEN: f64 = 0.03;

/// Other processes' share of the allowed CPUs from which on they count: a
/// desktop, a container engine and their interrupts stay below it.
pub const OTHERS: f64 = 0.10;

/// Idle share of the allowed CPUs that threads which are ready to run cannot
/// leave unless something keeps them off: the scheduler's own imbalance, a few
/// milliseconds at a time, stays below it.
pub const IDLE: f64 = 0.10;

/// Usage from this share of a limit on is the whole limit: the start, the end
/// and the last refill of a sample of 1 to 2 s cost up to 3 %.
pub const USED_UP: f64 = 0.97;

/// The same of a job that waits, where the quota costs a [`LOSS`] as well: each
/// repeat ends with fewer and fewer items under way, and the refills of that time
/// find less to do. From here on more at once would gain a tenth at most.
pub const USED_UP_WAITING: f64 = 0.90;

/// Usage of the allowed CPUs above which the counters contradict each other:
/// they are read a fraction of a millisecond apart, and the kernel charges CPU
/// time up to a tick late.
pub const MORE_THAN_ALL: f64 = 1.05;

/// Share of quota periods that ran out from which on bursts are a finding: one
/// in twenty delays the 95th percentile of requests.
pub const THROTTLED_PERIODS: f64 = 0.05;

/// Throttled periods that are bursts at least. A single one may be the period
/// that the sample began in, whose quota the sample before had used: seen with
/// one worker at quota 1.0 right after two.
pub const BURSTS: u64 = 2;

/// Share of quota periods that ran out from which on it was nearly every one:
/// work that fits on average leaves some periods alone.
pub const EVERY_PERIOD: f64 = 0.9;

/// Usage of its quota from which on a server whose every period runs out has
/// used it up: what its clients take to ask again after a refill is less than a
/// tenth of a period.
pub const SERVER_USED_UP: f64 = 0.9;

/// Throttled share of worker time under a quota that is used up. Lower than
/// [`LOSS`]: with usage at the quota even a little throttling says which of
/// the two limits, quota or CPUs, was met.
pub const THROTTLED: f64 = 0.02;

/// Running share from which on workers did nothing but work.
pub const ALL_RUNNING: f64 = 0.95;

/// CPU seconds per job ÷ the baseline's from which on they are a finding: they
/// drift by up to 10 % from sample to sample.
pub const COSTLY: f64 = 1.10;

/// A job below this is mostly its own start: waking a thread and handing it a
/// part of the work takes up to a tenth of a millisecond.
pub const SHORT_JOB_SECONDS: f64 = 0.001;

/// What the accounts may leave open: tried with busy processes they add up to
/// the wall within 1 %.
pub const UNACCOUNTED: f64 = 0.02;

/// How far the quota model may be off: tried, it was within 0.2 %.
pub const FIDELITY: f64 = 0.02;

/// A gain below this is none to hope for: it is what the model may be off.
pub const GAIN: f64 = 0.02;

/// From this many rounds on one of them may show another kind.
pub const ROUNDS_WITH_ONE_ODD: usize = 6;

/// A limit of one run this close to that of another is the same: kernels and
/// engines round a quota to whole microseconds or percents.
pub const SAME_LIMIT: f64 = 0.02;

/// Shares of two runs this close are the same: six rounds on a quiet machine
/// differ by 2 to 4 points, and their medians by less.
pub const SAME_SHARE: f64 = 0.03;

/// CPUs that differ by less than this are the same number.
pub const SAME_CPUS: f64 = 1e-6;

/// The part of something that is most of it.
pub const MOSTLY: f64 = 0.5;

/// Share of the CPUs' time in use from which on they are what a pipeline's stages
/// share out among them.
pub const ALL_BUSY: f64 = 0.95;

/// Share of its threads' time in which a stage has something to do from which on
/// it may set the pace of its pipeline: the first items, which come to it through
/// the stages before, and the last ones, which leave through those behind, cost
/// it up to a fifth of a short sample.
pub const BINDS: f64 = 0.75;

/// How far that is above every other stage's: of two that are as busy none can be
/// named.
pub const BINDS_ALONE: f64 = 0.10;
