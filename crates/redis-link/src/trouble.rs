//! What can be wrong with Redis, in words, and what to do then.

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Why Redis did not do what it was asked for. Nothing was done by halves: a
/// step is one script.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", self.words())]
pub struct Trouble {
    /// What kind.
    pub kind: Kind,
    /// What Redis or the operating system said.
    said: String,
    /// Where Redis is, without a password.
    at: String,
    /// How the variables begin that name it.
    variables: &'static str,
}

/// Kinds of trouble, by what must be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It does not answer: not there (yet), gone, or too slow.
    Away,
    /// It reads its file still.
    Loading,
    /// It takes no password, or not this one.
    Password,
    /// It is a replica that takes no writes.
    ReadOnly,
    /// Its memory limit is reached.
    Full,
    /// It has forgotten scripts or groups, as after a restart.
    Forgotten,
    /// Something else.
    Other,
}

impl Trouble {
    /// Of what the Redis at `at` said.
    pub(crate) fn of(error: &RedisError, at: &str, variables: &'static str) -> Self {
        Self {
            kind: kind(error),
            said: error.to_string(),
            at: at.to_owned(),
            variables,
        }
    }

    /// An answer that is none of this service's scripts.
    pub(crate) fn answer(what: &str, at: &str, variables: &'static str) -> Self {
        Self {
            kind: Kind::Other,
            said: format!("it answered what cannot be: {what}"),
            at: at.to_owned(),
            variables,
        }
    }

    /// Whether waiting can help, so that a service that starts waits for it.
    pub fn passes(&self) -> bool {
        !matches!(self.kind, Kind::Password | Kind::ReadOnly)
    }

    fn words(&self) -> String {
        let Self {
            at,
            said,
            variables,
            ..
        } = self;
        match self.kind {
            Kind::Away => format!("Redis at {at} does not answer ({said}); trying again"),
            Kind::Loading => format!("Redis at {at} still reads its data; trying again"),
            Kind::Password => format!(
                "Redis at {at} refuses the password ({said}): set the right one in {variables}_REDIS_URL, \
                 or in the file that {variables}_REDIS_PASSWORD_FILE names"
            ),
            Kind::ReadOnly => format!(
                "Redis at {at} is a read-only replica ({said}): name its primary in {variables}_REDIS_URL"
            ),
            Kind::Full => format!(
                "Redis at {at} has no memory left ({said}): nothing is lost, and it goes on when what waits \
                 in it has been worked off; else give it more maxmemory, or the queues less capacity"
            ),
            Kind::Forgotten => {
                format!("Redis at {at} was restarted or emptied ({said}); setting up again")
            }
            Kind::Other => format!("Redis at {at} failed: {said}; trying again"),
        }
    }
}

fn kind(error: &RedisError) -> Kind {
    // A script's error carries the first one's words, not always its code.
    let code = error.code().unwrap_or_default().to_owned();
    let text = error.to_string();
    let says = |word: &str| code == word || text.contains(word);
    match error.kind() {
        ErrorKind::AuthenticationFailed => Kind::Password,
        ErrorKind::Server(ServerErrorKind::ReadOnly) => Kind::ReadOnly,
        ErrorKind::Server(ServerErrorKind::BusyLoading) => Kind::Loading,
        ErrorKind::Server(ServerErrorKind::NoScript) => Kind::Forgotten,
        _ if says("WRONGPASS") || says("NOAUTH") || says("NOPERM") => Kind::Password,
        _ if says("READONLY") => Kind::ReadOnly,
        _ if says("LOADING") => Kind::Loading,
        _ if says("OOM") => Kind::Full,
        _ if says("NOGROUP") || says("NOSCRIPT") || says("UNBLOCKED") => Kind::Forgotten,
        _ if error.is_io_error() || error.is_connection_dropped() || error.is_timeout() => {
            Kind::Away
        }
        _ => Kind::Other,
    }
}
