//! Whom a database's server must run as.

use anyhow::Context;
use rustix::fs::{Gid, Uid};
use rustix::process::geteuid;

/// Who may run it where the caller is root, which PostgreSQL refuses to be run
/// by; the first that this machine has.
const USERS: [&str; 2] = ["postgres", "nobody"];

/// The numbers of a user and its group.
pub(super) type Owner = (Uid, Gid);

/// Whom it must run as; `None`: the caller.
pub(super) fn owner() -> anyhow::Result<Option<Owner>> {
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
fn user_of(accounts: &str, user: &str) -> Option<Owner> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let [name, _, uid, gid] = [(); 4].map(|()| fields.next());
        let numbers = (uid?.parse().ok()?, gid?.parse().ok()?);
        (name? == user).then(|| (Uid::from_raw(numbers.0), Gid::from_raw(numbers.1)))
    })
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
}
