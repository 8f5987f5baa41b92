//! What a playlist from elsewhere says is understood, or refused with the line that is to blame.

use super::super::HlsPlaylist;
use super::*;

fn playlist(lines: &str) -> Result<MediaPlaylist, PlaylistError> {
    let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n{lines}");
    match HlsPlaylist::read(text.as_bytes())? {
        HlsPlaylist::Media(media) => Ok(media),
        HlsPlaylist::Multivariant(other) => panic!("{other:?}"),
    }
}

fn entries(lines: &str) -> Vec<Entry> {
    playlist(lines).expect("a playlist").entries
}

fn refusal(lines: &str) -> String {
    playlist(lines).expect_err("a refusal").to_string()
}

/// 2026-11-23T00:57:40.963Z.
fn moment() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_395_460_963)
}

#[test]
fn segments_have_numbers_times_and_places() {
    let read = playlist(
        "#EXT-X-MEDIA-SEQUENCE:41\r\n#EXT-X-DISCONTINUITY-SEQUENCE:3\r\n\
         #EXT-X-PROGRAM-DATE-TIME:2026-11-23T01:57:40.963+01:00\r\n\
         #EXTINF:2.002,a title, with a comma\r\nv-41.m4s\r\n\r\n# a remark\r\n\
         #EXT-X-PART:DURATION=0.3,URI=\"v-42.1.m4s\"\r\n\
         #EXT-X-DISCONTINUITY\r\n#EXTINF:1.5\r\nhttps://cdn.example/v-42.m4s?key=1",
    );
    let entry = |sequence, timeline, millis, after_millis, uri: &str| Entry {
        sequence,
        timeline,
        duration: Duration::from_millis(millis),
        recorded_at: Some(moment() + Duration::from_millis(after_millis)),
        file: Resource { uri: uri.to_owned(), range: None },
        header: None,
        is_gap: false,
    };
    let expected = MediaPlaylist {
        target: Duration::from_secs(2),
        entries: vec![
            entry(41, 3, 2002, 0, "v-41.m4s"),
            entry(42, 4, 1500, 2002, "https://cdn.example/v-42.m4s?key=1"),
        ],
        is_over: false,
    };
    assert_eq!(read, Ok(expected));
    assert!(playlist("#EXT-X-ENDLIST").expect("a playlist").is_over);
}

#[test]
fn a_date_is_read_as_rfc_3339_or_ffmpeg_writes_it_and_dates_the_others() {
    for date in ["2026-11-23T00:57:40.963Z", "2026-11-23T01:57:40.963+0100"] {
        let second = format!("#EXT-X-PROGRAM-DATE-TIME:{date}\n#EXTINF:2,\n2.ts\n");
        let dated = entries(&format!("#EXTINF:1,\n1.ts\n{second}#EXTINF:2,\n3.ts\n"));
        let dates = dated.iter().map(|entry| entry.recorded_at.expect("a date"));
        let around = [-1.0, 0.0, 2.0].map(|seconds: f64| match seconds < 0.0 {
            true => moment() - Duration::from_secs_f64(-seconds),
            false => moment() + Duration::from_secs_f64(seconds),
        });
        assert_eq!(dates.collect::<Vec<_>>(), around);
    }
    let odd = entries("#EXT-X-PROGRAM-DATE-TIME:today\n#EXTINF:1,\n1.ts\n");
    assert_eq!(odd[0].recorded_at, None);
    let early = entries("#EXT-X-PROGRAM-DATE-TIME:0001-01-01T00:00:00Z\n#EXTINF:1,\n1.ts\n");
    assert_eq!(early[0].recorded_at, None);
}

#[test]
fn a_header_holds_until_another_and_is_shared() {
    let [one, again, two] = ["one.mp4", "one.mp4", "two.mp4"]
        .map(|uri| format!("#EXT-X-MAP:URI=\"{uri}\",BYTERANGE=\"9@1\"\n#EXTINF:1,\ns\n"));
    let read = entries(&format!("{one}#EXTINF:1,\ns\n{again}{two}"));
    let headers: Vec<_> = read.iter().filter_map(|entry| entry.header.clone()).collect();
    assert!(Arc::ptr_eq(&headers[0], &headers[1]) && Arc::ptr_eq(&headers[1], &headers[2]));
    let second = Resource { uri: "two.mp4".to_owned(), range: Some(1..10) };
    assert_eq!((headers.len(), &*headers[3]), (4, &second));
}

#[test]
fn parts_of_one_file_follow_each_other() {
    let part = |value: &str, uri| format!("#EXT-X-BYTERANGE:{value}\n#EXTINF:1,\n{uri}\n");
    let read = entries(&[part("10@5", "a"), part("20", "a"), part("5@0", "b")].concat());
    let ranges: Vec<_> = read.into_iter().filter_map(|entry| entry.file.range).collect();
    assert_eq!(ranges, [5..15, 15..35, 0..5]);
    for odd in [part("20", "a"), part("10@5", "a") + &part("20", "b"), part("0@5", "a")] {
        assert!(refusal(&odd).ends_with("a URI, is not understood"), "{odd}");
    }
    let beyond = refusal(&part("18446744073709551615@1", "a"));
    assert_eq!(beyond, "line 5, a URI, is not understood");
}

#[test]
fn a_gap_is_told() {
    let read = entries("#EXT-X-GAP\n#EXTINF:1,\n1.ts\n#EXTINF:1,\n2.ts\n");
    assert_eq!(read.iter().map(|entry| entry.is_gap).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn what_is_encrypted_is_refused_unless_it_is_not() {
    let keyed = |value: &str| format!("#EXT-X-KEY:{value}\n#EXTINF:1,\n1.ts\n");
    assert_eq!(entries(&keyed("METHOD=NONE")).len(), 1);
    let aes = refusal(&keyed("METHOD=AES-128,URI=\"https://keys.example/s3cret\""));
    let text = "its segments are encrypted (line 3 has #EXT-X-KEY with METHOD=AES-128)";
    assert_eq!(aes, text);
    assert!(refusal(&keyed("METHOD=ROT13")).contains("METHOD=another"));
    for odd in ["URI=\"k\"", "METHOD", ""] {
        assert_eq!(refusal(&keyed(odd)), "line 3, #EXT-X-KEY, is not understood");
    }
}

#[test]
fn what_would_change_the_playback_must_be_understood() {
    for (lines, tag) in [
        ("#EXTINF:-1,\n1.ts\n", "#EXTINF"),
        ("#EXTINF:nan,\n1.ts\n", "#EXTINF"),
        ("#EXTINF:3601,\n1.ts\n", "#EXTINF"),
        ("#EXT-X-MEDIA-SEQUENCE:x\n", "#EXT-X-MEDIA-SEQUENCE"),
        ("#EXT-X-MEDIA-SEQUENCE:18446744073709551616\n", "#EXT-X-MEDIA-SEQUENCE"),
        ("#EXT-X-MEDIA-SEQUENCE:9007199254740993\n", "#EXT-X-MEDIA-SEQUENCE"),
        ("#EXT-X-DISCONTINUITY-SEQUENCE:-1\n", "#EXT-X-DISCONTINUITY-SEQUENCE"),
        ("#EXT-X-TARGETDURATION:2.5\n", "#EXT-X-TARGETDURATION"),
        ("#EXT-X-TARGETDURATION:99999\n", "#EXT-X-TARGETDURATION"),
        ("#EXT-X-MAP:BYTERANGE=\"1@2\"\n", "#EXT-X-MAP"),
        ("stray.ts\n", "a URI"),
    ] {
        assert_eq!(refusal(lines), format!("line 3, {tag}, is not understood"));
    }
    let late = "#EXTINF:1,\n1.ts\n#EXT-X-MEDIA-SEQUENCE:7\n";
    assert_eq!(refusal(late), "line 5, #EXT-X-MEDIA-SEQUENCE, is not understood");
    let delta = "#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n";
    assert_eq!(refusal(delta), "line 3 has #EXT-X-SKIP, which is not supported");
}

#[test]
fn a_playlist_has_bounds() {
    let one = "#EXTINF:1,\n1.ts\n";
    assert_eq!(entries(&one.repeat(PLAYLIST_ENTRIES_MAX)).len(), PLAYLIST_ENTRIES_MAX);
    let many = refusal(&one.repeat(PLAYLIST_ENTRIES_MAX + 1));
    assert_eq!(many, "it has more than 20000 segments");
    let long = refusal(&format!("#EXTINF:1,\n{}\n", "x".repeat(4097)));
    assert_eq!(long, "line 4 has a URI of 4097 bytes, but at most 4096 are read");
}
