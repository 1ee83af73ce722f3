//! What the stations of a lab use right now, beside what they may: a view for the terminal.
//!
//! | module | what it is |
//! |---|---|
//! | [`config`] | what it can be told |
//! | [`now`] | the run under way, as the runner tells it |
//! | [`stations`] | which replicas there are to ask |
//! | [`gather`] | one round of asking all of them |
//! | [`exposition`], [`rates`] | from a replica's text to figures |
//! | [`watch`] | what is known from round to round: replicas come, go and start anew |
//! | [`frame`] | all that is shown of one moment; also the shape of `--json` |
//! | [`view`] | how a person wants to see it: sorted, scrolled, paused |
//! | [`draw`] | a frame in a view as cells of a terminal; pure |
//! | [`screen`] | the terminal itself |
//! | [`print`](mod@print) | one frame as text, and the stream of `--json` |

pub mod config;
pub mod draw;
pub mod exposition;
pub mod frame;
pub mod gather;
pub mod now;
pub mod print;
pub mod rates;
pub mod screen;
pub mod stations;
pub mod view;
pub mod watch;
