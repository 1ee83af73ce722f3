//! One pass over a page's tokens: no tree is needed for what is asked of it.

use html5gum::emitters::callback::{Callback, CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};
use std::convert::Infallible;

/// The most characters of a title that are kept.
const LONGEST_TITLE: usize = 512;

/// What a page holds.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) title: Option<String>,
    pub(super) links: u32,
    pub(super) words: u64,
    /// Its text, where that was asked for.
    pub(super) text: Option<String>,
}

/// Where in the page the tokens are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Text,
    Title,
    /// An element whose content is no text of the page.
    Hidden,
}

struct Reading {
    content: Content,
    within: Within,
    in_link_tag: bool,
    title: Option<String>,
}

/// Reads a page; with its text where `keep_text`.
pub(super) fn read(html: &str, keep_text: bool) -> Content {
    let mut reading = Reading {
        content: Content {
            text: keep_text.then(String::new),
            ..Content::default()
        },
        within: Within::Text,
        in_link_tag: false,
        title: None,
    };
    let mut emitter = CallbackEmitter::new(&mut reading);
    // Without a tree: what is in a script or a title holds no tags.
    emitter.naively_switch_states(true);
    let Ok(()) = Tokenizer::new_with_emitter(html, emitter).finish();
    let mut content = reading.content;
    content.title = reading
        .title
        .map(|title| one_line(&title))
        .filter(|title| !title.is_empty());
    content
}

impl Callback<Infallible, ()> for &mut Reading {
    fn handle_event(&mut self, event: CallbackEvent<'_>, _span: Span<()>) -> Option<Infallible> {
        match event {
            CallbackEvent::OpenStartTag { name } => self.start(name),
            CallbackEvent::AttributeName { name } if self.in_link_tag && name == b"href" => {
                self.content.links = self.content.links.saturating_add(1);
                self.in_link_tag = false; // a second one is no second link
            }
            CallbackEvent::EndTag { .. } => {
                self.within = Within::Text;
                self.in_link_tag = false;
            }
            CallbackEvent::String { value } => self.text(value),
            _ => {}
        }
        None
    }
}

impl Reading {
    fn start(&mut self, name: &[u8]) {
        self.in_link_tag = name == b"a";
        self.within = match name {
            // One in an SVG picture comes later.
            b"title" if self.title.is_none() => Within::Title,
            b"script" | b"style" | b"title" | b"textarea" | b"iframe" | b"noembed"
            | b"noframes" => Within::Hidden,
            _ => Within::Text,
        };
        if self.within == Within::Title {
            self.title = Some(String::new());
        }
    }

    fn text(&mut self, value: &[u8]) {
        let value = String::from_utf8_lossy(value);
        match self.within {
            Within::Hidden => {}
            Within::Title => {
                if let Some(title) = &mut self.title {
                    title.push_str(&value);
                }
            }
            Within::Text => {
                self.content.words += value.split_whitespace().count() as u64;
                if let Some(text) = &mut self.content.text {
                    // A tag ends a word, here as in the count.
                    text.push(' ');
                    text.push_str(&value);
                }
            }
        }
    }
}

/// White space made single spaces, no control characters, not too long.
fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if let Some((end, _)) = line.char_indices().nth(LONGEST_TITLE) {
        line.truncate(end);
    }
    line
}
