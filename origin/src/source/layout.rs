//! The tracks of a fallback, whoever is on air: players read the list of tracks only once, so each
//! member feeds the tracks that are there, with whatever of its own comes nearest.

use crate::limits::TRACKS_MAX;
use crate::playlist::{Content, Track};

/// The stream's tracks.
#[derive(Debug, Default)]
pub(super) struct Layout {
    tracks: Vec<Track>,
    /// The best member that was on air.
    of: Option<usize>,
}

impl Layout {
    pub(super) fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// Whether a member can go on air: it feeds all tracks, or it is better than all that were on
    /// air before, and may say what the tracks are.
    pub(super) fn admits(&self, member: usize, tracks: &[Track]) -> bool {
        self.is_led_by(member) || self.tracks.iter().all(|track| nearest(track, tracks).is_some())
    }

    /// A member goes on air. The best so far adds its tracks to those that are there, or replaces
    /// them where it cannot feed them.
    pub(super) fn adopt(&mut self, member: usize, tracks: &[Track]) {
        if !self.is_led_by(member) {
            return;
        }
        self.of = Some(member);
        let mixed = tracks.iter().any(|track| track.content != Content::Muxed);
        // Of what can play in several ways, the one with a track for each.
        let offered = tracks.iter().filter(|track| !mixed || track.content != Content::Muxed);
        self.tracks.retain(|track| nearest(track, tracks).is_some());
        for track in offered {
            let room = self.tracks.len() < TRACKS_MAX;
            if room && self.tracks.iter().all(|there| there.name != track.name) {
                self.tracks.push(track.clone());
            }
        }
    }

    fn is_led_by(&self, member: usize) -> bool {
        self.of.is_none_or(|of| member <= of)
    }

    /// Which of the stream's tracks a member's track feeds.
    pub(super) fn fed_by(
        &self,
        tracks: &[Track],
        index: usize,
    ) -> impl Iterator<Item = usize> + use<> {
        let feeds = |track: &Track| nearest(track, tracks) == Some(index);
        let all = self.tracks.iter().enumerate();
        let fed: Vec<_> = all.filter(|(_, track)| feeds(track)).map(|(fed, _)| fed).collect();
        fed.into_iter()
    }
}

/// The track among `others` that can stand in for `track`: of the same kind, of the same name or
/// else nearest in height and bits a second.
fn nearest(track: &Track, others: &[Track]) -> Option<usize> {
    let alike =
        |other: &Track| other.content == track.content && other.container == track.container;
    let distance = |other: &Track| {
        let height = |track: &Track| track.pixels.map_or(0, |(_, height)| height);
        let bits = |track: &Track| track.bits_per_second.unwrap_or_default();
        let is_other = other.name != track.name || other.language != track.language;
        (is_other, height(track).abs_diff(height(other)), bits(track).abs_diff(bits(other)))
    };
    let candidates = others.iter().enumerate().filter(|(_, other)| alike(other));
    candidates.min_by_key(|(_, other)| distance(other)).map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playlist::Container;

    fn video(name: &str, height: u32) -> Track {
        let pixels = Some((height * 16 / 9, height));
        Track { pixels, ..Track::new(name, Content::Video, Container::Cmaf) }
    }

    fn audio() -> Track {
        Track::new("audio", Content::Audio, Container::Cmaf)
    }

    fn muxed() -> Track {
        Track::new("main", Content::Muxed, Container::MpegTs)
    }

    fn names(layout: &Layout) -> Vec<&str> {
        layout.tracks().iter().map(|track| track.name.as_ref()).collect()
    }

    #[test]
    fn one_quality_feeds_a_whole_ladder() {
        let mut layout = Layout::default();
        layout.adopt(0, &[video("v720", 720), video("v360", 360), audio()]);
        let backup = [audio(), video("v", 480)];
        assert!(layout.admits(1, &backup));
        layout.adopt(1, &backup);
        assert_eq!(names(&layout), ["v720", "v360", "audio"]);
        assert_eq!(layout.fed_by(&backup, 0).collect::<Vec<_>>(), [2]);
        assert_eq!(layout.fed_by(&backup, 1).collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn of_a_ladder_the_nearest_quality_is_taken() {
        let mut layout = Layout::default();
        layout.adopt(1, &[video("v", 480), audio()]);
        let ladder = [video("v1080", 1080), video("v360", 360), audio()];
        assert_eq!(layout.fed_by(&ladder, 1).collect::<Vec<_>>(), [0]);
        assert_eq!(layout.fed_by(&ladder, 0).count(), 0);
        layout.adopt(0, &ladder);
        assert_eq!(names(&layout), ["v", "audio", "v1080", "v360"]);
    }

    #[test]
    fn a_member_that_cannot_feed_the_tracks_is_not_admitted_unless_it_is_the_best_yet() {
        let mut layout = Layout::default();
        layout.adopt(1, &[video("v", 480), audio()]);
        assert!(!layout.admits(2, &[muxed()]));
        assert!(!layout.admits(2, &[video("v", 480)]));
        assert!(layout.admits(0, &[muxed()]));
        layout.adopt(0, &[muxed()]);
        assert_eq!(names(&layout), ["main"]);
    }

    #[test]
    fn a_slate_that_plays_in_every_way_feeds_what_is_there() {
        let slate = [video("video", 360), audio(), muxed()];
        let mut first = Layout::default();
        first.adopt(2, &slate);
        assert_eq!(names(&first), ["video", "audio"]);
        let mut muxed_before = Layout::default();
        muxed_before.adopt(0, &[muxed()]);
        muxed_before.adopt(2, &slate);
        assert_eq!(names(&muxed_before), ["main"]);
        assert_eq!(muxed_before.fed_by(&slate, 2).collect::<Vec<_>>(), [0]);
        assert_eq!(muxed_before.fed_by(&slate, 0).count(), 0);
    }
}
