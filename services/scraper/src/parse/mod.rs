//! What a page holds, pure.

mod html;
mod words;

pub use words::{Phrase, frequencies};

use crate::outcome::Page;
use clap::ValueEnum;
use encoding_rs::{Encoding, UTF_8};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a page is parsed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, ValueEnum, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Kernel {
    /// Not at all.
    None,
    /// Title, links, words, hash.
    #[default]
    Light,
    /// That, and how often each phrase of up to five words occurs: real CPU work.
    Heavy,
}

/// The most phrases whose frequencies are kept of a page.
const KEPT_PHRASES: usize = 20;

impl Kernel {
    /// Its name, as in a request.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Light => "light",
            Self::Heavy => "heavy",
        }
    }

    /// Parses a body; `None` where that is not asked for. What is no text has a
    /// hash and nothing else.
    pub fn parse(self, body: &[u8], content_type: Option<&str>) -> Option<Page> {
        if self == Self::None {
            return None;
        }
        let mut page = Page {
            title: None,
            links: 0,
            words: 0,
            hash: *blake3::hash(body).as_bytes(),
        };
        let declared = ContentType::of(content_type);
        if !declared.is_text {
            return Some(page);
        }
        // What is wrong in an encoding becomes the replacement character.
        let (text, _, _) = declared.encoding.decode(body);
        let content = html::read(&text, self == Self::Heavy);
        page.title = content.title;
        page.links = content.links;
        page.words = content.words;
        if let Some(text) = content.text {
            std::hint::black_box(frequencies(&text, KEPT_PHRASES));
        }
        Some(page)
    }
}

/// What a `Content-Type` says.
struct ContentType {
    is_text: bool,
    encoding: &'static Encoding,
}

impl ContentType {
    /// Without a header it is taken for HTML in UTF-8, as is an unknown encoding.
    fn of(header: Option<&str>) -> Self {
        let header = header.unwrap_or("text/html").to_ascii_lowercase();
        let mut parts = header.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or("");
        let label = parts.find_map(|part| part.strip_prefix("charset="));
        let label = label.map(|label| label.trim_matches(['"', '\'']));
        Self {
            is_text: media_type.is_empty()
                || media_type.starts_with("text/")
                || media_type == "application/xhtml+xml",
            encoding: label
                .and_then(|label| Encoding::for_label(label.as_bytes()))
                .unwrap_or(UTF_8),
        }
    }
}

#[cfg(test)]
mod tests;
