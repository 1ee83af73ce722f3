//! Figures as people read them; unknown is `?`.

/// `42.1 %`.
pub fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "?".to_owned(), |value| format!("{value:.1} %"))
}

/// `0.50`.
pub fn decimals(value: Option<f64>) -> String {
    value.map_or_else(|| "?".to_owned(), |value| format!("{value:.2}"))
}

/// `0.5`, or `–` where there is no limit.
pub fn limit(cpus: Option<f64>) -> String {
    cpus.map_or_else(|| "–".to_owned(), |cpus| format!("{cpus:.2}"))
}

/// `2.45 GHz`.
pub fn gigahertz(hertz: f64) -> String {
    format!("{:.2} GHz", hertz / 1e9)
}

/// `1.25 GiB`, in the largest unit of which there is one.
pub fn bytes(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut value = bytes as f64;
    let mut name = "B";
    for unit in units {
        // 1023.5 would be printed as 1024.
        if value < 1023.5 {
            break;
        }
        value /= 1024.0;
        name = unit;
    }
    if name == "B" {
        format!("{bytes} B")
    } else if value < 9.995 {
        // From there on it would be printed as 10.00.
        format!("{value:.2} {name}")
    } else if value < 99.95 {
        format!("{value:.1} {name}")
    } else {
        format!("{value:.0} {name}")
    }
}

/// `12 MiB of 256 MiB`, or without the limit where there is none.
pub fn of_limit(used: Option<u64>, limit: Option<u64>) -> String {
    let used = used.map_or_else(|| "?".to_owned(), bytes);
    limit.map_or_else(
        || used.clone(),
        |limit| format!("{used} of {}", bytes(limit)),
    )
}

/// A container's name, with the beginning of its id where others have the same
/// name: replicas of one station.
pub fn told_apart<'a>(name: &str, id: &str, all: impl IntoIterator<Item = &'a str>) -> String {
    let same = all.into_iter().filter(|other| *other == name).count();
    let name = clean(name);
    if same < 2 {
        return name;
    }
    let id: String = id.chars().take(6).collect();
    format!("{name} {}", clean(&id))
}

/// A name that others chose, without what could drive a terminal.
pub fn clean(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{bytes, clean, of_limit, told_apart};
    use proptest::prelude::*;

    #[test]
    fn replicas_of_one_station_are_told_apart_by_their_ids() {
        let names = ["fleet", "half", "fleet"];
        assert_eq!(told_apart("half", "0123456789ab", names), "half");
        assert_eq!(told_apart("fleet", "0123456789ab", names), "fleet 012345");
        assert_eq!(told_apart("fleet", "8", names), "fleet 8");
    }

    #[test]
    fn bytes_are_in_the_largest_unit_that_holds_one() {
        for (given, shown) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            (12 << 20, "12.0 MiB"),
            (256 << 20, "256 MiB"),
            ((1 << 30) - 1, "1.00 GiB"),
            (11_523_450_438_545_435_648, "10.0 EiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(bytes(given), shown);
        }
        assert_eq!(
            of_limit(Some(12 << 20), Some(256 << 20)),
            "12.0 MiB of 256 MiB"
        );
        assert_eq!(of_limit(None, None), "?");
    }

    #[test]
    fn a_name_cannot_drive_the_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\nc"), "a?[2Jb?c");
    }

    proptest! {
        #[test]
        fn no_amount_of_bytes_is_wide(amount in 0u64..) {
            prop_assert!(bytes(amount).len() <= "1023 KiB".len(), "{}", bytes(amount));
        }
    }
}
