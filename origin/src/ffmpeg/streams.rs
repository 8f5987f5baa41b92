//! What ffmpeg says of the first input's streams, before it writes anything:
//! `Stream #0:0[0x100](und): Video: h264 (High) ([27][0][0][0] / 0x001B), yuv420p(tv), 1280x720, ...`

/// The streams that would be played: the first picture that is no cover, and the first sound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Streams {
    told_of: bool,
    is_complete: bool,
    pub(crate) video: Option<Video>,
    /// The sound's codec.
    pub(crate) audio: Option<String>,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Video {
    pub(crate) codec: String,
    /// Such as `yuv420p`; empty when it is not known.
    pub(crate) pixel_format: String,
}

impl Streams {
    /// Reads the next line.
    pub(super) fn read(&mut self, line: &str) {
        if self.is_complete {
            return;
        }
        if line.starts_with("Input #0, ") {
            self.told_of = true;
            return;
        }
        if !self.told_of {
            return;
        }
        if ["Output #0", "Stream mapping:", "Input #1"].iter().any(|end| line.starts_with(end)) {
            self.is_complete = true;
        } else if let Some(stream) = line.strip_prefix("Stream #0:") {
            self.add(stream);
        }
    }

    fn add(&mut self, stream: &str) {
        let Some((_, told)) = stream.split_once(": ") else {
            return;
        };
        let codec = |told: &str| told.split([' ', ',']).next().unwrap_or_default().to_owned();
        if let Some(told) = told.strip_prefix("Video: ") {
            if self.video.is_none() && !told.contains("(attached pic)") {
                let pixel_format = told.split(", ").nth(1).unwrap_or_default();
                let pixel_format = pixel_format.split('(').next().unwrap_or_default().to_owned();
                self.video = Some(Video { codec: codec(told), pixel_format });
            }
        } else if let Some(told) = told.strip_prefix("Audio: ")
            && self.audio.is_none()
        {
            self.audio = Some(codec(told));
        }
    }

    /// Whether the input is open.
    pub(super) fn are_told_of(&self) -> bool {
        self.told_of
    }

    /// Whether all that there is to say was said; nothing more comes when ffmpeg `has_ended`.
    pub(crate) fn are_known(&self, has_ended: bool) -> bool {
        self.is_complete || (self.told_of && has_ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &str) -> Streams {
        let mut streams = Streams::default();
        lines.lines().for_each(|line| streams.read(line.trim()));
        streams
    }

    #[test]
    fn the_first_picture_and_sound_are_found() {
        let streams = read(
            "Input #0, mpegts, from 'udp://x':
             Duration: N/A, start: 1.400000, bitrate: N/A
             Program 1
             Metadata:
               service_name    : Stream #0:9: Video: vp8, gray
             Stream #0:0: Video: mjpeg, yuvj420p(pc), 600x600 (attached pic)
             Stream #0:1[0x100](und): Video: h264 (High) ([27][0][0][0] / 0x001B), yuv420p(tv, \
             bt709, progressive), 320x180 [SAR 1:1 DAR 16:9], 10 fps, 90k tbn
             Stream #0:2[0x101](eng): Audio: aac (LC) ([15][0][0][0] / 0x000F), 48000 Hz, mono
             Stream #0:3: Audio: ac3, 48000 Hz
             Stream mapping:
             Stream #0:4: Video: vp9, yuv420p",
        );
        let video = Video { codec: "h264".to_owned(), pixel_format: "yuv420p".to_owned() };
        assert_eq!(streams.video, Some(video));
        assert_eq!(streams.audio.as_deref(), Some("aac"));
        assert!(streams.are_known(false));
    }

    #[test]
    fn until_the_list_ends_more_may_come() {
        let streams = read("Input #0, flv, from 'x':\nStream #0:0: Audio: mp3, 44100 Hz, stereo");
        assert!(!streams.are_known(false) && streams.are_known(true));
        assert_eq!((streams.video, streams.audio.as_deref()), (None, Some("mp3")));
        assert!(!read("Stream #0:0: Audio: mp3").are_known(true), "of no input");
    }
}
