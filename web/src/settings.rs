//! The addresses that the page starts with, as `/player.json` says them. A viewer's query string
//! may override each of them, so they are defaults and no secret.

use serde::Serialize;

/// What the page plays and whom it asks for peers, until its query string says otherwise.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlayerSettings {
    /// The streams on offer; the page plays the first unless `?stream=NAME` names another.
    pub streams: Vec<PlayerStream>,
    /// `ws://` and `wss://` addresses. A path such as `/` is on the page's own host, `wss` where
    /// the page itself came over TLS. With none, the page plays over HTTP alone.
    pub trackers: Vec<String>,
    /// `stun:host:port`. `:3478` is that port on the host that the page came from.
    pub stun: Vec<String>,
    /// What becomes of a peer's segment whose digest can't be had.
    pub unchecked_segments: Unchecked,
    /// How viewers share.
    pub sharing: Sharing,
}

/// How viewers share, where the query string and the viewer don't say otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sharing {
    /// Whether a viewer is asked first.
    pub consent: Consent,
    /// What the page sends to other viewers at most, an average in kbit/s; 0 is no limit.
    pub upload_kbps: u64,
    /// How far behind live the page plays, in target durations: the room for peers to deliver.
    pub behind_targets: u64,
    /// Segments that are due within so many seconds come over HTTP, whatever the peers have.
    pub http_seconds: u64,
}

/// Measured with four and eight viewers of 2 s segments; the limit is that of a good picture.
impl Default for Sharing {
    fn default() -> Self {
        Sharing {
            consent: Consent::default(),
            upload_kbps: 10_000,
            behind_targets: 6,
            http_seconds: 3,
        }
    }
}

/// Whether a viewer shares without having been asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Consent {
    /// From the start, until the viewer turns it off.
    #[default]
    Assumed,
    /// Once the viewer has agreed.
    Ask,
}

/// What becomes of segments that can't be checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Unchecked {
    /// They come over HTTP instead.
    #[default]
    Refuse,
    /// They are played.
    Accept,
}

/// One stream.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlayerStream {
    /// Shown as the title, and what `?stream=` selects.
    pub name: String,
    /// The playlist: an absolute `http(s)` address, or a path on the page's own host and port.
    /// `http://:8080/live/tv/index.m3u8` is at that port of the host that the page came from. Viewers
    /// whose addresses have the same path share with each other, whatever the host and the query.
    pub url: String,
    /// The signed digests that segments from peers are checked against, an address like `url` or
    /// relative to it. Without them nothing is checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digests: Option<String>,
    /// The public key that has to have signed them, Ed25519 in base64url. Without it the page
    /// believes whoever serves them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digests_key: Option<String>,
}

impl PlayerSettings {
    /// The body of `/player.json`.
    pub(crate) fn to_json(&self) -> String {
        // Strings and lists only: serialization has no way to fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}
