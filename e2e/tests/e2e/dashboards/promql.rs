//! What a query asks for: its metrics and its labels.
//!
//! Tokens and no grammar: whether a query is one at all says Prometheus, to
//! which `observability::panels` puts them.

use std::collections::BTreeSet;

/// One metric of a query.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Selector {
    /// Its name.
    pub(super) metric: String,
    /// The labels in its braces.
    pub(super) labels: BTreeSet<String>,
}

/// A query's parts that can be misspelt.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    /// Its metrics, in the order in which they stand there.
    pub(super) selectors: Vec<Selector>,
    /// Labels of `by`, `on` and their like.
    pub(super) grouped_by: BTreeSet<String>,
}

/// Words behind which a list of labels stands.
const BEFORE_LABELS: [&str; 6] = [
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
];

/// Words that are neither a metric nor a function.
const WORDS: [&str; 7] = ["and", "or", "unless", "bool", "offset", "inf", "nan"];

/// Functions behind which `by (…)` may stand before their parenthesis.
const AGGREGATIONS: [&str; 6] = ["sum", "min", "max", "avg", "count", "topk"];

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text,
    Sign(char),
}

/// Reads a query, as it stands in a dashboard, `$variables` included.
pub(super) fn read(query: &str) -> Result<Query, String> {
    let tokens = tokens(query)?;
    let mut found = Query::default();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        let Token::Word(word) = token else {
            if *token == Token::Sign('{') {
                return Err(format!("braces without a metric before them: {query}"));
            }
            continue;
        };
        let next = tokens.get(at);
        if BEFORE_LABELS.contains(&word.as_str()) {
            if next == Some(&Token::Sign('(')) {
                at = labels(&tokens, at + 1, ')', &mut found.grouped_by)?;
            }
        } else if next == Some(&Token::Sign('{')) {
            let mut labels_of = BTreeSet::new();
            at = labels(&tokens, at + 1, '}', &mut labels_of)?;
            found.selectors.push(Selector {
                metric: word.clone(),
                labels: labels_of,
            });
        } else if next != Some(&Token::Sign('('))
            && !WORDS.contains(&word.as_str())
            && !AGGREGATIONS.contains(&word.as_str())
        {
            found.selectors.push(Selector {
                metric: word.clone(),
                labels: BTreeSet::new(),
            });
        }
    }
    Ok(found)
}

/// Takes labels up to a closing sign; returns where to go on.
fn labels(
    tokens: &[Token],
    from: usize,
    close: char,
    into: &mut BTreeSet<String>,
) -> Result<usize, String> {
    for (at, token) in tokens.iter().enumerate().skip(from) {
        match token {
            Token::Sign(sign) if *sign == close => return Ok(at + 1),
            Token::Word(label) => {
                into.insert(label.clone());
            }
            Token::Text | Token::Sign(',' | '=' | '!' | '~') => {}
            Token::Sign(sign) => return Err(format!("{sign:?} among labels")),
        }
    }
    Err(format!("labels without {close:?} behind them"))
}

fn tokens(query: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut open = Vec::new();
    let mut rest = query;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            'a'..='z' | 'A'..='Z' | '_' | ':' => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
                let length = end.unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..length].to_owned()));
                length
            }
            '"' => {
                let end = rest[1..].find('"').ok_or("a text without an end")?;
                tokens.push(Token::Text);
                end + 2
            }
            // A range: its length is no figure of the query.
            '[' => rest.find(']').ok_or("a range without an end")? + 1,
            '0'..='9' => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.'));
                end.unwrap_or(rest.len())
            }
            '(' | '{' => {
                open.push(first);
                tokens.push(Token::Sign(first));
                1
            }
            ')' | '}' => {
                let opened = open.pop();
                if opened != Some(if first == ')' { '(' } else { '{' }) {
                    return Err(format!("{first:?} closes nothing: {query}"));
                }
                tokens.push(Token::Sign(first));
                1
            }
            ',' | '=' | '!' | '~' | '+' | '-' | '*' | '/' | '%' | '^' | '<' | '>' => {
                tokens.push(Token::Sign(first));
                1
            }
            _ if first.is_whitespace() => first.len_utf8(),
            _ => return Err(format!("{first:?} has no place in a query: {query}")),
        };
        rest = &rest[length..];
    }
    if open.is_empty() {
        Ok(tokens)
    } else {
        Err(format!("{open:?} stays open: {query}"))
    }
}

#[test]
fn metrics_labels_and_groups_of_a_query_are_found() {
    let selector = |metric: &str, labels: &[&str]| Selector {
        metric: metric.to_owned(),
        labels: labels.iter().map(|&label| label.to_owned()).collect(),
    };
    for (query, selectors, grouped_by) in [
        ("up", vec![selector("up", &[])], vec![]),
        (
            "sum by (state) (rate(time_total{state!=\"by\",station=~\"$station\"}[$__rate_interval]))",
            vec![selector("time_total", &["state", "station"])],
            vec!["state"],
        ),
        (
            "(ended{lab=\"a\"} or active * 0 + time()) - on (lab, backend) a:b:rate > bool 0.5",
            vec![
                selector("ended", &["lab"]),
                selector("active", &[]),
                selector("a:b:rate", &[]),
            ],
            vec!["backend", "lab"],
        ),
    ] {
        let found = read(query).unwrap();
        assert_eq!(found.selectors, selectors, "{query}");
        let groups: Vec<_> = found.grouped_by.iter().collect();
        assert_eq!(groups, grouped_by, "{query}");
    }
    for broken in [
        "sum(a",
        "a)",
        "a{b=\"c}",
        "{job=\"x\"}",
        "rate(a[5s)",
        "a # b",
    ] {
        assert!(read(broken).is_err(), "{broken}");
    }
}
