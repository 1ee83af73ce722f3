//! What a person calls.

mod run;

pub use run::run;
