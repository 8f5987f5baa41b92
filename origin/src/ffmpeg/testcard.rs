//! The test card: a picture with a clock, and a tone, from ffmpeg's own generators.

use super::encode::{
    Effort, picture_tracks, pictures, quiet, scaled, segments, sound, sound_track, strings,
};
use crate::config::{Card, Quality};
use crate::playlist::Track;

/// `ultrafast` since the picture is synthetic and the machine has better things to do: 720p30 took
/// 19 % of a core, and 30 % with `veryfast`.
const EFFORT: Effort = Effort { preset: "ultrafast", tune: Some("zerolatency") };

/// The card, live, as segments in the current folder.
pub(crate) fn live(card: &Card, draws_text: bool) -> Vec<String> {
    let mut args = quiet("level+warning");
    args.extend(strings(&["-re"]));
    args.extend(picture(card, draws_text));
    args.extend(strings(&["-re"]));
    args.extend(tone());
    args.extend(encoded(card));
    args.extend(segments(card.segment));
    args
}

/// A tenth of a second of the same, thrown away: succeeds where [`live`] will.
pub(super) fn trial(card: &Card, draws_text: bool) -> Vec<String> {
    let mut args = quiet("error");
    args.extend(picture(card, draws_text));
    args.extend(tone());
    args.extend(encoded(card));
    args.extend(strings(&["-t", "0.1", "-f", "null", "-"]));
    args
}

/// What [`live`] makes.
pub(crate) fn tracks(card: &Card) -> Vec<Track> {
    let picture = |(track, quality): (Track, &Quality)| Track {
        pixels: Some((width_of(quality), quality.height_pixels)),
        frames_per_second: Some(f64::from(card.fps)),
        ..track
    };
    let pictures = picture_tracks(&card.qualities).into_iter().zip(&card.qualities).map(picture);
    pictures.chain([sound_track()]).collect()
}

/// Of a picture that is 16:9, even.
fn width_of(quality: &Quality) -> u32 {
    (quality.height_pixels * 16 / 9).next_multiple_of(2)
}

/// Drawn as large as the largest quality. `testsrc2` shows a timestamp of its own; the clock in
/// large digits needs `drawtext`, which not every ffmpeg has, and a font, which not every machine
/// has.
fn picture(card: &Card, draws_text: bool) -> Vec<String> {
    let Some(largest) = card.qualities.iter().max_by_key(|quality| quality.height_pixels) else {
        return Vec::new();
    };
    let (width, height) = (width_of(largest), largest.height_pixels);
    let mut graph = format!("testsrc2=size={width}x{height}:rate={}", card.fps);
    if draws_text {
        graph.push_str(&format!(
            ",drawtext=text='%{{gmtime\\:%T}} UTC':fontsize={}:fontcolor=white\
             :box=1:boxcolor=black@0.6:boxborderw={}:x=(w-text_w)/2:y=h*0.75",
            height / 8,
            height / 48
        ));
    }
    strings(&["-f", "lavfi", "-i", &graph])
}

/// 440 Hz, with a short beep at each full second.
fn tone() -> Vec<String> {
    strings(&["-f", "lavfi", "-i", "sine=frequency=440:beep_factor=4:sample_rate=48000"])
}

fn encoded(card: &Card) -> Vec<String> {
    let size = |quality: &Quality| format!("{}:{}", width_of(quality), quality.height_pixels);
    let mut args = strings(&["-filter_complex", &scaled("[0:v]", &card.qualities, size)]);
    args.extend(pictures(&card.qualities, card.segment, &EFFORT));
    args.extend(sound("1:a"));
    args
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn card(qualities: &[(u32, u32)]) -> Card {
        let quality =
            |&(height_pixels, video_kbps): &(u32, u32)| Quality { height_pixels, video_kbps };
        let qualities = qualities.iter().map(quality).collect();
        Card { qualities, fps: 30, segment: Duration::from_secs(2) }
    }

    #[test]
    fn the_default_test_card_is_called_like_this() {
        assert_eq!(
            live(&card(&[(720, 2500)]), true).join(" "),
            "-hide_banner -nostdin -nostats -loglevel level+warning \
             -re -f lavfi -i testsrc2=size=1280x720:rate=30,\
             drawtext=text='%{gmtime\\:%T} UTC':fontsize=90:fontcolor=white\
             :box=1:boxcolor=black@0.6:boxborderw=15:x=(w-text_w)/2:y=h*0.75 \
             -re -f lavfi -i sine=frequency=440:beep_factor=4:sample_rate=48000 \
             -filter_complex [0:v]split=1[s0];[s0]scale=1280:720[v0] \
             -map [v0] -c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -bf 0 \
             -g 1200 -sc_threshold 0 \
             -force_key_frames expr:if(isnan(prev_forced_t),1,gte(t,prev_forced_t+2)) \
             -b:v:0 2500k -maxrate:v:0 2500k -bufsize:v:0 2500k \
             -map 1:a -c:a aac -b:a 96k -ac 2 -ar 48000 \
             -f dash -dash_segment_type mp4 -seg_duration 2 -window_size 6 -extra_window_size 6 \
             -init_seg_name $RepresentationID$-header.mp4 \
             -media_seg_name $RepresentationID$-$Number$.m4s \
             -format_options movflags=+frag_discont+skip_sidx:use_editlist=0:\
             avoid_negative_ts=make_non_negative"
        );
    }

    #[test]
    fn a_ladder_is_drawn_once_and_scaled_for_each_quality() {
        let line = live(&card(&[(360, 800), (720, 2500)]), false).join(" ");
        for part in [
            "testsrc2=size=1280x720:rate=30 ",
            "[0:v]split=2[s0][s1];[s0]scale=640:360[v0];[s1]scale=1280:720[v1] ",
            "-map [v0] -map [v1] -c:v",
            "-b:v:0 800k -maxrate:v:0 800k -bufsize:v:0 800k -b:v:1 2500k",
        ] {
            assert!(line.contains(part), "{part} is not in {line}");
        }
        let names: Vec<_> =
            tracks(&card(&[(360, 800), (90, 100)])).iter().map(|of| of.name.to_string()).collect();
        assert_eq!(names, ["video-360", "video-90", "audio"]);
    }

    #[test]
    fn the_trial_asks_for_the_same_picture_sound_and_codecs() {
        let card = card(&[(720, 2500)]);
        let (trial, real) = (trial(&card, true), live(&card, true));
        let ends = ["-t", "0.1", "null", "-", "error"];
        for arg in trial.iter().filter(|arg| !ends.contains(&arg.as_str())) {
            assert!(real.contains(arg), "{arg} is only in the trial");
        }
    }
}
