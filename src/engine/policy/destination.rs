//! `permit_auth_destination`, `reject_unauth_destination`, `defer_unauth_destination`: no open relay.

use super::evaluate::{Answer, Reject, Run, Verdict, permit_if};
use crate::engine::address::{Class, resolve};
use crate::engine::maps::MapError;

impl Run<'_> {
    pub(super) fn permit_auth_destination(&self) -> Answer {
        Ok(permit_if(self.is_auth_destination()?))
    }

    pub(super) fn unauth_destination(&self, code: u16, dsn: &str) -> Answer {
        let Some(recipient) = &self.subject.recipient else {
            return Ok(Verdict::Dunno);
        };
        if self.is_auth_destination()? {
            return Ok(Verdict::Dunno);
        }
        Ok(Verdict::Reject(Reject::new(
            code,
            dsn,
            format!("<{recipient}>: Relay access denied"),
        )))
    }

    fn is_auth_destination(&self) -> Result<bool, MapError> {
        let Some(recipient) = &self.subject.recipient else {
            return Ok(false);
        };
        let resolved = resolve(recipient, self.params)?;
        if !resolved.recipient.contains('@') {
            return Ok(true);
        }
        if resolved.routed && !self.params.allow_untrusted_routing {
            return Ok(false);
        }
        Ok(resolved.class.is_final() || resolved.class == Class::Relay)
    }
}
