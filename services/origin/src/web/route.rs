//! What a path asks for.

/// What a path asks for, whether or not the web has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Route {
    /// `/`
    Index,
    /// `/page/{n}`
    Page(u64),
    /// `/moved/{n}`: where the page of a redirect is.
    Moved(u64),
    /// `/loop/{n}`: what leads back to the page of a redirect loop.
    Loop(u64),
    /// `/private/{n}`: what robots.txt disallows.
    Private(u64),
    /// `/robots.txt`
    Robots,
    /// `/sitemap.xml`
    Sitemap,
    /// `/stats`
    Stats,
    /// `/faults`
    Faults,
    /// Anything else.
    Unknown,
}

impl Route {
    /// Reads a path. A number has one spelling only: `/page/07` is unknown, or
    /// a page would have several paths.
    pub fn of(path: &str) -> Self {
        let numbered = |prefix: &str| number(path.strip_prefix(prefix)?);
        if let Some(page) = numbered("/page/") {
            return Self::Page(page);
        }
        match path {
            "/" => Self::Index,
            "/robots.txt" => Self::Robots,
            "/sitemap.xml" => Self::Sitemap,
            "/stats" => Self::Stats,
            "/faults" => Self::Faults,
            _ => numbered("/moved/")
                .map(Self::Moved)
                .or_else(|| numbered("/loop/").map(Self::Loop))
                .or_else(|| numbered("/private/").map(Self::Private))
                .unwrap_or(Self::Unknown),
        }
    }

    /// The path that asks for it; empty for [`Route::Unknown`].
    pub fn path(self) -> String {
        match self {
            Self::Page(n) | Self::Moved(n) | Self::Loop(n) | Self::Private(n) => {
                self.pattern().replace("{n}", &n.to_string())
            }
            Self::Unknown => String::new(),
            route => route.pattern().to_owned(),
        }
    }

    /// Its pattern, as metrics name it.
    pub fn pattern(self) -> &'static str {
        match self {
            Self::Index => "/",
            Self::Page(_) => "/page/{n}",
            Self::Moved(_) => "/moved/{n}",
            Self::Loop(_) => "/loop/{n}",
            Self::Private(_) => "/private/{n}",
            Self::Robots => "/robots.txt",
            Self::Sitemap => "/sitemap.xml",
            Self::Stats => "/stats",
            Self::Faults => "/faults",
            Self::Unknown => service_kit::server::UNMATCHED,
        }
    }
}

fn number(digits: &str) -> Option<u64> {
    let canonical = !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    canonical.then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_path_has_its_route() {
        for (path, route) in [
            ("/", Route::Index),
            ("/page/1", Route::Page(1)),
            ("/page/18446744073709551615", Route::Page(u64::MAX)),
            ("/moved/20", Route::Moved(20)),
            ("/loop/3", Route::Loop(3)),
            ("/private/4", Route::Private(4)),
            ("/robots.txt", Route::Robots),
            ("/sitemap.xml", Route::Sitemap),
            ("/stats", Route::Stats),
            ("/faults", Route::Faults),
        ] {
            assert_eq!(Route::of(path), route, "{path}");
            assert_eq!(route.path(), path);
        }
    }

    #[test]
    fn other_spellings_are_unknown() {
        for path in [
            "",
            "*",
            "/page",
            "/page/",
            "/page/0",
            "/page/07",
            "/page/+7",
            "/page/-7",
            "/page/7/",
            "/page/18446744073709551616",
            "/pages/7",
            "/Page/7",
            "//page/7",
            "/stats/",
        ] {
            assert_eq!(Route::of(path), Route::Unknown, "{path}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_route(path: String) {
            Route::of(&path);
        }

        #[test]
        fn a_page_has_one_path(page in 1_u64..) {
            prop_assert_eq!(Route::of(&format!("/page/{page}")), Route::Page(page));
        }
    }
}
