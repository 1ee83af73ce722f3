//! Why a request has no answer.

use std::io::{self, ErrorKind};

/// Kinds of failure. An answer with a status of 500 or more is none: it is an
/// answer, and counted by its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Failure {
    /// Nobody listens there.
    ConnectRefused,
    /// No connection in time.
    ConnectTimeout,
    /// No connection for another reason: no route, no address, no file left.
    ConnectFailed,
    /// All connections were taken until the time was over.
    NoConnection,
    /// The connection was closed in order before the first byte of the answer.
    Closed,
    /// The connection was reset before the first byte of the answer.
    Reset,
    /// The connection was closed or reset in the middle of the answer.
    Broken,
    /// No whole answer in time.
    Timeout,
    /// What came is no HTTP answer.
    BadAnswer,
}

impl Failure {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::ConnectRefused,
        Self::ConnectTimeout,
        Self::ConnectFailed,
        Self::NoConnection,
        Self::Closed,
        Self::Reset,
        Self::Broken,
        Self::Timeout,
        Self::BadAnswer,
    ];

    /// As answers and metrics call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ConnectRefused => "connect_refused",
            Self::ConnectTimeout => "connect_timeout",
            Self::ConnectFailed => "connect_failed",
            Self::NoConnection => "no_connection",
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::Broken => "broken",
            Self::Timeout => "timeout",
            Self::BadAnswer => "bad_answer",
        }
    }

    /// Of a connection that could not be opened.
    pub(super) fn of_connect(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::ConnectionRefused => Self::ConnectRefused,
            ErrorKind::TimedOut => Self::ConnectTimeout,
            _ => Self::ConnectFailed,
        }
    }

    /// Of a connection that broke, with or without a part of the answer.
    pub(super) fn of_end(error: Option<&io::Error>, answer_begun: bool) -> Self {
        match (answer_begun, error) {
            (true, _) => Self::Broken,
            (false, Some(_)) => Self::Reset,
            (false, None) => Self::Closed,
        }
    }

    /// Whether the way to the server is in doubt, and not its answer alone.
    pub(super) fn is_of_connections(self) -> bool {
        self.is_of_connecting() || matches!(self, Self::Closed | Self::Reset | Self::Broken)
    }

    /// Whether the request left, so that the server may have counted it.
    pub(super) fn may_have_been_served(self) -> bool {
        !self.is_of_connecting() && self != Self::NoConnection
    }

    /// Whether there was no connection.
    pub(super) fn is_of_connecting(self) -> bool {
        matches!(
            self,
            Self::ConnectRefused | Self::ConnectTimeout | Self::ConnectFailed
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_where_it_is_looked_up() {
        for (index, kind) in Failure::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index);
        }
    }
}
