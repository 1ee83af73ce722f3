//! Pages as they are sent, made once where there is room for them.

use hyper::body::Bytes;
use origin::coding::Coding;
use origin::web::Web;
use std::sync::{Arc, OnceLock};

/// How much memory the pages that are kept may take, compressed ones aside.
const MOST_BYTES: usize = 64 << 20;

/// The pages of a web.
#[derive(Debug)]
pub struct Library {
    /// Which pages there are.
    pub web: Web,
    /// The first ones, as many as there is room for; each is made when it is
    /// first asked for.
    kept: Vec<Kept>,
}

/// A page in each coding.
#[derive(Debug, Default)]
struct Kept {
    plain: OnceLock<Bytes>,
    gzip: OnceLock<Bytes>,
    brotli: OnceLock<Bytes>,
}

impl Kept {
    fn of(&self, coding: Coding) -> &OnceLock<Bytes> {
        match coding {
            Coding::Identity => &self.plain,
            Coding::Gzip => &self.gzip,
            Coding::Brotli => &self.brotli,
        }
    }
}

impl Library {
    /// One that has made nothing yet.
    pub fn new(web: Web) -> Self {
        let room = MOST_BYTES / web.page_bytes;
        let kept = room.min(usize::try_from(web.pages).unwrap_or(usize::MAX));
        Self {
            kept: (0..kept).map(|_| Kept::default()).collect(),
            web,
        }
    }

    /// A page without a fault.
    pub fn page(&self, page: u64) -> Bytes {
        let make = || Bytes::from(self.web.page(page));
        match self.place(page, Coding::Identity) {
            Some(kept) => kept.get_or_init(make).clone(),
            None => make(),
        }
    }

    /// The same in a coding; compressed where that holds up no other request.
    ///
    /// # Errors
    /// When it cannot be compressed: never seen.
    pub async fn coded(self: &Arc<Self>, page: u64, coding: Coding) -> anyhow::Result<Bytes> {
        if coding == Coding::Identity {
            return Ok(self.page(page));
        }
        if let Some(kept) = self.place(page, coding).and_then(OnceLock::get) {
            return Ok(kept.clone());
        }
        let library = Arc::clone(self);
        let code = move || coding.encode(&library.page(page)).map(Bytes::from);
        let coded = tokio::task::spawn_blocking(code).await??;
        Ok(match self.place(page, coding) {
            Some(kept) => kept.get_or_init(|| coded).clone(),
            None => coded,
        })
    }

    fn place(&self, page: u64, coding: Coding) -> Option<&OnceLock<Bytes>> {
        let index = usize::try_from(page.checked_sub(1)?).ok()?;
        Some(self.kept.get(index)?.of(coding))
    }
}
