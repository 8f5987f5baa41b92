//! The signals that a run ends by, and the one that has it read its configuration again.

/// What a signal asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Asked {
    ToStop,
    ToReload,
}

/// Ctrl-C, SIGTERM from whoever supervises us, and SIGHUP.
#[cfg(unix)]
pub(crate) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// `None` where there is no file to reload: then a terminal that is closed ends us, as it
    /// ends any other program.
    hangup: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    pub(crate) fn keep(reloads: bool) -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: reloads.then(|| signal(SignalKind::hangup())).transpose()?,
        })
    }

    pub(crate) async fn next(&mut self) -> Asked {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Asked::ToStop,
            _ = self.terminate.recv() => Asked::ToStop,
            _ = hangup => Asked::ToReload,
        }
    }
}

/// Ctrl-C.
#[cfg(windows)]
pub(crate) struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    pub(crate) fn keep(_: bool) -> std::io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    pub(crate) async fn next(&mut self) -> Asked {
        self.0.recv().await;
        Asked::ToStop
    }
}

impl Signals {
    /// Waits for a signal that asks to stop; `reload` hears of those that ask for that before.
    pub(crate) async fn until_asked_to_stop(&mut self, reload: impl AsyncFn()) {
        while self.next().await == Asked::ToReload {
            reload().await;
        }
    }
}
