//! Sets a database up and starts its server.

use super::super::owner::Owner;
use super::super::program::Program;
use super::account::Account;
use anyhow::{Context, bail};
use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Debian and Ubuntu keep each version's programs here and not in the PATH.
const DEBIANS: &str = "/usr/lib/postgresql";

/// How long `initdb`, and then making the database, may take: a second here,
/// and a disk that is busy with other things has its time.
pub(super) const SET_UP_DEADLINE: Duration = Duration::from_mins(1);

/// Where and as whom it runs.
pub(super) struct Site {
    /// The folder of PostgreSQL's programs.
    pub(super) programs: PathBuf,
    /// Whom it must run as; `None`: the caller.
    pub(super) owner: Option<Owner>,
    /// The folder of the run's own.
    pub(super) folder: PathBuf,
    /// The file with the password, there.
    pub(super) password: PathBuf,
    /// Where its programs say what they do.
    pub(super) log: PathBuf,
}

impl Site {
    /// A new cluster with this account's database, each step within `deadline`.
    pub(super) async fn set_up(&self, account: &Account, deadline: Duration) -> anyhow::Result<()> {
        let mut initdb = self.command("initdb")?;
        initdb
            .args(["--encoding=UTF8", "--locale=C", "--auth=scram-sha-256"])
            .args(["--no-sync", "--no-instructions", "--username"])
            .arg(&account.user)
            .arg("--pwfile")
            .arg(&self.password);
        let mut initdb = Program::start(initdb.stdin(Stdio::null()))?;
        self.finish(&mut initdb, "it cannot be set up", deadline)
            .await?;
        if account.database == "postgres" {
            return Ok(());
        }
        // Nobody listens yet, so that nobody need be asked for a password.
        let mut single = self.bare("postgres")?;
        single
            .args(["--single", "-D"])
            .arg(self.folder.join("data"));
        single.arg("postgres").stdin(Stdio::piped());
        let mut single = Program::start(&mut single)?;
        let quoted = account.database.replace('"', "\"\"");
        let mut input = single.input().context("it takes no input")?;
        input.write_all(format!("CREATE DATABASE \"{quoted}\"\n").as_bytes())?;
        drop(input);
        self.finish(&mut single, "its database cannot be made", deadline)
            .await
    }

    /// The server itself.
    pub(super) fn serve(&self, address: SocketAddr) -> anyhow::Result<Program> {
        let mut command = self.command("postgres")?;
        let set = |name: &str, value: &str| ["-c".to_owned(), format!("{name}={value}")];
        command
            .args(set("listen_addresses", &address.ip().to_string()))
            .args(set("port", &address.port().to_string()))
            // Its folder may be on a disk without sockets, or too deep for one.
            .args(set("unix_socket_directories", ""))
            .stdin(Stdio::null());
        Program::start(&mut command)
    }

    /// A program on the cluster.
    fn command(&self, program: &str) -> anyhow::Result<Command> {
        let mut command = self.bare(program)?;
        command.arg("-D").arg(self.folder.join("data"));
        Ok(command)
    }

    /// A program as the owner, in a process group of its own. It ends with the
    /// thread that starts it: `setpriv` asks for that after it has changed the
    /// user, which would undo it.
    fn bare(&self, program: &str) -> anyhow::Result<Command> {
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.with_context(|| format!("{}: cannot be written", self.log.display()))?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "QUIT"]);
        if let Some((uid, gid)) = self.owner {
            command
                .arg(format!("--reuid={}", uid.as_raw()))
                .arg(format!("--regid={}", gid.as_raw()))
                .arg("--clear-groups");
        }
        command
            .arg(self.programs.join(program))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LC_ALL", "C")
            .current_dir(&self.folder)
            .process_group(0)
            .stdout(log.try_clone()?)
            .stderr(log);
        Ok(command)
    }

    /// Waits until a step has ended well; one that takes too long is ended.
    async fn finish(
        &self,
        step: &mut Program,
        failed: &str,
        deadline: Duration,
    ) -> anyhow::Result<()> {
        let log = self.log.display();
        match step.ended(deadline).await? {
            Some(status) if status.success() => Ok(()),
            Some(status) => bail!("{failed} ({status}); see {log}"),
            None => bail!(
                "{failed} within {} s, so that was given up; see {log}",
                deadline.as_secs()
            ),
        }
    }
}

/// The folder of the programs: in the PATH, or the newest of Debian's.
pub(super) fn programs() -> Option<PathBuf> {
    let in_path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&in_path).collect::<Vec<_>>();
    let entries = std::fs::read_dir(DEBIANS).into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    let number = |path: &PathBuf| {
        let name = path.file_name()?.to_str()?;
        name.parse::<u32>().ok()
    };
    versions.sort_by_key(|path| std::cmp::Reverse(number(path)));
    let debians = versions.into_iter().map(|version| version.join("bin"));
    let has_both = |folder: &PathBuf| {
        let has = |name: &str| folder.join(name).is_file();
        has("initdb") && has("postgres")
    };
    in_path.into_iter().chain(debians).find(has_both)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::time::Instant;

    /// Programs that are this shell script each.
    fn site(folder: &Path, script: &str) -> Site {
        for name in ["initdb", "postgres"] {
            let program = folder.join(name);
            std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        }
        Site {
            programs: folder.to_owned(),
            owner: None,
            folder: folder.to_owned(),
            password: folder.join("password"),
            log: folder.join("log"),
        }
    }

    fn account() -> Account {
        Account {
            user: "parlab".into(),
            database: "parlab".into(),
        }
    }

    #[tokio::test]
    async fn a_step_that_never_ends_is_given_up_with_all_that_it_started() {
        for (hangs, said) in [
            ("initdb", "it cannot be set up within 1 s"),
            ("postgres", "its database cannot be made within 1 s"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            // The child is its own, as initdb has one.
            let script = format!(
                "case $0 in *{hangs}) sleep 600 & echo $! >>children; trap '' QUIT; wait; esac"
            );
            let site = site(folder.path(), &script);
            let began = Instant::now();

            let failed = site.set_up(&account(), Duration::from_secs(1)).await;

            let why = failed.unwrap_err().to_string();
            assert!(why.contains(said), "{why}");
            assert!(began.elapsed() < Duration::from_mins(1), "{why}");
            let children = std::fs::read_to_string(folder.path().join("children")).unwrap();
            let child = children.trim();
            let runs = || {
                let state = std::fs::read_to_string(format!("/proc/{child}/stat"));
                state.is_ok_and(|state| !state.contains(") Z "))
            };
            let until = Instant::now() + Duration::from_secs(10);
            while runs() && Instant::now() < until {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            assert!(!runs(), "{hangs} left {child}");
        }
    }

    #[tokio::test]
    async fn a_step_that_fails_says_which_and_where_to_look() {
        let folder = tempfile::tempdir().unwrap();
        let site = site(folder.path(), "exit 3");
        let failed = site.set_up(&account(), SET_UP_DEADLINE).await;
        let why = failed.unwrap_err().to_string();
        assert!(
            why.starts_with("it cannot be set up (exit status: 3); see"),
            "{why}"
        );
    }
}
