//! What a config would have the origin do, for people to read before it does it.

use std::fmt::Write;

use crate::config::{Start, ValidOrigin};
use crate::ffmpeg::{Ability, probe};

impl ValidOrigin {
    /// A line for each stream, listener and rule. Runs ffmpeg where a stream needs it, to see
    /// whether it is there.
    pub async fn plan(&self) -> String {
        let needs_ffmpeg = self.streams.iter().any(|stream| stream.source.needs_ffmpeg());
        let ability = if needs_ffmpeg { probe().await } else { Ability::NONE };
        let mut text = String::new();
        for stream in &self.streams {
            let source = stream.source.name();
            let start = match stream.start {
                Start::Always => "always".to_owned(),
                Start::OnDemand(idle) => format!("on demand, {} s longer", idle.as_secs()),
            };
            let ffmpeg = match (stream.source.needs_ffmpeg(), ability.encodes()) {
                (false, _) => "",
                (true, true) => ", by ffmpeg, which is here",
                (true, false) => ", by ffmpeg, WHICH IS NOT HERE with libx264 and AAC",
            };
            let _ = writeln!(
                text,
                "stream   /live/{}/: {source}{ffmpeg}, {start}, {} segments in the playlist",
                stream.name, stream.playlist_segments
            );
        }
        let tls = if self.listen.certificate.is_some() { " with TLS" } else { "" };
        let _ = writeln!(text, "listens  {}{tls}", self.listen.address);
        if let Some(metrics) = self.metrics {
            let _ = writeln!(text, "metrics  {metrics}");
        }
        if let Some(cdn) = &self.access.cdn {
            let _ = writeln!(text, "access   only with the header {}", cdn.header);
        }
        if self.access.signing.is_some() {
            text.push_str("access   only by signed addresses\n");
        }
        text
    }
}
