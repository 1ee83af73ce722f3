//! A PostgreSQL of the run's own: on loopback, in a temporary folder, gone with
//! the run. It is the machine's own program that runs, where one is installed.

mod account;
mod setup;

pub use account::Account;

use super::addresses::free_address;
use super::folder::{Folder, remove_stale};
use super::owner::owner;
use super::program::Program;
use crate::compose::Component;
use anyhow::{Context, bail};
use setup::{SET_UP_DEADLINE, Site, programs};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// A port that was free may be taken a moment later.
const PORTS_TRIED: usize = 3;

/// A running server. Dropping it ends it and removes its folder.
#[derive(Debug)]
pub struct Postgres {
    server: Program,
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
        let name = Component::Postgres.name();
        remove_stale(name);
        let owner = owner()?;
        let folder = Folder::make(name, owner)?;
        folder.write_password(owner)?;
        let site = Site {
            programs,
            owner,
            folder: folder.path().to_owned(),
            password: folder.password(),
            log: log.to_owned(),
        };
        site.set_up(account, SET_UP_DEADLINE).await?;
        for _ in 0..PORTS_TRIED {
            let address = free_address()?;
            let mut server = site.serve(address)?;
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
        self.server.id()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use tokio::net::TcpStream;

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

        let path = postgres.folder.path().to_owned();
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
