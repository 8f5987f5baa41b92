//! What the sockets of a run speak below their messages, and how the report says so: figures with
//! TLS or compression are not to be held against those without.

use std::fmt;

use serde::Serialize;

use super::tls::Tls;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wire {
    /// `None` for `ws`.
    pub(crate) tls: Option<Tls>,
    pub(crate) trusts_anybody: bool,
    pub(crate) resumes_tls: bool,
    pub(crate) offers_deflate: bool,
}

/// What it came to.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct WireReport {
    pub(crate) tls: bool,
    /// Any certificate was accepted.
    pub(crate) insecure: bool,
    /// A handshake may have been spared by an earlier one.
    pub(crate) resumes_tls: bool,
    pub(crate) offers_deflate: bool,
    /// Sockets on which the tracker has agreed to compression.
    pub(crate) sockets_deflated: u64,
}

impl Wire {
    pub(crate) fn report(&self, sockets_deflated: u64) -> WireReport {
        WireReport {
            tls: self.tls.is_some(),
            insecure: self.trusts_anybody,
            resumes_tls: self.resumes_tls,
            offers_deflate: self.offers_deflate,
            sockets_deflated,
        }
    }
}

impl fmt::Display for WireReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let handshakes = if self.resumes_tls { "resumed where possible" } else { "each in full" };
        match (self.tls, self.insecure) {
            (false, _) => write!(f, "ws")?,
            (true, false) => write!(f, "wss, handshakes {handshakes}")?,
            (true, true) => {
                write!(f, "wss, handshakes {handshakes}, certificates NOT CHECKED (--insecure)")?;
            }
        }
        match (self.offers_deflate, self.sockets_deflated) {
            (false, _) => Ok(()),
            (true, 0) => write!(f, ", permessage-deflate offered and NOT AGREED to"),
            (true, sockets) => write!(f, ", permessage-deflate on {sockets} sockets"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_hides_neither_a_missing_check_nor_a_missing_agreement() {
        let wire = Wire { offers_deflate: true, ..Wire::default() };
        let text = wire.report(0).to_string();
        assert_eq!(text, "ws, permessage-deflate offered and NOT AGREED to");
        assert_eq!(wire.report(7).to_string(), "ws, permessage-deflate on 7 sockets");
        let report = WireReport { tls: true, insecure: true, ..Wire::default().report(0) };
        assert!(report.to_string().contains("NOT CHECKED"));
    }
}
