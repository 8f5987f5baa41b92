//! One tracker of a comparison as it is written on the command line.

use std::str::FromStr;

use url::Url;

/// A name, an address, and the process behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contender {
    pub(crate) name: String,
    pub(crate) url: Url,
    pub(crate) server_pid: Option<u32>,
    /// Its violations are shown and forgiven.
    pub(crate) is_tolerated: bool,
}

/// Why it is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoContender {
    #[error("must be NAME=URL or NAME=URL,pid=PID")]
    Shape,
    #[error("a name has 1 to {NAME_CHARS_MAX} characters, this one {0}")]
    Name(usize),
    #[error("{0}: one tracker has one address; nodes of a cluster are loaded together with --url")]
    Nodes(String),
    #[error("{0} is no process id")]
    Pid(String),
    #[error("{0} is no address: {1}")]
    Url(String, url::ParseError),
}

/// Characters of a name: a column of the table holds as many.
pub(crate) const NAME_CHARS_MAX: usize = 20;

impl FromStr for Contender {
    type Err = NoContender;

    fn from_str(text: &str) -> Result<Self, NoContender> {
        let (name, rest) = text.split_once('=').ok_or(NoContender::Shape)?;
        let chars = name.chars().count();
        if !(1..=NAME_CHARS_MAX).contains(&chars) {
            return Err(NoContender::Name(chars));
        }
        if rest.matches("://").count() > 1 {
            return Err(NoContender::Nodes(rest.to_owned()));
        }
        let (url, server_pid) = match rest.rsplit_once(",pid=") {
            None => (rest, None),
            Some((url, pid)) => {
                (url, Some(pid.parse().map_err(|_| NoContender::Pid(pid.to_owned()))?))
            }
        };
        let url = url.parse().map_err(|why| NoContender::Url(url.to_owned(), why))?;
        Ok(Self { name: name.to_owned(), url, server_pid, is_tolerated: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_an_address_and_perhaps_a_process() {
        let ours: Contender = "ours=ws://127.0.0.1:8000/a?b=c,d".parse().expect("valid");
        assert_eq!((ours.name.as_str(), ours.server_pid), ("ours", None));
        assert_eq!(ours.url.query(), Some("b=c,d"));
        let theirs: Contender = "theirs=ws://127.0.0.1:8001,pid=4711".parse().expect("valid");
        assert_eq!(theirs.url.as_str(), "ws://127.0.0.1:8001/");
        assert_eq!(theirs.server_pid, Some(4711));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, named) in [
            ("ws://127.0.0.1:8000", "NAME=URL"),
            ("=ws://127.0.0.1", "1 to 20"),
            ("a=ws://127.0.0.1,pid=x", "x is no process id"),
            ("a=ws://127.0.0.1:1,ws://127.0.0.1:2", "with --url"),
            ("a=127.0.0.1", "127.0.0.1 is no address"),
        ] {
            let error = text.parse::<Contender>().expect_err(text).to_string();
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
