//! What CPU this process may use, what it has used, and where its threads
//! waited: read from the kernel, with no privilege and almost no cost.
//!
//! ```no_run
//! let budget = cpu_budget::CpuBudget::read();
//! if let Some(cpus) = budget.effective_cpus() {
//!     println!("{cpus} CPUs; workers: {}", budget.advice().uses_whole_budget);
//! }
//! ```
//!
//! - [`CpuBudget`]: quota, allowed CPUs, memory limit, what the runtime believes.
//! - [`Cgroup`]: where the cgroup files of this process are (v1, v2, hybrid);
//!   counters are read through it again and again.
//! - [`GroupFolder`]: where one controller's group is, for those who make their own.
//! - [`ContainerTree`]: all containers of a host, for who may see its whole tree.
//! - [`host`]: idle time and steal of the CPUs, from `/proc/stat`.
//! - [`thread`]: how long the calling thread ran and how long it waited to run.
//! - [`SchedStat`]: the same of another thread, as far as the kernel has closed its intervals.
//! - [`clock`]: a clock that all containers of a host share.
//!
//! Absent always means unknown (`None`, [`CpuQuota::Unknown`]), never zero.
//! Systems without these files, such as macOS, answer unknown throughout.
//! Nothing here writes, and nothing panics on what a file holds.

mod budget;
mod cgroup;
pub mod clock;
mod cpu_set;
pub mod host;
mod quota;
mod schedstat;
pub mod thread;

pub use budget::{CpuBudget, WorkerAdvice};
pub use cgroup::{
    Cgroup, CgroupVersion, Container, ContainerId, ContainerTree, CpuUsage, GroupFolder,
    MemoryUsage,
};
pub use cpu_set::{CpuSet, ParseCpuSetError};
pub use quota::{CpuQuota, Quota};
pub use schedstat::{SchedStat, Scheduled};
