//! Which Redis.

use crate::streams::Server;
use clap::Args;
use redis_link::Address;
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
        let file = self.redis_password_file.as_deref();
        let address = Address::configured(&self.redis_url, file, "PIPELINE")?;
        Ok(Server::new(address, pipeline))
    }
}
