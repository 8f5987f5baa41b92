//! What the log says, and how. The library only says things; whoever starts it decides where they
//! go, as the binary does with these.

use origin::ConfigError;
use tracing::Level;

use super::checks::{quoted, refused};
use super::raw::RawLog;

/// What is told on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// What a line looks like.
    pub format: LogFormat,
    /// The least important that is told.
    pub level: Level,
}

/// What a line of the log looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// A JSON object with `timestamp`, `level`, `target`, `message`, and what belongs to it.
    Json,
}

/// What holds before a configuration is read, and when there is none.
impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: Level::INFO }
    }
}

impl RawLog {
    pub(super) fn validate(self) -> Result<LogConfig, ConfigError> {
        let format = match self.format.as_str() {
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            other => return Err(refused("log.format", quoted(other), "\"text\" or \"json\"")),
        };
        let level = match self.level.as_str() {
            "error" => Level::ERROR,
            "warn" => Level::WARN,
            "info" => Level::INFO,
            "debug" => Level::DEBUG,
            "trace" => Level::TRACE,
            other => {
                let bound = "\"error\", \"warn\", \"info\", \"debug\" or \"trace\"";
                return Err(refused("log.level", quoted(other), bound));
            }
        };
        Ok(LogConfig { format, level })
    }
}
