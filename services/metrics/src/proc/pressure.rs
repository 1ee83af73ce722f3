//! `/proc/pressure`: how long tasks waited for a resource (PSI).

/// How long tasks waited since boot, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pressure {
    /// At least one task waited.
    pub waiting_seconds: Option<f64>,
    /// All that were not idle did.
    pub stalled_seconds: Option<f64>,
}

/// What can be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    Cpu,
    Memory,
    Io,
}

impl Resource {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Cpu, Self::Memory, Self::Io];

    /// Its file, and its name in a label.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Io => "io",
        }
    }

    /// Reads the text of its file.
    pub fn parse(self, text: &str) -> Pressure {
        Pressure {
            waiting_seconds: total(text, "some"),
            // That all tasks wait for a CPU cannot be for a whole host, and the
            // kernel prints 0 there for the sake of old readers.
            stalled_seconds: total(text, "full").filter(|_| self != Self::Cpu),
        }
    }
}

/// `some avg10=0.00 avg60=0.00 avg300=0.00 total=145729155`, in µs.
fn total(text: &str, which: &str) -> Option<f64> {
    let mut lines = text.lines().map(str::split_whitespace);
    let mut line = lines.find_map(|mut words| (words.next() == Some(which)).then_some(words))?;
    let micros: u64 = line.find_map(|word| word.strip_prefix("total=")?.parse().ok())?;
    Some(micros as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::{Pressure, Resource};
    use proptest::prelude::*;

    const TEXT: &str = "\
some avg10=2.67 avg60=4.54 avg300=7.99 total=145729155
full avg10=0.00 avg60=0.00 avg300=0.00 total=2500000
";

    #[test]
    fn totals_are_microseconds_and_a_host_never_waits_whole_for_a_cpu() {
        let io = Resource::Io.parse(TEXT);
        assert_eq!(io.waiting_seconds, Some(145.729_155));
        assert_eq!(io.stalled_seconds, Some(2.5));
        assert_eq!(Resource::Cpu.parse(TEXT).stalled_seconds, None);
    }

    #[test]
    fn what_is_not_told_is_unknown() {
        for text in [
            "",
            "some",
            "some total=",
            "some avg10=1",
            "something total=5",
        ] {
            assert_eq!(Resource::Io.parse(text), Pressure::default(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in ".*", line in "(some|full)( total=.{0,22})?") {
            let _ = (Resource::Io.parse(&text), Resource::Cpu.parse(&line));
        }
    }
}
