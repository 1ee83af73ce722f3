//! Where a listing goes on.

use crate::job::{JobId, Listing, State};
use std::fmt;

/// The states in the order in which a listing of all goes through them.
const LISTED: [State; 7] = [
    State::Active,
    State::Ready,
    State::Scheduled,
    State::Failed,
    State::Dead,
    State::Succeeded,
    State::Cancelled,
];

/// Where a listing goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    /// In this state.
    pub(super) state: State,
    /// After so many jobs.
    pub(super) skip: u64,
    /// Or behind this one, where it is still there.
    pub(super) last: Option<JobId>,
}

impl Cursor {
    /// Where `listing` begins; `None` where it has no more.
    pub(super) fn of(listing: &Listing) -> Option<Self> {
        match &listing.after {
            Some(after) => Self::read(after),
            None => Some(Self::beginning(listing.state.unwrap_or(LISTED[0]))),
        }
    }

    fn beginning(state: State) -> Self {
        Self {
            state,
            skip: 0,
            last: None,
        }
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-');
        Some(Self {
            state: State::lettered(parts.next()?)?,
            skip: parts.next()?.parse().ok()?,
            last: match parts.next()? {
                "" => None,
                id => Some(id.parse().ok()?),
            },
        })
    }

    /// Where to go on: there, or in the next state where all are asked for.
    pub(super) fn next(
        self,
        skip: Option<u64>,
        last: Option<JobId>,
        only: Option<State>,
    ) -> Option<Self> {
        if let Some(skip) = skip {
            return Some(Self { skip, last, ..self });
        }
        if only.is_some() {
            return None;
        }
        let place = LISTED.iter().position(|state| *state == self.state)?;
        LISTED.get(place + 1).copied().map(Self::beginning)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-", self.state.letter(), self.skip)?;
        self.last.map_or(Ok(()), |id| id.fmt(f))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_is_written() {
        for last in [None, Some(JobId(17))] {
            let cursor = Cursor {
                state: State::Dead,
                skip: 40,
                last,
            };
            assert_eq!(Cursor::read(&cursor.to_string()), Some(cursor));
        }
        for text in ["", "d", "d-1", "q-1-", "d-x-", "d-1-x"] {
            assert_eq!(Cursor::read(text), None, "{text:?}");
        }
    }
}
