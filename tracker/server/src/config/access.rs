//! Who may come in: the sections `websocketsAccess`, which pages may open sockets, and `access`,
//! which swarms are served and who has a token.

use origin::ConfigError;

use super::checks::refused;
use super::raw::{RawAccess, RawJoinAccess, RawTokens};
use crate::access::{Access, InfoHashAccess, OriginAccess, TokenAccess};
use crate::limits::TOKEN_PARAMETER_BYTES_MAX;

impl RawAccess {
    pub(super) fn validate(self) -> Result<OriginAccess, ConfigError> {
        if self.allow_origins.is_some() && self.deny_origins.is_some() {
            let key = "websocketsAccess.denyOrigins";
            return Err(refused(key, "a list", "left out where allowOrigins is there"));
        }
        Ok(OriginAccess {
            allow: self.allow_origins,
            deny: self.deny_origins.unwrap_or_default(),
            deny_empty: self.deny_empty_origin,
        })
    }
}

impl RawJoinAccess {
    pub(super) fn validate(self) -> Result<Access, ConfigError> {
        let info_hashes = match (self.allow_info_hashes, self.deny_info_hashes) {
            (Some(_), Some(denied)) => {
                let bound = "left out where allowInfoHashes is there";
                return Err(refused("access.denyInfoHashes", denied.display(), bound));
            }
            (Some(allowed), None) => Some(InfoHashAccess::only(allowed)?),
            (None, Some(denied)) => Some(InfoHashAccess::all_but(denied)?),
            (None, None) => None,
        };
        let tokens = self.tokens.map(RawTokens::validate).transpose()?;
        Ok(Access { info_hashes, tokens })
    }
}

impl RawTokens {
    fn validate(self) -> Result<TokenAccess, ConfigError> {
        let parameter = self.parameter;
        // What needs no escapes in a query (RFC 3986, section 2.3).
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if !(1..=TOKEN_PARAMETER_BYTES_MAX).contains(&parameter.len())
            || !parameter.bytes().all(is_plain)
        {
            let bound = format!("1 to {TOKEN_PARAMETER_BYTES_MAX} letters, digits or '-._~'");
            return Err(refused("access.tokens.parameter", parameter, &bound));
        }
        match (self.hs256_secret_file, self.ed25519_public_key_file) {
            (Some(secret), None) => TokenAccess::hs256(secret, parameter),
            (None, Some(public)) => TokenAccess::ed25519(public, parameter),
            (Some(_), Some(public)) => {
                let bound = "left out where hs256SecretFile is there";
                Err(refused("access.tokens.ed25519PublicKeyFile", public.display(), bound))
            }
            (None, None) => {
                let bound = "a section with hs256SecretFile or ed25519PublicKeyFile";
                Err(refused("access.tokens", "{}", bound))
            }
        }
    }
}
