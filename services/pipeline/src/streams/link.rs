//! A thread's connection to the Redis between the stages.

use super::keys::Keys;
use super::script::{self, Script};
use crate::stages::Stage;
use redis::{Cmd, Value};
use redis_link::answer::{array, number};
use redis_link::{Address, Scripts, Trouble, patiently};
use std::sync::LazyLock;

static SCRIPTS: LazyLock<Scripts> =
    LazyLock::new(|| Scripts::new(script::ALL.iter().map(|(_, source)| *source)));

/// Which Redis, and whose keys in it.
#[derive(Debug, Clone)]
pub struct Server {
    /// The Redis.
    pub address: Address,
    /// The pipeline's keys.
    pub keys: Keys,
}

impl Server {
    /// The pipeline of that name in the Redis at `address`.
    pub fn new(address: Address, pipeline: &str) -> Self {
        Self {
            address,
            keys: Keys::of(pipeline),
        }
    }

    /// Makes a connection, with all scripts known to Redis.
    ///
    /// # Errors
    /// When Redis is away or will not have it.
    pub fn connect(&self) -> Result<Link, Trouble> {
        Ok(Link {
            server: self.clone(),
            connection: self.address.connect(&SCRIPTS)?,
        })
    }
}

/// Waits until Redis is there and takes writes.
///
/// # Errors
/// Trouble that waiting does not help, or `None` when `stopped` says so.
pub fn connected(server: &Server, stopped: impl Fn() -> bool) -> Result<Link, Option<Trouble>> {
    patiently(|| server.connect().and_then(writable), stopped)
}

/// A replica lets one connect and read; only a write tells.
fn writable(mut link: Link) -> Result<Link, Trouble> {
    let mut del = redis::cmd("DEL");
    del.arg(link.server.keys.run("none"));
    link.ask_one(del)?;
    Ok(link)
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
    connection: redis_link::Link,
}

impl Link {
    /// Sends all `commands` at once, and waits for all answers.
    ///
    /// # Errors
    /// The first that failed; which of the others were done is not known.
    pub fn ask(&mut self, commands: &[Cmd]) -> Result<Vec<Value>, Trouble> {
        self.connection.ask(commands)
    }

    /// Sends one.
    ///
    /// # Errors
    /// When it failed.
    pub fn ask_one(&mut self, command: Cmd) -> Result<Value, Trouble> {
        self.connection.ask_one(command)
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
        let known = self.connection.exchange(&[groups]).map(Vec::into_iter);
        if known.is_ok_and(|groups| groups.flat_map(array).next().is_some()) {
            return Ok(());
        }
        let mut create = redis::cmd("XGROUP");
        create.arg("CREATE").arg(&queue);
        create.arg(stage.name()).arg("0").arg("MKSTREAM");
        match self.connection.exchange(&[create]) {
            Err(error) if error.code() != Some("BUSYGROUP") => {
                Err(self.server.address.trouble(&error))
            }
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
}

/// Begins a call of `script` on `keys`.
pub fn call<'k>(script: Script, keys: impl IntoIterator<Item = &'k str>) -> Cmd {
    let place = script::ALL.iter().position(|(known, _)| *known == script);
    SCRIPTS.call(place.expect("ALL has every script"), keys)
}
