//! Asks the machine's ffmpeg what it can do, by a trial: lists of filters and encoders would not
//! tell whether `drawtext` finds a font.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::{PROGRAM, testcard};
use crate::config::{Card, Quality};
use crate::limits::PROBE_TIMEOUT;

/// What ffmpeg and the system around it can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ability {
    encodes: bool,
    pub(crate) draws_text: bool,
    /// `setpriv` (util-linux) can ask the kernel to kill ffmpeg when the origin is killed.
    pub(super) dies_with_us: bool,
}

/// The wrapper that makes a child die with its parent, before the child's own command line.
pub(super) const SETPRIV: [&str; 4] = ["setpriv", "--pdeathsig", "KILL", "--"];

/// Finds out what can be done here, in less than [`PROBE_TIMEOUT`] per question.
pub(crate) async fn probe() -> Ability {
    // A small picture: what ffmpeg can do does not depend on the size.
    let qualities = vec![Quality { height_pixels: 64, video_kbps: 100 }];
    let card = Card { qualities, fps: 10, segment: Duration::from_secs(1) };
    let draws_text = succeeds(PROGRAM, testcard::trial(&card, true)).await;
    let encodes = draws_text || succeeds(PROGRAM, testcard::trial(&card, false)).await;
    let [setpriv, options @ ..] = SETPRIV;
    let dies_with_us = succeeds(setpriv, options.iter().chain(&["true"])).await;
    Ability { encodes, draws_text, dies_with_us }
}

impl Ability {
    /// No ffmpeg, or none that is needed.
    pub(crate) const NONE: Ability =
        Ability { encodes: false, draws_text: false, dies_with_us: false };

    /// Whether ffmpeg is here, with libx264 and AAC.
    pub(crate) fn encodes(self) -> bool {
        self.encodes
    }
}

async fn succeeds(program: &str, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> bool {
    let mut command = Command::new(program);
    command.args(args).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    matches!(timeout(PROBE_TIMEOUT, command.status()).await, Ok(Ok(status)) if status.success())
}
