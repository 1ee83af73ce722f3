//! How often each phrase of a text occurs.

use std::collections::HashMap;

/// The most words of a phrase.
pub(super) const LONGEST_PHRASE: usize = 5;

/// Of a long text so many words count: its phrases take some 200 bytes for each,
/// and one page of megabytes must not cost a run its memory.
const MOST_WORDS: usize = 100_000;

/// A phrase and how often it occurs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    /// Its words in lower case, a space between two.
    pub words: String,
    /// How often it occurs.
    pub count: u64,
}

/// The `most` phrases of one to five words that occur most often; of those as
/// frequent, the first by the alphabet. Of a text longer than 100,000 words the
/// rest does not count.
///
/// A phrase is a part of the list of words, and nothing is copied: with a
/// string for each, 64 threads would wait for the allocator's locks.
pub fn frequencies(text: &str, most: usize) -> Vec<Phrase> {
    let text = text.to_lowercase();
    let words = text.split_whitespace().map(bare);
    let words = words.filter(|word| !word.is_empty()).take(MOST_WORDS);
    let words: Vec<&str> = words.collect();
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
