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
mod local;
mod master;
mod pickup;
mod pipe;
mod postscreen;
mod postsuper;
mod proxymap;
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
    use super::text::has;
    // Tables (util/dict*.c), configuration (global/mail_params.c) and traces (-v, debug_peer_list).
    let known = text.starts_with(b"using backwards-compatible default setting ")
        || (text.starts_with(b"table ") && has(text, b" has changed -- restarting"))
        || text.starts_with(b"rewrite stream disconnect")
        || (queue_id.is_none() && (text.starts_with(b"> ") || text.starts_with(b"< ")));
    if known {
        Event::Info(text)
    } else {
        Event::Unparsed(text)
    }
}
