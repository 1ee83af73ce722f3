//! What the kernel shows of the processes.

use std::collections::BTreeMap;
use std::path::Path;

/// The children of a process, with their state: `Z` is a zombie.
pub(crate) fn children(of: u32) -> BTreeMap<u32, char> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            // Behind the name, which may hold anything: state and parent.
            let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
            let state = fields.next()?.chars().next()?;
            (fields.next()?.parse() == Ok(of)).then_some((pid, state))
        })
        .collect()
}

/// How many files a process has open, and how many threads it has.
pub(crate) fn files_and_threads(pid: u32) -> (usize, usize) {
    let count = |what: &str| {
        let folder = format!("/proc/{pid}/{what}");
        std::fs::read_dir(folder).map_or(0, Iterator::count)
    };
    (count("fd"), count("task"))
}

/// Whether a process runs: a zombie does not.
pub(crate) fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit_once(')')
        .and_then(|(_, rest)| rest.trim().chars().next());
    Path::new(&format!("/proc/{pid}")).exists() && state.is_some_and(|state| state != 'Z')
}
