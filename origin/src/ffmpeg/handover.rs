//! The folder where ffmpeg hands over its segments. Reads and deletes files, so it is called where
//! blocking is allowed; once a segment is in memory its file has no further use.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use thiserror::Error;

use super::HANDOVER_PLAYLIST;
use crate::limits::{FFMPEG_PLAYLIST_BYTES_MAX, SEGMENT_BYTES_MAX};
use crate::playlist::{ReadError, Written, read};

/// Why a folder could not be read or cleaned.
#[derive(Debug, Error)]
pub(crate) enum HandoverError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{} has more than {bytes_max} bytes", path.display())]
    TooLarge { path: PathBuf, bytes_max: u64 },
    #[error(transparent)]
    Playlist(#[from] ReadError),
}

/// Makes the folder when it is missing, and deletes what an earlier ffmpeg of this stream left in
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
    let number = name
        .strip_prefix(stream)
        .and_then(|rest| rest.strip_prefix('-'))
        .and_then(|rest| rest.strip_suffix(".ts"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    name == HANDOVER_PLAYLIST || number.is_some_and(digits)
}

/// The segments from `next_sequence` on that ffmpeg has finished, in order. One that it has deleted
/// meanwhile, since this machine stood still for long, is left out.
pub(crate) fn take(
    folder: &Path,
    next_sequence: u64,
) -> Result<Vec<(Written, Bytes)>, HandoverError> {
    let path = folder.join(HANDOVER_PLAYLIST);
    let Some(playlist) = read_file(&path, FFMPEG_PLAYLIST_BYTES_MAX)? else {
        return Ok(Vec::new());
    };
    let mut taken = Vec::new();
    for written in read(&String::from_utf8_lossy(&playlist))? {
        if written.sequence < next_sequence {
            continue;
        }
        if let Some(bytes) = read_file(&folder.join(&written.file), SEGMENT_BYTES_MAX)? {
            taken.push((written, bytes));
        }
    }
    Ok(taken)
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
        let left = ["index.m3u8", "index.m3u8.tmp", "card-7.ts", "card-1795395460.ts.tmp"];
        let others = ["card-x.ts", "card-.ts", "card7.ts", "other-7.ts", "notes.txt"];
        for name in left.iter().chain(&others) {
            fs::write(folder.path().join(name), "x").expect("a file");
        }
        clean(folder.path(), "card").expect("a clean folder");
        assert!(left.iter().all(|name| !folder.path().join(name).exists()));
        assert!(others.iter().all(|name| folder.path().join(name).exists()));
    }

    #[test]
    fn only_segments_that_the_playlist_names_are_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).expect("a file");
        };
        assert!(take(folder.path(), 0).expect("an empty folder is no error").is_empty());
        let entry = "#EXTINF:1.000000,\n#EXT-X-PROGRAM-DATE-TIME:2026-11-23T00:57:40.963+0000\n";
        let entries: String = (5..9).map(|number| format!("{entry}card-{number}.ts\n")).collect();
        write("index.m3u8", &format!("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:5\n{entries}"));
        for name in ["card-5.ts", "card-6.ts", "card-8.ts", "card-9.ts.tmp", "card-10.ts"] {
            write(name, name);
        }
        let taken = take(folder.path(), 6).expect("segments");
        let files: Vec<_> = taken.iter().map(|(_, bytes)| bytes.as_ref()).collect();
        assert_eq!(files, [b"card-6.ts", b"card-8.ts"]);
        assert_eq!(taken.iter().map(|(written, _)| written.sequence).collect::<Vec<_>>(), [6, 8]);
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
