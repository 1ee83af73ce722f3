//! What is wrong with a page: one pure function of seed and page.

use super::chance::{Chance, Purpose};

/// What is wrong with a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// 500, the first times.
    Status500,
    /// 503 with `Retry-After`, the first times.
    Status503,
    /// The connection is reset (RST), the first times: before the answer or
    /// within its body.
    Reset,
    /// The body comes a byte now and then.
    SlowBody,
    /// The body has no end.
    EndlessBody,
    /// The bytes are not in the charset that the header names.
    WrongCharset,
    /// The page is elsewhere.
    Redirect,
    /// Each place names the other.
    RedirectLoop,
    /// The HTML is broken.
    Malformed,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Status500,
        Self::Status503,
        Self::Reset,
        Self::SlowBody,
        Self::EndlessBody,
        Self::WrongCharset,
        Self::Redirect,
        Self::RedirectLoop,
        Self::Malformed,
    ];

    /// As its option is called: `slow-body`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Status500 => "status-500",
            Self::Status503 => "status-503",
            Self::Reset => "reset",
            Self::SlowBody => "slow-body",
            Self::EndlessBody => "endless-body",
            Self::WrongCharset => "wrong-charset",
            Self::Redirect => "redirect",
            Self::RedirectLoop => "redirect-loop",
            Self::Malformed => "malformed",
        }
    }

    /// Whether a page that has it answers well after some attempts.
    pub fn passes(self) -> bool {
        matches!(self, Self::Status500 | Self::Status503 | Self::Reset)
    }

    /// A number that stays the same for a page: which form its fault takes.
    pub fn form(seed: u64, page: u64) -> u64 {
        Chance::new(seed, Purpose::Form, page).draw()
    }
}

/// Of all pages, the share that has each fault.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FaultShares {
    /// Up to which draw a page has this fault, rising.
    until: [f64; Fault::ALL.len()],
}

impl FaultShares {
    /// From `own` shares, one for each of [`Fault::ALL`], and a share of pages
    /// on which any of them is equally likely; all are from 0 to 1.
    ///
    /// # Errors
    /// When more than all pages would have a fault.
    pub fn new(own: [f64; Fault::ALL.len()], any: f64) -> Result<Self, String> {
        let mut until = [0.0; Fault::ALL.len()];
        let mut sum = 0.0;
        for (until, share) in until.iter_mut().zip(own) {
            sum += share + any / Fault::ALL.len() as f64;
            *until = sum;
        }
        // Shares such as 0.1 have no exact sum.
        if sum <= 1.0 + 1e-9 {
            Ok(Self { until })
        } else {
            Err(format!("all shares together must be at most 1, not {sum}"))
        }
    }

    /// The fault of a page, if it has one.
    pub fn of(&self, seed: u64, page: u64) -> Option<Fault> {
        let draw = Chance::new(seed, Purpose::Fault, page).unit();
        let index = self.until.iter().position(|until| draw < *until)?;
        Some(Fault::ALL[index])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    fn only(fault: Fault, share: f64) -> FaultShares {
        let own = Fault::ALL.map(|one| if one == fault { share } else { 0.0 });
        FaultShares::new(own, 0.0).unwrap()
    }

    fn counted(shares: &FaultShares, seed: u64, fault: Fault) -> usize {
        (1..=10_000)
            .filter(|&page| shares.of(seed, page) == Some(fault))
            .count()
    }

    #[test]
    fn without_a_share_no_page_has_a_fault_and_with_1_every_page() {
        let none = FaultShares::default();
        assert!((1..1000).all(|page| none.of(1, page).is_none()));
        let all = FaultShares::new([0.0; 9], 1.0).unwrap();
        assert!((1..1000).all(|page| all.of(1, page).is_some()));
    }

    #[test]
    fn more_than_all_pages_are_refused() {
        assert!(FaultShares::new([0.1; 9], 0.1).is_ok());
        let refusal = FaultShares::new([0.1; 9], 0.2).unwrap_err();
        assert!(refusal.contains("at most 1"), "{refusal}");
    }

    #[test]
    fn names_are_all_different() {
        let names: std::collections::BTreeSet<_> = Fault::ALL.map(Fault::name).into();
        assert_eq!(names.len(), Fault::ALL.len());
    }

    proptest! {
        // Each case draws ten thousand times.
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn as_many_pages_have_a_fault_as_was_asked_for(
            seed: u64,
            share in 0.0..=1.0,
            index in 0..Fault::ALL.len(),
        ) {
            let fault = Fault::ALL[index];
            let found = counted(&only(fault, share), seed, fault) as f64 / 10_000.0;
            // Six standard deviations of a binomial share.
            let tolerance = 6.0 * (share * (1.0 - share) / 10_000.0_f64).sqrt() + 1e-9;
            prop_assert!((found - share).abs() <= tolerance, "{found} for {share}");
        }

        #[test]
        fn a_page_keeps_its_fault(seed: u64, page: u64, any in 0.0..=1.0) {
            let shares = FaultShares::new([0.0; 9], any).unwrap();
            prop_assert_eq!(shares.of(seed, page), shares.clone().of(seed, page));
        }

        #[test]
        fn each_fault_is_as_likely_as_the_others(seed: u64) {
            let shares = FaultShares::new([0.0; 9], 0.9).unwrap();
            for fault in Fault::ALL {
                let found = counted(&shares, seed, fault);
                prop_assert!((820..=1180).contains(&found), "{fault:?}: {found}");
            }
        }
    }
}
