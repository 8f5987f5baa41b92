//! The folder where ffmpeg hands over its segments. Reads and deletes files, so it is called where
//! blocking is allowed; ffmpeg itself deletes what is old.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use thiserror::Error;

use super::encode::manifest;
use crate::limits::{CMAF_HEADER_BYTES_MAX, SEGMENT_BYTES_MAX};

/// Why a folder could not be read or cleaned.
#[derive(Debug, Error)]
pub(crate) enum HandoverError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{} has more than {bytes_max} bytes", path.display())]
    TooLarge { path: PathBuf, bytes_max: u64 },
}

/// What ffmpeg has named with one number: a segment of each track, but of those that are silent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// From 1, one more with each row.
    pub(crate) number: u64,
    /// By track, in the order in which they were mapped.
    pub(crate) segments: Vec<(usize, Bytes)>,
}

/// Makes the folder when it is missing, and deletes what an earlier ffmpeg of the stream left in
/// it. Files that ffmpeg would not have written stay.
pub(crate) fn clean(folder: &Path, stream: &str) -> Result<(), HandoverError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        |source| HandoverError::Io { path, source }
    };
    fs::create_dir_all(folder).map_err(at(folder))?;
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let path = entry.map_err(at(folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if is_ours(name, stream) {
            fs::remove_file(&path).map_err(at(&path))?;
        }
    }
    Ok(())
}

/// Whether ffmpeg, run for this stream, writes files of this name.
fn is_ours(name: &str, stream: &str) -> bool {
    let name = name.strip_suffix(".tmp").unwrap_or(name);
    let header = name.strip_suffix("-header.mp4").and_then(number);
    name == manifest(stream) || header.is_some() || segment(name).is_some()
}

/// The track and the number of a segment's name, such as `0-17.m4s`.
fn segment(name: &str) -> Option<(usize, u64)> {
    let (track, sequence) = name.strip_suffix(".m4s")?.split_once('-')?;
    Some((usize::try_from(number(track)?).ok()?, number(sequence)?))
}

fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then_some(text)?.parse().ok()
}

/// The rows from number `next` on that ffmpeg has finished, of so many tracks: those that have all
/// tracks, and those that a newer one has left behind. What ffmpeg has deleted meanwhile, since this
/// machine stood still for long, is left out.
pub(crate) fn take(folder: &Path, tracks: usize, next: u64) -> Result<Vec<Row>, HandoverError> {
    let failed = |source| HandoverError::Io { path: folder.to_owned(), source };
    let mut there: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if let Some((track, number)) = name.to_str().and_then(segment)
            && track < tracks
            && number >= next
        {
            there.entry(number).or_default().push(track);
        }
    }
    let newest = there.keys().next_back().copied();
    let mut rows = Vec::new();
    for (number, mut of) in there {
        if of.len() < tracks && newest == Some(number) {
            break;
        }
        of.sort_unstable();
        let mut segments = Vec::with_capacity(of.len());
        for track in of {
            let path = folder.join(format!("{track}-{number}.m4s"));
            segments.extend(read_file(&path, SEGMENT_BYTES_MAX)?.map(|bytes| (track, bytes)));
        }
        rows.push(Row { number, segments });
    }
    Ok(rows)
}

/// A track's header, which is there when its first segment is.
pub(crate) fn header(folder: &Path, track: usize) -> Result<Option<Bytes>, HandoverError> {
    read_file(&folder.join(format!("{track}-header.mp4")), CMAF_HEADER_BYTES_MAX as u64)
}

/// The whole file, or `None` when there is none.
fn read_file(path: &Path, bytes_max: u64) -> Result<Option<Bytes>, HandoverError> {
    let failed = |source| HandoverError::Io { path: path.to_owned(), source };
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed)?,
    };
    let length = file.metadata().map_err(failed)?.len();
    let mut bytes = Vec::with_capacity(length.min(bytes_max) as usize + 1);
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > bytes_max {
        return Err(HandoverError::TooLarge { path: path.to_owned(), bytes_max });
    }
    Ok(Some(bytes.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleaning_deletes_what_ffmpeg_left_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let left = ["card.mpd", "card.mpd.tmp", "0-7.m4s", "12-1795395460.m4s.tmp", "1-header.mp4"];
        let others = ["0-x.m4s", "-1.m4s", "0-.m4s", "other.mpd", "x-header.mp4", "notes.txt"];
        for name in left.iter().chain(&others) {
            fs::write(folder.path().join(name), "x").expect("a file");
        }
        clean(folder.path(), "card").expect("a clean folder");
        assert!(left.iter().all(|name| !folder.path().join(name).exists()));
        assert!(others.iter().all(|name| folder.path().join(name).exists()));
    }

    #[test]
    fn a_row_is_taken_when_it_is_whole_or_left_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let taken = |next| {
            let rows = take(folder.path(), 2, next).expect("rows");
            let of = |row: Row| {
                let text =
                    |(_, bytes): (usize, Bytes)| String::from_utf8_lossy(&bytes).into_owned();
                (row.number, row.segments.into_iter().map(text).collect::<Vec<_>>().join(" "))
            };
            rows.into_iter().map(of).collect::<Vec<_>>()
        };
        assert_eq!(taken(1), []);
        let write = |name: &str| fs::write(folder.path().join(name), name).expect("a file");
        for name in ["1-9.m4s", "0-9.m4s", "1-10.m4s", "0-11.m4s.tmp", "2-10.m4s", "0-8.m4s.tmp"] {
            write(name);
        }
        assert_eq!(taken(1), [(9, "0-9.m4s 1-9.m4s".to_owned())]);
        write("0-11.m4s");
        let both = [(9, "0-9.m4s 1-9.m4s".to_owned()), (10, "1-10.m4s".to_owned())];
        assert_eq!(taken(1), both);
        assert_eq!(taken(10), both[1..]);
    }

    #[test]
    fn a_file_beyond_its_bound_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("large");
        fs::write(&path, [0; 101]).expect("a file");
        let error = read_file(&path, 100).expect_err("a refusal");
        assert!(error.to_string().ends_with("large has more than 100 bytes"), "{error}");
        assert_eq!(read_file(&path, 101).expect("a file").map(|bytes| bytes.len()), Some(101));
    }
}
