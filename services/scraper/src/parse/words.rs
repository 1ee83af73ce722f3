//! How often each phrase of a text occurs.

use std::collections::HashMap;

/// The most words of a phrase.
const LONGEST_PHRASE: usize = 5;

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
pub fn frequencies(text: &str, most: usize) -> Vec<Phrase> {
    let words: Vec<String> = text
        .split_whitespace()
        .map(bare)
        .filter(|word| !word.is_empty())
        .collect();
    let mut counts: HashMap<String, u64> = HashMap::new();
    for length in 1..=LONGEST_PHRASE {
        for phrase in words.windows(length) {
            *counts.entry(phrase.join(" ")).or_default() += 1;
        }
    }
    let mut phrases: Vec<Phrase> = counts
        .into_iter()
        .map(|(words, count)| Phrase { words, count })
        .collect();
    phrases.sort_unstable_by(|one, other| {
        other
            .count
            .cmp(&one.count)
            .then_with(|| one.words.cmp(&other.words))
    });
    phrases.truncate(most);
    phrases
}

/// A word in lower case without the punctuation around it.
fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric())
        .to_lowercase()
}
