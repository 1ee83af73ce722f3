//! A station's limits in words, as the survey found them.

use cpu_budget::CpuSet;
use measure::report::Station;

/// Under what one replica of the station works, to stand behind a verb: `under
/// a quota of 0.5 CPUs`, `on CPU 0`, `with 2 CPUs`. A quota above the CPUs it
/// may run on, or a cpuset of all the host's, limits nothing and is left out.
pub fn under(station: &Station, host_cpus: Option<usize>) -> String {
    let effective = &station.effective;
    if !effective.quota_known && effective.quota_cpus.is_none() {
        return "under a limit that the kernel does not tell".into();
    }
    let cpuset: Option<CpuSet> = effective.cpuset.as_ref().and_then(|set| set.parse().ok());
    let allowed = cpuset.as_ref().map(CpuSet::len).or(host_cpus);
    let binding = |quota: &f64| allowed.is_none_or(|cpus| *quota <= cpus as f64);
    let quota = effective.quota_cpus.filter(binding);
    let quota = quota.map(|quota| format!("under a quota of {}", cpu_count(quota)));
    let narrowed = |set: &&CpuSet| host_cpus.is_none_or(|cpus| set.len() < cpus);
    let set = cpuset.as_ref().filter(narrowed).map(|set| match set.len() {
        1 => format!("on CPU {set}"),
        _ => format!("on CPUs {set}"),
    });
    match (quota, set) {
        (Some(quota), Some(set)) => format!("{quota} {set}"),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => match effective.cpus {
            Some(cpus) => format!("with {}", cpu_count(cpus)),
            None => "without a limit".into(),
        },
    }
}

/// `1 CPU`, `0.5 CPUs`.
pub fn cpu_count(cpus: f64) -> String {
    let number = format!("{cpus:.2}");
    let number = number.trim_end_matches('0').trim_end_matches('.');
    let unit = if number == "1" { "CPU" } else { "CPUs" };
    format!("{number} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use measure::made::station;

    #[test]
    fn what_binds_is_told_and_what_does_not_is_left_out() {
        let told = |quota_cpus, cpuset: &str, host_cpus| {
            let mut station = station("any", quota_cpus);
            station.effective.cpuset = Some(cpuset.into());
            under(&station, Some(host_cpus))
        };
        assert_eq!(told(Some(0.5), "0-1", 2), "under a quota of 0.5 CPUs");
        assert_eq!(
            told(Some(1.0), "0-1", 4),
            "under a quota of 1 CPU on CPUs 0-1"
        );
        assert_eq!(told(Some(2.0), "1", 2), "on CPU 1");
        assert_eq!(told(None, "0-1", 2), "with 2 CPUs");
    }

    #[test]
    fn an_unknown_quota_is_not_told_as_none() {
        let mut station = station("any", None);
        station.effective.quota_known = false;
        assert_eq!(
            under(&station, Some(2)),
            "under a limit that the kernel does not tell"
        );
    }
}
