//! The words and sentences that pages are written with.

use super::chance::{Chance, Purpose};
use std::sync::LazyLock;

/// How many sentences there are. Pages are made of whole ones: a tenth of the
/// time that they would take word by word.
const SENTENCES: u64 = 4096;

/// How long a sentence is.
const LEAST_WORDS: u64 = 6;
const MOST_WORDS: u64 = 18;

/// Frequent ones first, some of them not ASCII.
static WORDS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| include_str!("words.txt").split_whitespace().collect());

static ALL_SENTENCES: LazyLock<Vec<String>> =
    LazyLock::new(|| (0..SENTENCES).map(written).collect());

/// The next word that `chance` chooses.
pub(super) fn word(chance: &mut Chance) -> &'static str {
    WORDS[index(chance.draw())]
}

/// The next sentence that `chance` chooses, with its full stop.
pub(super) fn sentence(chance: &mut Chance) -> &'static str {
    &ALL_SENTENCES[chance.below(SENTENCES) as usize]
}

/// The same in every web: pages differ by which they choose.
fn written(number: u64) -> String {
    let mut chance = Chance::new(0, Purpose::Text, number);
    let length = LEAST_WORDS + chance.below(1 + MOST_WORDS - LEAST_WORDS);
    let words: Vec<_> = (0..length).map(|_| word(&mut chance)).collect();
    let mut sentence = words.join(" ");
    let first = sentence.chars().next().map_or(0, char::len_utf8);
    let capital = sentence[..first].to_uppercase();
    sentence.replace_range(..first, &capital);
    sentence.push('.');
    sentence
}

/// Which word two halves of a random number mean: the first words are frequent
/// and the last ones rare, much as in a language.
fn index(draw: u64) -> usize {
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

    #[test]
    fn sentences_are_words_with_a_capital_and_a_full_stop() {
        assert_eq!(ALL_SENTENCES.len() as u64, SENTENCES);
        for sentence in ALL_SENTENCES.iter() {
            let words = sentence.split(' ').count() as u64;
            assert!((LEAST_WORDS..=MOST_WORDS).contains(&words), "{sentence}");
            assert!(sentence.starts_with(char::is_uppercase), "{sentence}");
            assert!(sentence.ends_with('.'), "{sentence}");
            assert!(sentence.chars().all(|letter| u32::from(letter) < 256));
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
