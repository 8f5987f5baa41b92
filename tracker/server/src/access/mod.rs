//! Who may do what: whose pages may open sockets, with which tokens, how many of an address and
//! how fast, and which swarms may be joined. A site decides with its configuration and with files
//! that it may change at any time.

mod addresses;
mod admissions;
mod dashboard;
mod info_hashes;
mod origins;
mod rates;
mod tokens;

use origin::watched::Refresh;
use tracker_core::{InfoHash, Reason};

pub use addresses::TrustedProxies;
pub(crate) use admissions::{Admission, Admissions, Arrival, Full};
pub use dashboard::DashboardAccess;
pub(crate) use dashboard::{COOKIE_NAME, Pass, Unseen};
pub use info_hashes::InfoHashAccess;
pub use origins::OriginAccess;
pub use rates::Rate;
pub(crate) use rates::TokenBucket;
pub use tokens::TokenAccess;
pub(crate) use tokens::{Ticket, TokenRefusal};

/// What the section `access` allows. Without the section that is everything.
#[derive(Debug, Default)]
pub struct Access {
    /// The swarms that are served; all of them without it.
    pub info_hashes: Option<InfoHashAccess>,
    /// The tokens that open sockets; everybody may open one without it.
    pub tokens: Option<TokenAccess>,
}

impl Access {
    /// Whether a socket may be opened, with this query and by a page of `origin`; and what its
    /// token allows it, where tokens are asked for.
    ///
    /// # Errors
    ///
    /// What the token lacks.
    pub(crate) fn admit(
        &self,
        query: Option<&str>,
        origin: Option<&str>,
    ) -> Result<Option<Box<Ticket>>, TokenRefusal> {
        let tokens = self.tokens.as_ref();
        tokens.map(|tokens| tokens.admit(query, origin).map(Box::new)).transpose()
    }

    /// Whether a swarm may be joined, and stayed in. It is asked at each announce.
    ///
    /// # Errors
    ///
    /// [`Reason::NotAllowed`] when the swarm isn't served.
    pub(crate) fn judge(&self, info_hash: &InfoHash) -> Result<(), Reason> {
        match &self.info_hashes {
            Some(access) if !access.allow(info_hash) => Err(Reason::NotAllowed),
            _ => Ok(()),
        }
    }

    /// Whether there are files that may change.
    pub(crate) fn has_files(&self) -> bool {
        self.info_hashes.is_some() || self.tokens.is_some()
    }

    /// Reads the files again. It blocks: it is not for a thread that serves.
    pub(crate) fn refresh(&self, which: Refresh) {
        if let Some(info_hashes) = &self.info_hashes {
            info_hashes.refresh(which);
        }
        if let Some(tokens) = &self.tokens {
            tokens.refresh(which);
        }
    }
}

/// An info hash as people write it: 40 hexadecimal digits.
fn info_hash_from_hex(text: &str) -> Option<InfoHash> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let mut id = [0; 20];
    if text.len() != 2 * id.len() {
        return None;
    }
    for (byte, pair) in id.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(InfoHash(id))
}
