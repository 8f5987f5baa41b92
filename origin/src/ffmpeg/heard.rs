//! What ffmpeg says on stderr: a few lines a second go to the log, since a broken input can make it
//! write thousands; the last ones are kept, as they tell why it failed; and what it says of its
//! input is read, as nobody else knows.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};

use super::secrets::Secrets;
use super::streams::Streams;
use crate::limits::{
    FFMPEG_LAST_LINES, FFMPEG_LINE_BYTES_MAX, FFMPEG_LOG_LINES_PER_SECOND, FFMPEG_SHOWN_BYTES_MAX,
};

/// What one ffmpeg has said so far.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    last: VecDeque<String>,
    pub(crate) streams: Streams,
    /// When its input was open.
    pub(crate) opened: Option<Instant>,
    /// Somebody sends who doesn't know the stream's key; ffmpeg would let him.
    pub(crate) wrong_key: bool,
    /// The picture has frames in another order than they are shown in, and comes in a way that says
    /// only when they are shown (RTP): what is copied has no place in a file.
    pub(crate) untimed: bool,
}

impl Heard {
    /// Its last messages but those that are no trouble.
    pub(crate) fn last_words(&self) -> Option<String> {
        let last: Vec<_> = self.last.iter().map(String::as_str).collect();
        (!last.is_empty()).then(|| last.join(" | "))
    }

    fn hear(&mut self, line: &Line<'_>) {
        self.streams.read(line.text);
        if self.opened.is_none() && self.streams.are_told_of() {
            self.opened = Some(Instant::now());
        }
        // libavformat/rtmpproto.c, which says so and goes on.
        self.wrong_key |= line.text.starts_with("Unexpected stream ")
            || line.text.starts_with("App field don't match up: ");
        // libavformat/movenc.c, which puts the frame at 0.
        self.untimed |= line.text == "pts has no value";
    }

    fn keep(&mut self, text: String) {
        if self.last.len() == FFMPEG_LAST_LINES {
            self.last.pop_front();
        }
        self.last.push_back(text);
    }
}

/// Listens to `stderr` until it ends.
pub(super) async fn listen(
    stream: String,
    secrets: Secrets,
    stderr: impl AsyncRead + Unpin,
    heard: Rc<RefCell<Heard>>,
) {
    let mut stderr = BufReader::new(stderr);
    let mut ration = Ration::new(Instant::now());
    let mut bytes = Vec::new();
    let mut is_rest = false;
    loop {
        bytes.clear();
        let mut piece = (&mut stderr).take(FFMPEG_LINE_BYTES_MAX);
        if !matches!(piece.read_until(b'\n', &mut bytes).await, Ok(1..)) {
            return;
        }
        // The rest of a line that is too long goes nowhere: half a secret would not be known as one.
        let was_rest = std::mem::replace(&mut is_rest, bytes.last() != Some(&b'\n'));
        if was_rest {
            continue;
        }
        let text = String::from_utf8_lossy(&bytes);
        let line = Line::read(&text);
        if line.text.is_empty() {
            continue;
        }
        heard.borrow_mut().hear(&line);
        if !line.is_trouble {
            continue;
        }
        let mut text = secrets.hide(&line.text.replace(char::is_control, " "));
        text.truncate(text.floor_char_boundary(FFMPEG_SHOWN_BYTES_MAX));
        match ration.spend(Instant::now()) {
            Some(0) => tracing::warn!(stream, "ffmpeg: {text}"),
            Some(unsaid) => tracing::warn!(stream, unsaid, "ffmpeg: {text}"),
            None => {}
        }
        heard.borrow_mut().keep(text);
    }
}

/// One line, as `-loglevel level+...` writes it: `[dash @ 0x55d0] [warning] text`.
struct Line<'a> {
    text: &'a str,
    /// Anything but what ffmpeg tells in passing.
    is_trouble: bool,
}

impl<'a> Line<'a> {
    fn read(line: &'a str) -> Self {
        let mut text = line.trim();
        if let Some((who, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once("] "))
            && who.contains(" @ 0x")
        {
            text = rest;
        }
        let level = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        match level {
            Some(("info", rest)) => Line { text: rest.trim(), is_trouble: false },
            Some(("warning" | "error" | "fatal" | "panic", rest)) => {
                Line { text: rest.trim(), is_trouble: true }
            }
            // What is no message of ffmpeg's may be the system's.
            _ => Line { text, is_trouble: true },
        }
    }
}

/// How many lines may still be logged in this second.
struct Ration {
    second_began: Instant,
    left: u32,
    unsaid: u64,
}

impl Ration {
    fn new(now: Instant) -> Self {
        Ration { second_began: now, left: FFMPEG_LOG_LINES_PER_SECOND, unsaid: 0 }
    }

    /// Whether a line may be logged now, and how many before it were not.
    fn spend(&mut self, now: Instant) -> Option<u64> {
        if now.duration_since(self.second_began) >= Duration::from_secs(1) {
            self.second_began = now;
            self.left = FFMPEG_LOG_LINES_PER_SECOND;
        }
        if self.left == 0 {
            self.unsaid += 1;
            return None;
        }
        self.left -= 1;
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn hear(stderr: &[u8]) -> Heard {
        let heard = Rc::new(RefCell::new(Heard::default()));
        let secrets = Secrets::of("rtmp://host/live/s3cr3t");
        listen("test".to_owned(), secrets, stderr, heard.clone()).await;
        heard.take()
    }

    #[test]
    fn a_flood_is_cut_to_its_ration_and_counted() {
        let start = Instant::now();
        let mut ration = Ration::new(start);
        let logged = (0..1000).filter(|_| ration.spend(start).is_some()).count();
        assert_eq!(logged, FFMPEG_LOG_LINES_PER_SECOND as usize);
        let unsaid = 1000 - u64::from(FFMPEG_LOG_LINES_PER_SECOND);
        assert_eq!(ration.spend(start + Duration::from_secs(1)), Some(unsaid));
        assert_eq!(ration.spend(start + Duration::from_secs(1)), Some(0));
    }

    #[actix::test]
    async fn the_last_messages_are_kept_even_when_they_were_not_logged() {
        let flood = "[x @ 0x1] [warning] noise\n".repeat(1000)
            + "[info] in passing\n[hls @ 0x55] [error] no s3cr3t\n[fatal] no such device\n\n";
        let last = hear(flood.as_bytes()).await.last_words();
        assert_eq!(last.as_deref(), Some("noise | noise | no *** | no such device"));
        assert_eq!(hear(b"[info] fine\n").await.last_words(), None);
    }

    #[actix::test]
    async fn a_line_without_end_is_read_in_pieces() {
        let endless = vec![b'x'; 10_000];
        let last = hear(&endless).await.last_words().expect("what it said");
        assert!(last.len() <= FFMPEG_LAST_LINES * (FFMPEG_SHOWN_BYTES_MAX + 3));
    }

    #[actix::test]
    async fn an_encoder_with_another_key_is_noticed() {
        for said in [
            "[rtmp @ 0x55] [warning] Unexpected stream other, expecting s3cr3t\n",
            "[rtmp @ 0x55] [warning] App field don't match up: wrong <-> live\n",
        ] {
            assert!(hear(said.as_bytes()).await.wrong_key);
        }
        assert!(!hear(b"[info]     title : Unexpected stream x\n").await.wrong_key);
    }
}
