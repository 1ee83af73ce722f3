//! What is wrong with a Compose file, and where.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// Where something stands: the file's name relative to the Compose folder,
/// line and column counted from 1. Line 0 means the file as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file's name, relative to the Compose folder.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
}

impl Place {
    /// The file as a whole: one that is missing, empty or not text.
    pub fn whole(file: &str) -> Self {
        Self {
            file: file.into(),
            line: 0,
            column: 0,
        }
    }
}

/// Whether the lab can run in spite of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but does something else than the file seems to say.
    Warning,
}

/// One thing that is wrong, why, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether the lab can run in spite of it.
    pub severity: Severity,
    /// Where it stands.
    pub place: Place,
    /// The service that it concerns, if a single one.
    pub service: Option<String>,
    /// What is wrong and why.
    pub message: String,
    /// What to do; empty where the message says it all.
    pub hint: String,
}

impl Finding {
    /// An error that concerns no single service.
    pub fn error(place: &Place, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            place: place.clone(),
            service: None,
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// A warning that concerns no single service.
    pub fn warning(place: &Place, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(place, message, hint)
        }
    }

    /// The same, as a matter of this service.
    #[must_use]
    pub fn of(mut self, service: &str) -> Self {
        self.service.get_or_insert_with(|| service.to_owned());
        self
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// For printing: `compose/lab-primes.yml:34: primes-two: …; what to do`,
    /// `folder` being what the Compose folder is called.
    pub fn shown_in<'f>(&'f self, folder: &'f str) -> impl fmt::Display + 'f {
        Shown {
            finding: self,
            folder,
        }
    }
}

struct Shown<'f> {
    finding: &'f Finding,
    folder: &'f str,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let finding = self.finding;
        if !self.folder.is_empty() {
            write!(f, "{}/", self.folder.trim_end_matches('/'))?;
        }
        f.write_str(&finding.place.file)?;
        if finding.place.line > 0 {
            write!(f, ":{}", finding.place.line)?;
        }
        f.write_str(": ")?;
        if !finding.is_error() {
            f.write_str("warning: ")?;
        }
        if let Some(service) = &finding.service {
            write!(f, "{service}: ")?;
        }
        f.write_str(&finding.message)?;
        if !finding.hint.is_empty() {
            write!(f, "; {}", finding.hint)?;
        }
        Ok(())
    }
}

/// Sorted by place, each once: an anchor that is used twice is read twice, and
/// what is wrong in it is wrong once. At one place what was found first stays
/// first: a variable that is not set, then what its blank value is not.
pub(super) fn tidy(mut findings: Vec<Finding>) -> Vec<Finding> {
    let mut seen = BTreeSet::new();
    findings.retain(|finding| seen.insert((finding.place.clone(), finding.message.clone())));
    findings.sort_by(|a, b| a.place.cmp(&b.place));
    findings
}

#[cfg(test)]
mod tests {
    use super::{Finding, Place, tidy};

    fn place(line: usize) -> Place {
        Place {
            file: "lab-primes.yml".into(),
            line,
            column: 5,
        }
    }

    #[test]
    fn a_finding_names_file_line_service_and_what_to_do() {
        let finding = Finding::error(&place(34), "cpus 3 is too much", "lower it").of("primes-two");

        assert_eq!(
            finding.shown_in("compose").to_string(),
            "compose/lab-primes.yml:34: primes-two: cpus 3 is too much; lower it"
        );
        assert_eq!(
            Finding::warning(&place(2), "odd", "")
                .shown_in("")
                .to_string(),
            "lab-primes.yml:2: warning: odd"
        );
        assert_eq!(
            Finding::error(&Place::whole("lab-x.yml"), "is empty", "")
                .shown_in("compose/")
                .to_string(),
            "compose/lab-x.yml: is empty"
        );
    }

    #[test]
    fn findings_are_in_the_order_of_the_file_and_each_stands_once() {
        let twice = Finding::error(&place(9), "b", "").of("one");
        let findings = tidy(vec![
            twice.clone(),
            Finding::error(&place(9), "b", "").of("two"),
            Finding::error(&place(3), "a", ""),
            Finding::error(&place(9), "a", ""),
        ]);

        let order: Vec<_> = findings
            .iter()
            .map(|finding| (finding.place.line, finding.message.as_str()))
            .collect();
        assert_eq!(order, [(3, "a"), (9, "b"), (9, "a")]);
    }
}
