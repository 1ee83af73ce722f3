//! Counts as people write them.

/// The largest count that a JSON number holds exactly (2^53).
const LARGEST: f64 = 9_007_199_254_740_992.0;

/// Reads a whole number: `2000000`, `2_000_000` or `2e6`.
///
/// # Errors
/// What is wrong with it, as the end of a sentence that names the field.
pub fn count(text: &str) -> Result<u64, String> {
    let plain = text.trim().replace('_', "");
    if let Ok(count) = plain.parse::<u64>() {
        return Ok(count);
    }
    match plain.parse::<f64>() {
        Ok(number) => whole(number),
        Err(_) => Err("must be a whole number, such as 2000000 or 2e6".into()),
    }
}

/// The count that a floating-point number is.
///
/// # Errors
/// As [`count`].
pub fn whole(number: f64) -> Result<u64, String> {
    if number < 0.0 {
        Err("must not be negative".into())
    } else if number > LARGEST {
        Err(format!("must be at most {LARGEST} (2^53)"))
    } else if number.fract() == 0.0 {
        Ok(number as u64)
    } else {
        Err("must be a whole number, such as 2000000 or 2e6".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_digits_groups_and_powers() {
        assert_eq!(count("2000000"), Ok(2_000_000));
        assert_eq!(count(" 2_000_000 "), Ok(2_000_000));
        assert_eq!(count("2e6"), Ok(2_000_000));
        assert_eq!(count("1.5e3"), Ok(1500));
        assert_eq!(count("0"), Ok(0));
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, part) in [
            ("-1", "negative"),
            ("1e30", "at most"),
            ("1000000000000000000000000000000", "at most"),
            ("2.5", "whole number"),
            ("abc", "whole number"),
            ("", "whole number"),
            ("NaN", "whole number"),
        ] {
            let refusal = count(text).expect_err(text);
            assert!(refusal.contains(part), "{text}: {refusal}");
        }
    }
}
