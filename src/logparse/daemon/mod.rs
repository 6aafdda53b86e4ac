//! The bodies of Postfix's log lines: one file per daemon, and the dispatch among them.
//!
//! In: the text behind the tag, its level and queue id already taken off. Out: an [`Event`] that borrows
//! from it. A daemon's reader returns `None` for what it does not know; the line is then kept as
//! [`Event::Unparsed`]. Nothing here guesses: an unknown text never becomes a known event.

mod anvil;
mod bounce;
mod cleanup;
mod context;
mod control;
mod delivery;
mod dnsblog;
mod library;
mod local;
mod master;
mod pickup;
mod pipe;
mod postscreen;
mod postsuper;
mod proxymap;
mod put;
mod qmgr;
mod scache;
mod sendmail;
mod smtp;
mod smtpd;
mod tls;
mod tlsproxy;
mod trivial_rewrite;
mod verify;
mod virtual_;
mod warning;

use super::event::{Event, Level};

/// The programs of Postfix that log, by the name of their process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is named as its program")]
pub enum Daemon {
    Anvil,
    Bounce,
    Cleanup,
    Dnsblog,
    /// error, retry and discard: delivery lines only.
    Error,
    Flush,
    Local,
    Master,
    Pickup,
    Pipe,
    Postscreen,
    Postsuper,
    Proxymap,
    Qmgr,
    Scache,
    /// The commands: sendmail, postdrop, postqueue, postmap, ...
    Sendmail,
    Showq,
    /// smtp and lmtp.
    Smtp,
    Smtpd,
    Tlsmgr,
    Tlsproxy,
    TrivialRewrite,
    Verify,
    Virtual,
    /// postfix-script, post-install, postlogd, postfix: starting, stopping, checking.
    Control,
}

impl Daemon {
    /// The program of this name; `None` for names that are not Postfix's.
    pub fn named(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"smtpd" | b"qmqpd" => Self::Smtpd,
            b"qmgr" | b"nqmgr" | b"oqmgr" => Self::Qmgr,
            b"smtp" | b"lmtp" => Self::Smtp,
            b"cleanup" => Self::Cleanup,
            b"local" => Self::Local,
            b"postscreen" => Self::Postscreen,
            b"error" | b"retry" | b"discard" => Self::Error,
            b"bounce" | b"defer" | b"trace" => Self::Bounce,
            b"virtual" => Self::Virtual,
            b"pipe" => Self::Pipe,
            b"pickup" => Self::Pickup,
            b"dnsblog" => Self::Dnsblog,
            b"anvil" => Self::Anvil,
            b"postsuper" => Self::Postsuper,
            b"scache" => Self::Scache,
            b"verify" => Self::Verify,
            b"tlsproxy" => Self::Tlsproxy,
            b"tlsmgr" => Self::Tlsmgr,
            b"trivial-rewrite" => Self::TrivialRewrite,
            b"proxymap" | b"proxywrite" => Self::Proxymap,
            b"flush" => Self::Flush,
            b"showq" => Self::Showq,
            b"master" => Self::Master,
            b"sendmail" | b"postdrop" | b"postqueue" | b"postmap" | b"postalias" | b"postcat"
            | b"postconf" | b"postkick" | b"postlock" | b"postlog" | b"newaliases" | b"mailq"
            | b"posttls-finger" | b"spawn" | b"smtp-sink" | b"smtp-source" | b"qmqp-sink"
            | b"qmqp-source" | b"nbdb_reindexd" => Self::Sendmail,
            b"postfix-script"
            | b"postfix-files"
            | b"postfix-wrapper"
            | b"post-install"
            | b"postmulti"
            | b"postmulti-script"
            | b"postlogd"
            | b"postfix-tls-script"
            | b"postfix"
            | b"postfix-nbdb-script"
            | b"set-permissions"
            | b"fsstone" => Self::Control,
            _ => return None,
        })
    }
}

/// Reads the body of one line.
pub fn read<'a>(
    daemon: Daemon,
    level: Level,
    queue_id: Option<&'a [u8]>,
    text: &'a [u8],
) -> Event<'a> {
    match level {
        Level::Info => {}
        Level::Warning => return Event::Warning(warning::read(text)),
        Level::Error | Level::Fatal | Level::Panic => return Event::Failure(text),
    }
    let event = match daemon {
        Daemon::Smtpd => smtpd::read(text),
        Daemon::Qmgr => qmgr::read(text),
        Daemon::Smtp => smtp::read(text),
        Daemon::Cleanup => cleanup::read(text),
        Daemon::Local => local::read(text),
        Daemon::Virtual => virtual_::read(text),
        Daemon::Pipe => pipe::read(text),
        Daemon::Error => delivery::read(text),
        Daemon::Postscreen => postscreen::read(text),
        Daemon::Bounce => bounce::read(text),
        Daemon::Pickup => pickup::read(text),
        Daemon::Dnsblog => dnsblog::read(text),
        Daemon::Anvil => anvil::read(text),
        Daemon::Postsuper => postsuper::read(text),
        Daemon::Scache => scache::read(text),
        Daemon::Verify => verify::read(text),
        Daemon::Tlsproxy => tlsproxy::read(text),
        Daemon::Tlsmgr => tls::manager(text),
        Daemon::TrivialRewrite => trivial_rewrite::read(text),
        Daemon::Proxymap => proxymap::read(text),
        Daemon::Master => master::read(text),
        Daemon::Sendmail => sendmail::read(text),
        Daemon::Control => control::read(text),
        // flush and showq say nothing but warnings.
        Daemon::Flush | Daemon::Showq => None,
    };
    // Not or_else and unwrap_or: each would move the large event once more.
    match event {
        Some(event) => event,
        None => anywhere(queue_id, text),
    }
}

/// What any daemon may say: the library's own remarks.
#[cold]
fn anywhere<'a>(queue_id: Option<&'a [u8]>, text: &'a [u8]) -> Event<'a> {
    if let Some(event) = delivery::bounce_failed(text) {
        return event;
    }
    if library::is_remark(text) || (queue_id.is_none() && library::is_trace(text)) {
        Event::Info(text)
    } else {
        Event::Unparsed(text)
    }
}

/// Writes the body of a line as `daemon` would: the other direction of [`read`].
pub fn write(daemon: Daemon, event: &Event<'_>, out: &mut Vec<u8>) {
    match event {
        Event::Connect(_)
        | Event::Disconnect { .. }
        | Event::SessionLost { .. }
        | Event::ImproperPipelining { .. }
        | Event::Client(_) => smtpd::write(event, out),
        Event::Reject(reject) => match daemon {
            Daemon::Postscreen => postscreen::write_reject(reject, out),
            Daemon::Cleanup => cleanup::write(event, out),
            Daemon::Smtp => smtp::write_checks(reject, out),
            _ => smtpd::verdict::write(reject, out),
        },
        Event::MessageId { .. } => cleanup::write(event, out),
        Event::QueueActive { .. }
        | Event::Removed { .. }
        | Event::Expired { .. }
        | Event::Skipped => qmgr::write(event, out),
        Event::Delivery(delivery) => delivery::write(delivery, out),
        Event::BounceFailed { what } => {
            put::put(out, &[b"status=deferred (", what, b" failed)"]);
        }
        Event::Notification { kind, new_id } => bounce::write(*kind, new_id, out),
        Event::NotificationFailed(failed) => bounce::write_failed(failed, out),
        Event::Pickup { uid, from, orig_id } => pickup::write(*uid, from, *orig_id, out),
        Event::Postsuper(_) | Event::PostsuperSummary { .. } => postsuper::write(event, out),
        Event::Postscreen { .. } => postscreen::write(event, out),
        Event::Dnsblog {
            address,
            domain,
            answer,
        } => dnsblog::write(address, domain, answer, out),
        Event::Tlsproxy { act, peer } => tlsproxy::write(*act, *peer, out),
        Event::Tls(_) | Event::TlsFailed { .. } | Event::Tlsrpt(_) => tls::write(event, out),
        Event::Anvil(anvil) => anvil::write(anvil, out),
        Event::Warning(warning) => warning::write(warning, out),
        Event::Scache(text) => put::put(out, &[b"statistics: ", text]),
        Event::Remote { text }
        | Event::Verify(text)
        | Event::Lifecycle(text)
        | Event::Failure(text)
        | Event::Info(text)
        | Event::Unparsed(text) => put::put(out, &[text]),
    }
}
