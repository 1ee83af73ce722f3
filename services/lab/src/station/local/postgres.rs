//! A PostgreSQL of the run's own: on loopback, in a temporary folder, gone with
//! the run. It is the machine's own program that runs, where one is installed.

use anyhow::{Context, bail};
use rustix::fs::{Gid, Uid, chown};
use rustix::process::{Pid, Signal, geteuid, kill_process_group};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// Debian and Ubuntu keep each version's programs here and not in the PATH.
const DEBIANS: &str = "/usr/lib/postgresql";

/// Who may run it where the caller is root, which PostgreSQL refuses to be run
/// by; the first that this machine has.
const USERS: [&str; 2] = ["postgres", "nobody"];

/// Its folder, below that for temporary files, with the runner's number behind.
const FOLDER: &str = "parlab-postgres-";

/// How long it may take to accept connections.
const START_DEADLINE: Duration = Duration::from_secs(20);

/// How long it may take to end when it is told to end at once.
const END_DEADLINE: Duration = Duration::from_secs(3);

/// A port that was free may be taken a moment later.
const PORTS_TRIED: usize = 3;

/// Who owns the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The role, which is a superuser.
    pub user: String,
    /// The database.
    pub database: String,
}

impl Account {
    /// As the official image reads it from a service's environment.
    pub fn of(environment: &BTreeMap<String, String>) -> Self {
        let user = environment.get("POSTGRES_USER");
        let user = user.map_or("postgres", String::as_str).to_owned();
        let database = environment.get("POSTGRES_DB").unwrap_or(&user).clone();
        Self { user, database }
    }
}

/// A running server. Dropping it ends it and removes its folder.
#[derive(Debug)]
pub struct Postgres {
    server: Server,
    // After the server, which writes there.
    folder: Folder,
    /// Where it answers.
    pub address: SocketAddr,
}

impl Postgres {
    /// Sets one up and waits until it answers. Call it on a thread that lives as
    /// long as it is to: the death signal comes when that thread ends.
    pub async fn start(account: &Account, log: &Path) -> anyhow::Result<Self> {
        let programs = programs().context(
            "it is not installed (initdb and postgres, in the PATH or in /usr/lib/postgresql)",
        )?;
        remove_stale();
        let owner = owner()?;
        let folder = Folder::make(owner)?;
        folder.write_password(owner)?;
        let site = Site {
            programs,
            owner,
            folder: folder.0.clone(),
            log: log.to_owned(),
        };
        site.set_up(account)?;
        for _ in 0..PORTS_TRIED {
            let address = free_address()?;
            let mut server = Server(site.serve(address)?);
            if server.accepts(address).await? {
                return Ok(Self {
                    server,
                    folder,
                    address,
                });
            }
        }
        bail!("it ended at once; see {}", log.display())
    }

    /// The file that its password is in; the stations read it.
    pub fn password_file(&self) -> PathBuf {
        self.folder.password()
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.server.0.id()
    }
}

/// Where and as whom it runs.
struct Site {
    programs: PathBuf,
    owner: Option<(Uid, Gid)>,
    folder: PathBuf,
    log: PathBuf,
}

impl Site {
    /// A new cluster with this account's database.
    fn set_up(&self, account: &Account) -> anyhow::Result<()> {
        let password = self.folder.join(PASSWORD);
        let mut initdb = self.command("initdb")?;
        initdb
            .args(["--encoding=UTF8", "--locale=C", "--auth=scram-sha-256"])
            .args(["--no-sync", "--no-instructions", "--username"])
            .arg(&account.user)
            .arg("--pwfile")
            .arg(password);
        self.finish(initdb.stdin(Stdio::null()))?;
        if account.database == "postgres" {
            return Ok(());
        }
        // Nobody listens yet, so that nobody need be asked for a password.
        let mut single = self.bare("postgres")?;
        single
            .args(["--single", "-D"])
            .arg(self.folder.join("data"));
        single.arg("postgres").stdin(Stdio::piped());
        let mut child = single
            .spawn()
            .with_context(|| format!("{} cannot be run", single.get_program().display()))?;
        let quoted = account.database.replace('"', "\"\"");
        let mut input = child.stdin.take().context("it takes no input")?;
        input.write_all(format!("CREATE DATABASE \"{quoted}\"\n").as_bytes())?;
        drop(input);
        let status = child.wait()?;
        if !status.success() {
            bail!(
                "its database cannot be made ({status}); see {}",
                self.log.display()
            );
        }
        Ok(())
    }

    fn serve(&self, address: SocketAddr) -> anyhow::Result<Child> {
        let mut command = self.command("postgres")?;
        let set = |name: &str, value: &str| ["-c".to_owned(), format!("{name}={value}")];
        command
            .args(set("listen_addresses", &address.ip().to_string()))
            .args(set("port", &address.port().to_string()))
            // Its folder may be on a disk without sockets, or too deep for one.
            .args(set("unix_socket_directories", ""))
            .stdin(Stdio::null());
        command
            .spawn()
            .with_context(|| format!("{} cannot be run", command.get_program().display()))
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

    fn finish(&self, command: &mut Command) -> anyhow::Result<()> {
        let status = command
            .status()
            .context("setpriv, of util-linux, cannot be run")?;
        if !status.success() {
            bail!("it cannot be set up ({status}); see {}", self.log.display());
        }
        Ok(())
    }
}

/// Its process; dropping it ends it, without a checkpoint that nobody reads.
#[derive(Debug)]
struct Server(Child);

impl Server {
    /// Waits until it accepts connections; `false`: it ended instead.
    async fn accepts(&mut self, address: SocketAddr) -> anyhow::Result<bool> {
        let deadline = Instant::now() + START_DEADLINE;
        while Instant::now() < deadline {
            if self.0.try_wait()?.is_some() {
                return Ok(false);
            }
            if TcpStream::connect(address).await.is_ok() {
                return Ok(true);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("it did not answer within {} s", START_DEADLINE.as_secs())
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        if let Some(group) = id {
            // Nobody in the group any more is what is wanted.
            let _ = kill_process_group(group, signal);
        }
    }

    fn ends(&mut self) -> bool {
        let deadline = Instant::now() + END_DEADLINE;
        while Instant::now() < deadline {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal(Signal::QUIT);
        if !self.ends() {
            self.signal(Signal::KILL);
            self.ends();
        }
    }
}

/// The file with the password, in the folder.
const PASSWORD: &str = "password";

/// A folder that only its owner and root may look into; dropping it removes it.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn make(owner: Option<(Uid, Gid)>) -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("{FOLDER}{}", std::process::id()));
        let shown = path.display().to_string();
        let made = std::fs::create_dir(&path);
        made.with_context(|| format!("{shown}: cannot be made"))?;
        let folder = Self(path);
        std::fs::set_permissions(&folder.0, PermissionsExt::from_mode(0o700))?;
        if let Some((uid, gid)) = owner {
            chown(&folder.0, Some(uid), Some(gid))
                .with_context(|| format!("{shown}: cannot be given to another user"))?;
        }
        Ok(folder)
    }

    fn password(&self) -> PathBuf {
        self.0.join(PASSWORD)
    }

    fn write_password(&self, owner: Option<(Uid, Gid)>) -> anyhow::Result<()> {
        let mut random = [0; 24];
        File::open("/dev/urandom")?.read_exact(&mut random)?;
        let mut password = String::new();
        for byte in random {
            write!(password, "{byte:02x}")?;
        }
        let mut options = File::options();
        let mut file = options
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(self.password())?;
        file.write_all(password.as_bytes())?;
        if let Some((uid, gid)) = owner {
            chown(self.password(), Some(uid), Some(gid))?;
        }
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left is removed by the next run.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Removes the folders of runs that were killed.
fn remove_stale() {
    let entries = std::fs::read_dir(std::env::temp_dir());
    for entry in entries.into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let runner = name.strip_prefix(FOLDER).and_then(|id| id.parse().ok());
        // Of this process's own number it is an earlier process's.
        let ended = runner.is_some_and(|id: u32| {
            id == std::process::id() || !Path::new("/proc").join(id.to_string()).exists()
        });
        if ended {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// The folder of the programs: in the PATH, or the newest of Debian's.
fn programs() -> Option<PathBuf> {
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

/// Whom it must run as; `None`: the caller.
fn owner() -> anyhow::Result<Option<(Uid, Gid)>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let accounts = std::fs::read_to_string("/etc/passwd").context("/etc/passwd cannot be read")?;
    let owner = USERS.iter().find_map(|user| user_of(&accounts, user));
    let names = USERS.join(" nor ");
    owner
        .map(Some)
        .with_context(|| format!("root may not run it, and there is neither {names} to run it as"))
}

/// The numbers of a user in the text of `/etc/passwd` (`passwd(5)`).
fn user_of(accounts: &str, user: &str) -> Option<(Uid, Gid)> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let [name, _, uid, gid] = [(); 4].map(|()| fields.next());
        let numbers = (uid?.parse().ok()?, gid?.parse().ok()?);
        (name? == user).then(|| (Uid::from_raw(numbers.0), Gid::from_raw(numbers.1)))
    })
}

fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(listener.local_addr()?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_users_numbers_are_read_and_odd_lines_passed_over() {
        let accounts =
            "root:x:0:0:root:/root:/bin/bash\nodd\npostgres:x:112:118:,,,:/var/lib:/bin/sh\n";
        let (uid, gid) = user_of(accounts, "postgres").unwrap();
        assert_eq!((uid.as_raw(), gid.as_raw()), (112, 118));
        assert_eq!(user_of(accounts, "odd"), None);
        assert_eq!(user_of("postgres:x:a:b\n", "postgres"), None);
    }

    #[test]
    fn the_account_is_that_of_the_official_image() {
        let account = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter();
            Account::of(
                &pairs
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect(),
            )
        };
        let of = |account: &Account| format!("{} {}", account.user, account.database);
        assert_eq!(of(&account(&[])), "postgres postgres");
        assert_eq!(of(&account(&[("POSTGRES_USER", "a")])), "a a");
        assert_eq!(
            of(&account(&[("POSTGRES_USER", "a"), ("POSTGRES_DB", "b")])),
            "a b"
        );
    }

    #[tokio::test]
    async fn a_server_answers_and_ends_with_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        if programs().is_none() {
            eprintln!("left out: PostgreSQL is not installed here");
            return;
        }
        let account = Account {
            user: "parlab".into(),
            database: "a \"b".into(),
        };

        let postgres = Postgres::start(&account, &folder.path().join("log"))
            .await
            .unwrap();

        let path = postgres.folder.0.clone();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "others look into {mode:o}");
        let secret = std::fs::read_to_string(postgres.password_file()).unwrap();
        assert!(secret.len() >= 32);
        assert!(TcpStream::connect(postgres.address).await.is_ok());
        let process = Path::new("/proc").join(postgres.id().to_string());
        assert!(process.exists());
        let address = postgres.address;
        drop(postgres);
        assert!(!process.exists() && !path.exists());
        assert!(TcpStream::connect(address).await.is_err());
    }
}
