//! The words that pages are written with.

use std::sync::LazyLock;

/// Frequent ones first, some of them not ASCII.
pub(super) static WORDS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| include_str!("words.txt").split_whitespace().collect());

/// Which word two halves of a random number mean: the first words are frequent
/// and the last ones rare, much as in a language.
pub(super) fn index(draw: u64) -> usize {
    let (a, b) = (draw >> 32, draw & 0xffff_ffff);
    let skewed = (a * b) >> 32;
    ((skewed * WORDS.len() as u64) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_letters_that_latin_1_has() {
        assert!(WORDS.len() > 200);
        for word in WORDS.iter() {
            let latin = |letter: char| letter.is_alphabetic() && u32::from(letter) < 256;
            assert!(word.chars().all(latin), "{word}");
        }
    }

    proptest! {
        #[test]
        fn every_draw_means_a_word(draw: u64) {
            prop_assert!(index(draw) < WORDS.len());
        }
    }

    #[test]
    fn the_extremes_mean_the_first_and_the_last_word() {
        assert_eq!(index(0), 0);
        assert_eq!(index(u64::MAX), WORDS.len() - 1);
    }
}
