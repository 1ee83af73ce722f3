//! The pipeline over Redis: a stream and a consumer group between each two stages.
//!
//! An item is an entry. It leaves its stream only in the script that puts what
//! became of it into the next one, and only if the consumer that calls it still
//! owns the entry. So it is neither lost nor doubled, whoever dies when; what a
//! process holds in memory is never the only copy.

mod appetite;
mod consumer;
mod crew;
mod entry;
mod feed;
mod hand;
mod keeper;
mod keys;
pub mod letter;
mod link;
mod run;
mod script;
mod worker;

pub use crew::{Settings, Shared, Workers};
pub use entry::{Entry, What};
pub use feed::{Fed, FeedFailed, Feeder, Measured};
pub use keys::Keys;
pub use link::{Depth, Link, Server, call, connected};
pub use redis_link::{Kind, Trouble};
pub use run::{Run, StageState, State};
pub use script::Script;
