//! The first look at an upstream: whether it is HLS or DASH, and which tracks it has. All of them
//! must be readable, since players read a list of tracks only once.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::try_join_all;

use super::dash::{DashFeed, feeds};
use super::hls::{HlsFeed, ask_for_text, newest};
use super::listing::{Listing, Problem};
use super::names::{Nameless, names};
use crate::fetch::{Answer, Fetched, Fetcher, Place};
use crate::limits::TRACKS_MAX;
use crate::playlist::{
    Container, Content, HlsPlaylist, MediaPlaylist, MultivariantPlaylist, Rendition, Track, Variant,
};

/// What an upstream consists of.
pub(super) struct Survey {
    pub(super) tracks: Vec<Track>,
    /// One for each track.
    pub(super) feeds: Vec<Feed>,
    /// The longest of the tracks'.
    pub(super) target: Duration,
}

/// Where news of one track comes from.
pub(super) enum Feed {
    Hls(Box<HlsFeed>),
    Dash(Box<DashFeed>),
}

impl Feed {
    /// See [`HlsFeed::next`].
    pub(super) async fn next(
        &mut self,
        fetcher: &Fetcher,
        taken: Option<u64>,
    ) -> Result<Listing, Problem> {
        match self {
            Feed::Hls(feed) => feed.next(fetcher, taken).await,
            Feed::Dash(feed) => feed.next(fetcher, taken).await,
        }
    }

    pub(super) fn hurry(&mut self) {
        match self {
            Feed::Hls(feed) => feed.hurry(),
            Feed::Dash(feed) => feed.hurry(),
        }
    }

    /// The newest number.
    pub(super) fn newest(&self) -> Option<u64> {
        match self {
            Feed::Hls(feed) => newest(feed.playlist()),
            Feed::Dash(feed) => feed.newest(),
        }
    }

    pub(super) fn first_timeline(&self) -> Option<u64> {
        match self {
            Feed::Hls(feed) => feed.playlist().entries.first().map(|entry| entry.timeline),
            Feed::Dash(_) => Some(0),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        match self {
            Feed::Hls(feed) => feed.playlist().is_over,
            Feed::Dash(feed) => feed.is_over(),
        }
    }
}

/// Reads what is at `place`, and all that it names. The error says why that cannot be played.
pub(super) async fn survey(fetcher: &Fetcher, place: &Place) -> Result<Survey, String> {
    let fetched = text(fetcher, place).await?;
    if !fetched.bytes.starts_with(b"#EXTM3U") {
        let (tracks, feeds, target) = feeds(place, &fetched)?;
        let feeds = feeds.into_iter().map(|feed| Feed::Dash(Box::new(feed))).collect();
        return Ok(Survey { tracks, feeds, target });
    }
    match HlsPlaylist::read(&fetched.bytes).map_err(|error| format!("{place}: {error}"))? {
        HlsPlaylist::Media(playlist) => {
            let container = container(&playlist).ok_or_else(|| no_segments(place))?;
            let track = Track::new("main", Content::Muxed, container);
            let target = playlist.target;
            let feed = Feed::Hls(Box::new(HlsFeed::new(place.clone(), &fetched, playlist)));
            Ok(Survey { tracks: vec![track], feeds: vec![feed], target })
        }
        HlsPlaylist::Multivariant(list) => of_list(fetcher, &fetched.place, &list).await,
    }
}

async fn of_list(
    fetcher: &Fetcher,
    base: &Place,
    list: &MultivariantPlaylist,
) -> Result<Survey, String> {
    let described = described(list);
    if described.len() > TRACKS_MAX {
        let count = described.len();
        return Err(format!("{base}: it has {count} tracks, but at most {TRACKS_MAX} are taken"));
    }
    let media = try_join_all(described.iter().map(|of| media(fetcher, base, of.uri))).await?;
    let nameless = described.iter().map(|of| Nameless {
        uri: of.uri,
        content: of.track.content,
        height: of.track.pixels.map(|(_, height)| height),
        language: of.track.language.as_deref(),
    });
    let names = names(&nameless.collect::<Vec<_>>());
    let (mut tracks, mut feeds, mut target) = (Vec::new(), Vec::new(), Duration::ZERO);
    for ((of, name), (place, fetched, playlist)) in described.into_iter().zip(names).zip(media) {
        let container = container(&playlist).ok_or_else(|| no_segments(&place))?;
        target = target.max(playlist.target);
        tracks.push(Track { name, container, ..of.track });
        feeds.push(Feed::Hls(Box::new(HlsFeed::new(place, &fetched, playlist))));
    }
    Ok(Survey { tracks, feeds, target })
}

/// A track as the list describes it; what only its own playlist tells is still missing.
struct Described<'a> {
    uri: &'a str,
    track: Track,
}

/// Each playlist once, though several variants may name it. A rendition that the variants carry
/// themselves needs no track, and neither do its alternatives: they would be played together.
fn described(list: &MultivariantPlaylist) -> Vec<Described<'_>> {
    let mut seen = HashSet::new();
    let groups: HashSet<_> =
        list.variants.iter().filter_map(|of| of.audio_group.as_ref()).collect();
    let is_apart = |group: &String| {
        let mut of_group = list.renditions.iter().filter(|of| of.group == *group).peekable();
        of_group.peek().is_some() && of_group.all(|of| of.uri.is_some())
    };
    let mut described = Vec::new();
    let is_rendition = |uri: &String| {
        list.renditions.iter().any(|of| of.uri.as_ref() == Some(uri) && is_apart(&of.group))
    };
    // Some list a rendition as a variant, too, for who wants the sound alone.
    for variant in list.variants.iter().filter(|of| !is_rendition(&of.uri)) {
        if seen.insert(variant.uri.as_str()) {
            let has_sound_apart = variant.audio_group.as_ref().is_some_and(is_apart);
            described.push(of_variant(variant, has_sound_apart));
        }
    }
    let renditions = list.renditions.iter();
    let mut renditions: Vec<_> =
        renditions.filter(|of| groups.contains(&of.group) && is_apart(&of.group)).collect();
    // The first is what players play unless told otherwise.
    renditions.sort_by_key(|of| !of.is_default);
    for rendition in renditions {
        let Some(uri) = rendition.uri.as_deref().filter(|uri| seen.insert(*uri)) else {
            continue;
        };
        described.push(of_rendition(uri, rendition, list));
    }
    described
}

fn of_variant(variant: &Variant, has_sound_apart: bool) -> Described<'_> {
    let (content, codecs) = variant.carried(has_sound_apart);
    let track = Track {
        bits_per_second: Some(variant.bits_per_second),
        codecs,
        pixels: variant.pixels,
        frames_per_second: variant.frames_per_second,
        ..Track::new("", content, Container::Cmaf)
    };
    Described { uri: &variant.uri, track }
}

/// What the list says of its codec it says with the variants that it goes with.
fn of_rendition<'a>(
    uri: &'a str,
    rendition: &'a Rendition,
    list: &MultivariantPlaylist,
) -> Described<'a> {
    let mut with_it =
        list.variants.iter().filter(|of| of.audio_group.as_ref() == Some(&rendition.group));
    let codecs = with_it.find_map(|of| of.sounds().next().map(str::to_owned));
    let track = Track {
        codecs,
        language: rendition.language.clone(),
        ..Track::new("", Content::Audio, Container::Cmaf)
    };
    Described { uri, track }
}

async fn media(
    fetcher: &Fetcher,
    base: &Place,
    uri: &str,
) -> Result<(Place, Fetched, MediaPlaylist), String> {
    let place = base.join(uri).filter(|place| base.may_lead_to(place));
    let place = place.ok_or_else(|| format!("{base}: a track is at no URL that can be fetched"))?;
    let fetched = text(fetcher, &place).await?;
    match HlsPlaylist::read(&fetched.bytes) {
        Ok(HlsPlaylist::Media(playlist)) => Ok((place, fetched, playlist)),
        Ok(HlsPlaylist::Multivariant(_)) => {
            Err(format!("{place}: a list of tracks within another"))
        }
        Err(error) => Err(format!("{place}: {error}")),
    }
}

async fn text(fetcher: &Fetcher, place: &Place) -> Result<Fetched, String> {
    match fetcher.get(place, &ask_for_text(None)).await {
        Ok(Answer::Here(fetched)) => Ok(fetched),
        Ok(Answer::NotModified) => Err(format!("{place}: not modified, though it is new here")),
        Err(error) => Err(format!("{place}: {error}")),
    }
}

/// Segments with a header are CMAF.
fn container(playlist: &MediaPlaylist) -> Option<Container> {
    let newest = playlist.entries.last()?;
    Some(if newest.header.is_some() { Container::Cmaf } else { Container::MpegTs })
}

fn no_segments(place: &Place) -> String {
    format!("{place}: it has no segments yet")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracks(lines: &str) -> Vec<(String, Track)> {
        let text = format!("#EXTM3U\n{lines}");
        let Ok(HlsPlaylist::Multivariant(list)) = HlsPlaylist::read(text.as_bytes()) else {
            panic!("no list: {text}");
        };
        described(&list).into_iter().map(|of| (of.uri.to_owned(), of.track)).collect()
    }

    #[test]
    fn sound_apart_is_a_track_of_its_own_and_the_default_comes_first() {
        let sound = "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\"";
        let found = tracks(&format!(
            "{sound},LANGUAGE=\"fr\",URI=\"fr.m3u8\"\n\
             {sound},LANGUAGE=\"en\",DEFAULT=YES,URI=\"en.m3u8\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=9,CODECS=\"avc1.42c01f,mp4a.40.2\",AUDIO=\"a\"\nv\n\
             #EXT-X-STREAM-INF:BANDWIDTH=8,CODECS=\"avc1.42c01f,ac-3\",AUDIO=\"b\"\nv\n\
             #EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"mp4a.40.2\",AUDIO=\"a\"\nen.m3u8\n"
        ));
        let kinds: Vec<_> = found.iter().map(|(uri, of)| (uri.as_str(), of.content)).collect();
        let expected =
            [("v", Content::Video), ("en.m3u8", Content::Audio), ("fr.m3u8", Content::Audio)];
        assert_eq!(kinds, expected);
        assert_eq!(found[0].1.codecs.as_deref(), Some("avc1.42c01f"));
        assert_eq!(found[1].1.codecs.as_deref(), Some("mp4a.40.2"));
        assert_eq!(found[1].1.language.as_deref(), Some("en"));
    }

    #[test]
    fn variants_that_carry_their_sound_stay_whole() {
        let found = tracks(
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"within\"\n\
             #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"other\",URI=\"other.m3u8\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=9,CODECS=\"avc1.42c01f,mp4a.40.2\",AUDIO=\"a\"\nv\n\
             #EXT-X-STREAM-INF:BANDWIDTH=7\nw\n\
             #EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"mp4a.40.2\"\nsound\n",
        );
        let kinds: Vec<_> = found.iter().map(|(uri, of)| (uri.as_str(), of.content)).collect();
        let expected = [("v", Content::Muxed), ("w", Content::Muxed), ("sound", Content::Audio)];
        assert_eq!(kinds, expected);
    }
}
