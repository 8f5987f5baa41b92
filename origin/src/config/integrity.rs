//! With which key the digests of segments are signed.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::ConfigError;
use crate::integrity::Signer;
use crate::limits::KEY_BYTES_MAX;
use crate::watched::{Flaw, Source, Watched};

/// The signing of digests, as it is written.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct IntegrityConfig {
    /// An Ed25519 key in PKCS#8 PEM, the same on each origin behind one CDN: pages may then pin it.
    /// It is read once. Default: a fresh key with each start, which no page can know beforehand.
    pub key_file: Option<PathBuf>,
}

impl IntegrityConfig {
    pub(super) fn validate(self) -> Result<Option<Arc<Signer>>, ConfigError> {
        let read = |file| {
            let files = [("origin.integrity.keyFile".to_owned(), file)];
            Watched::once(&Source { files, bytes_max: KEY_BYTES_MAX, parse }).map(Arc::new)
        };
        self.key_file.map(read).transpose()
    }
}

fn parse([pem]: [&[u8]; 1]) -> Result<Signer, Flaw> {
    Signer::from_pem(pem).map_err(|_| Flaw {
        file: 0,
        line: None,
        // What is there is not repeated: it may be another key.
        value: "something else".to_owned(),
        bound: "an Ed25519 key in PKCS#8 PEM, as `openssl genpkey -algorithm ed25519` makes one",
    })
}
