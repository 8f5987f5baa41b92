//! How a stream is: what operators want to know of it, and what its actor knows.

use std::time::SystemTime;

/// The health of one stream.
#[derive(Debug, Clone, Default)]
pub(crate) struct Status {
    pub(crate) state: State,
    /// When its newest segment came.
    pub(crate) last_segment_at: Option<SystemTime>,
    /// How often its source was started again.
    pub(crate) restarts: u64,
    /// Why it was, the last time.
    pub(crate) last_failure: Option<String>,
}

/// What a stream is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// Nobody asks for it, and it runs on demand.
    #[default]
    Idle,
    /// Its source runs, and has made nothing yet.
    Starting,
    /// Segments come.
    Live,
    /// Its source has ended, and will be started again.
    Failing,
}

impl State {
    pub(crate) const ALL: [State; 4] = [State::Idle, State::Starting, State::Live, State::Failing];

    /// What it is called in lists and labels.
    pub(crate) fn label(self) -> &'static str {
        match self {
            State::Idle => "idle",
            State::Starting => "starting",
            State::Live => "live",
            State::Failing => "failing",
        }
    }
}
