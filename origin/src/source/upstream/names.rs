//! Names of tracks in URLs. They follow from the upstream's list alone, so that all who pull it
//! agree: the file's own name where that will do, or else what the track is.

use std::collections::HashSet;
use std::sync::Arc;

use crate::playlist::Content;

/// Characters of a name that is taken over.
const NAME_CHARS_MAX: usize = 32;

/// One track that wants a name.
pub(super) struct Nameless<'a> {
    /// Its playlist or template, as the upstream writes it.
    pub(super) uri: &'a str,
    pub(super) content: Content,
    /// Pixels down.
    pub(super) height: Option<u32>,
    pub(super) language: Option<&'a str>,
}

/// A name for each, none twice.
pub(super) fn names(tracks: &[Nameless<'_>]) -> Vec<Arc<str>> {
    let stems: Vec<_> = tracks.iter().filter_map(|track| stem(track.uri)).collect();
    let distinct: HashSet<_> = stems.iter().collect();
    if distinct.len() == tracks.len() {
        return stems.into_iter().map(Arc::from).collect();
    }
    let mut names: Vec<Arc<str>> = Vec::with_capacity(tracks.len());
    for track in tracks {
        let plain = described(track);
        let numbered = (2..).map(|number| format!("{plain}_{number}"));
        let mut free = std::iter::once(plain.clone()).chain(numbered);
        let free = free.find(|name| !names.iter().any(|taken| **taken == **name));
        names.push(free.unwrap_or(plain).into());
    }
    names
}

/// The file's name without its ending, when it is safe and could not be taken for another file.
fn stem(uri: &str) -> Option<String> {
    let path = uri.split(['?', '#']).next()?;
    let file = path.rsplit('/').next()?;
    let stem = file.split('.').next()?.to_ascii_lowercase();
    let is_safe = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let fits = (1..=NAME_CHARS_MAX).contains(&stem.len()) && stem.bytes().all(is_safe);
    (fits && !stem.starts_with('_') && stem != "index").then_some(stem)
}

fn described(track: &Nameless<'_>) -> String {
    match (track.content, track.height, track.language) {
        (Content::Audio, _, Some(language)) => {
            let safe = language.chars().filter(char::is_ascii_alphanumeric).take(8);
            format!("audio_{}", safe.collect::<String>().to_ascii_lowercase())
        }
        (Content::Audio, _, None) => "audio".to_owned(),
        (_, Some(height), _) => format!("v{height}"),
        (_, None, _) => "v".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(tracks: &[(&str, Content, Option<u32>, Option<&str>)]) -> Vec<String> {
        let nameless = tracks.iter().map(|(uri, content, height, language)| Nameless {
            uri,
            content: *content,
            height: *height,
            language: *language,
        });
        names(&nameless.collect::<Vec<_>>()).iter().map(|name| name.to_string()).collect()
    }

    #[test]
    fn distinct_safe_file_names_are_taken_over() {
        let video = |uri| (uri, Content::Video, Some(720), None);
        assert_eq!(named(&[video("v720.m3u8?a=b"), video("/x/Audio_1.m3u8")]), ["v720", "audio_1"]);
        for odd in ["index.m3u8", "a%2Fb.m3u8", "a-1.m3u8", "..", "", "ü.m3u8", "_a.m3u8"] {
            assert_eq!(named(&[video(odd)]), ["v720"], "{odd}");
        }
    }

    #[test]
    fn others_are_named_by_what_they_are() {
        let names = named(&[
            ("1/prog.m3u8", Content::Muxed, Some(720), None),
            ("2/prog.m3u8", Content::Muxed, Some(720), None),
            ("3/prog.m3u8", Content::Muxed, None, None),
            ("4/prog.m3u8", Content::Audio, None, Some("pt-BR")),
            ("5/prog.m3u8", Content::Audio, None, None),
        ]);
        assert_eq!(names, ["v720", "v720_2", "v", "audio_ptbr", "audio"]);
    }
}
