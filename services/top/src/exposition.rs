//! A replica's `/metrics`: the few figures of it that are shown, from
//! Prometheus' text format.

use measure::text::State;

/// What a replica told at one moment. What it did not tell is `None`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// CPUs' worth of time that it can get.
    pub effective_cpus: Option<f64>,
    /// Its CPU quota.
    pub quota_cpus: Option<f64>,
    /// CPUs that its runtime believes in.
    pub believed_cpus: Option<f64>,
    /// CPU time used so far.
    pub usage_seconds: Option<f64>,
    /// Quota periods so far in which it had work.
    pub periods: Option<f64>,
    /// Those in which the quota ran out.
    pub throttled_periods: Option<f64>,
    /// Memory in use.
    pub memory_bytes: Option<f64>,
    /// Its memory limit.
    pub memory_limit_bytes: Option<f64>,
    /// Its workers' time so far, in the order of [`State::ALL`].
    pub worker_seconds: [Option<f64>; 5],
    /// Workers of the run under way, 0 between runs.
    pub workers: Option<f64>,
    /// The short id of its container.
    pub container: Option<String>,
}

impl Reading {
    /// What the text says; lines that are none of its format are passed over.
    pub fn parse(text: &str) -> Self {
        let mut reading = Self::default();
        for sample in text.lines().filter_map(Sample::parse) {
            reading.take(&sample);
        }
        reading
    }

    fn take(&mut self, sample: &Sample) {
        let field = match sample.name {
            "cpu_budget_effective_cpus" => &mut self.effective_cpus,
            "cpu_budget_quota_cpus" => &mut self.quota_cpus,
            "cpu_budget_believed_cpus" => &mut self.believed_cpus,
            "cpu_budget_usage_seconds_total" => &mut self.usage_seconds,
            "cpu_budget_periods_total" => &mut self.periods,
            "cpu_budget_throttled_periods_total" => &mut self.throttled_periods,
            "cpu_budget_memory_bytes" => &mut self.memory_bytes,
            "cpu_budget_memory_limit_bytes" => &mut self.memory_limit_bytes,
            "workers" => &mut self.workers,
            "worker_time_seconds_total" => {
                let state = sample.label("state");
                let place = State::ALL
                    .iter()
                    .position(|known| Some(label(*known)) == state);
                let Some(place) = place else { return };
                &mut self.worker_seconds[place]
            }
            "service_info" => {
                let id = sample.label("container").filter(|id| !id.is_empty());
                self.container = id.map(str::to_owned);
                return;
            }
            _ => return,
        };
        *field = sample.value.is_finite().then_some(sample.value);
    }

    /// The counters, which only grow while the replica lives.
    pub fn counters(&self) -> impl Iterator<Item = Option<f64>> {
        let of_the_group = [self.usage_seconds, self.periods, self.throttled_periods];
        of_the_group.into_iter().chain(self.worker_seconds)
    }
}

/// The label of a state in `worker_time_seconds_total`.
fn label(state: State) -> &'static str {
    match state {
        State::Running => "running",
        State::Throttled => "throttled",
        State::Runnable => "runnable",
        State::Blocked => "blocked",
        State::Stolen => "stolen",
    }
}

/// One line: `name{label="value",…} 1.5`.
struct Sample<'t> {
    name: &'t str,
    labels: &'t str,
    value: f64,
}

impl<'t> Sample<'t> {
    fn parse(line: &'t str) -> Option<Self> {
        let line = line.trim();
        if line.starts_with('#') {
            return None;
        }
        // A label's value may hold blanks and brackets; a sample's value none.
        let (name, labels, rest) = if let Some((name, rest)) = line.split_once('{') {
            let (labels, rest) = rest.rsplit_once('}')?;
            (name, labels, rest)
        } else {
            let (name, rest) = line.split_once(' ')?;
            (name, "", rest)
        };
        Some(Self {
            name: name.trim(),
            labels,
            // A time stamp may follow.
            value: rest.split_whitespace().next()?.parse().ok()?,
        })
    }

    /// A label's value. Those read here hold no comma and nothing escaped.
    fn label(&self, name: &str) -> Option<&'t str> {
        let labels = self.labels.split(',');
        labels.into_iter().find_map(|label| {
            let (found, value) = label.split_once('=')?;
            let value = value.trim().strip_prefix('"')?.strip_suffix('"')?;
            (found.trim() == name).then_some(value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "\
# HELP cpu_budget_quota_cpus The CPU quota in CPUs.
# TYPE cpu_budget_quota_cpus gauge
cpu_budget_quota_cpus 0.5
cpu_budget_usage_seconds_total 1.25e1 1763750000000
cpu_budget_periods_total 40
cpu_budget_effective_cpus +Inf
worker_time_seconds_total{state=\"running\"} 3
worker_time_seconds_total{state=\"stolen\"} 0
worker_time_seconds_total{state=\"asleep\"} 9
http_requests_total{method=\"GET\",route=\"/a {b}\",status=\"200\"} 7
service_info{service=\"primes\",version=\"0.1.0\",container=\"0123456789ab\"} 1
workers 2
";

    #[test]
    fn known_figures_are_read_and_what_is_absent_stays_unknown() {
        let reading = Reading::parse(TEXT);

        let expected = Reading {
            quota_cpus: Some(0.5),
            usage_seconds: Some(12.5),
            periods: Some(40.0),
            worker_seconds: [Some(3.0), None, None, None, Some(0.0)],
            workers: Some(2.0),
            container: Some("0123456789ab".into()),
            ..Reading::default()
        };
        assert_eq!(reading, expected);
        let none = "service_info{service=\"primes\",version=\"0.1.0\",container=\"\"} 1";
        assert_eq!(Reading::parse(none), Reading::default());
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in ".*", lines in "((workers|service_info)[{}=\", a-z0-9.]{0,30}\n){0,4}") {
            let _ = Reading::parse(&text);
            let _ = Reading::parse(&lines);
        }
    }
}
