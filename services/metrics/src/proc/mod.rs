//! What stands in the files of `/proc`: pure reading of text. What cannot be
//! read is `None`, and nothing panics on what a file holds.

pub mod cpuinfo;
pub mod memory;
pub mod pressure;
pub mod process;

/// The load averages of `/proc/loadavg`: mean number of tasks that ran or
/// wanted to, or waited for a disk, over 1, 5 and 15 minutes.
pub fn load_averages(text: &str) -> Option<[f64; 3]> {
    let mut words = text.split_whitespace();
    let mut next = || {
        words
            .next()?
            .parse()
            .ok()
            .filter(|load: &f64| load.is_finite())
    };
    Some([next()?, next()?, next()?])
}

/// Context switches of all CPUs since boot, of `/proc/stat`.
pub fn context_switches(stat: &str) -> Option<u64> {
    let mut lines = stat.lines();
    lines.find_map(|line| line.strip_prefix("ctxt ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::{context_switches, load_averages};
    use proptest::prelude::*;

    #[test]
    fn three_loads_stand_in_front() {
        let text = "0.52 1.58 12.59 3/455 26798\n";
        assert_eq!(load_averages(text), Some([0.52, 1.58, 12.59]));
        for text in ["", "0.52 1.58", "a b c", "0.1 NaN 0.2"] {
            assert_eq!(load_averages(text), None, "{text:?}");
        }
    }

    #[test]
    fn context_switches_have_a_line_of_their_own() {
        assert_eq!(
            context_switches("cpu 1\nintr 5\nctxt 1716259\n"),
            Some(1_716_259)
        );
        assert_eq!(context_switches("cpu 1\nctxt many\n"), None);
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in ".*", words in "(ctxt )?([0-9.e-]{0,9} ?){0,4}\n") {
            for text in [&text, &words] {
                let _ = load_averages(text);
                let _ = context_switches(text);
            }
        }
    }
}
