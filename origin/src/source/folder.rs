//! The files of a folder that somebody else fills: only plain files are opened, no link is
//! followed, and nothing is waited for. So no name in a playlist leads out of the folder, and no
//! FIFO stops a thread.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::SystemTime;

use bytes::Bytes;
use thiserror::Error;

use crate::source::FilePath;

/// Why a file is not read. It may be another one the next time.
#[derive(Debug, Error)]
pub(super) enum FolderError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{0} is a link, and none is followed")]
    Link(String),
    #[error("{0} is no plain file")]
    NoFile(String),
    #[error("it has {bytes} bytes, more than {bytes_max}")]
    Large { bytes: u64, bytes_max: u64 },
}

/// By what a version of a file is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) bytes: u64,
    pub(super) modified: Option<SystemTime>,
}

/// A file that is there, opened.
pub(super) struct Opened {
    file: File,
    pub(super) version: Version,
}

/// Opens a file below the folder; `None` when there is none.
pub(super) fn open(folder: &Path, path: &FilePath) -> Result<Option<Opened>, FolderError> {
    let file = match open_below(folder, path.as_str()) {
        Err(FolderError::Io(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let version = version(&file)?;
    Ok(Some(Opened { file, version }))
}

impl Opened {
    /// All of it, or `None` when somebody writes to it meanwhile.
    pub(super) fn read(mut self, bytes_max: u64) -> Result<Option<Bytes>, FolderError> {
        let Version { bytes, .. } = self.version;
        if bytes > bytes_max {
            return Err(FolderError::Large { bytes, bytes_max });
        }
        let mut content = Vec::with_capacity(bytes as usize + 1);
        Read::by_ref(&mut self.file).take(bytes + 1).read_to_end(&mut content)?;
        if content.len() as u64 != bytes || version(&self.file)? != self.version {
            return Ok(None);
        }
        content.shrink_to_fit();
        Ok(Some(content.into()))
    }
}

fn version(file: &File) -> io::Result<Version> {
    let metadata = file.metadata()?;
    Ok(Version { bytes: metadata.len(), modified: metadata.modified().ok() })
}

/// Opens a plain file by a path of plain steps downwards. Each part is opened from the folder
/// before it, so that a link which takes a part's place at the last moment is not followed either.
#[cfg(unix)]
pub(super) fn open_below(folder: &Path, path: &str) -> Result<File, FolderError> {
    use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, openat, statat};
    let error = |errno: rustix::io::Errno| FolderError::Io(errno.into());
    let always = OFlags::RDONLY | OFlags::CLOEXEC;
    let mut at = openat(CWD, folder, always | OFlags::DIRECTORY, Mode::empty()).map_err(error)?;
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        let stat = statat(&at, part, AtFlags::SYMLINK_NOFOLLOW).map_err(error)?;
        let is_last = parts.peek().is_none();
        let flags = match (FileType::from_raw_mode(stat.st_mode), is_last) {
            (FileType::Symlink, _) => return Err(FolderError::Link(part.to_owned())),
            (FileType::Directory, false) => OFlags::DIRECTORY,
            (FileType::RegularFile, true) => OFlags::NONBLOCK,
            _ => return Err(FolderError::NoFile(part.to_owned())),
        };
        at = openat(&at, part, always | flags | OFlags::NOFOLLOW, Mode::empty()).map_err(error)?;
    }
    let file = File::from(at);
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(FolderError::NoFile(path.to_owned())),
    }
}

/// The same as far as the standard library goes.
#[cfg(not(unix))]
pub(super) fn open_below(folder: &Path, path: &str) -> Result<File, FolderError> {
    let mut at = folder.to_owned();
    for part in path.split('/') {
        at.push(part);
        if at.symlink_metadata()?.is_symlink() {
            return Err(FolderError::Link(part.to_owned()));
        }
    }
    match at.metadata()?.is_file() {
        true => Ok(File::open(at)?),
        false => Err(FolderError::NoFile(path.to_owned())),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use tempfile::TempDir;

    use super::*;

    fn folder() -> TempDir {
        tempfile::tempdir().expect("a folder")
    }

    fn opened(folder: &TempDir, path: &str) -> Result<Option<Opened>, FolderError> {
        open(folder.path(), &FilePath::parse(path).expect(path))
    }

    fn refusal(folder: &TempDir, path: &str) -> String {
        opened(folder, path).err().expect(path).to_string()
    }

    #[test]
    fn a_plain_file_is_read_within_its_bound() {
        let folder = folder();
        fs::create_dir(folder.path().join("v")).expect("a folder");
        fs::write(folder.path().join("v/a.ts"), "content").expect("a file");
        let open = || opened(&folder, "v/a.ts").expect("no error").expect("a file");
        assert_eq!(open().read(7).expect("no error").expect("content"), "content");
        let large = open().read(6).expect_err("a refusal").to_string();
        assert_eq!(large, "it has 7 bytes, more than 6");
        for missing in ["v/b.ts", "w/a.ts"] {
            assert!(opened(&folder, missing).expect("no error").is_none(), "{missing}");
        }
    }

    #[test]
    fn what_is_written_meanwhile_is_not_read() {
        let folder = folder();
        let path = folder.path().join("a.ts");
        fs::write(&path, "half").expect("a file");
        let opened = opened(&folder, "a.ts").expect("no error").expect("a file");
        fs::write(&path, "half and half").expect("a file");
        assert!(opened.read(100).expect("no error").is_none());
    }

    #[test]
    fn no_link_is_followed_wherever_it_leads() {
        let (folder, outside) = (folder(), folder());
        fs::write(outside.path().join("secret.ts"), "secret").expect("a file");
        fs::write(folder.path().join("a.ts"), "content").expect("a file");
        symlink(outside.path().join("secret.ts"), folder.path().join("out.ts")).expect("a link");
        symlink(outside.path(), folder.path().join("out")).expect("a link");
        symlink("a.ts", folder.path().join("in.ts")).expect("a link");
        symlink("/dev/zero", folder.path().join("zero.ts")).expect("a link");
        for (path, link) in [
            ("out.ts", "out.ts"),
            ("out/secret.ts", "out"),
            ("in.ts", "in.ts"),
            ("zero.ts", "zero.ts"),
        ] {
            assert_eq!(refusal(&folder, path), format!("{link} is a link, and none is followed"));
        }
    }

    #[test]
    fn what_is_no_plain_file_is_refused_and_not_waited_for() {
        let folder = folder();
        fs::create_dir(folder.path().join("folder.ts")).expect("a folder");
        let _socket = UnixListener::bind(folder.path().join("socket.ts")).expect("a socket");
        let fifo = folder.path().join("fifo.ts");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo");
        assert!(made.success());
        for path in ["folder.ts", "socket.ts", "fifo.ts", "fifo.ts/a.ts"] {
            assert!(refusal(&folder, path).ends_with("is no plain file"), "{path}");
        }
        let devices = open(Path::new("/dev"), &FilePath::parse("zero").expect("a path"));
        assert_eq!(devices.err().expect("a refusal").to_string(), "zero is no plain file");
    }
}
