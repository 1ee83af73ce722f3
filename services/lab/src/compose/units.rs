//! Compose's notations: sizes, durations, command lines.

/// Bytes written as Docker writes them: `64M`, `1.5g`, `64MiB`, `1 GB`, `1000`.
/// Every unit is a power of 1024, whatever it is called (docker/go-units'
/// `RAMInBytes`).
pub(super) fn bytes(text: &str) -> Option<u64> {
    let split = text
        .find(|sign: char| !(sign.is_ascii_digit() || sign == '.'))
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    if !number.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let unit = unit.strip_prefix(' ').unwrap_or(unit).to_ascii_lowercase();
    let power = match unit.as_str() {
        "" | "b" => 0,
        "k" | "kb" | "ki" | "kib" => 1,
        "m" | "mb" | "mi" | "mib" => 2,
        "g" | "gb" | "gi" | "gib" => 3,
        "t" | "tb" | "ti" | "tib" => 4,
        "p" | "pb" | "pi" | "pib" => 5,
        _ => return None,
    };
    let bytes = number.parse::<f64>().ok()? * 1024_f64.powi(power);
    (bytes < i64::MAX as f64).then_some(bytes as u64)
}

/// Bytes for a person: `64 MiB`.
pub(crate) fn show_bytes(bytes: u64) -> String {
    let units = [("GiB", 1_u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match units.iter().find(|(_, size)| bytes >= *size) {
        Some((unit, size)) if bytes.is_multiple_of(*size) => format!("{} {unit}", bytes / size),
        Some((unit, size)) => format!("{:.1} {unit}", bytes as f64 / *size as f64),
        None => format!("{bytes} bytes"),
    }
}

/// A duration such as `1m30s` or `1.5h`, in Go's notation as Compose prints
/// it: `60s` is `1m0s`. `None` where it is none.
pub(super) fn go_duration(text: &str) -> Option<String> {
    let nanoseconds = nanoseconds(text)?;
    if nanoseconds == 0 {
        return Some("0s".to_owned());
    }
    let fraction = |unit: u64| {
        let digits = format!("{:.9}", nanoseconds as f64 / unit as f64);
        digits
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned()
    };
    Some(match nanoseconds {
        0..1_000 => format!("{nanoseconds}ns"),
        1_000..1_000_000 => format!("{}µs", fraction(1_000)),
        1_000_000..1_000_000_000 => format!("{}ms", fraction(1_000_000)),
        _ => {
            let (minutes, rest) = (nanoseconds / 60_000_000_000, nanoseconds % 60_000_000_000);
            let seconds = match rest % 1_000_000_000 {
                0 => format!("{}s", rest / 1_000_000_000),
                part => {
                    let part = format!("{part:09}");
                    format!("{}.{}s", rest / 1_000_000_000, part.trim_end_matches('0'))
                }
            };
            match (minutes / 60, minutes % 60) {
                (0, 0) => seconds,
                (0, minutes) => format!("{minutes}m{seconds}"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}"),
            }
        }
    })
}

fn nanoseconds(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let mut rest = text;
    let mut sum = 0.0;
    while !rest.is_empty() {
        let number_ends = rest.find(|sign: char| !(sign.is_ascii_digit() || sign == '.'))?;
        let (number, after) = rest.split_at(number_ends);
        let unit_ends = after
            .find(|sign: char| sign.is_ascii_digit() || sign == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_ends);
        let unit = match unit {
            "ns" => 1.0,
            "us" | "µs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3600e9,
            "d" => 24.0 * 3600e9,
            _ => return None,
        };
        sum += number.parse::<f64>().ok()? * unit;
        rest = after;
    }
    (!text.is_empty() && sum < i64::MAX as f64).then_some(sum.round() as u64)
}

/// The words of a command line, by a shell's quoting rules; `None` where a
/// quote stays open.
pub(super) fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut signs = line.chars();
    while let Some(sign) = signs.next() {
        match (quote, sign) {
            (Some(open), _) if sign == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(sign);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().push(signs.next()?),
            (None, ' ' | '\t' | '\r' | '\n') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(sign),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{bytes, go_duration, show_bytes, words};
    use proptest::prelude::*;

    /// As Compose 2.26.1 read them.
    #[test]
    fn sizes() {
        for (text, read) in [
            ("64M", 64 << 20),
            ("64m", 64 << 20),
            ("64MiB", 64 << 20),
            ("64mb", 64 << 20),
            ("64Mi", 64 << 20),
            ("1.5g", 1536 << 20),
            ("1 GB", 1 << 30),
            ("3b", 3),
            ("1000", 1000),
            ("1t", 1 << 40),
        ] {
            assert_eq!(bytes(text), Some(read), "{text}");
        }
        for text in [
            "12x",
            ".5g",
            "",
            "-1",
            "1  g",
            "1.2.3m",
            "9e9",
            "99999999p",
            "m",
        ] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_for_a_person() {
        assert_eq!(show_bytes(64 << 20), "64 MiB");
        assert_eq!(show_bytes(1536 << 20), "1.5 GiB");
        assert_eq!(show_bytes(100), "100 bytes");
    }

    #[test]
    fn durations_as_go_prints_them() {
        for (text, printed) in [
            ("60s", "1m0s"),
            ("1m30s", "1m30s"),
            ("1h", "1h0m0s"),
            ("1.5s", "1.5s"),
            ("500ms", "500ms"),
            ("0s", "0s"),
            ("90m", "1h30m0s"),
            ("1s1ms", "1.001s"),
            ("10us", "10µs"),
        ] {
            assert_eq!(go_duration(text).as_deref(), Some(printed), "{text}");
        }
        for text in ["", "5", "s", "1x", "-1s", "1s2", "1..2s"] {
            assert_eq!(go_duration(text), None, "{text}");
        }
    }

    #[test]
    fn command_lines() {
        let split = |line| words(line).unwrap();
        assert_eq!(split("a  'b c' \"d\" e\\ f"), ["a", "b c", "d", "e f"]);
        assert_eq!(split("a ''"), ["a", ""]);
        assert!(split("").is_empty());
        assert_eq!(words("a 'b"), None);
        assert_eq!(words("a \\"), None);
    }

    proptest! {
        #[test]
        fn nothing_makes_them_panic(text in "\\PC{0,30}") {
            let _ = (bytes(&text), go_duration(&text), words(&text));
        }

        #[test]
        fn a_printed_duration_reads_back(milliseconds in 0_u64..1_000_000_000) {
            let printed = go_duration(&format!("{milliseconds}ms")).unwrap();
            prop_assert_eq!(go_duration(&printed).unwrap(), printed);
        }
    }
}
