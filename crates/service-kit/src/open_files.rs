//! How many files may be open: each connection is one.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Allows as many open files as the system lets this process have, for programs
/// that open connections themselves, as many as they are told: shells mostly
/// allow 1024.
pub fn allow_many() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

/// How many connections can be open at once, `wanted` at most, beside so many
/// `other_files`. Shells mostly allow 1024 files, though more may be had for the
/// asking: this asks, and logs where the limit leaves room for fewer than wanted.
pub fn most_connections(wanted: u32, other_files: u64) -> usize {
    let wanted = u64::from(wanted);
    let mut limit = getrlimit(Resource::Nofile);
    let needed = wanted + other_files;
    if limit.current.is_some_and(|files| files < needed) {
        let hard = limit.maximum.unwrap_or(needed);
        limit.current = Some(needed.min(hard));
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!(%error, "cannot raise the limit of open files");
        }
    }
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let most = fit(wanted, files, other_files);
    if most < wanted {
        tracing::warn!(
            most,
            wanted,
            "fewer connections than asked for: the limit of open files (ulimit -n) leaves room for no more"
        );
    }
    most as usize
}

/// At least one, or nothing could be served at all.
fn fit(wanted: u64, files: u64, other_files: u64) -> u64 {
    wanted.min(files.saturating_sub(other_files)).max(1)
}

#[cfg(test)]
mod tests {
    use super::fit;

    #[test]
    fn what_is_open_already_is_left_out() {
        assert_eq!(fit(10_000, 20_000, 100), 10_000);
        assert_eq!(fit(10_000, 1024, 100), 924);
        assert_eq!(fit(10_000, 64, 100), 1);
    }
}
