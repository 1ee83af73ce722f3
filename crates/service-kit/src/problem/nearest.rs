//! The known name that a misspelt one was probably meant to be.

/// The distance's cost grows with the square of the length, the text is the
/// client's, and no name is this long.
const LONGEST_NAME_BYTES: usize = 64;

/// The one of `known` that is nearest to `given`, if near enough to be meant.
///
/// Near is a Damerau–Levenshtein distance (insertions, deletions,
/// substitutions, swaps of neighbours) of at most a third of the longer
/// name's length, at least 1; case and `-` against `_` count for nothing.
pub fn nearest<'k>(given: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if given.len() > LONGEST_NAME_BYTES {
        return None;
    }
    let given = folded(given);
    known
        .into_iter()
        .filter_map(|name| {
            let candidate = folded(name);
            let distance = strsim::damerau_levenshtein(&given, &candidate);
            let longer = given.chars().count().max(candidate.chars().count());
            (distance <= (longer / 3).max(1)).then_some((distance, name))
        })
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name)
}

fn folded(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRATEGIES: [&str; 4] = ["sequential", "static-threads", "work-stealing", "async"];

    #[test]
    fn finds_typing_errors() {
        for (given, meant) in [
            ("sequental", "sequential"),
            ("static_threads", "static-threads"),
            ("Work-Steeling", "work-stealing"),
            ("asnyc", "async"),
        ] {
            assert_eq!(nearest(given, STRATEGIES), Some(meant), "{given}");
        }
    }

    #[test]
    fn does_not_guess_what_is_far_off() {
        assert_eq!(nearest("fibers", STRATEGIES), None);
        assert_eq!(nearest("", STRATEGIES), None);
        assert_eq!(nearest("x", []), None);
    }
}
