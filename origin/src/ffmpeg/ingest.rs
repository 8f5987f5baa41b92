//! An input that came from elsewhere: how ffmpeg opens it, and what it may reach by it; and what is
//! done with its picture and sound, copied when browsers play them so, or encoded.

use super::encode::{
    Effort, picture_tracks, pictures, quiet, scaled, segments, sound, sound_track, strings,
};
use super::streams::{Streams, Video};
use crate::config::{Ingest, Input, Protocol, Quality, VideoPolicy};
use crate::limits::{DECODED_PIXELS_MAX, INPUT_TIMEOUT};
use crate::playlist::{Container, Content, Track};

/// Real pictures deserve more of a processor than a test card.
const EFFORT: Effort = Effort { preset: "veryfast", tune: None };

/// Files that hold pictures and sound, and lead nowhere else.
const FILE_FORMATS: &str = "mov,mp4,matroska,webm,mpegts,flv,mpeg,avi,mxf,ogg,mp3,aac,wav,flac";

/// The same over HTTP, and what HLS and DASH consist of.
const HTTP_FORMATS: &str = "hls,dash,webvtt,mov,mp4,matroska,webm,mpegts,flv,live_flv,mpeg,avi,ogg,\
                            mp3,aac,wav,flac";

/// What is done with an input. It has a picture, a sound, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    video: Option<Treatment>,
    audio: Option<Treatment>,
}

/// What is done with a picture or a sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Treatment {
    /// Goes out as it comes, with this name of its codec in MP4.
    Copy {
        tag: &'static str,
    },
    Encode,
}

impl Plan {
    /// What most inputs get, H.264 and AAC, before anything is known of this one: who listens
    /// cannot look first.
    pub(crate) fn first(policy: VideoPolicy) -> Self {
        let video = match policy {
            VideoPolicy::Auto | VideoPolicy::Copy => Treatment::Copy { tag: "avc1" },
            VideoPolicy::Transcode => Treatment::Encode,
        };
        Plan { video: Some(video), audio: Some(Treatment::Copy { tag: "mp4a" }) }
    }

    /// What an input of these streams gets, or why it cannot be played.
    pub(crate) fn of(streams: &Streams, policy: VideoPolicy) -> Result<Self, String> {
        let video = match &streams.video {
            None => None,
            Some(video) => Some(match (video_tag(video), policy) {
                (Some(tag), VideoPolicy::Auto | VideoPolicy::Copy) => Treatment::Copy { tag },
                (None, VideoPolicy::Copy) => {
                    let Video { codec, pixel_format } = video;
                    return Err(format!(
                        "the picture is {codec} ({pixel_format}), which browsers don't play; to \
                         have it encoded, set `video` to \"auto\""
                    ));
                }
                (None, VideoPolicy::Auto) | (_, VideoPolicy::Transcode) => Treatment::Encode,
            }),
        };
        let audio = streams.audio.as_deref().map(|codec| match audio_tag(codec) {
            Some(tag) => Treatment::Copy { tag },
            None => Treatment::Encode,
        });
        match (video, audio) {
            (None, None) => Err("the input has neither a picture nor a sound".to_owned()),
            (video, audio) => Ok(Plan { video, audio }),
        }
    }

    /// The tracks that come of it.
    pub(crate) fn tracks(&self, qualities: &[Quality]) -> Vec<Track> {
        let mut tracks = match self.video {
            Some(Treatment::Copy { .. }) => {
                vec![Track::new("video", Content::Video, Container::Cmaf)]
            }
            Some(Treatment::Encode) => picture_tracks(qualities),
            None => Vec::new(),
        };
        match self.audio {
            Some(Treatment::Copy { .. }) => {
                tracks.push(Track::new("audio", Content::Audio, Container::Cmaf));
            }
            Some(Treatment::Encode) => tracks.push(sound_track()),
            None => {}
        }
        tracks
    }

    fn args(&self, ingest: &Ingest) -> Vec<String> {
        let mut args = Vec::new();
        match self.video {
            Some(Treatment::Copy { tag }) => {
                args.extend(strings(&["-map", "0:V:0", "-c:v", "copy", "-tag:v", tag]));
            }
            Some(Treatment::Encode) => {
                // Broadcasts are still interlaced; browsers show that as combs.
                let source = "[0:V:0]yadif=deint=interlaced,";
                let size = |of: &Quality| format!("-2:trunc(min({}\\,ih)/2)*2", of.height_pixels);
                let graph = scaled(source, &ingest.qualities, size);
                args.extend(strings(&["-filter_complex", &graph]));
                args.extend(pictures(&ingest.qualities, ingest.segment, &EFFORT));
            }
            None => {}
        }
        match self.audio {
            Some(Treatment::Copy { tag }) => {
                args.extend(strings(&["-map", "0:a:0", "-c:a", "copy", "-tag:a", tag]));
            }
            Some(Treatment::Encode) => args.extend(sound("0:a:0")),
            None => {}
        }
        args
    }
}

/// The name in MP4 of a picture that browsers play (HEVC where the machine does).
fn video_tag(video: &Video) -> Option<&'static str> {
    let is_8_bit = matches!(video.pixel_format.as_str(), "yuv420p" | "yuvj420p");
    let is_10_bit = video.pixel_format == "yuv420p10le";
    match video.codec.as_str() {
        "h264" if is_8_bit => Some("avc1"),
        "hevc" if is_8_bit || is_10_bit => Some("hvc1"),
        "av1" if is_8_bit || is_10_bit => Some("av01"),
        _ => None,
    }
}

/// The same of a sound. MP3 in MP4 is played by too few.
fn audio_tag(codec: &str) -> Option<&'static str> {
    match codec {
        "aac" => Some("mp4a"),
        "opus" => Some("Opus"),
        _ => None,
    }
}

/// The input, as segments in the current folder.
pub(crate) fn live(ingest: &Ingest, plan: &Plan) -> Vec<String> {
    let mut args = quiet("level+info");
    args.extend(opened(&ingest.input));
    args.extend(plan.args(ingest));
    // What somebody calls his stream is nothing that viewers are told.
    args.extend(strings(&["-map_metadata", "-1", "-map_chapters", "-1"]));
    args.extend(segments(ingest.segment));
    args
}

/// How the input is opened. It comes from strangers, so it may use its own protocol and no other:
/// a playlist cannot name this machine's files.
fn opened(input: &Input) -> Vec<String> {
    let timeout_us = INPUT_TIMEOUT.as_micros().to_string();
    let (protocols, formats) = match input.protocol {
        Protocol::File => ("file", FILE_FORMATS),
        Protocol::Http => ("http,https,tls,tcp,crypto", HTTP_FORMATS),
        Protocol::Rtmp => ("rtmp,tcp", "flv,live_flv"),
        Protocol::Rtmps => ("rtmps,tls,tcp", "flv,live_flv"),
        Protocol::Rtsp => ("rtp,udp,tcp", "rtsp,rtp,mpegts"),
        Protocol::Rtsps => ("rtp,udp,tls,tcp", "rtsp,rtp,mpegts"),
        Protocol::Srt => ("srt", "mpegts"),
        Protocol::Udp => ("udp", "mpegts"),
        Protocol::Rtp => ("rtp,udp", "rtp,mpegts"),
    };
    let probe_us = input.probe.as_micros().to_string();
    let pixels = DECODED_PIXELS_MAX.to_string();
    let mut args = strings(&["-protocol_whitelist", protocols, "-format_whitelist", formats]);
    args.extend(strings(&["-analyzeduration", &probe_us, "-max_pixels", &pixels]));
    match input.protocol {
        // As live, and for ever.
        Protocol::File => args.extend(strings(&["-re", "-stream_loop", "-1"])),
        Protocol::Rtsp | Protocol::Rtsps => {
            let transport = if input.rtsp_over_udp { "udp" } else { "tcp" };
            args.extend(strings(&["-rtsp_transport", transport, "-timeout", &timeout_us]));
        }
        Protocol::Srt => args.extend(strings(&["-timeout", &timeout_us])),
        Protocol::Http | Protocol::Rtmp | Protocol::Rtmps => {
            args.extend(strings(&["-rw_timeout", &timeout_us]));
        }
        // Silent as long as nobody sends.
        Protocol::Udp | Protocol::Rtp => {}
    }
    match input.protocol {
        Protocol::Rtmp if input.listens => args.extend(strings(&["-listen", "1"])),
        Protocol::Rtsp if input.listens => args.extend(strings(&["-rtsp_flags", "listen"])),
        // SRT says so in its URL.
        _ => {}
    }
    args.extend(["-i".to_owned(), address(input)]);
    args
}

fn address(input: &Input) -> String {
    let url = &input.url;
    match input.protocol {
        Protocol::File => format!("file:{url}"),
        Protocol::Srt if input.listens => {
            let separator = if url.contains('?') { '&' } else { '?' };
            format!("{url}{separator}mode=listener")
        }
        _ => url.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn ingest(protocol: Protocol, url: &str, listens: bool) -> Ingest {
        let probe = Duration::from_secs(5);
        let input = Input { url: url.to_owned(), protocol, listens, rtsp_over_udp: false, probe };
        let qualities = vec![Quality { height_pixels: 720, video_kbps: 2500 }];
        let segment = Duration::from_secs(2);
        Ingest { input, video: VideoPolicy::Auto, segment, qualities }
    }

    fn streams(video: Option<(&str, &str)>, audio: Option<&str>) -> Streams {
        let video = video.map(|(codec, pixel_format)| Video {
            codec: codec.to_owned(),
            pixel_format: pixel_format.to_owned(),
        });
        let mut streams = Streams::default();
        (streams.video, streams.audio) = (video, audio.map(str::to_owned));
        streams
    }

    #[test]
    fn an_encoder_that_connects_is_listened_for_like_this() {
        let rtmp = ingest(Protocol::Rtmp, "rtmp://0.0.0.0:1935/live/key", true);
        assert_eq!(
            live(&rtmp, &Plan::first(VideoPolicy::Auto)).join(" "),
            "-hide_banner -nostdin -nostats -loglevel level+info \
             -protocol_whitelist rtmp,tcp -format_whitelist flv,live_flv \
             -analyzeduration 5000000 -max_pixels 9437184 -rw_timeout 10000000 \
             -listen 1 -i rtmp://0.0.0.0:1935/live/key \
             -map 0:V:0 -c:v copy -tag:v avc1 -map 0:a:0 -c:a copy -tag:a mp4a \
             -map_metadata -1 -map_chapters -1 \
             -f dash -dash_segment_type mp4 -seg_duration 2 -window_size 6 -extra_window_size 6 \
             -init_seg_name $RepresentationID$-header.mp4 \
             -media_seg_name $RepresentationID$-$Number$.m4s \
             -format_options movflags=+frag_discont+skip_sidx:use_editlist=0:\
             avoid_negative_ts=make_non_negative"
        );
        let rtsp = ingest(Protocol::Rtsp, "rtsp://0.0.0.0:8554/live", true);
        let line = live(&rtsp, &Plan::first(VideoPolicy::Auto)).join(" ");
        assert!(line.contains(" -rtsp_flags listen -i rtsp://0.0.0.0:8554/live "), "{line}");
        let srt = ingest(Protocol::Srt, "srt://:9000?passphrase=0123456789", true);
        let line = live(&srt, &Plan::first(VideoPolicy::Auto)).join(" ");
        assert!(line.contains("-i srt://:9000?passphrase=0123456789&mode=listener "), "{line}");
    }

    #[test]
    fn only_what_comes_from_a_file_may_read_files() {
        use Protocol::{File, Http, Rtmp, Rtmps, Rtp, Rtsp, Rtsps, Srt, Udp};
        for protocol in [Http, Rtmp, Rtmps, Rtp, Rtsp, Rtsps, Srt, Udp] {
            let args = opened(&ingest(protocol, "x://host", false).input);
            let after = |name: &str| {
                let at = args.iter().position(|arg| arg == name).expect(name);
                args[at + 1].split(',').map(str::to_owned).collect::<Vec<_>>()
            };
            for local in ["file", "concat", "concatf", "subfile", "pipe", "data", "cache", "unix"] {
                assert!(!after("-protocol_whitelist").contains(&local.to_owned()), "{protocol:?}");
            }
        }
        assert!(!FILE_FORMATS.contains("hls") && !FILE_FORMATS.contains("concat"));
        let args = opened(&ingest(File, "/srv/a:b.mp4", false).input).join(" ");
        assert!(args.ends_with("-re -stream_loop -1 -i file:/srv/a:b.mp4"), "{args}");
    }

    #[test]
    fn what_browsers_play_is_copied_and_the_rest_is_encoded() {
        let copy = |tag| Some(Treatment::Copy { tag });
        let encode = Some(Treatment::Encode);
        for (video, audio, to_video, to_audio) in [
            (Some(("h264", "yuv420p")), Some("aac"), copy("avc1"), copy("mp4a")),
            (Some(("hevc", "yuv420p10le")), Some("opus"), copy("hvc1"), copy("Opus")),
            (Some(("av1", "yuv420p")), None, copy("av01"), None),
            (Some(("h264", "yuv422p10le")), Some("mp3"), encode, encode),
            (Some(("mpeg2video", "yuv420p")), Some("mp2"), encode, encode),
            (Some(("vp8", "yuv420p")), Some("ac3"), encode, encode),
            (None, Some("aac"), None, copy("mp4a")),
        ] {
            let plan = Plan::of(&streams(video, audio), VideoPolicy::Auto).expect("a plan");
            assert_eq!(plan, Plan { video: to_video, audio: to_audio }, "{video:?} {audio:?}");
        }
        let h264 = streams(Some(("h264", "yuv420p")), Some("aac"));
        let first = |policy| Plan::of(&h264, policy) == Ok(Plan::first(policy));
        assert!(
            [VideoPolicy::Auto, VideoPolicy::Copy, VideoPolicy::Transcode].map(first) == [true; 3]
        );
    }

    #[test]
    fn what_cannot_be_played_is_told_with_its_reason() {
        let vp8 = Plan::of(&streams(Some(("vp8", "yuv420p")), None), VideoPolicy::Copy);
        let reason = vp8.expect_err("no VP8 in MP4");
        assert!(
            reason.starts_with("the picture is vp8 (yuv420p), which browsers don't"),
            "{reason}"
        );
        assert!(Plan::of(&streams(None, None), VideoPolicy::Auto).is_err());
    }

    #[test]
    fn what_is_encoded_is_never_enlarged() {
        let mpeg2 = streams(Some(("mpeg2video", "yuv420p")), Some("mp2"));
        let plan = Plan::of(&mpeg2, VideoPolicy::Auto).expect("a plan");
        let udp = ingest(Protocol::Udp, "udp://239.0.0.1:1234", false);
        let line = live(&udp, &plan).join(" ");
        let graph = "[0:V:0]yadif=deint=interlaced,split=1[s0];\
                     [s0]scale=-2:trunc(min(720\\,ih)/2)*2[v0] -map [v0] -c:v libx264";
        assert!(line.contains(graph), "{line}");
        let names = plan.tracks(&udp.qualities);
        assert_eq!(names.iter().map(|of| &*of.name).collect::<Vec<_>>(), ["video-720", "audio"]);
    }
}
