//! What a web has beside its pages.

use super::Web;
use std::fmt::Write as _;

/// How many pages robots.txt keeps robots from.
pub const PRIVATE_PAGES: u64 = 10;

/// The most that one sitemap may name, by its protocol.
const SITEMAP_PAGES: u64 = 50_000;

/// How many pages the index page links to.
const INDEX_PAGES: u64 = 100;

/// Who may fetch what, as seen at `host`: all but `/private/`.
pub fn robots(host: &str) -> String {
    format!("User-agent: *\nDisallow: /private/\n\nSitemap: http://{host}/sitemap.xml\n")
}

/// A page that an honest robot never sees.
pub fn private(page: u64) -> String {
    let title = format!("Private page {page}");
    document(&title, "<p>robots.txt disallows this page.</p>\n")
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n</head>\n\
         <body>\n<h1>{title}</h1>\n{body}</body>\n</html>\n"
    )
}

impl Web {
    /// The way in: links to the first pages, which link to all others.
    pub fn index(&self) -> String {
        let mut links = String::from("<ul>\n");
        for page in 1..=self.pages.min(INDEX_PAGES) {
            let _ = writeln!(links, "<li><a href=\"/page/{page}\">Page {page}</a></li>");
        }
        let _ = writeln!(
            links,
            "</ul>\n<p>{} pages, and <a href=\"/private/1\">one that is private</a>.</p>",
            self.pages
        );
        document("Origin", &links)
    }

    /// The first pages (50,000 at most), as seen at `host`.
    pub fn sitemap(&self, host: &str) -> String {
        let mut xml = String::from(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
        );
        for page in 1..=self.pages.min(SITEMAP_PAGES) {
            let _ = writeln!(xml, "<url><loc>http://{host}/page/{page}</loc></url>");
        }
        xml.push_str("</urlset>\n");
        xml
    }
}

#[cfg(test)]
mod tests {
    use super::super::fault::FaultShares;
    use super::super::latency::Latency;
    use super::*;

    fn web(pages: u64) -> Web {
        Web {
            seed: 1,
            pages,
            page_bytes: 1024,
            faults: FaultShares::default(),
            latency: Latency::None,
        }
    }

    #[test]
    fn the_sitemap_names_every_page_once_and_at_most_as_many_as_it_may() {
        let locations = |pages| web(pages).sitemap("origin:8080").matches("<loc>").count();
        assert_eq!(locations(1), 1);
        assert_eq!(locations(1000), 1000);
        assert_eq!(locations(50_001), 50_000);
        assert!(
            web(3)
                .sitemap("origin:8080")
                .contains("<loc>http://origin:8080/page/3</loc>")
        );
    }

    #[test]
    fn the_index_leads_to_pages_and_to_what_is_disallowed() {
        let html = web(3).index();
        assert_eq!(html.matches("href=\"/page/").count(), 3);
        assert!(html.contains("href=\"/private/1\""));
        assert!(robots("origin:8080").contains("Disallow: /private/"));
    }
}
