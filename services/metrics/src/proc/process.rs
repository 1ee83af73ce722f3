//! `/proc/<pid>/stat`: what one process used (`proc_pid_stat(5)`).

/// A process, as its `stat` tells. Everybody may read that of every process,
/// unless /proc is mounted with `hidepid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its command's name, 15 bytes at most.
    pub name: String,
    /// On a CPU so far, all its threads together, in ticks.
    pub ticks: u64,
    /// How many threads it has.
    pub threads: u64,
    /// When it started, in ticks since boot: tells it from a later process
    /// with the same number.
    pub started: u64,
    /// Memory of its own and shared, in pages.
    pub resident_pages: u64,
    /// The CPU that its main thread last ran on.
    pub last_cpu: Option<usize>,
}

impl Process {
    /// Reads the text.
    pub fn parse(stat: &str) -> Option<Self> {
        // The name, in brackets, may hold blanks and brackets itself.
        let (head, rest) = stat.rsplit_once(')')?;
        let (_, name) = head.split_once('(')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        // The first of these is the third of the file.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            name: name.to_owned(),
            ticks: field(14)?.checked_add(field(15)?)?,
            threads: field(20)?,
            started: field(22)?,
            resident_pages: field(24)?,
            last_cpu: field(39).and_then(|cpu| usize::try_from(cpu).ok()),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::Process;
    use proptest::prelude::*;

    /// A `stat` in which each number is that of its field.
    fn stat(name: &str, fields: usize) -> String {
        let fields: Vec<String> = (4..=fields).map(|field| field.to_string()).collect();
        format!("77 ({name}) S {}\n", fields.join(" "))
    }

    #[test]
    fn fields_are_found_behind_any_name() {
        let process = Process::parse(&stat("a ) (b", 52)).unwrap();

        let expected = Process {
            name: "a ) (b".into(),
            ticks: 14 + 15,
            threads: 20,
            started: 22,
            resident_pages: 24,
            last_cpu: Some(39),
        };
        assert_eq!(process, expected);
    }

    #[test]
    fn an_old_kernel_does_not_tell_the_cpu() {
        assert_eq!(Process::parse(&stat("x", 38)).unwrap().last_cpu, None);
    }

    #[test]
    fn what_is_no_stat_is_unknown() {
        for text in ["", "77", "77 (x", "77 (x) S 1", "77 x) S"] {
            assert_eq!(Process::parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in ".*", name in ".{0,20}", fields in 4usize..60) {
            let _ = Process::parse(&text);
            let process = Process::parse(&stat(&name, fields));
            prop_assert_eq!(process.is_some(), fields >= 24);
        }
    }
}
