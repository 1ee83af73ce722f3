//! Which Redis, as a service was told.

use crate::link::Link;
use crate::scripts::Scripts;
use crate::trouble::Trouble;
use redis::{ConnectionInfo, IntoConnectionInfo, RedisError};
use std::path::Path;
use std::sync::Arc;

/// A Redis, and how the variables begin that name it.
#[derive(Debug, Clone)]
pub struct Address {
    pub(crate) info: Arc<ConnectionInfo>,
    /// Where it is, for messages.
    pub at: Arc<str>,
    /// With `QUEUE`, messages name `QUEUE_REDIS_URL` and `QUEUE_REDIS_PASSWORD_FILE`.
    pub(crate) variables: &'static str,
}

impl Address {
    /// The Redis at `url`; `password` takes the place of the URL's.
    ///
    /// # Errors
    /// What is wrong with the URL.
    pub fn new(url: &str, password: Option<&str>, variables: &'static str) -> Result<Self, String> {
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
            variables,
        })
    }

    /// The Redis that `--redis-url` and `--redis-password-file` name.
    ///
    /// # Errors
    /// What is wrong with the URL, or the file, and by which option it was named.
    pub fn configured(
        url: &str,
        password_file: Option<&Path>,
        variables: &'static str,
    ) -> Result<Self, String> {
        let password = password_file.map(|file| {
            let text = std::fs::read_to_string(file).map_err(|error| {
                let file = file.display();
                format!(
                    "--redis-password-file (or {variables}_REDIS_PASSWORD_FILE) = {file}: {error}"
                )
            })?;
            Ok::<_, String>(text.trim_end_matches(['\r', '\n']).to_owned())
        });
        Self::new(url, password.transpose()?.as_deref(), variables)
            .map_err(|reason| format!("--redis-url (or {variables}_REDIS_URL): {reason}"))
    }

    /// Makes a connection, with all `scripts` known to Redis.
    ///
    /// # Errors
    /// When Redis is away or will not have it.
    pub fn connect(&self, scripts: &Scripts) -> Result<Link, Trouble> {
        Link::made(self, scripts).map_err(|error| self.trouble(&error))
    }

    /// What `error` means.
    pub fn trouble(&self, error: &RedisError) -> Trouble {
        Trouble::of(error, &self.at, self.variables)
    }

    /// An answer that cannot be.
    pub fn unexpected(&self, answer: &str) -> Trouble {
        Trouble::answer(answer, &self.at, self.variables)
    }
}
