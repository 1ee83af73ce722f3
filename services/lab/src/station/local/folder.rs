//! The folder of a component that a run has of its own.

use super::owner::Owner;
use anyhow::Context;
use rustix::fs::chown;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The file with the password, in the folder.
const PASSWORD: &str = "password";

/// A folder that only its owner and root may look into; dropping it removes it.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// That of the component of this name: below the folder for temporary files,
    /// with the runner's number behind.
    pub(super) fn make(name: &str, owner: Option<Owner>) -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("{}{}", prefix(name), std::process::id()));
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

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The file with the password.
    pub(super) fn password(&self) -> PathBuf {
        self.0.join(PASSWORD)
    }

    /// Makes a password and writes it there.
    pub(super) fn write_password(&self, owner: Option<Owner>) -> anyhow::Result<()> {
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

fn prefix(name: &str) -> String {
    format!("parlab-{name}-")
}

/// Removes the component's folders of runs that were killed.
pub(super) fn remove_stale(component: &str) {
    let prefix = prefix(component);
    let entries = std::fs::read_dir(std::env::temp_dir());
    for entry in entries.into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let runner = name.strip_prefix(&prefix).and_then(|id| id.parse().ok());
        // Of this process's own number it is an earlier process's.
        let ended = runner.is_some_and(|id: u32| {
            id == std::process::id() || !Path::new("/proc").join(id.to_string()).exists()
        });
        if ended {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
