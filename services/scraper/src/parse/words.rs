//! How often each phrase of a text occurs.

use std::collections::HashMap;

/// The most words of a phrase.
pub(super) const LONGEST_PHRASE: usize = 5;

/// A phrase and how often it occurs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    /// Its words in lower case, a space between two.
    pub words: String,
    /// How often it occurs.
    pub count: u64,
}

/// The `most` phrases of one to five words that occur most often; of those as
/// frequent, the first by the alphabet.
///
/// A phrase is a part of the list of words, and nothing is copied: with a
/// string for each, 64 threads would wait for the allocator's locks.
pub fn frequencies(text: &str, most: usize) -> Vec<Phrase> {
    let text = text.to_lowercase();
    let words = text.split_whitespace().map(bare);
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let mut counts: HashMap<&[&str], u64> = HashMap::with_capacity(words.len() * LONGEST_PHRASE);
    for length in 1..=LONGEST_PHRASE {
        for phrase in words.windows(length) {
            *counts.entry(phrase).or_default() += 1;
        }
    }
    let mut phrases: Vec<(&[&str], u64)> = counts.into_iter().collect();
    phrases.sort_unstable_by(|(one, count), (other, others)| {
        others.cmp(count).then_with(|| one.cmp(other))
    });
    phrases.truncate(most);
    let phrase = |(words, count): (&[&str], u64)| Phrase {
        words: words.join(" "),
        count,
    };
    phrases.into_iter().map(phrase).collect()
}

/// A word without the punctuation around it.
fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}
