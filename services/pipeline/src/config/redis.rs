//! Which Redis.

use crate::streams::Server;
use clap::Args;
use std::path::PathBuf;

/// The Redis between the stages.
#[derive(Debug, Clone, Args)]
pub struct RedisArgs {
    /// Redis, such as redis://host:6379
    #[arg(
        long,
        env = "PIPELINE_REDIS_URL",
        default_value = "redis://127.0.0.1:6379",
        hide_env_values = true
    )]
    pub redis_url: String,

    /// A file that holds its password and nothing else
    #[arg(long, env = "PIPELINE_REDIS_PASSWORD_FILE", value_name = "FILE")]
    pub redis_password_file: Option<PathBuf>,
}

impl RedisArgs {
    /// The server, and the keys of the pipeline of that name.
    ///
    /// # Errors
    /// What is wrong with the URL, or the file.
    pub fn server(&self, pipeline: &str) -> Result<Server, String> {
        let password = match &self.redis_password_file {
            Some(file) => {
                let text = std::fs::read_to_string(file).map_err(|error| {
                    format!(
                        "--redis-password-file (or PIPELINE_REDIS_PASSWORD_FILE) = {}: {error}",
                        file.display()
                    )
                })?;
                Some(text.trim_end_matches(['\r', '\n']).to_owned())
            }
            None => None,
        };
        Server::new(&self.redis_url, password.as_deref(), pipeline)
            .map_err(|reason| format!("--redis-url (or PIPELINE_REDIS_URL): {reason}"))
    }
}
