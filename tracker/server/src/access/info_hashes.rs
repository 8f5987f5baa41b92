//! Which swarms are served: a file with the info hashes of a site's streams, or of those that it
//! doesn't want. A private tracker serves its own streams and nobody else's torrents.

use std::path::PathBuf;

use origin::ConfigError;
use origin::watched::{Flaw, Refresh, Source, Watched};
use tracker_core::InfoHash;

use super::info_hash_from_hex;
use crate::limits::INFO_HASH_FILE_BYTES_MAX;

/// A list of info hashes, and what it is for.
#[derive(Debug)]
pub struct InfoHashAccess {
    list: Watched<InfoHashes>,
    listed_are_served: bool,
}

/// Sorted, at 20 bytes each: a million of them are 20 MB, and found in 20 steps.
#[derive(Debug, PartialEq, Eq)]
struct InfoHashes(Box<[InfoHash]>);

impl InfoHashAccess {
    /// Only the info hashes in the file at `path` are served.
    ///
    /// # Errors
    ///
    /// Key, value and bound, when the file can't be read or isn't a list of info hashes.
    pub fn only(path: PathBuf) -> Result<Self, ConfigError> {
        let list = load("access.allowInfoHashes", path)?;
        Ok(Self { list, listed_are_served: true })
    }

    /// All info hashes but those in the file at `path` are served.
    ///
    /// # Errors
    ///
    /// As with [`only`](Self::only).
    pub fn all_but(path: PathBuf) -> Result<Self, ConfigError> {
        let list = load("access.denyInfoHashes", path)?;
        Ok(Self { list, listed_are_served: false })
    }

    /// Whether a swarm is served.
    pub(crate) fn allow(&self, info_hash: &InfoHash) -> bool {
        self.list.current().contains(info_hash) == self.listed_are_served
    }

    pub(super) fn refresh(&self, which: Refresh) {
        self.list.refresh(which);
    }
}

fn load(key: &'static str, path: PathBuf) -> Result<Watched<InfoHashes>, ConfigError> {
    let (files, bytes_max) = ([(key.to_owned(), path)], INFO_HASH_FILE_BYTES_MAX);
    Watched::load(Source { files, bytes_max, parse: |[file]| InfoHashes::parse(file) })
}

impl InfoHashes {
    /// Reads an info hash a line, with comments and blank lines.
    fn parse(file: &[u8]) -> Result<Self, Flaw> {
        let mut list = Vec::new();
        for (number, line) in (1..).zip(file.split(|&byte| byte == b'\n')) {
            let line = String::from_utf8_lossy(line);
            let hex = line.split('#').next().unwrap_or_default().trim();
            if hex.is_empty() {
                continue;
            }
            list.push(info_hash_from_hex(hex).ok_or_else(|| Flaw {
                file: 0,
                line: Some(number),
                // Enough to find it; a file of something else may have lines without an end.
                value: format!("{:?}", hex.chars().take(60).collect::<String>()),
                bound: "an info hash of 40 hexadecimal digits, a comment after '#', or blank",
            })?);
        }
        list.sort_unstable();
        list.dedup();
        Ok(Self(list.into()))
    }

    fn contains(&self, info_hash: &InfoHash) -> bool {
        self.0.binary_search(info_hash).is_ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_list_has_comments_blank_lines_any_case_and_any_end_of_line() {
        let file = "# streams\r\n\r\n\
            0102030405060708090A0b0c0d0e0f1011121314 # film\r\n\
            \t ffffffffffffffffffffffffffffffffffffffff \n\
            ffffffffffffffffffffffffffffffffffffffff";
        let list = InfoHashes::parse(file.as_bytes()).expect("a list");
        assert!(list.contains(&InfoHash(std::array::from_fn(|i| i as u8 + 1))));
        assert!(list.contains(&InfoHash([0xff; 20])));
        assert!(!list.contains(&InfoHash([0; 20])));
        assert_eq!(list.0.len(), 2, "a hash that is there twice is one");
        assert_eq!(InfoHashes::parse(b"").expect("a list").0.len(), 0);
    }

    #[test]
    fn a_line_that_is_no_info_hash_is_named() {
        let good = "0".repeat(40);
        for bad in ["0".repeat(39), "0".repeat(41), format!("g{}", "0".repeat(39)), "é".repeat(20)]
        {
            let file = format!("{good}\n#\n{bad}\n{good}");
            let flaw = InfoHashes::parse(file.as_bytes()).expect_err(&bad);
            assert_eq!(flaw.line, Some(3));
            assert_eq!(flaw.value, format!("{bad:?}"));
        }
        let endless = InfoHashes::parse(&vec![b'x'; 1 << 20]).expect_err("no list");
        assert!(endless.value.len() < 100);
        InfoHashes::parse(&[0xff; 40]).expect_err("not even text");
    }
}
