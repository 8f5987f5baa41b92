//! ffmpeg's command lines, as pure functions: what a stream's picture, sound and segments are like
//! is decided here and nowhere else.

use super::HANDOVER_PLAYLIST;
use crate::config::Card;

/// Sound bits a second, in thousands: enough for a tone, and for any player's decoder.
const AUDIO_KBPS: u32 = 96;

/// Entries in the playlist by which ffmpeg hands over. The origin reads it ten times a second and
/// keeps its own window, so this only covers a machine that stood still for a while.
const HANDOVER_SEGMENTS: u32 = 12;

/// The test card, live, as HLS into the current folder, the segments numbered from 0.
pub(super) fn testcard(stream: &str, card: &Card, draws_text: bool) -> Vec<String> {
    let mut args = quiet("level+warning");
    args.extend(["-re".to_owned()]);
    args.extend(picture(card, draws_text));
    args.extend(["-re".to_owned()]);
    args.extend(tone());
    args.extend(codecs(card));
    args.extend(segments(stream, card));
    args
}

/// A tenth of a second of the same, thrown away: succeeds where [`testcard`] will.
pub(super) fn trial(card: &Card, draws_text: bool) -> Vec<String> {
    let mut args = quiet("error");
    args.extend(picture(card, draws_text));
    args.extend(tone());
    args.extend(codecs(card));
    args.extend(["-t", "0.1", "-f", "null", "-"].map(str::to_owned));
    args
}

fn quiet(log_level: &str) -> Vec<String> {
    ["-hide_banner", "-nostdin", "-nostats", "-loglevel", log_level].map(str::to_owned).into()
}

/// `testsrc2` shows a timestamp of its own; the clock in large digits needs `drawtext`, which not
/// every ffmpeg has, and a font, which not every machine has.
fn picture(card: &Card, draws_text: bool) -> Vec<String> {
    let Card { width_pixels, height_pixels, fps, .. } = card;
    let mut graph = format!("testsrc2=size={width_pixels}x{height_pixels}:rate={fps}");
    if draws_text {
        let font_pixels = height_pixels / 8;
        let border_pixels = height_pixels / 48;
        graph.push_str(&format!(
            ",drawtext=text='%{{gmtime\\:%T}} UTC':fontsize={font_pixels}:fontcolor=white\
             :box=1:boxcolor=black@0.6:boxborderw={border_pixels}:x=(w-text_w)/2:y=h*0.75"
        ));
    }
    ["-f", "lavfi", "-i", &graph].map(str::to_owned).into()
}

/// 440 Hz, with a short beep at each full second.
fn tone() -> Vec<String> {
    let graph = "sine=frequency=440:beep_factor=4:sample_rate=48000";
    ["-f", "lavfi", "-i", graph].map(str::to_owned).into()
}

/// H.264 and AAC, which every browser decodes. `ultrafast` since the picture is synthetic and the
/// machine has better things to do: 720p30 took 19 % of a core, and 30 % with `veryfast`.
/// Exactly one key frame per segment, at its start, and no B-frames, so that each segment can be
/// decoded alone and begins with what is shown first.
fn codecs(card: &Card) -> Vec<String> {
    let seconds = card.segment.as_secs();
    let bits = format!("{}k", card.video_kbps);
    let audio_bits = format!("{AUDIO_KBPS}k");
    let segment_frames = (u64::from(card.fps) * seconds).to_string();
    let key_frames = format!("expr:gte(t,n_forced*{seconds})");
    [
        ["-map", "0:v"],
        ["-map", "1:a"],
        ["-c:v", "libx264"],
        ["-preset", "ultrafast"],
        ["-tune", "zerolatency"],
        ["-pix_fmt", "yuv420p"],
        ["-bf", "0"],
        ["-b:v", &bits],
        ["-maxrate", &bits],
        ["-bufsize", &bits],
        ["-g", &segment_frames],
        ["-keyint_min", &segment_frames],
        ["-sc_threshold", "0"],
        ["-force_key_frames", &key_frames],
        ["-c:a", "aac"],
        ["-b:a", &audio_bits],
        ["-ac", "2"],
    ]
    .concat()
    .into_iter()
    .map(str::to_owned)
    .collect()
}

/// `temp_file` gives a file its name only when it is whole; `delete_segments` keeps the folder at
/// the playlist's length.
fn segments(stream: &str, card: &Card) -> Vec<String> {
    [
        ["-f", "hls"],
        ["-hls_time", &card.segment.as_secs().to_string()],
        ["-hls_list_size", &HANDOVER_SEGMENTS.to_string()],
        ["-hls_segment_type", "mpegts"],
        ["-hls_flags", "delete_segments+temp_file+independent_segments+program_date_time"],
        ["-hls_segment_filename", &format!("{stream}-%d.ts")],
    ]
    .concat()
    .into_iter()
    .chain([HANDOVER_PLAYLIST])
    .map(str::to_owned)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const CARD: Card = Card {
        width_pixels: 1280,
        height_pixels: 720,
        fps: 30,
        video_kbps: 2500,
        segment: Duration::from_secs(2),
    };

    #[test]
    fn the_default_test_card_is_called_like_this() {
        assert_eq!(
            testcard("testcard", &CARD, true).join(" "),
            "-hide_banner -nostdin -nostats -loglevel level+warning \
             -re -f lavfi -i testsrc2=size=1280x720:rate=30,\
             drawtext=text='%{gmtime\\:%T} UTC':fontsize=90:fontcolor=white\
             :box=1:boxcolor=black@0.6:boxborderw=15:x=(w-text_w)/2:y=h*0.75 \
             -re -f lavfi -i sine=frequency=440:beep_factor=4:sample_rate=48000 \
             -map 0:v -map 1:a -c:v libx264 -preset ultrafast -tune zerolatency \
             -pix_fmt yuv420p -bf 0 -b:v 2500k -maxrate 2500k -bufsize 2500k -g 60 -keyint_min 60 \
             -sc_threshold 0 -force_key_frames expr:gte(t,n_forced*2) -c:a aac -b:a 96k -ac 2 \
             -f hls -hls_time 2 -hls_list_size 12 -hls_segment_type mpegts \
             -hls_flags delete_segments+temp_file+independent_segments+program_date_time \
             -hls_segment_filename testcard-%d.ts index.m3u8"
        );
    }

    #[test]
    fn another_card_changes_its_own_numbers_and_nothing_else() {
        let small = Card {
            width_pixels: 160,
            height_pixels: 90,
            fps: 10,
            video_kbps: 100,
            segment: Duration::from_secs(1),
        };
        let usual = testcard("testcard", &CARD, false);
        let changed: Vec<_> = usual
            .iter()
            .zip(&testcard("small", &small, false))
            .filter(|(usual, small)| usual != small)
            .map(|(usual, small)| format!("{usual} {small}"))
            .collect();
        assert_eq!(
            changed,
            [
                "testsrc2=size=1280x720:rate=30 testsrc2=size=160x90:rate=10",
                "2500k 100k",
                "2500k 100k",
                "2500k 100k",
                "60 10",
                "60 10",
                "expr:gte(t,n_forced*2) expr:gte(t,n_forced*1)",
                "2 1",
                "testcard-%d.ts small-%d.ts",
            ]
        );
    }

    #[test]
    fn the_trial_asks_for_the_same_picture_sound_and_codecs() {
        let (trial, real) = (trial(&CARD, true), testcard("s", &CARD, true));
        let ends = ["-t", "0.1", "null", "-", "error"];
        for arg in trial.iter().filter(|arg| !ends.contains(&arg.as_str())) {
            assert!(real.contains(arg), "{arg} is only in the trial");
        }
    }
}
