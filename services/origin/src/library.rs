//! Pages as they are sent, written once where there is room for them.

use hyper::body::Bytes;
use origin::web::Web;
use std::sync::OnceLock;

/// How much memory the written pages may take.
const MOST_BYTES: usize = 64 << 20;

/// The pages of a web.
#[derive(Debug)]
pub struct Library {
    /// Which pages there are.
    pub web: Web,
    /// The first ones, as many as there is room for; each is written when it
    /// is first asked for.
    written: Vec<OnceLock<Bytes>>,
}

impl Library {
    /// One that has written nothing yet.
    pub fn new(web: Web) -> Self {
        let room = MOST_BYTES / web.page_bytes;
        let written = room.min(usize::try_from(web.pages).unwrap_or(usize::MAX));
        Self {
            written: (0..written).map(|_| OnceLock::new()).collect(),
            web,
        }
    }

    /// A page that has no fault.
    pub fn page(&self, page: u64) -> Bytes {
        let write = || Bytes::from(self.web.page(page));
        let place = usize::try_from(page - 1).ok();
        match place.and_then(|place| self.written.get(place)) {
            Some(written) => written.get_or_init(write).clone(),
            None => write(),
        }
    }
}
