//! The command line and the environment, as sources of a configuration.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use tracker::config::{Flag, LogFormat, Sources};

/// A WebTorrent tracker that introduces viewers of a live stream to each other.
///
/// Every key of the configuration can also be given as a variable, such as
/// TRACKER_TRACKER__ANNOUNCE_INTERVAL=60, or with --set. A flag goes before a variable, and a
/// variable before the file.
#[derive(Parser)]
#[command(version)]
pub(crate) struct Args {
    /// Configuration, in wt-tracker's JSON, or in TOML where its name ends in .toml; without it
    /// everything runs, on port 8000.
    config: Option<PathBuf>,
    /// Set a key, such as tracker.announceInterval=60; VALUE is JSON, or else a text.
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value)]
    set: Vec<(String, String)>,
    /// The first listener's TCP port; servers[0].server.port.
    #[arg(long, value_name = "PORT")]
    port: Option<String>,
    /// The first listener's IP address; servers[0].server.host.
    #[arg(long, value_name = "ADDRESS")]
    host: Option<String>,
    /// Threads that serve; one per core without it.
    #[arg(long, value_name = "THREADS")]
    workers: Option<String>,
    /// What a line of the log looks like, text or json; log.format.
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// The least important that is logged, from error to trace; log.level.
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Print the configuration that would hold, with what each key is, and exit.
    #[arg(long)]
    pub(crate) print_config: bool,
    /// What to print it in.
    #[arg(long, value_enum, default_value_t = Format::Toml, requires = "print_config")]
    pub(crate) format: Format,
    /// Say whether the configuration is good, and exit.
    #[arg(long, conflicts_with = "print_config")]
    pub(crate) check_config: bool,
}

/// What a configuration is printed in.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
pub(crate) enum Format {
    Toml,
    Json,
}

impl Args {
    /// Where the configuration comes from. The short flags go before `--set`.
    pub(crate) fn sources(&self) -> Sources {
        let set = self.set.iter().map(|(key, value)| Flag {
            written: format!("--set {key}={value}"),
            key: key.clone(),
            value: value.clone(),
        });
        let short = [
            ("--port", "servers[0].server.port", &self.port),
            ("--host", "servers[0].server.host", &self.host),
            ("--workers", "workers", &self.workers),
            ("--log-format", "log.format", &self.log_format),
            ("--log-level", "log.level", &self.log_level),
        ];
        let short = short.into_iter().filter_map(|(flag, key, value)| {
            let value = value.clone()?;
            Some(Flag { written: format!("{flag} {value}"), key: key.to_owned(), value })
        });
        // What is no text is no name of ours. As a value it is refused where it stands, or is a
        // file that isn't there: it isn't passed over.
        let text = |text: OsString| text.to_string_lossy().into_owned();
        Sources {
            file: self.config.clone(),
            variables: std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect(),
            flags: set.chain(short).collect(),
        }
    }

    /// What the log looks like while there is no configuration to say so.
    pub(crate) fn log_format(&self) -> LogFormat {
        let json = self.log_format.as_deref() == Some("json")
            || std::env::var("TRACKER_LOG__FORMAT").as_deref() == Ok("json");
        if json { LogFormat::Json } else { LogFormat::Text }
    }
}

fn key_and_value(text: &str) -> Result<(String, String), &'static str> {
    let (key, value) = text.split_once('=').ok_or("it has no `=`")?;
    Ok((key.to_owned(), value.to_owned()))
}
