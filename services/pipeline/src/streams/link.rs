//! A connection of one's own.
//!
//! Each thread that may block has one: on a shared connection a blocking read
//! would stall the others. Its time-out is above the longest block.

use super::entry::{array, number};
use super::keys::Keys;
use super::script::{self, Script};
use super::trouble::Trouble;
use super::wire::{Patience, Wire};
use crate::stages::Stage;
use redis::{Cmd, ConnectionInfo, IntoConnectionInfo, RedisResult, Value};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The longest that a command may block by itself.
pub const LONGEST_BLOCK: Duration = Duration::from_secs(1);

/// How long a connection and an answer may take. A Redis that is paused for some
/// seconds is slow and not gone.
const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(3),
    answer: Duration::from_secs(15),
};

/// Which Redis, and whose keys in it.
#[derive(Debug, Clone)]
pub struct Server {
    info: Arc<ConnectionInfo>,
    /// Where it is, for messages.
    pub at: Arc<str>,
    /// The pipeline's keys.
    pub keys: Keys,
}

impl Server {
    /// The Redis at `url` with the pipeline of that name; `password` takes the
    /// place of the URL's.
    ///
    /// # Errors
    /// What is wrong with the URL.
    pub fn new(url: &str, password: Option<&str>, pipeline: &str) -> Result<Self, String> {
        let mut info = url
            .into_connection_info()
            .map_err(|error| format!("{error}; it looks like redis://host:6379"))?;
        if let Some(password) = password {
            let settings = info.redis_settings().clone().set_password(password);
            info = info.set_redis_settings(settings);
        }
        Ok(Self {
            at: info.addr().to_string().into(),
            info: Arc::new(info),
            keys: Keys::of(pipeline),
        })
    }

    /// Makes a connection, with all scripts known to Redis.
    ///
    /// # Errors
    /// When Redis is away or will not have it.
    pub fn connect(&self) -> Result<Link, Trouble> {
        self.connected().map_err(|error| self.trouble(&error))
    }

    fn connected(&self) -> RedisResult<Link> {
        let mut link = Link {
            server: self.clone(),
            wire: Wire::open(&self.info, PATIENCE)?,
        };
        let load = script::ALL.iter().map(|(_, source)| {
            let mut load = redis::cmd("SCRIPT");
            load.arg("LOAD").arg(*source);
            load
        });
        link.exchange(&load.collect::<Vec<_>>())?;
        Ok(link)
    }

    pub(super) fn trouble(&self, error: &redis::RedisError) -> Trouble {
        Trouble::of(error, &self.at)
    }
}

/// What is in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// Entries in the stream, those in consumers' hands too.
    pub entries: i64,
    /// Those in consumers' hands.
    pub pending: i64,
}

/// A connection, for one thread.
pub struct Link {
    /// Whose.
    pub server: Server,
    wire: Wire,
}

impl Link {
    /// Sends all `commands` at once, and waits for all answers.
    ///
    /// # Errors
    /// The first that failed; which of the others were done is not known.
    pub fn ask(&mut self, commands: &[Cmd]) -> Result<Vec<Value>, Trouble> {
        self.exchange(commands)
            .map_err(|error| self.server.trouble(&error))
    }

    /// Sends one.
    ///
    /// # Errors
    /// When it failed.
    pub fn ask_one(&mut self, command: Cmd) -> Result<Value, Trouble> {
        let mut answers = self.ask(&[command])?;
        Ok(answers.pop().unwrap_or_default())
    }

    /// Sees to it that the queue before `stage` and its group are there.
    ///
    /// # Errors
    /// When Redis is away or will not have it.
    pub fn make_queue(&mut self, stage: Stage) -> Result<(), Trouble> {
        let queue = self.server.keys.queue(stage);
        let mut groups = redis::cmd("XINFO");
        groups.arg("GROUPS").arg(&queue);
        // At its memory limit Redis would refuse to make what is there, and so
        // keep away the very stages that make room.
        let known = self.exchange(&[groups]).map(Vec::into_iter);
        if known.is_ok_and(|groups| groups.flat_map(array).next().is_some()) {
            return Ok(());
        }
        let mut create = redis::cmd("XGROUP");
        create.arg("CREATE").arg(&queue);
        create.arg(stage.name()).arg("0").arg("MKSTREAM");
        match self.exchange(&[create]) {
            Err(error) if error.code() != Some("BUSYGROUP") => Err(self.server.trouble(&error)),
            _ => Ok(()),
        }
    }

    /// What is in the queue before `stage`.
    ///
    /// # Errors
    /// When Redis is away, or the queue is not there.
    pub fn depth(&mut self, stage: Stage) -> Result<Depth, Trouble> {
        let queue = self.server.keys.queue(stage);
        let mut length = redis::cmd("XLEN");
        length.arg(&queue);
        let mut pending = redis::cmd("XPENDING");
        pending.arg(&queue).arg(stage.name());
        let mut answers = self.ask(&[length, pending])?.into_iter();
        let entries = answers.next().as_ref().and_then(number);
        let summary = array(answers.next().unwrap_or_default());
        Ok(Depth {
            entries: entries.unwrap_or(0),
            pending: summary.first().and_then(number).unwrap_or(0),
        })
    }

    fn exchange(&mut self, commands: &[Cmd]) -> RedisResult<Vec<Value>> {
        let mut packed = Vec::new();
        for command in commands {
            command.write_packed_command(&mut packed);
        }
        self.wire.send(&packed)?;
        // All must be read, whatever one says, or the next answers would be taken
        // for others'.
        let answers = commands.iter().map(|_| self.wire.answer());
        let answers = answers.collect::<RedisResult<Vec<Value>>>()?;
        let refusal = |answer| match answer {
            Value::ServerError(error) => Err(error.into()),
            answer => Ok(answer),
        };
        answers.into_iter().map(refusal).collect()
    }
}

/// Begins a call of `script` on `keys`.
pub fn call<'k>(script: Script, keys: impl IntoIterator<Item = &'k str>) -> Cmd {
    static HASHES: OnceLock<HashMap<&'static str, String>> = OnceLock::new();
    let hashes = HASHES.get_or_init(|| {
        let hash = |source: &'static str| redis::Script::new(source).get_hash().to_owned();
        script::ALL
            .iter()
            .map(|(_, source)| (*source, hash(source)))
            .collect()
    });
    let (_, source) = script::ALL
        .iter()
        .find(|(known, _)| *known == script)
        .expect("ALL has every script");
    let keys: Vec<&str> = keys.into_iter().collect();
    let mut call = redis::cmd("EVALSHA");
    call.arg(&hashes[source]).arg(keys.len());
    for key in keys {
        call.arg(key);
    }
    call
}
