//! A thread's own connection to Redis, what can be wrong with it in words, and steps as scripts.
//!
//! | module | what it is |
//! |---|---|
//! | [`address`] | which Redis, as a service was told |
//! | [`link`](mod@link) | a connection: many commands, one round trip |
//! | [`scripts`] | the steps that must not be done by halves |
//! | [`trouble`] | what can be wrong with Redis, by what must be done |
//! | [`patience`] | how long to wait before the next try, and what to say meanwhile |
//! | [`answer`] | parts of answers |

pub mod address;
pub mod answer;
pub mod link;
pub mod patience;
pub mod scripts;
pub mod trouble;

pub use address::Address;
pub use link::{LONGEST_BLOCK, Link};
pub use patience::{Patience, patiently};
pub use scripts::Scripts;
pub use trouble::{Kind, Trouble};
