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

    async fn next(&mut self) -> Asked {
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

    /// Waits for one that asks to stop; one that asks to reload is kept.
    async fn stop(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
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

    async fn next(&mut self) -> Asked {
        self.stop().await;
        Asked::ToStop
    }

    async fn stop(&mut self) {
        self.0.recv().await;
    }
}

impl Signals {
    /// Waits for a signal that asks to stop; `reload` hears of those that ask for that before, one
    /// at a time. It may read from a server that has died, and is left behind then.
    pub(crate) async fn until_asked_to_stop(&mut self, reload: impl AsyncFn()) {
        while self.next().await == Asked::ToReload {
            tokio::select! {
                () = self.stop() => return,
                () = reload() => {}
            }
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::expect_used, reason = "tests")]

    use std::cell::Cell;
    use std::future::pending;
    use std::time::Duration;

    use rustix::process::{Signal, getpid, kill_process};
    use tokio::sync::Notify;
    use tokio::time::timeout;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn send(signal: Signal) {
        kill_process(getpid(), signal).expect("sent");
    }

    /// One test, since signals are the whole process's.
    #[tokio::test]
    async fn a_stop_is_heard_during_a_reload_and_a_reload_is_kept_for_its_end() {
        let mut signals = Signals::keep(true).expect("signals");
        send(Signal::HUP);
        let hung = signals.until_asked_to_stop(async || {
            send(Signal::TERM);
            pending().await
        });
        timeout(PATIENCE, hung).await.expect("the end of a reload that hangs");

        let (reloads, second) = (Cell::new(0), Notify::new());
        send(Signal::HUP);
        let stopped = signals.until_asked_to_stop(async || {
            reloads.set(reloads.get() + 1);
            match reloads.get() {
                1 => send(Signal::HUP),
                _ => second.notify_one(),
            }
        });
        let stop_after = async {
            second.notified().await;
            send(Signal::INT);
        };
        timeout(PATIENCE, async { tokio::join!(stopped, stop_after) }).await.expect("both");
        assert_eq!(reloads.get(), 2);
    }
}
