//! A connection of one's own.
//!
//! Each thread that may block has one: on a shared connection a blocking read
//! would stall the others. Its time-out is above the longest block.

use crate::address::Address;
use crate::scripts::Scripts;
use crate::trouble::Trouble;
use redis::{Cmd, Connection, RedisResult, Value};
use std::time::Duration;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(3);

/// The longest that a command may block by itself.
pub const LONGEST_BLOCK: Duration = Duration::from_secs(1);

/// How long an answer may take. A Redis that is paused for some seconds is slow
/// and not gone.
const ANSWER: Duration = Duration::from_secs(15);

/// A connection, for one thread.
pub struct Link {
    address: Address,
    connection: Connection,
}

impl Link {
    pub(crate) fn made(address: &Address, scripts: &Scripts) -> RedisResult<Self> {
        let client = redis::Client::open((*address.info).clone())?;
        let connection = client.get_connection_with_timeout(CONNECT)?;
        connection.set_read_timeout(Some(ANSWER))?;
        connection.set_write_timeout(Some(ANSWER))?;
        let mut link = Self {
            address: address.clone(),
            connection,
        };
        link.exchange(&scripts.loads())?;
        Ok(link)
    }

    /// To which Redis.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Sends all `commands` at once, and waits for all answers.
    ///
    /// # Errors
    /// The first that failed; which of the others were done is not known.
    pub fn ask(&mut self, commands: &[Cmd]) -> Result<Vec<Value>, Trouble> {
        self.exchange(commands)
            .map_err(|error| self.address.trouble(&error))
    }

    /// Sends one.
    ///
    /// # Errors
    /// When it failed.
    pub fn ask_one(&mut self, command: Cmd) -> Result<Value, Trouble> {
        let mut answers = self.ask(&[command])?;
        Ok(answers.pop().unwrap_or_default())
    }

    /// As [`Self::ask`], for those who look at the error themselves.
    ///
    /// # Errors
    /// The first that failed; which of the others were done is not known.
    pub fn exchange(&mut self, commands: &[Cmd]) -> RedisResult<Vec<Value>> {
        let mut packed = Vec::new();
        for command in commands {
            command.write_packed_command(&mut packed);
        }
        self.connection.send_packed_command(&packed)?;
        // All must be read, whatever one says, or the next answers would be taken
        // for others'.
        let answers = commands
            .iter()
            .map(|_| match self.connection.recv_response() {
                Ok(Value::ServerError(error)) => Err(error.into()),
                answer => answer,
            });
        let answers: Vec<RedisResult<Value>> = answers.collect();
        answers.into_iter().collect()
    }
}
