//! What YAML takes an unquoted scalar for, as Compose's parser (go-yaml 3)
//! decides it: YAML 1.2 plus the octals, binaries and underscores of 1.1.

use super::node::{Kind, Scalar};

/// An unquoted, untagged scalar.
pub(super) fn plain(text: &str) -> Scalar {
    Scalar {
        kind: kind(text),
        written: text.to_owned(),
    }
}

/// A scalar with a tag of YAML's own, such as `!!str`; `None` where the text
/// does not fit the tag.
pub(super) fn tagged(text: &str, tag: &str) -> Option<Scalar> {
    let kind = match (tag, kind(text)) {
        ("str", _) => Kind::Text,
        ("int", Kind::Int(value)) => Kind::Int(value),
        ("float", Kind::Int(value)) => Kind::Float(value as f64),
        ("float", Kind::Float(value)) => Kind::Float(value),
        ("bool", Kind::Bool(value)) => Kind::Bool(value),
        ("null", Kind::Null) => Kind::Null,
        _ => return None,
    };
    Some(Scalar {
        kind,
        written: text.to_owned(),
    })
}

fn kind(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "true" | "True" | "TRUE" => return Kind::Bool(true),
        "false" | "False" | "FALSE" => return Kind::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Kind::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Kind::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Kind::Float(f64::NEG_INFINITY),
        _ => {}
    }
    if is_date(text) {
        return Kind::Date;
    }
    let starts_a_number =
        text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.'));
    if !starts_a_number {
        return Kind::Text;
    }
    let digits = text.replace('_', "");
    integer(&digits)
        .map(Kind::Int)
        .or_else(|| float(&digits).map(Kind::Float))
        .unwrap_or(Kind::Text)
}

/// Whole numbers between the least i64 and the greatest u64; go-yaml makes
/// floats of greater ones.
fn integer(digits: &str) -> Option<i128> {
    let (sign, unsigned) = match digits.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, digits.strip_prefix('+').unwrap_or(digits)),
    };
    let (radix, number) = radix(unsigned);
    if !number.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return None;
    }
    let value = sign * i128::from_str_radix(number, radix).ok()?;
    (i128::from(i64::MIN)..=i128::from(u64::MAX))
        .contains(&value)
        .then_some(value)
}

fn radix(unsigned: &str) -> (u32, &str) {
    let octal = |number: &str| number.bytes().all(|digit| matches!(digit, b'0'..=b'7'));
    let prefixes = [(16, "0x"), (8, "0o"), (2, "0b")];
    for (radix, prefix) in prefixes {
        if let Some(number) = unsigned.strip_prefix(prefix) {
            return (radix, number);
        }
    }
    match unsigned.strip_prefix('0') {
        Some(number) if !number.is_empty() && octal(number) => (8, number),
        _ => (10, unsigned),
    }
}

/// Decimal floats only: Rust would also read "inf" and "nan", which YAML does
/// not, and an overflow (1e400) stays text, as in go-yaml.
fn float(digits: &str) -> Option<f64> {
    let decimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    if !digits.bytes().all(decimal) {
        return None;
    }
    digits.parse().ok().filter(|value: &f64| value.is_finite())
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| {
        bytes
            .get(range)
            .is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let shape = digits(0..4) && digits(5..7) && digits(8..10);
    let dashes = bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-');
    let end = matches!(bytes.get(10), None | Some(b'T' | b't' | b' '));
    shape && dashes && end
}

impl Scalar {
    /// The text that Compose makes of it for an environment variable or a
    /// label: numbers in Go's `%v` notation, so that 21e5 becomes 2.1e+06.
    pub(super) fn rendered(&self) -> String {
        match self.kind {
            Kind::Null => String::new(),
            Kind::Bool(value) => value.to_string(),
            Kind::Int(value) => value.to_string(),
            Kind::Float(value) => go_float(value),
            Kind::Date | Kind::Text => self.written.clone(),
        }
    }
}

/// Go's `%v` of a float: the shortest digits that read back; the exponent form,
/// with two digits of exponent at least, below 1e-4 and from 1e6 on.
fn go_float(value: f64) -> String {
    let shortest = format!("{value:e}");
    let Some((digits, exponent)) = shortest.split_once('e') else {
        return shortest;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) || !value.is_finite() {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{plain, tagged};
    use crate::compose::node::Kind;

    /// Each pair was printed by `docker compose config` (Compose 2.26.1) for a
    /// label with this value.
    #[test]
    fn what_compose_makes_of_a_scalar() {
        let seen = [
            ("yes", "yes"),
            ("off", "off"),
            ("~", ""),
            ("Null", ""),
            ("0b11", "3"),
            ("0o17", "15"),
            ("017", "15"),
            ("018", "18"),
            ("-017", "-15"),
            ("0o8", "0o8"),
            ("0x", "0x"),
            ("0x1F", "31"),
            ("-0x1F", "-31"),
            ("1_0.5", "10.5"),
            ("1__0", "10"),
            ("_1", "_1"),
            ("+5", "5"),
            ("-0", "0"),
            ("-0.0", "-0"),
            ("1.", "1"),
            ("+.5", "0.5"),
            ("1.50", "1.5"),
            ("1e2", "100"),
            ("1E5", "100000"),
            ("21e5", "2.1e+06"),
            ("1234567.0", "1.234567e+06"),
            ("123456.789", "123456.789"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("1e20", "1e+20"),
            ("2000000", "2000000"),
            ("18446744073709551615", "18446744073709551615"),
            ("18446744073709551616", "1.8446744073709552e+19"),
            ("1e400", "1e400"),
            ("12:30", "12:30"),
            ("TRUE", "true"),
            ("tRue", "tRue"),
        ];
        for (written, rendered) in seen {
            assert_eq!(plain(written).rendered(), rendered, "{written}");
        }
    }

    #[test]
    fn a_tag_decides_or_is_refused() {
        assert_eq!(tagged("5", "str").unwrap().kind, Kind::Text);
        assert_eq!(tagged("5", "float").unwrap().kind, Kind::Float(5.0));
        assert_eq!(tagged("yes", "bool"), None);
        assert_eq!(tagged("x", "int"), None);
    }

    #[test]
    fn dates_are_neither_numbers_nor_text() {
        assert_eq!(plain("2024-01-31").kind, Kind::Date);
        assert_eq!(plain("2024-01-31T10:00:00Z").kind, Kind::Date);
        assert_eq!(plain("2024-01-31x").kind, Kind::Text);
        assert_eq!(plain("2024-1").kind, Kind::Text);
    }
}
