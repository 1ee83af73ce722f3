#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

/// Reads `input` in pieces of so many bytes; where the answer ended.
fn read_in(pieces: usize, input: &[u8], reader: &mut Reader) -> Result<Option<usize>, NotHttp> {
    let mut before = 0;
    for piece in input.chunks(pieces) {
        if let Progress::Whole(bytes) = reader.read(piece)? {
            return Ok(Some(before + bytes));
        }
        before += piece.len();
    }
    Ok(None)
}

/// The same whatever the pieces are.
fn read(text: &str) -> (Reader, Result<Option<usize>, NotHttp>) {
    let mut whole = Reader::new(true);
    let ended = read_in(usize::MAX, text.as_bytes(), &mut whole);
    for pieces in 1..40 {
        let mut reader = Reader::new(true);
        let again = read_in(pieces, text.as_bytes(), &mut reader);
        assert_eq!(again, ended, "{text:?} in pieces of {pieces}");
        if ended.is_ok_and(|ended| ended.is_some()) {
            assert_eq!(reader.status, whole.status);
            assert_eq!(reader.replica, whole.replica);
            assert_eq!(reader.keep_alive, whole.keep_alive);
        }
    }
    (whole, ended)
}

/// Where the answer ended, how it was, and whether the connection lives on.
fn answer(text: &str) -> (usize, u16, bool) {
    let (reader, ended) = read(text);
    let ended = ended
        .unwrap()
        .unwrap_or_else(|| panic!("{text:?} does not end"));
    (ended, reader.status(), reader.keeps_alive())
}

#[test]
fn bodies_end_as_their_heads_say() {
    for (text, status, keep_alive) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            200,
            true,
        ),
        ("HTTP/1.1 200 OK\r\ncontent-length:  0 \r\n\r\n", 200, true),
        (
            "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            503,
            false,
        ),
        ("HTTP/1.1 204 No Content\r\n\r\n", 204, true),
        (
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
            304,
            true,
        ),
        ("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", 200, false),
        (
            "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\na",
            200,
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            200,
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\nA;x=\"y\"\r\n0123456789\r\n00\r\nT: 1\r\nU: 2\r\n\r\n",
            200,
            true,
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
            200,
            true,
        ),
    ] {
        let (ended, seen, kept) = answer(text);
        assert_eq!(
            (ended, seen, kept),
            (text.len(), status, keep_alive),
            "{text:?}"
        );
        // What comes behind is not the answer's.
        let more = format!("{text}HTTP/1.1 200");
        assert_eq!(answer(&more).0, text.len(), "{more:?}");
    }
}

#[test]
fn a_body_without_a_length_ends_with_the_connection() {
    for text in [
        "HTTP/1.1 200 OK\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 1\r\n\r\nhello",
    ] {
        let (reader, ended) = read(text);
        assert_eq!(ended, Ok(None));
        assert!(reader.ends_with_connection());
        assert!(!reader.keeps_alive());
    }
    let (reader, _) = read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell");
    assert!(!reader.ends_with_connection());
}

#[test]
fn what_is_no_answer_is_refused() {
    let long = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(70_000));
    for text in [
        "SSH-2.0-OpenSSH_9.6\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n",
        &long,
    ] {
        let mut reader = Reader::new(false);
        let ended = read_in(1000, text.as_bytes(), &mut reader);
        assert_eq!(ended, Err(NotHttp), "{text:.80?}");
    }
}

#[test]
fn who_answered_is_known_from_the_head_and_the_body() {
    let body = r#"{"message":"Hello World","worker": 4711,"result":49}"#;
    let text = format!(
        "HTTP/1.1 200 OK\r\nX-Replica: one\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let (mut reader, _) = read(&text);
    assert_eq!(reader.replica(), b"one");
    assert_eq!(reader.worker(), Some(&b"4711"[..]));

    reader.restart();
    reader
        .read(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"worker\":x}")
        .unwrap();
    assert_eq!((reader.replica(), reader.worker()), (&b""[..], None));
}

proptest! {
    #[test]
    fn reading_never_panics_and_never_reads_too_far(
        head in "HTTP/1.[01] [0-9]{1,4}.{0,5}\r\n((Content-Length|Transfer-Encoding|Connection): ?[a-z0-9,]{0,9}\r\n){0,3}\r\n",
        body in proptest::collection::vec(any::<u8>(), 0..200),
        pieces in 1..50_usize,
    ) {
        let mut input = head.into_bytes();
        input.extend(body);
        let mut reader = Reader::new(true);
        if let Ok(Some(ended)) = read_in(pieces, &input, &mut reader) {
            prop_assert!(ended <= input.len());
        }
        let _ = reader.worker();
    }

    #[test]
    fn a_chunked_body_of_any_chunks_ends_where_it_ends(
        sizes in proptest::collection::vec(1..300_usize, 0..6), pieces in 1..200_usize,
    ) {
        let chunk = |size| format!("{size:x}\r\n{}\r\n", "\n".repeat(size));
        let chunks: String = sizes.into_iter().map(chunk).collect();
        let text = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n");
        let mut reader = Reader::new(false);
        prop_assert_eq!(read_in(pieces, text.as_bytes(), &mut reader), Ok(Some(text.len())));
    }
}
