//! What a master and its workers say to each other: one JSON text per line, over
//! a pair of Unix sockets, of which the worker has one end as its standard output.

use crate::counters::Counts;
use serde::{Deserialize, Serialize};

/// What a worker is told when it is started; its only argument, as JSON. Its
/// standard input is the listening socket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Orders {
    /// The process that starts it, with which it ends.
    pub master: u32,
    /// What its answers call this replica.
    pub replica: String,
    /// Its seat at the family's [board](crate::board), which comes ahead of what is
    /// said; `None` where it takes connections alone.
    pub seat: Option<usize>,
    /// Runtime threads.
    pub threads: usize,
    /// Additions of a request that does not say.
    pub work: u64,
    /// The most additions that a request may ask for.
    pub max_work: u64,
    /// Connections at once.
    pub max_connections: u32,
    /// How long a connection may wait for its next request, in seconds.
    pub keep_alive_seconds: f64,
    /// How long a request's head may take, in seconds.
    pub header_seconds: f64,
    /// The largest body of a request, in bytes.
    pub body_bytes: usize,
    /// How long a request's body may take, in seconds.
    pub body_seconds: f64,
    /// What requests under way get to finish, in seconds.
    pub drain_seconds: f64,
}

/// What a worker says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// It serves, with these threads (the kernel's numbers).
    Ready {
        /// All that serve.
        threads: Vec<u32>,
    },
    /// What it has counted so far.
    Counts {
        /// Since it was started.
        counts: Box<Counts>,
        /// The number of the question that this answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        asked: Option<u64>,
    },
    /// It was asked for `/info` and asks in turn; the number is its own.
    Info(u64),
}

/// What the master says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// Accept no more, finish, end.
    Drain {
        /// Whether to take what waits in the socket's queue first: nobody else will.
        take_queued: bool,
    },
    /// Say your counts, and this number with them.
    Count(u64),
    /// The answer to [`Said::Info`].
    Info {
        /// Whose.
        number: u64,
        /// The body of the answer, JSON.
        text: String,
    },
}

/// One line of it.
///
/// # Panics
/// Never: names, numbers and texts are JSON.
pub fn line(message: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(message).expect("messages are JSON");
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn each_message_is_one_line_that_reads_back() {
        let told = [
            Told::Drain { take_queued: true },
            Told::Count(7),
            Told::Info {
                number: 1,
                text: "{\n}".into(),
            },
        ];
        for message in told {
            let line = line(&message);
            assert_eq!(std::str::from_utf8(&line).unwrap().lines().count(), 1);
            assert_eq!(serde_json::from_slice::<Told>(&line).unwrap(), message);
        }
        let said = [
            Said::Ready { threads: vec![1] },
            Said::Info(3),
            Said::Counts {
                counts: Box::default(),
                asked: Some(7),
            },
        ];
        for message in said {
            let line = line(&message);
            assert_eq!(serde_json::from_slice::<Said>(&line).unwrap(), message);
        }
    }
}
