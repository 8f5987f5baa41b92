//! The elements and attributes of a DASH manifest (ISO/IEC 23009-1, 5) that say where the segments
//! of a live stream are. All others are passed over.

use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde::de::IgnoredAny;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A manifest as it is written.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Mpd {
    #[serde(rename = "@type")]
    kind: Option<String>,
    #[serde(rename = "@availabilityStartTime")]
    availability_start_time: Option<String>,
    #[serde(rename = "@mediaPresentationDuration")]
    media_presentation_duration: Option<String>,
    #[serde(rename = "@minimumUpdatePeriod")]
    minimum_update_period: Option<String>,
    #[serde(rename = "BaseURL", default)]
    pub(super) base_url: Vec<String>,
    #[serde(rename = "Period", default)]
    pub(super) periods: Vec<Period>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Period {
    #[serde(rename = "@id")]
    pub(super) id: Option<String>,
    #[serde(rename = "@start")]
    start: Option<String>,
    #[serde(rename = "@duration")]
    duration: Option<String>,
    #[serde(rename = "BaseURL", default)]
    pub(super) base_url: Vec<String>,
    #[serde(rename = "SegmentTemplate")]
    pub(super) template: Option<Template>,
    #[serde(rename = "AdaptationSet", default)]
    pub(super) sets: Vec<AdaptationSet>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct AdaptationSet {
    #[serde(rename = "@contentType")]
    pub(super) content_type: Option<String>,
    #[serde(rename = "@mimeType")]
    pub(super) mime_type: Option<String>,
    #[serde(rename = "@lang")]
    pub(super) lang: Option<String>,
    #[serde(rename = "@codecs")]
    pub(super) codecs: Option<String>,
    #[serde(rename = "@width")]
    pub(super) width: Option<String>,
    #[serde(rename = "@height")]
    pub(super) height: Option<String>,
    #[serde(rename = "@frameRate")]
    pub(super) frame_rate: Option<String>,
    #[serde(rename = "BaseURL", default)]
    pub(super) base_url: Vec<String>,
    #[serde(rename = "ContentProtection", default)]
    pub(super) protection: Vec<IgnoredAny>,
    #[serde(rename = "SegmentTemplate")]
    pub(super) template: Option<Template>,
    #[serde(rename = "Representation", default)]
    pub(super) representations: Vec<Representation>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Representation {
    #[serde(rename = "@id", default)]
    pub(super) id: String,
    #[serde(rename = "@bandwidth")]
    pub(super) bandwidth: Option<u64>,
    #[serde(rename = "@mimeType")]
    pub(super) mime_type: Option<String>,
    #[serde(rename = "@codecs")]
    pub(super) codecs: Option<String>,
    #[serde(rename = "@width")]
    pub(super) width: Option<String>,
    #[serde(rename = "@height")]
    pub(super) height: Option<String>,
    #[serde(rename = "@frameRate")]
    pub(super) frame_rate: Option<String>,
    #[serde(rename = "BaseURL", default)]
    pub(super) base_url: Vec<String>,
    #[serde(rename = "ContentProtection", default)]
    pub(super) protection: Vec<IgnoredAny>,
    #[serde(rename = "SegmentTemplate")]
    pub(super) template: Option<Template>,
}

/// How segments are named. What one says less than the one around it, that one says for it.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Template {
    #[serde(rename = "@media")]
    pub(super) media: Option<String>,
    #[serde(rename = "@initialization")]
    pub(super) initialization: Option<String>,
    #[serde(rename = "@startNumber")]
    pub(super) start_number: Option<u64>,
    #[serde(rename = "@endNumber")]
    pub(super) end_number: Option<u64>,
    #[serde(rename = "@timescale")]
    pub(super) timescale: Option<u64>,
    #[serde(rename = "@duration")]
    pub(super) duration: Option<u64>,
    #[serde(rename = "@presentationTimeOffset")]
    pub(super) presentation_time_offset: Option<u64>,
    #[serde(rename = "SegmentTimeline")]
    pub(super) timeline: Option<Timeline>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Timeline {
    #[serde(rename = "S", default)]
    pub(super) runs: Vec<Run>,
}

/// Segments of one duration.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Run {
    #[serde(rename = "@t")]
    pub(super) t: Option<u64>,
    #[serde(rename = "@d")]
    pub(super) d: u64,
    /// How many more of them follow; negative ones, "until the next", are refused.
    #[serde(rename = "@r")]
    pub(super) r: Option<i64>,
}

impl Mpd {
    /// Reads the whole file.
    ///
    /// # Errors
    /// What is no manifest.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let text = str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
        let start = text.trim_start_matches('\u{feff}').trim_start();
        if !start.starts_with('<') || !text.contains("<MPD") {
            return Err("it is neither an HLS playlist nor a DASH manifest".to_owned());
        }
        // The error itself may quote what is in the manifest, and that may be a key.
        quick_xml::de::from_str(text).map_err(|error| match error {
            quick_xml::DeError::InvalidXml(_) => "it is not well-formed XML".to_owned(),
            _ => "it is not understood as a DASH manifest".to_owned(),
        })
    }

    pub(super) fn is_over(&self) -> bool {
        self.kind.as_deref() != Some("dynamic")
    }

    pub(super) fn begins_at(&self) -> Option<SystemTime> {
        let date =
            OffsetDateTime::parse(self.availability_start_time.as_deref()?, &Rfc3339).ok()?;
        (date.unix_timestamp() >= 0).then(|| date.into())
    }

    pub(super) fn length(&self) -> Option<Duration> {
        duration(self.media_presentation_duration.as_deref()?)
    }

    /// How long it surely stays as it is; none when it never changes.
    pub(super) fn update_period(&self) -> Option<Duration> {
        duration(self.minimum_update_period.as_deref()?)
    }
}

impl Period {
    /// Since the presentation's begin.
    pub(super) fn start(&self) -> Option<Duration> {
        duration(self.start.as_deref()?)
    }

    pub(super) fn duration(&self) -> Option<Duration> {
        duration(self.duration.as_deref()?)
    }
}

impl Template {
    /// What this one says, and of the rest what `outer` does.
    pub(super) fn within(&self, outer: &Template) -> Template {
        let or = |inner: &Option<String>, outer: &Option<String>| inner.clone().or(outer.clone());
        Template {
            media: or(&self.media, &outer.media),
            initialization: or(&self.initialization, &outer.initialization),
            start_number: self.start_number.or(outer.start_number),
            end_number: self.end_number.or(outer.end_number),
            timescale: self.timescale.or(outer.timescale),
            duration: self.duration.or(outer.duration),
            presentation_time_offset: self
                .presentation_time_offset
                .or(outer.presentation_time_offset),
            timeline: self.timeline.clone().or(outer.timeline.clone()),
        }
    }
}

/// An `xs:duration` without years and months, which have no length: `P1DT2H3M4.5S`. At most ten
/// years, so that it can be added to a date.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let (days, time) = text.strip_prefix('P')?.split_once('T').unwrap_or((&text[1..], ""));
    let mut seconds = 0.0;
    for (part, units) in [(days, [('D', 86_400.0)].as_slice()), (time, &TIME_UNITS)] {
        let mut rest = part;
        while !rest.is_empty() {
            let end = rest.find(|letter: char| !(letter.is_ascii_digit() || letter == '.'))?;
            let (number, unit) = rest.split_at(end);
            let letter = unit.chars().next()?;
            let (_, length) = units.iter().find(|(name, _)| *name == letter)?;
            seconds += number.parse::<f64>().ok()? * length;
            rest = &unit[letter.len_utf8()..];
        }
    }
    let most = Duration::from_secs(10 * 366 * 86_400);
    Duration::try_from_secs_f64(seconds).ok().filter(|duration| *duration <= most)
}

const TIME_UNITS: [(char, f64); 3] = [('H', 3600.0), ('M', 60.0), ('S', 1.0)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, millis) in
            [("PT2S", 2000), ("PT1M0.5S", 60_500), ("P1DT1H", 90_000_000), ("P", 0)]
        {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for odd in
            ["", "2S", "P1Y", "PT", "PTS", "PT1X", "PT1", "PT-1S", "PT1e9S", "P99999D", "PTü"]
        {
            let read = duration(odd);
            assert!(read.is_none() || odd == "PT", "{odd}: {read:?}");
        }
    }

    #[test]
    fn what_is_no_manifest_is_refused_without_its_text() {
        for odd in ["", "hello", "<html></html>", "<MPD s3cret", "<MPD><Period s3cret='", "<MPD"] {
            let error = Mpd::read(odd.as_bytes()).expect_err(odd);
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
