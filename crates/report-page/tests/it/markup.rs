//! A page taken apart; that fails where it is not well formed.

const VOID: [&str; 2] = ["meta", "!doctype"];

/// What numbers in the drawings stand in.
const GEOMETRY: [&str; 13] = [
    "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height", "d", "viewBox",
];

/// The parts of a page.
#[derive(Debug, Default)]
pub struct Markup {
    /// The tags that open, in order.
    pub tags: Vec<String>,
    /// All attributes.
    pub attributes: Vec<(String, String)>,
    /// The text between tags, but for the style sheet, as a reader sees it.
    pub text: String,
}

impl Markup {
    /// Takes a page apart. Panics where a tag is not closed, or a drawing has
    /// what is not a number.
    pub fn of(page: &str) -> Self {
        let mut markup = Self::default();
        let mut open: Vec<String> = Vec::new();
        let mut rest = page;
        while let Some((text, after)) = rest.split_once('<') {
            let (tag, behind) = after.split_once('>').unwrap();
            if open.last().is_none_or(|tag| tag != "style") {
                assert!(!text.contains('>'), "a bare > in {text:?}");
                markup.text.push_str(&plain(text));
            }
            rest = behind;
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop().as_deref(), Some(name), "before {behind:.80}");
                continue;
            }
            let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
            markup.tags.push(name.to_owned());
            markup.take_attributes(attributes.trim_end_matches('/'));
            if !tag.ends_with('/') && !VOID.contains(&name) {
                open.push(name.to_owned());
            }
        }
        assert!(open.is_empty(), "not closed: {open:?}");
        let mut ids: Vec<_> = markup
            .attributes
            .iter()
            .filter(|(name, _)| name == "id")
            .collect();
        let all = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), all, "an id stands twice");
        markup
    }

    fn take_attributes(&mut self, mut rest: &str) {
        while let Some((name, after)) = rest.split_once("=\"") {
            let (value, behind) = after.split_once('"').unwrap();
            let name = name.trim();
            if GEOMETRY.contains(&name) {
                assert_numbers(name, value);
            }
            self.attributes.push((name.to_owned(), plain(value)));
            rest = behind;
        }
    }
}

fn assert_numbers(name: &str, value: &str) {
    let numbers = value.split(|c: char| c.is_whitespace() || "MmLlHhVvAaZz%".contains(c));
    for number in numbers.filter(|number| !number.is_empty()) {
        let finite = number.parse::<f64>().is_ok_and(f64::is_finite);
        assert!(finite, "{name}=\"{value}\"");
    }
}

fn plain(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&shy;", "")
        .replace('\u{a0}', " ")
        .replace("&amp;", "&")
}
