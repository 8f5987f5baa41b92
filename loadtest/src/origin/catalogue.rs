//! What there is to download: the segments of a playlist, with what is in them. A live stream's
//! playlist is read again and again, and each new segment is fetched once, before the load asks for
//! it, so that every later download of it can be compared byte by byte.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, ensure};
use url::Url;

use super::args::DownloadServer;
use super::http;
use crate::limits::DOWNLOAD_SEGMENTS_MAX;

/// The segments that may be asked for at present.
#[derive(Debug)]
pub(super) struct Catalogue {
    server: DownloadServer,
    media: Url,
    segments: Mutex<Arc<Vec<Arc<Segment>>>>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Segment {
    url: Url,
    pub(super) request: Vec<u8>,
    pub(super) body: Vec<u8>,
}

impl Catalogue {
    /// Reads the playlist and what it names.
    ///
    /// # Errors
    /// When something of that can't be had.
    pub(super) fn read(server: &DownloadServer) -> anyhow::Result<Self> {
        let mut media = server.playlist.clone();
        let text = fetch_text(server, &media)?;
        if text.contains("#EXT-X-STREAM-INF") {
            let first = uris(&text).next().context("a playlist without a quality")?;
            media = media.join(first)?;
        }
        let segments = Mutex::default();
        let catalogue = Catalogue { server: server.clone(), media, segments };
        catalogue.refresh()?;
        let count = catalogue.segments().len();
        ensure!(count > 0, "{} names no segment", catalogue.media);
        Ok(catalogue)
    }

    pub(super) fn segments(&self) -> Arc<Vec<Arc<Segment>>> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the playlist again.
    ///
    /// # Errors
    /// When something can't be had; what was there before stays.
    pub(super) fn refresh(&self) -> anyhow::Result<()> {
        let (text, known) = (fetch_text(&self.server, &self.media)?, self.segments());
        let mut segments = Vec::new();
        for uri in uris(&text).take(DOWNLOAD_SEGMENTS_MAX) {
            let url = self.media.join(uri)?;
            segments.push(match known.iter().find(|segment| segment.url == url) {
                Some(segment) => segment.clone(),
                None => Arc::new(self.fetch(url)?),
            });
        }
        *self.segments.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(segments);
        Ok(())
    }

    fn fetch(&self, url: Url) -> anyhow::Result<Segment> {
        let request = http::request(&host(&url), target(&url));
        let body = get(&self.server, &url)?;
        ensure!(!body.is_empty(), "{url} is empty");
        Ok(Segment { url, request, body })
    }
}

fn fetch_text(server: &DownloadServer, url: &Url) -> anyhow::Result<String> {
    String::from_utf8(get(server, url)?).with_context(|| format!("{url} is no text"))
}

fn get(server: &DownloadServer, url: &Url) -> anyhow::Result<Vec<u8>> {
    http::get(server.address, &host(url), target(url)).with_context(|| url.to_string())
}

/// The lines that are no tags (RFC 8216, 4.1).
fn uris(playlist: &str) -> impl Iterator<Item = &str> {
    playlist.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The path with its query.
fn target(url: &Url) -> &str {
    &url[url::Position::BeforePath..url::Position::AfterQuery]
}

fn host(url: &Url) -> String {
    url[url::Position::BeforeHost..url::Position::AfterPort].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_path_query_and_host() {
        let url: Url = "http://127.0.0.1:81/live/a.ts?x=y#z".parse().expect("a URL");
        assert_eq!((target(&url), host(&url).as_str()), ("/live/a.ts?x=y", "127.0.0.1:81"));
        let lines = "#EXTM3U\n#EXTINF:2,\na.ts\n\nb.ts\n";
        assert_eq!(uris(lines).collect::<Vec<_>>(), ["a.ts", "b.ts"]);
    }
}
