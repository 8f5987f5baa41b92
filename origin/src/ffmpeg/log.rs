//! ffmpeg's stderr goes to the log, a few lines a second: a broken input can make it write
//! thousands, and its last words are what one wants to read when it fails.

use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};

use crate::limits::{FFMPEG_LOG_LINE_BYTES_MAX, FFMPEG_LOG_LINES_PER_SECOND};

/// Logs what `stderr` says until it ends, and returns its last line.
pub(super) async fn copy(stream: String, stderr: impl AsyncRead + Unpin) -> Option<String> {
    let mut stderr = BufReader::new(stderr);
    let mut ration = Ration::new(Instant::now());
    let mut last = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut piece = (&mut stderr).take(FFMPEG_LOG_LINE_BYTES_MAX);
        if !matches!(piece.read_until(b'\n', &mut line).await, Ok(1..)) {
            return last;
        }
        let text = String::from_utf8_lossy(&line).trim().to_owned();
        if text.is_empty() {
            continue;
        }
        match ration.spend(Instant::now()) {
            Some(0) => tracing::warn!(stream, "ffmpeg: {text}"),
            Some(unsaid) => tracing::warn!(stream, unsaid, "ffmpeg: {text}"),
            None => {}
        }
        last = Some(text);
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
    async fn the_last_line_is_kept_even_when_it_was_not_logged() {
        let flood = "noise\n".repeat(1000) + "[fatal] no such device\n\n";
        let last = copy("test".to_owned(), flood.as_bytes()).await;
        assert_eq!(last.as_deref(), Some("[fatal] no such device"));
    }

    #[actix::test]
    async fn a_line_without_end_is_read_in_pieces() {
        let endless = vec![b'x'; 10_000];
        let last = copy("test".to_owned(), endless.as_slice()).await;
        assert!(last.is_some_and(|last| last.len() <= FFMPEG_LOG_LINE_BYTES_MAX as usize));
    }
}
