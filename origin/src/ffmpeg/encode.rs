//! The part of ffmpeg's command lines that is the same whatever is played: how a picture is encoded
//! in a ladder of qualities, how sound is, and how segments are cut and handed over.

use std::time::{Duration, SystemTime};

use crate::config::Quality;
use crate::playlist::{Container, Content, Track, since_beginning};

/// Sound bits a second, in thousands: enough for speech and music in stereo.
const AUDIO_KBPS: u32 = 96;

/// Segments that ffmpeg leaves in its folder, in two halves: those in its manifest, which is not
/// read, and those before them. They are taken ten times a second, so this only covers a machine
/// that stood still for a while.
const HANDOVER_SEGMENTS_HALF: &str = "6";

/// ffmpeg's manifest, which nobody reads; a list of processes shows by it whose ffmpeg one is.
pub(super) fn manifest(stream: &str) -> String {
    format!("{stream}.mpd")
}

/// What each call begins with.
pub(super) fn quiet(log_level: &str) -> Vec<String> {
    strings(&["-hide_banner", "-nostdin", "-nostats", "-loglevel", log_level])
}

/// The chain of filters behind `source`, whose outputs are `[v0]`, `[v1]` ...: one for each quality.
pub(super) fn scaled(
    source: &str,
    qualities: &[Quality],
    size: impl Fn(&Quality) -> String,
) -> String {
    let count = qualities.len();
    let copies: String = (0..count).map(|index| format!("[s{index}]")).collect();
    let mut graph = format!("{source}split={count}{copies}");
    for (index, quality) in qualities.iter().enumerate() {
        graph.push_str(&format!(";[s{index}]scale={}[v{index}]", size(quality)));
    }
    graph
}

/// How H.264 is made.
pub(super) struct Effort {
    pub(super) preset: &'static str,
    pub(super) tune: Option<&'static str>,
}

/// H.264, which every browser decodes, of `[v0]`, `[v1]` ... A key frame at the start of each
/// segment, at the same frame in all qualities, and no B-frames, so that each segment begins with
/// what is shown first, and players may change qualities there.
pub(super) fn pictures(qualities: &[Quality], segment: Duration, effort: &Effort) -> Vec<String> {
    let seconds = segment.as_secs();
    let key_frames = format!("expr:if(isnan(prev_forced_t),1,gte(t,prev_forced_t+{seconds}))");
    let mut args = Vec::new();
    for index in 0..qualities.len() {
        args.extend(["-map".to_owned(), format!("[v{index}]")]);
    }
    args.extend(strings(&["-c:v", "libx264", "-preset", effort.preset]));
    if let Some(tune) = effort.tune {
        args.extend(strings(&["-tune", tune]));
    }
    // Further apart than any segment is long: `force_key_frames` alone says where they are.
    args.extend(strings(&["-pix_fmt", "yuv420p", "-bf", "0", "-g", "1200", "-sc_threshold", "0"]));
    args.extend(strings(&["-force_key_frames", &key_frames]));
    for (index, quality) in qualities.iter().enumerate() {
        let bits = format!("{}k", quality.video_kbps);
        for option in ["-b:v", "-maxrate:v", "-bufsize:v"] {
            args.extend([format!("{option}:{index}"), bits.clone()]);
        }
    }
    args
}

/// AAC, which every browser decodes, of the sound that is `source`.
pub(super) fn sound(source: &str) -> Vec<String> {
    let bits = format!("{AUDIO_KBPS}k");
    strings(&["-map", source, "-c:a", "aac", "-b:a", &bits, "-ac", "2", "-ar", "48000"])
}

/// CMAF into the current folder: for each track that was mapped, a header and segments with numbers
/// from 1 (`handover.rs` has their names). A segment has its name only when it is whole. ffmpeg's
/// DASH muxer cuts sound where it cuts the picture, which its HLS muxer does not: that is 2.7 ms
/// later with each segment of 1 s. `frag_discont`, `use_editlist` and `avoid_negative_ts` make a
/// segment's own timestamps those of the picture and the sound: browsers know no empty edits, and
/// each track would begin at 0. [`output`] has to follow.
pub(super) fn segments(segment: Duration) -> Vec<String> {
    strings(&[
        "-f",
        "dash",
        "-dash_segment_type",
        "mp4",
        "-seg_duration",
        &segment.as_secs().to_string(),
        "-window_size",
        HANDOVER_SEGMENTS_HALF,
        "-extra_window_size",
        HANDOVER_SEGMENTS_HALF,
        "-init_seg_name",
        "$RepresentationID$-header.mp4",
        "-media_seg_name",
        "$RepresentationID$-$Number$.m4s",
        "-format_options",
        "movflags=+frag_discont+skip_sidx:use_editlist=0:avoid_negative_ts=make_non_negative",
    ])
}

/// The end of a command line, whose timestamps begin with the time at which it is called: those of a
/// stream grow with every run of it, in this process or the next (`playlist/timeline.rs` relies on
/// it).
pub(super) fn output(stream: &str, now: SystemTime) -> [String; 3] {
    let offset = format!("{:.3}", since_beginning(now).as_secs_f64());
    ["-output_ts_offset".to_owned(), offset, manifest(stream)]
}

/// The tracks that [`pictures`] makes, in its order.
pub(super) fn picture_tracks(qualities: &[Quality]) -> Vec<Track> {
    let track = |quality: &Quality| Track {
        bits_per_second: Some(u64::from(quality.video_kbps) * 1000),
        ..Track::new(&format!("video-{}", quality.height_pixels), Content::Video, Container::Cmaf)
    };
    qualities.iter().map(track).collect()
}

/// The track that [`sound`] makes.
pub(super) fn sound_track() -> Track {
    let bits_per_second = Some(u64::from(AUDIO_KBPS) * 1000);
    Track { bits_per_second, ..Track::new("audio", Content::Audio, Container::Cmaf) }
}

pub(super) fn strings(args: &[&str]) -> Vec<String> {
    args.iter().map(|arg| (*arg).to_owned()).collect()
}
