//! What a site's robots.txt asks for (RFC 9309), pure.
//!
//! Own code: the crates on offer were last kept up in 2021 and 2023.

mod pattern;

use pattern::{matches, one_spelling};

/// The name by which robots.txt may address this program.
pub const PRODUCT: &str = "parlab-scraper";

/// Bytes of a robots.txt that are read: RFC 9309 wants at least 500 KiB.
pub const MOST_BYTES: usize = 500 * 1024;

/// The rules of one site for this program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules(Vec<Rule>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    allow: bool,
    pattern: String,
}

impl Rules {
    /// Those for `product` in a robots.txt: of all groups that name it, else of
    /// all groups for everybody. Lines that say nothing known are passed over.
    pub fn parse(text: &[u8], product: &str) -> Self {
        let text = String::from_utf8_lossy(&text[..text.len().min(MOST_BYTES)]);
        let (mut own, mut everybodys) = (Vec::new(), Vec::new());
        let (mut named, mut is_own, mut is_everybodys) = (false, false, false);
        let (mut in_agents, mut any_group) = (false, false);
        for line in text.trim_start_matches('\u{feff}').lines() {
            let line = line.split('#').next().unwrap_or("");
            let Some((key, value)) = line.split_once(':') else {
                continue;
            };
            let value = value.trim();
            match key.trim().to_ascii_lowercase().as_str() {
                "user-agent" => {
                    if !in_agents {
                        (is_own, is_everybodys) = (false, false);
                    }
                    (in_agents, any_group) = (true, true);
                    is_own |= token(value).eq_ignore_ascii_case(product);
                    is_everybodys |= value == "*";
                    named |= is_own;
                }
                key @ ("allow" | "disallow") if any_group => {
                    in_agents = false;
                    // An empty pattern matches nothing: it allows all by itself.
                    if value.is_empty() {
                        continue;
                    }
                    let rule = Rule {
                        allow: key == "allow",
                        pattern: one_spelling(value),
                    };
                    if is_own {
                        own.push(rule.clone());
                    }
                    if is_everybodys {
                        everybodys.push(rule);
                    }
                }
                _ => {}
            }
        }
        Self(if named { own } else { everybodys })
    }

    /// Whether a path (with its query) may be fetched: the longest pattern that
    /// matches decides, and of two as long the one that allows.
    pub fn allow(&self, path: &str) -> bool {
        let path = one_spelling(path);
        if path == "/robots.txt" {
            return true;
        }
        let matching = self.0.iter().filter(|rule| matches(&rule.pattern, &path));
        matching
            .max_by_key(|rule| (rule.pattern.len(), rule.allow))
            .is_none_or(|rule| rule.allow)
    }
}

/// The part of a `User-agent` line that names a product: up to a version.
fn token(value: &str) -> &str {
    let end = value.find(|c: char| !(c.is_ascii_alphabetic() || c == '-' || c == '_'));
    &value[..end.unwrap_or(value.len())]
}

#[cfg(test)]
mod tests;
