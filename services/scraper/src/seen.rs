//! A set of URLs that stays small: a million take some 32 MiB.

use std::collections::HashSet;
use url::Url;

/// URLs by 128 bits of their hash: that two of 10^9 share them has a chance of
/// 10^-21, and keeping the text would take five times the memory.
#[derive(Debug, Clone, Default)]
pub struct UrlSet(HashSet<[u8; 16]>);

impl UrlSet {
    /// Adds a normalised URL; `false` when it was there already.
    pub fn insert(&mut self, url: &Url) -> bool {
        self.0.insert(key(url.as_str()))
    }

    /// Adds a URL that was normalised when it was stored.
    pub fn insert_text(&mut self, url: &str) -> bool {
        self.0.insert(key(url))
    }

    /// Whether a normalised URL is in it.
    pub fn contains(&self, url: &Url) -> bool {
        self.0.contains(&key(url.as_str()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn key(url: &str) -> [u8; 16] {
    let hash = blake3::hash(url.as_bytes());
    let (half, _) = hash
        .as_bytes()
        .split_first_chunk()
        .expect("it has 32 bytes");
    *half
}
