//! Who does the jobs: claims them in batches, works on them, and says what came of
//! them.
//!
//! | thread | what it does |
//! |---|---|
//! | `claim-cpu`, `claim-io` | ask for as many jobs as there is room for, and wait where there are none |
//! | `cpu-0` … | a CPU job each, as many at once as the CPU budget is good for |
//! | `io` | all I/O jobs, which only wait |
//! | `settle` | says what came of jobs, all that ended meanwhile in one step |
//! | `keep` | makes leases last on, and hears what was taken away |
//!
//! What each says of a job carries the fencing token that the job was claimed
//! with. So a worker that was thought dead may go on as long as it likes: it
//! changes nothing.

mod claimer;
mod cpu;
mod crew;
mod hand;
mod io;
mod keeper;
mod settler;
mod station;

pub use crew::{Crew, Settings, Shared};
pub use station::serve;
