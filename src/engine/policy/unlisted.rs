//! `reject_unlisted_sender`, `reject_unlisted_recipient`: addresses in our own domains that nobody has.

use super::evaluate::{Answer, Reject, Run, Verdict};
use crate::engine::address::{Class, find, resolve};
use crate::engine::maps::MapError;

impl Run<'_> {
    pub(super) fn unlisted_recipient(&mut self) -> Answer {
        self.recipient_checked = true;
        let recipient = self.subject.recipient.clone();
        self.unlisted(recipient, "Recipient address", "5.1.1")
    }

    pub(super) fn unlisted_sender(&mut self) -> Answer {
        self.sender_checked = true;
        let sender = self.subject.sender.clone();
        self.unlisted(sender, "Sender address", "5.1.0")
    }

    fn unlisted(&self, address: Option<String>, class: &str, dsn: &str) -> Answer {
        let Some(address) = address.filter(|address| !address.is_empty()) else {
            return Ok(Verdict::Dunno);
        };
        let params = self.params;
        let resolved = resolve(&address, params)?;
        let bare = resolved.recipient.as_str();
        if find::address(bare, &params.virtual_alias_maps, params)?.is_some() {
            return Ok(Verdict::Dunno);
        }
        let known = |tables: &[String]| -> Result<bool, MapError> {
            Ok(find::address(bare, tables, params)?.is_some())
        };
        let (code, table) = match resolved.class {
            Class::VirtualAlias => (
                params.unknown_virtual_alias_reject_code,
                "virtual alias table",
            ),
            Class::Local
                if !params.local_recipient_maps.is_empty()
                    && !is_reserved(bare, &params.double_bounce_sender)
                    && !known(&params.local_recipient_maps)? =>
            {
                (
                    params.unknown_local_recipient_reject_code,
                    "local recipient table",
                )
            }
            Class::VirtualMailbox
                if !params.virtual_mailbox_maps.is_empty()
                    && !known(&params.virtual_mailbox_maps)? =>
            {
                (
                    params.unknown_virtual_mailbox_reject_code,
                    "virtual mailbox table",
                )
            }
            Class::Relay
                if !params.relay_recipient_maps.is_empty()
                    && !known(&params.relay_recipient_maps)? =>
            {
                (
                    params.unknown_relay_recipient_reject_code,
                    "relay recipient table",
                )
            }
            _ => return Ok(Verdict::Dunno),
        };
        let suffix = if params.show_user_unknown_table_name {
            format!(" in {table}")
        } else {
            String::new()
        };
        Ok(Verdict::Reject(Reject::new(
            code,
            dsn,
            format!("<{address}>: {class} rejected: User unknown{suffix}"),
        )))
    }
}

/// Addresses that the mail system itself uses: always accepted, whatever the tables say.
fn is_reserved(address: &str, double_bounce: &str) -> bool {
    let local = address.split('@').next().unwrap_or("");
    [double_bounce, "postmaster", "mailer-daemon"]
        .iter()
        .any(|name| local.eq_ignore_ascii_case(name))
}
