//! Processes as the kernel lists them: whose they are and whether they are left.

use crate::station::eventually;

/// The processes of the station called `name` that have not ended, whoever
/// their parent is by now. Children inherit the name in their environment.
pub(crate) fn processes_of(name: &str) -> Vec<u32> {
    let entry = format!("STATION_NAME={name}");
    let is_ours = |id: &u32| {
        // A zombie's environment is empty: it has ended.
        let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        environment
            .split(|&byte| byte == 0)
            .any(|variable| variable == entry.as_bytes())
    };
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|process| process.ok()?.file_name().to_str()?.parse().ok())
        .filter(is_ours)
        .collect()
}

/// Waits until the station called `name` has `count` processes.
pub(crate) async fn has_processes(name: &str, count: usize) -> Vec<u32> {
    let what = format!("{count} processes of the station");
    eventually(&what, async || {
        let processes = processes_of(name);
        (processes.len() == count).then_some(processes)
    })
    .await
}
