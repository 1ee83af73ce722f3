#![allow(clippy::unwrap_used)]

use super::*;

const MOST: usize = 1000;
const MASK: [u8; 4] = [7, 77, 177, 211];

/// A frame as a client sends it.
fn frame(opcode: OpCode, is_final: bool, payload: &[u8]) -> Vec<u8> {
    let header = FrameHeader {
        is_final,
        opcode,
        mask: Some(MASK),
        ..FrameHeader::default()
    };
    let mut bytes = Vec::new();
    header.format(payload.len() as u64, &mut bytes).unwrap();
    let masked = payload.iter().enumerate();
    bytes.extend(masked.map(|(at, byte)| byte ^ MASK[at % 4]));
    bytes
}

fn text(payload: &[u8]) -> Vec<u8> {
    frame(OpCode::Data(Data::Text), true, payload)
}

/// What comes of `bytes` that arrive in pieces of `step`.
fn in_steps(bytes: &[u8], step: usize) -> Result<Vec<Incoming>, Violation> {
    let mut assembler = Assembler::new(MOST);
    let mut all = Vec::new();
    for mut piece in bytes.chunks(step) {
        while let Some(incoming) = assembler.take(&mut piece)? {
            all.push(incoming);
        }
        assert!(piece.is_empty());
    }
    Ok(all)
}

/// The same however the bytes are cut.
fn came(bytes: &[u8]) -> Result<Vec<Incoming>, Violation> {
    let whole = in_steps(bytes, bytes.len().max(1));
    for step in [1, 2, 3, 7, 64] {
        assert_eq!(in_steps(bytes, step), whole, "in pieces of {step}");
    }
    whole
}

#[test]
fn messages_come_as_they_were_sent_whatever_pieces_they_are_in() {
    let long = "ä".repeat(MOST / 2);
    let bytes = [
        text(b""),
        text("grüß".as_bytes()),
        frame(OpCode::Data(Data::Text), false, b"one "),
        frame(OpCode::Control(Control::Ping), true, b"between"),
        frame(OpCode::Data(Data::Continue), false, b""),
        frame(OpCode::Data(Data::Continue), true, b"message"),
        frame(OpCode::Data(Data::Binary), true, &[0, 255]),
        text(long.as_bytes()),
        frame(OpCode::Control(Control::Pong), true, &[3]),
        frame(OpCode::Control(Control::Close), true, &[3, 232]),
    ];

    let came = came(&bytes.concat()).unwrap();

    let expected = [
        Incoming::Text(String::new()),
        Incoming::Text("grüß".into()),
        Incoming::Ping(b"between".into()),
        Incoming::Text("one message".into()),
        Incoming::Binary,
        Incoming::Text(long),
        Incoming::Pong(vec![3]),
        Incoming::Close(Some(CloseCode::Normal)),
    ];
    assert_eq!(came, expected);
}

#[test]
fn a_message_that_is_too_large_is_told_once_and_passes_by() {
    let large = [b'x'; MOST + 1];
    let half = [b'y'; MOST / 2 + 1];
    let first = |payload| frame(OpCode::Data(Data::Text), false, payload);
    let more = |is_final, payload| frame(OpCode::Data(Data::Continue), is_final, payload);
    let bytes = [
        text(&large),
        text(b"after"),
        first(&half),
        more(false, &half),
        more(false, &half),
        more(true, &half),
        text(b"in the end"),
        frame(OpCode::Data(Data::Binary), true, &large),
    ];

    let came = came(&bytes.concat()).unwrap();

    let expected = [
        Incoming::TooLarge,
        Incoming::Text("after".into()),
        Incoming::TooLarge,
        Incoming::Text("in the end".into()),
        Incoming::TooLarge,
    ];
    assert_eq!(came, expected);
}

#[test]
fn nothing_is_kept_of_what_is_too_large_and_nothing_is_kept_ready_for_what_is_announced() {
    let mut assembler = Assembler::new(MOST);
    let header = |length| {
        let header = FrameHeader {
            opcode: OpCode::Data(Data::Text),
            mask: Some(MASK),
            ..FrameHeader::default()
        };
        let mut bytes = Vec::new();
        header.format(length, &mut bytes).unwrap();
        bytes
    };

    let told = assembler.take(&mut header(u64::MAX >> 1).as_slice());

    assert_eq!(told, Ok(Some(Incoming::TooLarge)));
    assert!(assembler.is_within_a_message());
    for _ in 0..1000 {
        assert_eq!(assembler.take(&mut [0; 4096].as_slice()), Ok(None));
    }
    assert_eq!(assembler.message.unwrap().bytes.capacity(), 0);

    let mut assembler = Assembler::new(MOST);
    assert_eq!(
        assembler.take(&mut header(MOST as u64).as_slice()),
        Ok(None)
    );
    assert_eq!(assembler.message.unwrap().bytes.capacity(), 0);
}

#[test]
fn what_breaks_the_protocol_is_named() {
    let ping = OpCode::Control(Control::Ping);
    let mut unmasked = Vec::new();
    write_text("x", &mut unmasked);
    let mut compressed = text(b"x");
    compressed[0] |= 0x40;
    let mut unknown = text(b"x");
    unknown[0] = 0x83;
    let close = |payload: &[u8]| frame(OpCode::Control(Control::Close), true, payload);
    for (bytes, code, why) in [
        (unmasked, CloseCode::Protocol, "masked"),
        (compressed, CloseCode::Protocol, "extension"),
        (unknown, CloseCode::Protocol, "no such kind"),
        (
            frame(ping, false, b""),
            CloseCode::Protocol,
            "control frame",
        ),
        (
            frame(ping, true, &[0; 126]),
            CloseCode::Protocol,
            "control frame",
        ),
        (
            frame(OpCode::Data(Data::Continue), true, b""),
            CloseCode::Protocol,
            "to continue",
        ),
        (
            [frame(OpCode::Data(Data::Text), false, b""), text(b"")].concat(),
            CloseCode::Protocol,
            "not ended",
        ),
        (text(&[0xC3, 0x28]), CloseCode::Invalid, "UTF-8"),
        (close(&[3]), CloseCode::Protocol, "two bytes"),
        (close(&[3, 237]), CloseCode::Protocol, "no way to close"),
        (
            close(&[3, 232, 255]),
            CloseCode::Protocol,
            "no way to close",
        ),
    ] {
        let violation = came(&bytes).unwrap_err();

        assert_eq!(violation.code, code, "{violation}");
        assert!(violation.why.contains(why), "{violation}");
    }
}

#[test]
fn what_is_written_is_what_tungstenite_reads() {
    let mut out = Vec::new();
    write_text("hello", &mut out);
    write_ping(&[1, 2], &mut out);
    write_text(&"x".repeat(70_000), &mut out);
    write_close(CloseCode::Away, "over", &mut out);
    let mut client = tungstenite::WebSocket::from_raw_socket(
        Cursor::new(out),
        tungstenite::protocol::Role::Client,
        None,
    );

    assert_eq!(client.read().unwrap(), tungstenite::Message::text("hello"));
    let ping = tungstenite::Message::Ping(vec![1, 2].into());
    assert_eq!(client.read().unwrap(), ping);
    assert_eq!(client.read().unwrap().len(), 70_000);
    let tungstenite::Message::Close(Some(close)) = client.read().unwrap() else {
        panic!("a close comes last")
    };
    assert_eq!(
        (close.code, close.reason.as_str()),
        (CloseCode::Away, "over")
    );
}

proptest::proptest! {
    #[test]
    fn nothing_panics_on_what_a_stranger_sends(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)
    ) {
        let _ = came(&bytes);
    }
}
