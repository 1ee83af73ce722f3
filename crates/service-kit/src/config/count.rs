//! Counts as people write them.

use std::ops::RangeInclusive;

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

/// Reads a [`count`] that must be within `allowed`, which a refusal names.
///
/// # Errors
/// As [`count`].
pub fn count_within(text: &str, allowed: RangeInclusive<u64>) -> Result<u64, String> {
    let (least, most) = (*allowed.start(), *allowed.end());
    let out_of_range = || format!("must be from {least} to {}", with_its_power(most));
    // Before `count`, whose own bounds are those of any count.
    let number = text.trim().replace('_', "").parse::<f64>();
    if number.is_ok_and(|number| number < least as f64 || number > most as f64) {
        return Err(out_of_range());
    }
    let count = count(text)?;
    allowed
        .contains(&count)
        .then_some(count)
        .ok_or_else(out_of_range)
}

/// `1000000000000 (10^12)`: nobody counts so many zeros.
fn with_its_power(number: u64) -> String {
    let power = number.checked_ilog10().unwrap_or(0);
    if power >= 6 && number == 10_u64.pow(power) {
        format!("{number} (10^{power})")
    } else {
        number.to_string()
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
    fn what_is_out_of_range_is_told_the_range() {
        let range = "must be from 1 to 1000000000000 (10^12)";
        let within = |text| count_within(text, 1..=1_000_000_000_000);
        for (text, read) in [
            ("1", Ok(1)),
            ("1e12", Ok(1_000_000_000_000)),
            ("0", Err(range)),
            ("-1", Err(range)),
            ("1000000000001", Err(range)),
            ("1e30", Err(range)),
            ("inf", Err(range)),
            ("99999999999999999999", Err(range)),
        ] {
            assert_eq!(within(text), read.map_err(str::to_owned), "{text}");
        }
        for text in ["abc", "", "NaN", "2.5", "5e6x"] {
            let refusal = within(text).expect_err(text);
            assert!(refusal.contains("whole number, such as"), "{text}");
        }
        let few = count_within("101", 1..=100);
        assert_eq!(few, Err("must be from 1 to 100".to_owned()));
        // No f64 lies between these.
        let exact = count_within("9007199254740993", 1..=9_007_199_254_740_992);
        assert!(exact.is_err());
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
