//! Which items have come to the sink: a bit each, set so that Redis answers
//! which were set before.

/// How many bits a step sets at once, the most first. One at a time would cost
/// more than all else that the sink asks for.
const WIDTHS: [(u64, &str); 3] = [(32, "u32"), (8, "u8"), (1, "u1")];

/// A step of `BITFIELD`: sets `width` bits from bit `from` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    width: u64,
    kind: &'static str,
    from: u64,
}

impl Step {
    /// Its words: four.
    pub(super) const WORDS: usize = 4;

    /// Adds it to a command.
    pub(super) fn write(&self, to: &mut redis::Cmd) {
        let ones = (1_u64 << self.width) - 1;
        to.arg("SET").arg(self.kind).arg(self.from).arg(ones);
    }
}

/// The steps that set the bits of `numbers`, in any order. A number that is twice
/// among them has two steps, of which the second finds the bit set.
pub(super) fn steps(mut numbers: Vec<u64>) -> Vec<Step> {
    numbers.sort_unstable();
    let mut steps = Vec::new();
    let mut left = numbers.as_slice();
    while let Some(first) = left.first() {
        let (width, kind) = WIDTHS
            .into_iter()
            .find(|(width, _)| first.is_multiple_of(*width) && begins_run(left, *width))
            .expect("any number is a run of one");
        steps.push(Step {
            width,
            kind,
            from: *first,
        });
        left = &left[width as usize..];
    }
    steps
}

/// Whether the first `length` of sorted numbers are one after the other.
fn begins_run(numbers: &[u64], length: u64) -> bool {
    let run = numbers.get(..length as usize);
    run.is_some_and(|run| run.windows(2).all(|pair| pair[0] + 1 == pair[1]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn covered(numbers: Vec<u64>) -> Vec<u64> {
        let bits = |step: Step| step.from..step.from + step.width;
        steps(numbers).into_iter().flat_map(bits).collect()
    }

    proptest! {
        #[test]
        fn each_number_is_set_as_often_as_it_is_there(
            mut numbers in proptest::collection::vec(0..300_u64, 0..400),
        ) {
            let mut set = covered(numbers.clone());
            numbers.sort_unstable();
            set.sort_unstable();
            prop_assert_eq!(set, numbers);
        }
    }

    #[test]
    fn runs_are_set_by_words_where_these_begin() {
        let widths = |numbers: Vec<u64>| -> Vec<u64> {
            steps(numbers).iter().map(|step| step.width).collect()
        };
        assert_eq!(widths((0..96).collect()), [32, 32, 32]);
        assert_eq!(widths((31..80).rev().collect()), [1, 32, 8, 8]);
        assert_eq!(widths(vec![0, 2, 4]), [1, 1, 1]);
        let twice = [0, 1, 2, 3, 3, 4, 5, 6, 7];
        assert_eq!(
            widths(twice.into()),
            [1; 9],
            "a step that holds it twice would hide it"
        );
    }
}
