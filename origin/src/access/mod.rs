//! Who may have a stream's files: whoever comes through the CDN, known by a secret that it adds to
//! its requests, and whoever has an address that was signed. Both are read from files, again when
//! these change, so that keys are changed without a break.

mod secret;
mod signature;

use std::time::SystemTime;

use crate::watched::Refresh;

pub(crate) use secret::{CdnSecret, Secrets};
pub(crate) use signature::Scope;
pub use signature::{Signature, SigningKey};

/// What a request has to bring. Without anything configured, nothing.
#[derive(Debug, Default)]
pub(crate) struct Access {
    /// With every request.
    pub(crate) cdn: Option<CdnSecret>,
    /// With each that asks for a stream's file: one of them has signed it.
    pub(crate) signing: Option<Secrets>,
}

/// Why a request is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// It has not come through the CDN.
    Secret,
    /// Its address has no signature.
    Unsigned,
    /// Its signature is none of ours, or for something else.
    Forged,
    /// Its signature was good, and is not any more.
    Expired,
}

impl Access {
    /// Sees that a signature is there and good for one of `scopes`, and returns how many seconds it
    /// is still good for; `None` is for ever, where none is asked for.
    pub(crate) fn check_signature(
        &self,
        signature: Option<&Signature>,
        scopes: &[Scope<'_>],
        now: SystemTime,
    ) -> Result<Option<u64>, Denied> {
        let Some(keys) = &self.signing else {
            return Ok(None);
        };
        let signature = signature.ok_or(Denied::Unsigned)?;
        let keys = keys.current();
        let is_ours = keys.iter().any(|key| scopes.iter().any(|of| key.has_signed(signature, of)));
        if !is_ours {
            return Err(Denied::Forged);
        }
        signature.seconds_left(now).map(Some).ok_or(Denied::Expired)
    }

    /// Whether there are files to read again.
    pub(crate) fn has_files(&self) -> bool {
        self.cdn.is_some() || self.signing.is_some()
    }

    /// Reads the files again.
    pub(crate) fn refresh(&self, which: Refresh) {
        let secrets = self.cdn.iter().map(|cdn| &cdn.secrets).chain(&self.signing);
        secrets.for_each(|secrets| secrets.refresh(which));
    }
}

impl Denied {
    /// All of them, in the order of [`Denied::index`].
    pub(crate) const ALL: [Denied; 4] =
        [Denied::Secret, Denied::Unsigned, Denied::Forged, Denied::Expired];

    /// Its place in a table of counts.
    pub(crate) fn index(self) -> usize {
        match self {
            Denied::Secret => 0,
            Denied::Unsigned => 1,
            Denied::Forged => 2,
            Denied::Expired => 3,
        }
    }

    /// The label under which it is counted.
    pub(crate) fn label(self) -> &'static str {
        ["secret", "unsigned", "forged", "expired"][self.index()]
    }

    /// What whoever asked is told.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Denied::Secret => "This is for the CDN in front.\n",
            Denied::Unsigned => "The address has to be signed.\n",
            Denied::Forged => "The address is signed wrongly, or for something else.\n",
            Denied::Expired => "The address has expired.\n",
        }
    }
}
