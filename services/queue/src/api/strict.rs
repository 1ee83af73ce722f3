//! JSON from strangers, before it is read: what readers could take differently is refused.

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use service_kit::problem::{self, Problem};
use std::collections::HashSet;
use std::fmt;

/// How deep arrays and objects may be nested.
pub const MOST_LEVELS: usize = 64;

/// Checks that `text` is one JSON value, that no object in it names a key twice,
/// since readers differ in which of the two they take (RFC 8259, section 4), and
/// that it is nested [`MOST_LEVELS`] deep at most.
///
/// # Errors
/// 400 when it is not JSON, 422 with the `field` when it is not such.
pub fn check(text: &[u8]) -> Result<(), Problem> {
    problem::read_with(Level { left: MOST_LEVELS }, text)
}

/// Reads a value to its end and keeps nothing of it.
#[derive(Clone, Copy)]
struct Level {
    left: usize,
}

impl Level {
    fn below<E: serde::de::Error>(self) -> Result<Self, E> {
        let left = self.left.checked_sub(1);
        let too_deep = || E::custom(format!("nested more than {MOST_LEVELS} levels deep"));
        Ok(Self {
            left: left.ok_or_else(too_deep)?,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let below = self.below()?;
        while items.next_element_seed(below)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let below = self.below()?;
        let mut seen = HashSet::new();
        while let Some(key) = members.next_key::<String>()? {
            members.next_value_seed(below)?;
            if let Some(twice) = seen.replace(key) {
                return Err(A::Error::custom(format!("the key {twice:?} stands twice")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn refused(text: &str) -> Problem {
        check(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_at_any_depth() {
        for (text, field) in [
            (r#"{"n":1,"n":2}"#, None),
            (r#"[[{"a":{"n":1,"x":0,"n":1}}]]"#, Some("[0][0].a")),
            (r#"{"n":1,"\u006e":2}"#, None),
        ] {
            let problem = refused(text);

            let named = problem
                .members
                .get("field")
                .and_then(|field| field.as_str());
            assert_eq!((problem.status, named), (422, field), "{problem}");
            assert!(problem.detail.unwrap().contains("\"n\" stands twice"));
        }
        assert_eq!(check(br#"{"n":{"n":[{"n":1},{"n":2}]}}"#), Ok(()));
    }

    #[test]
    fn nesting_has_an_end() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);

        assert_eq!(check(nested(MOST_LEVELS).as_bytes()), Ok(()));
        for levels in [MOST_LEVELS + 1, 120, 100_000] {
            let problem = refused(&nested(levels));
            assert_eq!(problem.status, 422, "{levels}");
            assert!(problem.detail.unwrap().contains("64 levels"));
        }
    }

    #[test]
    fn numbers_of_any_size_are_json() {
        assert_eq!(check(b"333333283333335000000"), Ok(()));
        assert_eq!(check(b"[-0, 1e2, 1.50]"), Ok(()));
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in ["", "{", "nul", "1 2", "'a'", "{\"a\":}", "\"\u{1}\"", "NaN"] {
            assert_eq!(refused(text).status, 400, "{text}");
        }
    }
}
