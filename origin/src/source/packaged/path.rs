//! How encoders and packagers may call their files: by relative paths of plain characters. One that
//! could mean anything else, on a disk or in a URL, is refused before it is looked up anywhere.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use crate::limits::{FILE_PATH_BYTES_MAX, FILE_PATH_PARTS_MAX};

/// Characters of a name besides letters and digits.
const PLAIN: &[u8] = b"-._~+=@,";

/// A file below a stream's folder, such as `720p/index.m3u8`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FilePath(Arc<str>);

/// Why a text is no path of a file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum PathError {
    #[error("a path has {0} bytes, but may have {FILE_PATH_BYTES_MAX}")]
    Long(usize),
    #[error("a path has {0} parts, but may have {FILE_PATH_PARTS_MAX}")]
    Deep(usize),
    #[error(
        "\"{0}\" is in a path, but its parts must be letters, digits and {plain}, and not begin \
         with a dot",
        plain = PLAIN.escape_ascii()
    )]
    Part(String),
    #[error("\"{0}\" leads out of the stream's folder")]
    Outside(String),
}

impl FilePath {
    /// Takes a path as it stands in a request's first line or in a config.
    pub(crate) fn parse(text: &str) -> Result<Self, PathError> {
        if text.len() > FILE_PATH_BYTES_MAX {
            return Err(PathError::Long(text.len()));
        }
        let parts = text.split('/').count();
        if parts > FILE_PATH_PARTS_MAX {
            return Err(PathError::Deep(parts));
        }
        match text.split('/').find(|part| !is_plain(part)) {
            Some(part) => Err(PathError::Part(part.escape_default().to_string())),
            None => Ok(FilePath(text.into())),
        }
    }

    /// The file that a playlist, which is this file, names with `uri`. What begins with `root` may
    /// be absolute (`/push/tv/`), with a host before it or not. A query is left out: encoders put
    /// their token there.
    pub(crate) fn resolve(&self, uri: &str, root: Option<&str>) -> Result<Self, PathError> {
        let uri = uri.split(['?', '#']).next().unwrap_or_default();
        let after_host = ["http://", "https://"].iter().find_map(|scheme| {
            let behind = uri.strip_prefix(scheme)?;
            Some(&behind[behind.find('/').unwrap_or(behind.len())..])
        });
        let path = after_host.unwrap_or(uri);
        if path.starts_with('/') || after_host.is_some() {
            let inside = root.and_then(|root| path.strip_prefix(root));
            let outside = || PathError::Outside(shortened(path));
            return FilePath::parse(inside.ok_or_else(outside)?);
        }
        if path.split('/').any(|part| part == "..") {
            return Err(PathError::Outside(shortened(path)));
        }
        let path = path.strip_prefix("./").unwrap_or(path);
        match self.0.rsplit_once('/') {
            Some((folder, _)) => FilePath::parse(&format!("{folder}/{path}")),
            None => FilePath::parse(path),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names a playlist of HLS.
    pub(crate) fn is_playlist(&self) -> bool {
        self.0.ends_with(".m3u8") || self.0.ends_with(".m3u")
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_plain(part: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || PLAIN.contains(&byte);
    !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain)
}

/// Enough of a stranger's text to find it by.
fn shortened(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_default).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> FilePath {
        FilePath::parse(text).expect(text)
    }

    #[test]
    fn plain_relative_paths_are_taken_as_they_are() {
        for text in ["index.m3u8", "v720/seg-00001.m4s", "a/b/c/d/e/f/g/h.ts", "x_~+=@,.ts"] {
            assert_eq!(path(text).as_str(), text);
        }
    }

    #[test]
    fn what_could_mean_something_else_is_refused() {
        for text in [
            "",
            "/",
            "/etc/passwd",
            "a//b",
            "a/",
            "..",
            "a/../b",
            ".env",
            "a/.git/config",
            "%2e%2e/x",
            "a\\b",
            "a b",
            "a\0b",
            "a?b",
            "a:b",
            "ä.ts",
            "~root/../x",
            "a\nb",
        ] {
            assert!(matches!(FilePath::parse(text), Err(PathError::Part(_))), "{text:?}");
        }
        assert_eq!(FilePath::parse(&"a/".repeat(8)), Err(PathError::Deep(9)));
        assert_eq!(FilePath::parse(&"a".repeat(256)), Err(PathError::Long(256)));
        let error = FilePath::parse("a/%2e%2e/b").expect_err("a refusal").to_string();
        assert!(error.starts_with("\"%2e%2e\" is in a path, but"), "{error}");
    }

    #[test]
    fn a_uri_is_resolved_beside_its_playlist_and_without_its_query() {
        let root = Some("/push/tv/");
        for (uri, expected) in [
            ("seg.ts", "v/seg.ts"),
            ("./seg.ts?token=x", "v/seg.ts"),
            ("sub/seg.ts#t", "v/sub/seg.ts"),
            ("/push/tv/seg.ts", "seg.ts"),
            ("https://origin.example:8080/push/tv/w/seg.ts?token=x", "w/seg.ts"),
        ] {
            assert_eq!(path("v/index.m3u8").resolve(uri, root), Ok(path(expected)), "{uri}");
        }
        assert_eq!(path("index.m3u8").resolve("seg.ts", None), Ok(path("seg.ts")));
    }

    #[test]
    fn a_uri_that_leaves_the_folder_is_refused() {
        let outside = |uri: &str, root| {
            let refusal = path("v/index.m3u8").resolve(uri, root);
            assert!(matches!(refusal, Err(PathError::Outside(_))), "{uri}: {refusal:?}");
        };
        for uri in ["../seg.ts", "a/../../seg.ts", "/etc/passwd", "http://else.example/x.ts"] {
            outside(uri, Some("/push/tv/"));
            outside(uri, None);
        }
        outside("/push/tv/seg.ts", None);
        outside("http://else.example", Some("/push/tv/"));
        for uri in ["file:///etc/passwd", "%2e%2e/x.ts", ".env", "a\\..\\b", ""] {
            assert!(path("v/index.m3u8").resolve(uri, None).is_err(), "{uri}");
        }
    }
}
