//! An origin under test: the built program, serving on ports of its own.

use crate::wire::{Seen, ask};
use rustix::process::Signal;
use serde_json::Value;
use service_kit::address::AddressLine;
pub(crate) use serving::{DEADLINE, Serving, eventually};
use std::collections::BTreeMap;
use std::process::{Command, ExitStatus};

/// The program, in an environment that says nothing.
pub(crate) fn origin() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("origin"));
    command.env_clear();
    command
}

/// A running `origin serve`, killed when dropped.
pub(crate) struct Origin {
    pub(crate) line: AddressLine,
    program: Serving,
}

impl Origin {
    /// One that is told `options`, words separated by spaces.
    pub(crate) fn start(options: &str) -> Self {
        Self::of(Serving::start(&mut origin(), options.split_whitespace()))
    }

    /// The one that `command` starts.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        Self::of(Serving::spawn(command))
    }

    fn of(program: Serving) -> Self {
        Self {
            line: program.line,
            program,
        }
    }

    /// What a client sees of `GET path`, on a connection of its own.
    pub(crate) fn get(&self, path: &str) -> Seen {
        ask(self.line.api, "GET", path, "")
    }

    /// The same with another method, and more lines of the head.
    pub(crate) fn ask(&self, method: &str, path: &str, more: &str) -> Seen {
        ask(self.line.api, method, path, more)
    }

    /// What it says as JSON at `path`.
    pub(crate) fn json(&self, path: &str) -> Value {
        let seen = self.get(path);
        assert_eq!(seen.status(), Some(200), "{path}: {seen:?}");
        serde_json::from_slice(&seen.body).unwrap()
    }

    pub(crate) fn stats(&self) -> Value {
        self.json("/stats")
    }

    /// The pages that it says have a fault.
    pub(crate) fn faults(&self) -> BTreeMap<String, String> {
        serde_json::from_value(self.json("/faults")).unwrap()
    }

    /// Begins its account anew.
    pub(crate) fn forget(&self) {
        assert_eq!(self.ask("DELETE", "/stats", "").status(), Some(204));
    }

    /// Text of an admin endpoint.
    pub(crate) fn admin(&self, path: &str) -> String {
        let seen = ask(self.line.admin, "GET", path, "");
        assert_eq!(seen.status(), Some(200), "{path}: {seen:?}");
        seen.text()
    }

    /// The value of one metric, given with its labels.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let text = self.admin("/metrics");
        let found = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        found.unwrap_or_else(|| panic!("{name} is not in {text}"))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.program.signal(signal);
    }

    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.program.ended()
    }
}
