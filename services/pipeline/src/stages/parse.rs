//! `parse`: light work. An item may hold several records.

/// What parts the records of an item.
const SEPARATOR: u8 = b';';

/// The records of `payload`: at least one, each with its words one space apart.
pub fn records(payload: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    payload.split(|byte| *byte == SEPARATOR).map(tidy)
}

fn tidy(record: &[u8]) -> Vec<u8> {
    let mut tidy = Vec::with_capacity(record.len());
    for word in record.split(u8::is_ascii_whitespace) {
        if word.is_empty() {
            continue;
        }
        if !tidy.is_empty() {
            tidy.push(b' ');
        }
        tidy.extend_from_slice(word);
    }
    tidy
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::records;

    fn parsed(payload: &str) -> Vec<String> {
        let records = records(payload.as_bytes());
        records
            .map(|record| String::from_utf8(record).unwrap())
            .collect()
    }

    #[test]
    fn an_item_is_its_records() {
        assert_eq!(parsed("  one\t two  "), ["one two"]);
        assert_eq!(parsed("one; two ;;three"), ["one", "two", "", "three"]);
        assert_eq!(parsed(""), [""]);
    }
}
