//! What the rounds of a row agree on.

use super::rules::{Finding, Unknown, find};
use super::thresholds::ROUNDS_WITH_ONE_ODD;
use crate::figures::RoundFigures;
use crate::report::VerdictKind;
use std::collections::BTreeMap;

/// The rounds' findings together.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Agreement {
    /// The kind of all rounds (from six on: of all but one), else `unclear`.
    pub(super) kind: VerdictKind,
    /// Whether they agree at all.
    pub(super) agreed: bool,
    /// The round that shows another kind, where one may.
    pub(super) odd: Option<(u32, VerdictKind)>,
    /// How many rounds show each kind.
    pub(super) seen: BTreeMap<VerdictKind, usize>,
    /// A figure that some round lacks.
    pub(super) unknown: Option<Unknown>,
}

impl Agreement {
    /// `None` when there is no round.
    pub(super) fn new(rounds: &[RoundFigures]) -> Option<Self> {
        let findings: Vec<(u32, Finding)> = rounds.iter().map(|r| (r.round, find(r))).collect();
        let mut seen = BTreeMap::new();
        for (_, finding) in &findings {
            *seen.entry(finding.kind).or_insert(0) += 1;
        }
        let (&most, &times) = seen.iter().max_by_key(|(_, times)| **times)?;
        let may_differ = usize::from(findings.len() >= ROUNDS_WITH_ONE_ODD);
        let agreed = times + may_differ >= findings.len();
        let odd = findings.iter().find(|(_, f)| agreed && f.kind != most);
        Some(Self {
            kind: if agreed { most } else { VerdictKind::Unclear },
            agreed,
            odd: odd.map(|(round, f)| (*round, f.kind)),
            unknown: findings.iter().find_map(|(_, f)| f.unknown),
            seen,
        })
    }

    /// How many rounds something else disturbed.
    pub(super) fn disturbed(&self) -> usize {
        self.seen.get(&VerdictKind::Host).copied().unwrap_or(0)
    }
}
