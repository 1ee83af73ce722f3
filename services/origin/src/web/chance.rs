//! Numbers that look drawn by chance and are a function of what they are for.

/// What a number is drawn for: those for two purposes are independent of each
/// other, also for the same page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Whether a page has a fault, and which.
    Fault = 1,
    /// Which form of its fault a page shows.
    Form,
    /// How long an answer takes.
    Latency,
    /// What is written on a page.
    Text,
}

/// A sequence of numbers: SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Debug, Clone)]
pub struct Chance(u64);

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

impl Chance {
    /// The sequence of `number` (a page's, say) for `purpose`, in the web of `seed`.
    pub fn new(seed: u64, purpose: Purpose, number: u64) -> Self {
        // Mixed after each part: else neighbours would share parts of their sequences.
        let of_purpose = mix(seed ^ mix(purpose as u64));
        Self(mix(of_purpose ^ number.wrapping_mul(GAMMA)))
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        mix(self.0)
    }

    /// The next number of 0 (included) to 1 (excluded).
    pub fn unit(&mut self) -> f64 {
        // An f64 holds 53 bits.
        (self.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The next whole number below `end`, which is at least 1.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.draw()) * u128::from(end)) >> 64) as u64
    }
}

fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn purposes_and_numbers_have_sequences_of_their_own() {
        let first = |seed, purpose, number| Chance::new(seed, purpose, number).draw();
        let one = first(1, Purpose::Fault, 7);
        assert_eq!(one, first(1, Purpose::Fault, 7));
        assert_ne!(one, first(1, Purpose::Latency, 7));
        assert_ne!(one, first(1, Purpose::Fault, 8));
        assert_ne!(one, first(2, Purpose::Fault, 7));
    }

    proptest! {
        #[test]
        fn numbers_stay_below_their_end(seed: u64, number: u64, end in 1_u64..) {
            let mut chance = Chance::new(seed, Purpose::Text, number);
            prop_assert!(chance.below(end) < end);
            prop_assert!((0.0..1.0).contains(&chance.unit()));
        }

        #[test]
        fn the_mean_is_a_half(seed: u64) {
            let draws = 10_000;
            let sum: f64 = (0..draws).map(|n| Chance::new(seed, Purpose::Fault, n).unit()).sum();
            // Six standard errors of a uniform draw.
            prop_assert!((sum / draws as f64 - 0.5).abs() < 0.018);
        }
    }
}
