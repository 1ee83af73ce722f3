//! An HTTP/1.1 answer, read as it comes (RFC 9112). Bodies are counted through
//! and thrown away.

mod chunks;

use chunks::Chunks;

/// The longest head of an answer, in bytes.
const LONGEST_HEAD_BYTES: usize = 64 * 1024;

/// The most header fields.
const MOST_FIELDS: usize = 64;

/// How much of a body is kept to find out who answered, in bytes.
const KEPT_BODY_BYTES: usize = 512;

/// What a piece of input came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The answer goes on.
    More,
    /// It is whole, with the first so many bytes of the input.
    Whole(usize),
}

/// What came is no HTTP answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotHttp;

/// The reader of one connection; it keeps its room from answer to answer.
#[derive(Debug, Default)]
pub struct Reader {
    keep_body: bool,
    begun: bool,
    /// What has come of a head that is not whole yet.
    head: Vec<u8>,
    body: Body,
    status: u16,
    keep_alive: bool,
    replica: Vec<u8>,
    kept: Vec<u8>,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
enum Body {
    /// The head is not through.
    #[default]
    Unknown,
    Bytes(u64),
    Chunked(Chunks),
    /// It ends with the connection.
    UntilClosed,
}

struct Head {
    bytes: usize,
    status: u16,
    keep_alive: bool,
    body: Body,
}

impl Reader {
    /// One that keeps the begin of each body, or not.
    pub fn new(keep_body: bool) -> Self {
        Self {
            keep_body,
            ..Self::default()
        }
    }

    /// Ready for the next answer.
    pub fn restart(&mut self) {
        self.begun = false;
        self.head.clear();
        self.body = Body::Unknown;
        self.replica.clear();
        self.kept.clear();
    }

    /// Whether anything of the answer has come.
    pub fn has_begun(&self) -> bool {
        self.begun
    }

    /// The status, once the head is through.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether the connection may be used again.
    pub fn keeps_alive(&self) -> bool {
        self.keep_alive
    }

    /// The value of `x-replica`; empty where there is none.
    pub fn replica(&self) -> &[u8] {
        &self.replica
    }

    /// The worker that the begin of the body names, `"worker":<number>`.
    pub fn worker(&self) -> Option<&[u8]> {
        const NAME: &[u8] = b"\"worker\":";
        let mut places = self.kept.windows(NAME.len());
        let after = places.position(|place| place == NAME)? + NAME.len();
        let rest = self.kept[after..].trim_ascii_start();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (digits > 0).then(|| &rest[..digits])
    }

    /// Whether the end of the connection is the end of the answer.
    pub fn ends_with_connection(&self) -> bool {
        self.body == Body::UntilClosed
    }

    /// Reads on.
    ///
    /// # Errors
    /// When it is no HTTP answer.
    pub fn read(&mut self, input: &[u8]) -> Result<Progress, NotHttp> {
        self.begun |= !input.is_empty();
        let mut used = 0;
        while self.body == Body::Unknown {
            let Some(bytes) = self.read_head(&input[used..])? else {
                return Ok(Progress::More);
            };
            used += bytes;
        }
        let rest = &input[used..];
        if self.keep_body {
            let room = KEPT_BODY_BYTES - self.kept.len();
            self.kept.extend_from_slice(&rest[..rest.len().min(room)]);
        }
        match &mut self.body {
            Body::Unknown | Body::UntilClosed => Ok(Progress::More),
            Body::Bytes(left) if *left > rest.len() as u64 => {
                *left -= rest.len() as u64;
                Ok(Progress::More)
            }
            Body::Bytes(left) => Ok(Progress::Whole(used + *left as usize)),
            Body::Chunked(chunks) => Ok(match chunks.read(rest)? {
                Some(bytes) => Progress::Whole(used + bytes),
                None => Progress::More,
            }),
        }
    }

    /// Reads a head; how many bytes of `input` belong to it, when it is through.
    fn read_head(&mut self, input: &[u8]) -> Result<Option<usize>, NotHttp> {
        let before = self.head.len();
        let head = if before == 0 {
            parse(input, &mut self.replica)?
        } else {
            self.head.extend_from_slice(input);
            parse(&self.head, &mut self.replica)?
        };
        let Some(head) = head else {
            if before == 0 {
                self.head.extend_from_slice(input);
            }
            return (self.head.len() <= LONGEST_HEAD_BYTES)
                .then_some(None)
                .ok_or(NotHttp);
        };
        self.head.clear();
        // An interim answer (100 Continue): the real one is still to come.
        if (100..200).contains(&head.status) {
            return if head.status == 101 {
                Err(NotHttp)
            } else {
                Ok(Some(head.bytes - before))
            };
        }
        self.status = head.status;
        self.keep_alive = head.keep_alive && head.body != Body::UntilClosed;
        self.body = head.body;
        Ok(Some(head.bytes - before))
    }
}

fn parse(bytes: &[u8], replica: &mut Vec<u8>) -> Result<Option<Head>, NotHttp> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut answer = httparse::Response::new(&mut fields);
    let bytes = match answer.parse(bytes) {
        Ok(httparse::Status::Complete(bytes)) => bytes,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(NotHttp),
    };
    let status = answer.code.ok_or(NotHttp)?;
    let mut keep_alive = answer.version == Some(1);
    let (mut length, mut coded, mut chunked) = (None, false, false);
    for field in answer.headers.iter() {
        let is = |name: &str| field.name.eq_ignore_ascii_case(name);
        if is("content-length") {
            let said = number(field.value).ok_or(NotHttp)?;
            if length.is_some_and(|before| before != said) {
                return Err(NotHttp);
            }
            length = Some(said);
        } else if is("transfer-encoding") {
            coded = true;
            chunked = words(field.value)
                .last()
                .is_some_and(|last| last == "chunked");
        } else if is("connection") {
            for word in words(field.value) {
                match word.as_str() {
                    "close" => keep_alive = false,
                    "keep-alive" => keep_alive = true,
                    _ => {}
                }
            }
        } else if is("x-replica") {
            replica.clear();
            replica.extend_from_slice(field.value);
        }
    }
    let body = match status {
        100..=199 | 204 | 304 => Body::Bytes(0),
        _ if chunked => Body::Chunked(Chunks::default()),
        _ if coded => Body::UntilClosed,
        _ => length.map_or(Body::UntilClosed, Body::Bytes),
    };
    Ok(Some(Head {
        bytes,
        status,
        keep_alive,
        body,
    }))
}

fn number(value: &[u8]) -> Option<u64> {
    let value = value.trim_ascii();
    let plain = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(value)
        .ok()
        .filter(|_| plain)?
        .parse()
        .ok()
}

/// The words of a list, in small letters.
fn words(value: &[u8]) -> impl Iterator<Item = String> + '_ {
    let words = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    words.map(|word| String::from_utf8_lossy(word).to_ascii_lowercase())
}

#[cfg(test)]
mod tests;
