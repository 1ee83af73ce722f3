//! Runs the labs, in Docker and without, and asserts what must hold.
//!
//! The tests are in `tests/e2e/`; the one program here, `known-load`, is work
//! whose bottleneck is built in, for holding the verdict against the truth.
