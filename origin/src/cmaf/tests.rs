//! What ffmpeg makes is read as it was meant, and what has been cut off or garbled never passes for
//! whole, and never ends the process. The samples are made by `tests/samples/make.sh`.

use std::panic::catch_unwind;
use std::time::{Duration, SystemTime};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;

macro_rules! sample {
    ($name:literal) => {
        include_bytes!(concat!("../../tests/samples/", $name)).as_slice()
    };
}

fn track(header: &[u8]) -> Track {
    let header = Header::read(header).expect("a header");
    assert_eq!(header.others, []);
    header.leading
}

fn codecs_and_kind(header: &[u8]) -> (String, Kind) {
    let Track { codecs, kind, .. } = track(header);
    (codecs, kind)
}

#[test]
fn a_header_tells_the_codec_as_browsers_name_it() {
    let picture = Kind::Video { pixels: (64, 48) };
    let sound = |channels| Kind::Audio { sample_rate: 48_000, channels };
    for (header, codecs, kind) in [
        (sample!("h264.header.mp4"), "avc1.64000a", picture),
        (sample!("h265.header.mp4"), "hvc1.1.6.L30.90", picture),
        (sample!("av1.header.mp4"), "av01.0.00M.08", picture),
        (sample!("vp9.header.mp4"), "vp09.00.10.08", picture),
        (sample!("aac.header.mp4"), "mp4a.40.2", sound(1)),
        (sample!("opus.header.mp4"), "opus", sound(1)),
        (sample!("ac3.header.mp4"), "ac-3", sound(2)),
        (sample!("eac3.header.mp4"), "ec-3", sound(2)),
        (sample!("flac.header.mp4"), "fLaC", sound(1)),
    ] {
        assert_eq!(codecs_and_kind(header), (codecs.to_owned(), kind));
    }
}

#[test]
fn a_segment_tells_when_it_plays() {
    let picture = Header::read(sample!("h264.header.mp4")).expect("a header");
    let times = picture.times(sample!("h264.m4s")).expect("a segment");
    assert_eq!((times.timescale, times.decode_time, times.ticks), (10_240, 0, 10_240));
    assert_eq!(times.duration(), Duration::from_secs(1));
    // Two pictures are decoded before the first one is shown.
    assert_eq!(times.presentation_time, 2_048);
    assert!(times.starts_with_sync_sample);

    let sound = Header::read(sample!("aac.header.mp4")).expect("a header");
    let times = sound.times(sample!("aac.m4s")).expect("a segment");
    assert_eq!((times.timescale, times.ticks % 1_024), (48_000, 0));
    assert!(times.starts_with_sync_sample);
}

/// A header and a segment in one file, taken apart.
fn fragments() -> (Header, Vec<u8>) {
    let file = sample!("fragments.mp4");
    let first_moof = file.windows(4).position(|four| four == b"moof").expect("a moof") - 4;
    let header = Header::read(&file[..first_moof]).expect("a header");
    (header, file[first_moof..].to_vec())
}

/// Where its boxes begin, and where the last one ends.
fn borders(segment: &[u8]) -> Vec<usize> {
    let mut borders = vec![0];
    while let Some(size) = segment.get(borders[borders.len() - 1]..).and_then(|at| at.get(..4)) {
        let size = u32::from_be_bytes(size.try_into().expect("four bytes"));
        borders.push(borders[borders.len() - 1] + size as usize);
    }
    borders
}

#[test]
fn fragments_of_one_segment_are_added_up() {
    let (header, segment) = fragments();
    let times = header.times(&segment).expect("a segment");
    assert_eq!(times.duration(), Duration::from_secs(1));
    let borders = borders(&segment);
    assert_eq!(borders.len(), 21, "ten fragments");
    // The second fragment's picture is made from the first one's.
    let rest = header.times(&segment[borders[2]..]).expect("a segment");
    assert_eq!(rest.duration(), Duration::from_millis(900));
    assert!(times.starts_with_sync_sample && !rest.starts_with_sync_sample);
}

#[test]
fn a_segment_that_is_cut_off_is_never_whole() {
    for (header, segment) in [
        (sample!("h264.header.mp4"), sample!("h264.m4s")),
        (sample!("h265.header.mp4"), sample!("h265.m4s")),
        (sample!("aac.header.mp4"), sample!("aac.m4s")),
    ] {
        let header = Header::read(header).expect("a header");
        header.times(segment).expect("a segment");
        for length in 0..segment.len() {
            header.times(&segment[..length]).expect_err("half a segment");
        }
    }
    // Between two fragments only the duration tells.
    let (header, segment) = fragments();
    let whole = header.times(&segment).expect("a segment");
    let borders = borders(&segment);
    for length in 0..segment.len() {
        match header.times(&segment[..length]) {
            Ok(times) => {
                assert!(borders.iter().step_by(2).any(|border| *border == length), "{length}");
                assert!(times.ticks < whole.ticks);
            }
            Err(_) => assert_ne!(length, segment.len()),
        }
    }
}

#[test]
fn a_header_that_is_cut_off_is_refused() {
    for header in [sample!("h264.header.mp4"), sample!("aac.header.mp4")] {
        for length in 0..header.len() {
            Header::read(&header[..length]).expect_err("half a header");
        }
    }
}

#[test]
fn no_garbled_byte_ends_the_process() {
    let clock = SystemTime::UNIX_EPOCH.elapsed().expect("a clock").as_nanos() as u64;
    let seed = std::env::var("CMAF_SEED").map_or(clock, |seed| seed.parse().expect("a number"));
    let mut random = StdRng::seed_from_u64(seed);
    let headers = [
        sample!("h264.header.mp4"),
        sample!("h265.header.mp4"),
        sample!("av1.header.mp4"),
        sample!("vp9.header.mp4"),
        sample!("aac.header.mp4"),
        sample!("opus.header.mp4"),
        sample!("flac.header.mp4"),
    ];
    let segments = [sample!("h264.m4s"), sample!("aac.m4s"), &fragments().1];
    for round in 0..20_000 {
        let mut header = headers[round % headers.len()].to_vec();
        garble(&mut header, &mut random);
        let mut segment = segments[round % segments.len()].to_vec();
        garble(&mut segment, &mut random);
        let read = catch_unwind(|| {
            // What still reads as a header is good enough to read a segment with.
            let header = Header::read(&header).unwrap_or_else(|_| fragments().0);
            header.times(&segment)
        });
        let Ok(read) = read else { panic!("CMAF_SEED={seed} replays this: round {round}") };
        if let Ok(times) = read {
            assert!(times.ticks > 0 && times.duration() <= crate::limits::SEGMENT_DURATION_MAX);
        }
    }
}

/// Up to eight bytes become others, most of them where the boxes are, and perhaps the end is lost.
fn garble(bytes: &mut Vec<u8>, random: &mut StdRng) {
    for _ in 0..random.random_range(1..=8) {
        let within = if random.random_bool(0.8) { bytes.len().min(300) } else { bytes.len() };
        let at = random.random_range(0..within);
        bytes[at] = match random.random_range(0..4) {
            0 => 0,
            1 => 0xff,
            2 => bytes[at] ^ (1 << random.random_range(0..8)),
            _ => random.random(),
        };
    }
    if random.random_bool(0.1) {
        bytes.truncate(random.random_range(1..=bytes.len()));
    }
}

/// A box around a body.
fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let size = (8 + body.len()) as u32;
    [&size.to_be_bytes(), kind.as_slice(), body].concat()
}

fn refusal(segment: &[u8]) -> String {
    let header = Header::read(sample!("h264.header.mp4")).expect("a header");
    header.times(segment).expect_err("a refusal").to_string()
}

#[test]
fn a_refusal_names_the_box_and_what_is_wrong() {
    let segment = sample!("h264.m4s");
    let borders = borders(segment);
    let (moof, mdat) = (&segment[borders[2]..borders[3]], &segment[borders[3]..]);
    assert_eq!(refusal(b""), "moof: there is none with samples of the track");
    assert_eq!(
        refusal(&segment[..segment.len() - 1]),
        "sidx: it tells of 680 bytes, of which 679 are there"
    );
    assert_eq!(refusal(moof), "mdat: the last moof has none");
    assert_eq!(refusal(&[moof, moof].concat()), "moof: it follows a moof without its mdat");
    assert_eq!(refusal(mdat), "mdat: it follows no moof");
    let cut = [moof, &mdat[..mdat.len() - 1]].concat();
    assert_eq!(refusal(&cut), "mdat: it has 412 bytes, of which 411 are there");
    let short = [moof, &boxed(b"mdat", &[0; 100])].concat();
    assert_eq!(
        refusal(&short),
        "mdat: the moof tells of samples at 192 to 604, this is 192 to 292"
    );
    assert_eq!(refusal(&[moof, mdat, b"rest"].concat()), "file: 4 bytes at 604 are no box");
    assert_eq!(refusal(b"\0\0\0\x07moof"), "file: 8 bytes at 0 are no box");
    let endless = refusal(b"\0\0\0\0moof");
    assert_eq!(
        endless,
        "moof: it ends where the file ends, so nobody can tell whether it is whole"
    );
    let large = boxed(b"moof", &vec![0; crate::limits::CMAF_MOOF_BYTES_MAX + 1]);
    assert_eq!(refusal(&large), "moof: 262145 bytes, more than 262144");
    assert_eq!(
        refusal(b"\0\0\0\x09\n\"\0\xff"),
        r#"\n\"\x00\xff: it has 1 bytes, of which 0 are there"#
    );
}

#[test]
fn boxes_in_boxes_and_counts_of_billions_cost_nothing() {
    // As deep as a header's bytes allow: nobody follows them.
    let mut nested = Vec::new();
    for _ in 0..crate::limits::CMAF_HEADER_BYTES_MAX / 8 {
        let size = (crate::limits::CMAF_HEADER_BYTES_MAX - nested.len()) as u32;
        nested.extend_from_slice(&size.to_be_bytes());
        nested.extend_from_slice(b"moov");
    }
    assert_eq!(
        Header::read(&nested).expect_err("no header").to_string(),
        "moov: it has neither a picture nor a sound"
    );

    let tfhd = boxed(b"tfhd", &[0, 2, 0, 0x28, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    let tfdt = boxed(b"tfdt", &[0, 0, 0, 0, 0, 0, 0, 0]);
    let trun = boxed(b"trun", &[0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
    let runs = trun.repeat(1_000);
    let moof = boxed(b"moof", &boxed(b"traf", &[tfhd, tfdt, runs].concat()));
    let refusal = refusal(&[moof, boxed(b"mdat", &[])].concat());
    assert!(refusal.starts_with("moof: it plays "), "{refusal}");
}
