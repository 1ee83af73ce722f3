//! `bracket`: between brackets, as the course's second stage does it.

/// `hello` becomes `[hello]`.
pub fn bracket(payload: &[u8]) -> Vec<u8> {
    [b"[".as_slice(), payload, b"]"].concat()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::bracket;

    #[test]
    fn it_is_between_brackets() {
        assert_eq!(bracket(b"HELLO"), b"[HELLO]");
        assert_eq!(bracket(b""), b"[]");
    }
}
