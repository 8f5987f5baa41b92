//! Whose pages may open sockets: wt-tracker's `websocketsAccess`. Browsers tell a page's origin
//! truly, so this keeps other sites from using the tracker; it doesn't keep out programs, which
//! can say what they like.

/// Whose pages may open sockets, by the `Origin` header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OriginAccess {
    /// Who may; everybody without it.
    pub allow: Option<Vec<String>>,
    /// Who may not, where there is no list of who may.
    pub deny: Vec<String>,
    /// Whether those may not who don't say where they come from.
    pub deny_empty: bool,
}

impl OriginAccess {
    /// Whether a page of `origin` may open a socket. Without the header, which is `None`, it is no
    /// browser's; as in wt-tracker, a list of who may is complete, and so refuses it.
    #[must_use]
    pub fn allow(&self, origin: Option<&str>) -> bool {
        let origin = origin.unwrap_or_default();
        if origin.is_empty() && self.deny_empty {
            return false;
        }
        match &self.allow {
            Some(allowed) => allowed.iter().any(|allowed| allowed == origin),
            None => self.deny.iter().all(|denied| denied != origin),
        }
    }
}
