//! `/proc/cpuinfo`: at what frequency the CPUs run.

use std::collections::BTreeMap;

/// What `/proc/cpuinfo` says of frequencies. ARM's says nothing.
#[derive(Debug, Default, PartialEq)]
pub struct CpuInfo {
    /// `cpu MHz` by CPU, in hertz.
    hertz: BTreeMap<usize, f64>,
    /// Whether the processor counts its cycles (`aperfmperf`).
    counts_cycles: bool,
}

impl CpuInfo {
    /// Reads the text.
    pub fn parse(text: &str) -> Self {
        let mut info = Self::default();
        let mut cpu = None;
        for line in text.lines() {
            let Some((key, value)) = line.split_once(':') else {
                continue;
            };
            match key.trim() {
                "processor" => cpu = value.trim().parse::<usize>().ok(),
                "cpu MHz" => {
                    let megahertz = value.trim().parse::<f64>().ok();
                    let megahertz = megahertz.filter(|value| value.is_finite() && *value > 0.0);
                    if let (Some(cpu), Some(megahertz)) = (cpu, megahertz) {
                        info.hertz.insert(cpu, megahertz * 1e6);
                    }
                }
                "flags" => {
                    info.counts_cycles |= value.split_whitespace().any(|flag| flag == "aperfmperf");
                }
                _ => {}
            }
        }
        info
    }

    /// The frequencies now, by CPU: nothing where the processor does not count
    /// its cycles, as in most virtual machines, since the kernel then prints
    /// the nominal frequency in the same place.
    pub fn frequencies(self) -> BTreeMap<usize, f64> {
        if self.counts_cycles {
            self.hertz
        } else {
            BTreeMap::new()
        }
    }

    /// The nominal frequency, where that is what the kernel prints.
    pub fn nominal_hertz(&self) -> Option<f64> {
        let first = self.hertz.values().next().copied();
        first.filter(|_| !self.counts_cycles)
    }
}

#[cfg(test)]
mod tests {
    use super::CpuInfo;
    use proptest::prelude::*;

    fn text(flags: &str) -> String {
        format!(
            "processor\t: 0\nflags\t\t: fpu {flags}\ncpu MHz\t\t: 1200.500\n\n\
             processor\t: 3\nflags\t\t: fpu {flags}\ncpu MHz\t\t: 3400.000\n"
        )
    }

    #[test]
    fn a_frequency_is_one_of_the_moment_only_where_cycles_are_counted() {
        let measured = CpuInfo::parse(&text("aperfmperf"));
        assert_eq!(measured.nominal_hertz(), None);
        assert_eq!(measured.frequencies(), [(0, 1.2005e9), (3, 3.4e9)].into());

        let nominal = CpuInfo::parse(&text("hypervisor"));
        assert_eq!(nominal.nominal_hertz(), Some(1.2005e9));
        assert_eq!(nominal.frequencies(), [].into());
    }

    #[test]
    fn what_is_not_told_is_unknown() {
        let arm = "processor\t: 0\nBogoMIPS\t: 50.0\n";
        for text in ["", arm, "cpu MHz : 5", "processor : x\ncpu MHz : 5"] {
            assert_eq!(CpuInfo::parse(text), CpuInfo::default(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in ".*", lines in "((processor|cpu MHz|flags)\t?:.{0,12}\n){0,4}") {
            for text in [&text, &lines] {
                let _ = CpuInfo::parse(text).frequencies();
            }
        }
    }
}
