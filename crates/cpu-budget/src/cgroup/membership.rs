//! `/proc/self/cgroup`: the group this process is in, per hierarchy
//! (cgroups(7), "/proc files").

/// The groups of one process, as paths below the root of their hierarchy.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Membership {
    v1: Vec<(String, String)>,
    v2: Option<String>,
}

impl Membership {
    /// Lines `4:cpu,cpuacct:/docker/1f…` (v1) and `0::/user.slice` (v2). Lines
    /// of another form are passed over.
    pub(super) fn parse(text: &str) -> Self {
        let mut membership = Self::default();
        for line in text.lines() {
            // A path may contain colons itself.
            let mut fields = line.splitn(3, ':');
            match (fields.next(), fields.next(), fields.next()) {
                (Some("0"), Some(""), Some(path)) => membership.v2 = Some(path.to_owned()),
                (Some(_), Some(controllers), Some(path)) => membership.v1.extend(
                    controllers
                        .split(',')
                        .map(|name| (name.to_owned(), path.to_owned())),
                ),
                _ => {}
            }
        }
        membership
    }

    /// The v1 group for a controller; `None` when no v1 hierarchy has it.
    pub(super) fn v1_path(&self, controller: &str) -> Option<&str> {
        let mut lines = self.v1.iter();
        lines
            .find(|(name, _)| name == controller)
            .map(|(_, path)| path.as_str())
    }

    /// The v2 group, which also has the controllers that no v1 hierarchy has.
    pub(super) fn v2_path(&self) -> Option<&str> {
        self.v2.as_deref()
    }

    /// Whether the text named no group at all.
    pub(super) fn is_empty(&self) -> bool {
        self.v1.is_empty() && self.v2.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::Membership;
    use proptest::prelude::*;

    #[test]
    fn v1_lines_name_their_controllers() {
        let membership = Membership::parse("4:memory:/a\n2:cpu,cpuacct:/b\n1:name=systemd:/c\n");

        assert_eq!(membership.v1_path("cpu"), Some("/b"));
        assert_eq!(membership.v1_path("cpuacct"), Some("/b"));
        assert_eq!(membership.v1_path("memory"), Some("/a"));
        assert_eq!(membership.v1_path("cpuset"), None);
        assert_eq!(membership.v2_path(), None);
    }

    #[test]
    fn the_line_without_controllers_is_v2() {
        let membership = Membership::parse("0::/user.slice/a:b\n");

        assert_eq!(membership.v2_path(), Some("/user.slice/a:b"));
        assert!(!membership.is_empty());
    }

    #[test]
    fn lines_of_another_form_are_passed_over() {
        assert!(Membership::parse("").is_empty());
        assert!(Membership::parse("garbage\n1:2\n\n").is_empty());
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in ".*", lines in "([0-9]:[a-z,=]{0,9}:/?.{0,9}\n){0,4}") {
            let _ = Membership::parse(&text).v1_path("cpu");
            let _ = Membership::parse(&lines).v1_path("cpu");
        }
    }
}
