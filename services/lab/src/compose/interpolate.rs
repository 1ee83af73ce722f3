//! Compose's variables: `$NAME`, `${NAME}`, `${NAME:-default}` and the rest,
//! in every text value of a file (never in keys).

use super::finding::{Finding, Place};
use super::node::{Data, Kind, Node};
use std::collections::BTreeMap;

/// The variables a file may use, by name.
pub type Environment = BTreeMap<String, String>;

/// Defaults may hold variables with defaults: so deep at most.
const MAX_NESTING: usize = 8;
/// A variable can be as long as the environment allows, and be used often.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// Replaces the variables in every text of the tree. Findings: variables that
/// are not set (Compose takes them as blank), required ones that are missing,
/// and what is no variable.
pub(super) fn interpolate(node: &mut Node, env: &Environment, findings: &mut Vec<Finding>) {
    let mut budget = MAX_TEXT_BYTES;
    walk(node, env, findings, &mut budget);
}

fn walk(node: &mut Node, env: &Environment, findings: &mut Vec<Finding>, budget: &mut usize) {
    match &mut node.data {
        Data::List(items) => {
            for item in items {
                walk(item, env, findings, budget);
            }
        }
        Data::Map(entries) => {
            for entry in entries {
                walk(&mut entry.value, env, findings, budget);
            }
        }
        Data::Scalar(scalar) if scalar.kind == Kind::Text && scalar.written.contains('$') => {
            let mut unset = Vec::new();
            match substitute(&scalar.written, env, &mut unset, 0) {
                Ok(text) if text.len() <= *budget => {
                    *budget -= text.len();
                    scalar.written = text;
                }
                Ok(_) => findings.push(too_long(&node.place)),
                Err(problem) => findings.push(problem.finding(&node.place)),
            }
            findings.extend(unset.iter().map(|name| blank(&node.place, name)));
        }
        Data::Scalar(_) => {}
    }
}

fn blank(place: &Place, name: &str) -> Finding {
    Finding::warning(
        place,
        format!("the variable {name} is not set, so it is blank here"),
        format!("set it, or give it a default: ${{{name}:-…}}"),
    )
}

fn too_long(place: &Place) -> Finding {
    Finding::error(
        place,
        "with its variables put in, the file becomes longer than 1 MiB",
        "shorten the variables it uses",
    )
}

#[derive(Debug, PartialEq)]
enum Problem {
    Invalid(String),
    Required { name: String, message: String },
}

impl Problem {
    fn finding(&self, place: &Place) -> Finding {
        match self {
            Self::Invalid(text) => Finding::error(
                place,
                format!("{text:?} is not a variable"),
                "write ${NAME} or ${NAME:-default}; a plain $ is written $$",
            ),
            Self::Required { name, message } => {
                let mut text = format!("the variable {name} must be set");
                if !message.is_empty() {
                    text += ": ";
                    text += message;
                }
                Finding::error(place, text, format!("call it as: {name}=… make lab-…"))
            }
        }
    }
}

/// `template` with its variables replaced; the names that were not set go to
/// `unset`.
fn substitute(
    template: &str,
    env: &Environment,
    unset: &mut Vec<String>,
    nesting: usize,
) -> Result<String, Problem> {
    if nesting > MAX_NESTING {
        return Err(Problem::Invalid(template.to_owned()));
    }
    let mut text = String::new();
    let mut rest = template;
    while let Some(dollar) = rest.find('$') {
        text += &rest[..dollar];
        rest = &rest[dollar + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            text.push('$');
            rest = after;
        } else if rest.starts_with('{') {
            let end = closing_brace(rest).ok_or_else(|| Problem::Invalid(format!("${rest}")))?;
            text += &braced(&rest[1..end], env, unset, nesting)?;
            rest = &rest[end + 1..];
        } else {
            let (name, after) = split_name(rest);
            match name {
                "" => text.push('$'),
                name => text += &value_or_blank(name, env, unset),
            }
            rest = after;
        }
    }
    text += rest;
    Ok(text)
}

/// The place of the brace that closes the one `text` starts with; only `${`
/// opens another.
fn closing_brace(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    let bytes = text.as_bytes();
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            b'{' if index == 0 || bytes[index - 1] == b'$' => open += 1,
            b'}' => {
                open -= 1;
                if open == 0 {
                    return Some(index);
                }
            }
            _ => {}
        }
    }
    None
}

/// What stands between `${` and `}`.
fn braced(
    inner: &str,
    env: &Environment,
    unset: &mut Vec<String>,
    nesting: usize,
) -> Result<String, Problem> {
    let (name, rest) = split_name(inner);
    if name.is_empty() {
        return Err(Problem::Invalid(format!("${{{inner}}}")));
    }
    if rest.is_empty() {
        return Ok(value_or_blank(name, env, unset));
    }
    let (blank_counts_as_unset, operator) = match rest.strip_prefix(':') {
        Some(operator) => (true, operator),
        None => (false, rest),
    };
    let value = env
        .get(name)
        .filter(|value| !(blank_counts_as_unset && value.is_empty()));
    let mut other = |word: &str| substitute(word, env, unset, nesting + 1);
    match (operator.chars().next(), value) {
        (Some('-' | '?'), Some(value)) => Ok(value.clone()),
        (Some('-'), None) | (Some('+'), Some(_)) => other(&operator[1..]),
        (Some('+'), None) => Ok(String::new()),
        (Some('?'), None) => Err(Problem::Required {
            name: name.to_owned(),
            message: other(&operator[1..])?,
        }),
        _ => Err(Problem::Invalid(format!("${{{inner}}}"))),
    }
}

fn value_or_blank(name: &str, env: &Environment, unset: &mut Vec<String>) -> String {
    env.get(name).cloned().unwrap_or_else(|| {
        if !unset.iter().any(|known| known == name) {
            unset.push(name.to_owned());
        }
        String::new()
    })
}

/// The longest name at the start, and what follows it.
fn split_name(text: &str) -> (&str, &str) {
    let end = text
        .char_indices()
        .find(|&(index, sign)| {
            let letter = sign.is_ascii_alphabetic() || sign == '_';
            !(letter || index > 0 && sign.is_ascii_digit())
        })
        .map_or(text.len(), |(index, _)| index);
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{Environment, Problem, substitute};
    use proptest::prelude::*;

    fn env() -> Environment {
        [("V", "val"), ("EMPTY", "")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    fn replaced(template: &str) -> Result<String, Problem> {
        substitute(template, &env(), &mut Vec::new(), 0)
    }

    /// Each pair was printed by `docker compose config` (Compose 2.26.1) with
    /// V=val, EMPTY= and U unset; `config` doubles every $, undone here.
    #[test]
    fn what_compose_makes_of_a_template() {
        let seen = [
            ("$V", "val"),
            ("${V}", "val"),
            ("${V:-d}", "val"),
            ("${U:-d}", "d"),
            ("${U-d}", "d"),
            ("${EMPTY:-d}", "d"),
            ("${EMPTY-d}", ""),
            ("${V:+x}", "x"),
            ("${U:+x}", ""),
            ("${EMPTY+x}", "x"),
            ("$$V", "$V"),
            ("$${V}", "${V}"),
            ("${U:-${V}}", "val"),
            ("${U:-a${V}b}c", "avalbc"),
            ("${V}${V}-$V.x", "valval-val.x"),
            ("${U:-a-b:?c}", "a-b:?c"),
            ("${V?err}", "val"),
            ("${EMPTY?err}", ""),
            ("${U:-}", ""),
            ("pre$V_post", "pre"),
            ("${U:-{}}", "{}"),
            ("${v}", ""),
            ("${U:-$$}", "$"),
            ("$", "$"),
            ("a$", "a$"),
            ("$1", "$1"),
            ("$-", "$-"),
            ("100$%", "100$%"),
            ("${V:+$1}", "$1"),
        ];
        for (template, text) in seen {
            assert_eq!(replaced(template).unwrap(), text, "{template}");
        }
    }

    #[test]
    fn what_compose_refuses() {
        for template in ["${", "${1}", "${}", "${V", "${V:}", "${V!}", "${V V}"] {
            assert!(
                matches!(replaced(template), Err(Problem::Invalid(_))),
                "{template}"
            );
        }
        for (template, message) in [
            ("${U:?needed}", "needed"),
            ("${U?needed}", "needed"),
            ("${EMPTY:?e}", "e"),
            ("${U:?}", ""),
            ("${U:?${V}}", "val"),
        ] {
            let required = replaced(template).unwrap_err();
            assert!(
                matches!(&required, Problem::Required { message: said, .. } if said == message),
                "{template}: {required:?}"
            );
        }
    }

    #[test]
    fn what_is_not_set_is_named_once_and_only_where_it_matters() {
        let mut unset = Vec::new();
        substitute("$U ${U} ${W:-$X} ${V:-$Y}", &env(), &mut unset, 0).unwrap();
        assert_eq!(unset, ["U", "X"]);
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = "${U:-".repeat(100_000) + &"}".repeat(100_000);
        assert!(matches!(replaced(&deep), Err(Problem::Invalid(_))));
    }

    proptest! {
        #[test]
        fn no_template_makes_it_panic(template in "[$a{}V:?+\\-é ]{0,40}") {
            let _ = replaced(&template);
        }

        #[test]
        fn text_without_a_dollar_stays(text in "[^$]{0,40}") {
            prop_assert_eq!(replaced(&text).unwrap(), text);
        }
    }
}
