//! Reports as files: every kind of run writes them in the same way.

use std::path::Path;

use anyhow::Context;
use serde::Serialize;

/// Writes a report as JSON, if that was asked for.
///
/// # Errors
/// When the file cannot be written; the flag and the file are named.
pub(crate) fn save_json(file: Option<&Path>, report: &impl Serialize) -> anyhow::Result<()> {
    save("json", file, || Ok(serde_json::to_string_pretty(report)?))
}

/// Writes a report's page, if that was asked for.
///
/// # Errors
/// When it cannot be drawn or written; the flag and the file are named.
pub(crate) fn save_page(
    file: Option<&Path>,
    page: impl FnOnce() -> anyhow::Result<String>,
) -> anyhow::Result<()> {
    save("html", file, page)
}

fn save(
    key: &str,
    file: Option<&Path>,
    text: impl FnOnce() -> anyhow::Result<String>,
) -> anyhow::Result<()> {
    let Some(file) = file else {
        return Ok(());
    };
    std::fs::write(file, text()?).with_context(|| format!("--{key} {}", file.display()))
}
