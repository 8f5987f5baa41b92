//! Why something could not be fetched. No text here has a URL in it: whoever tells of it says where
//! it was in the form that hides what is secret.

use std::error::Error;
use std::time::Duration;

use crate::limits::{FETCH_HEAD_TIMEOUT, FETCH_REDIRECTS_MAX};

/// Why something could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("{0}")]
    Connection(String),
    #[error("no answer within {FETCH_HEAD_TIMEOUT:?}")]
    NoAnswer,
    #[error("the answer is {0}")]
    Status(u16),
    #[error("a redirect that leads nowhere")]
    Redirect,
    #[error("a redirect from https to http")]
    Downgrade,
    #[error("more than {FETCH_REDIRECTS_MAX} redirects")]
    Redirects,
    #[error("the answer took longer than {0:?}")]
    Slow(Duration),
    #[error("the answer has more than {0} bytes")]
    TooLarge(usize),
    #[error("the answer broke off after {got} bytes: {reason}")]
    BrokenOff { got: usize, reason: String },
    #[error("the answer is packed in a way that was not asked for")]
    Packed,
    #[error("the answer is another part than was asked for")]
    WrongPart,
}

impl FetchError {
    /// Whether the other side has no such thing, for the time being or any more.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, FetchError::Status(404 | 410))
    }
}

/// All of an error's causes in a line: the first ones say only which layer it was.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = cause.source();
    }
    text
}
