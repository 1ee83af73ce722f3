//! `lab top`: becomes `lab-top`, a program of its own, so that who only runs
//! labs does not build what draws on a terminal.

use anyhow::{Context, bail};
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

/// The program, beside this one.
const PROGRAM: &str = "lab-top";

/// Options of `top`.
#[derive(Debug, clap::Args)]
pub struct TopArgs {
    /// What `lab-top` is told; --help lists it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<OsString>,
}

/// Becomes the program; returns only when it could not.
pub fn top(args: &TopArgs) -> anyhow::Result<ExitCode> {
    let own = std::env::current_exe().context("where this program is cannot be found")?;
    let program = own.with_file_name(PROGRAM);
    if !program.exists() {
        bail!(
            "{} is not there: make top builds it, where it is to run, and shows it",
            program.display()
        );
    }
    let error = Command::new(&program).args(&args.arguments).exec();
    Err(error).with_context(|| format!("{}: cannot be run", program.display()))
}
