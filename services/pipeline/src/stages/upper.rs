//! `upper`: in upper case, as the course's first stage does it.

/// `payload` in upper case; bytes that are no UTF-8 stay as they are.
pub fn upper(payload: &[u8]) -> Vec<u8> {
    if payload.is_ascii() {
        return payload.to_ascii_uppercase();
    }
    let mut upper = Vec::with_capacity(payload.len());
    for chunk in payload.utf8_chunks() {
        upper.extend_from_slice(chunk.valid().to_uppercase().as_bytes());
        upper.extend_from_slice(chunk.invalid());
    }
    upper
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::upper;

    #[test]
    fn text_is_in_upper_case_and_other_bytes_are_kept() {
        assert_eq!(upper(b"hello"), b"HELLO");
        assert_eq!(upper("straße".as_bytes()), b"STRASSE");
        assert_eq!(upper(b"a\xff\xfeb"), b"A\xff\xfeB");
        assert_eq!(upper(b""), b"");
    }
}
