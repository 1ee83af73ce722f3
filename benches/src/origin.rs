//! The server that others are measured against: `origin`, as it is built
//! beside this program.

use crate::ours::Ending;
use anyhow::Context;
use service_kit::address::AddressLine;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// A running origin; it ends when it is dropped.
pub struct Origin {
    /// Where it is, without a path.
    pub url: String,
    _process: Ending,
}

impl Origin {
    /// One that is told `options`.
    pub fn start(options: &[&str]) -> anyhow::Result<Self> {
        let program = std::env::current_exe()
            .context("this program's own folder is not known")?
            .with_file_name("origin");
        let mut child = Command::new(&program)
            .args(["serve", "--port", "0", "--admin-port", "0"])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{} cannot be run", program.display()))?;
        let stdout = child.stdout.take().expect("it was asked for");
        let process = Ending(child);
        let mut line = String::new();
        BufReader::new(stdout)
            .read_line(&mut line)
            .context("the origin said nothing")?;
        let addresses: AddressLine =
            serde_json::from_str(&line).context("the origin did not say where it listens")?;
        Ok(Self {
            url: format!("http://{}", addresses.api),
            _process: process,
        })
    }
}
