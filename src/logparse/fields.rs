//! An event as names and values: the one table that `mailtop parse` prints and scripts rely on.
//!
//! In: an [`Event`]. Out: its kind's name and its members under Postfix's own names, in a fixed order.
//! Members that a line did not have are left out. It renders nothing.

use super::event::{
    Client, ClientLine, Delivery, Event, Level, Notification, PostscreenKind, QueueAct, Reject,
    SessionLoss, Tls, Verdict, Warning,
};

/// The value of a member.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Hostile text, as logged.
    Text(&'a [u8]),
    /// A word of ours.
    Word(&'static str),
    /// A count.
    Number(u64),
    /// Hundredths of a second, told as seconds.
    Seconds(u64),
}

/// Receives members in order.
pub type Sink<'s, 'a> = &'s mut dyn FnMut(&'static str, Value<'a>);

impl Level {
    /// The prefix's word; `info` when there was none.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
            Self::Panic => "panic",
        }
    }
}

impl Verdict {
    /// The word in snake case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::RejectWarning => "reject_warning",
            Self::MilterReject => "milter_reject",
            Self::Hold => "hold",
            Self::Discard => "discard",
            Self::Redirect => "redirect",
            Self::Filter => "filter",
            Self::Bcc => "bcc",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Delay => "delay",
            Self::Hangup => "hangup",
            Self::Prepend => "prepend",
            Self::Replace => "replace",
            Self::Strip => "strip",
            Self::Pass => "pass",
            Self::Abort => "abort",
            Self::ProxyAccept => "proxy_accept",
            Self::ProxyReject => "proxy_reject",
            Self::MilterHold => "milter_hold",
            Self::MilterDiscard => "milter_discard",
            Self::MilterOther => "milter_other",
        }
    }
}

impl Notification {
    /// Which notification, in snake case.
    pub fn name(self) -> &'static str {
        match self {
            Self::SenderNonDelivery => "sender_non_delivery",
            Self::SenderDeliveryStatus => "sender_delivery_status",
            Self::SenderDelay => "sender_delay",
            Self::PostmasterNonDelivery => "postmaster_non_delivery",
            Self::PostmasterDelay => "postmaster_delay",
        }
    }
}

impl QueueAct {
    /// What was done, in snake case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Requeued => "requeued",
            Self::Hold => "placed_on_hold",
            Self::Released => "released_from_hold",
            Self::Expired => "expired",
        }
    }
}

impl SessionLoss {
    /// How the session ended, in snake case.
    pub fn name(self) -> &'static str {
        match self {
            Self::LostConnection => "lost_connection",
            Self::Timeout => "timeout",
            Self::TooManyErrors => "too_many_errors",
        }
    }
}

impl PostscreenKind {
    /// postscreen's words in snake case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::PassNew => "pass_new",
            Self::PassOld => "pass_old",
            Self::Allowlisted => "allowlisted",
            Self::Denylisted => "denylisted",
            Self::AllowlistVeto => "allowlist_veto",
            Self::DnsblRank => "dnsbl_rank",
            Self::Pregreet => "pregreet",
            Self::Hangup => "hangup",
            Self::CommandPipelining => "command_pipelining",
            Self::CommandTimeLimit => "command_time_limit",
            Self::CommandCountLimit => "command_count_limit",
            Self::CommandLengthLimit => "command_length_limit",
            Self::NonSmtpCommand => "non_smtp_command",
            Self::BareNewline => "bare_newline",
            Self::DataWithoutValidRcpt => "data_without_valid_rcpt",
            Self::Disconnect => "disconnect",
            Self::Cache => "cache",
            Self::Busy => "busy",
            Self::Other => "other",
        }
    }
}

impl<'a> Event<'a> {
    /// The kind's name: stable, snake case.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::Disconnect { .. } => "disconnect",
            Self::SessionLost { kind, .. } => kind.name(),
            Self::ImproperPipelining { .. } => "improper_pipelining",
            Self::Client(_) => "client",
            Self::Reject(reject) => reject.verdict.name(),
            Self::MessageId { .. } => "message_id",
            Self::QueueActive { .. } => "queue_active",
            Self::Removed { .. } => "removed",
            Self::Expired { .. } => "expired",
            Self::Skipped => "skipped",
            Self::Delivery(_) => "delivery",
            Self::Notification { .. } => "notification",
            Self::NotificationFailed { .. } => "notification_failed",
            Self::Pickup { .. } => "pickup",
            Self::Postsuper(_) => "postsuper",
            Self::PostsuperSummary { .. } => "postsuper_summary",
            Self::Postscreen { .. } => "postscreen",
            Self::Dnsblog { .. } => "dnsblog",
            Self::Tls(_) => "tls",
            Self::TlsFailed { .. } => "tls_failed",
            Self::Anvil { .. } => "anvil",
            Self::Scache(_) => "scache",
            Self::Verify(_) => "verify",
            Self::Lifecycle(_) => "lifecycle",
            Self::Remote { .. } => "remote",
            Self::Warning(_) => "warning",
            Self::Failure(_) => "failure",
            Self::Info(_) => "info",
            Self::Unparsed(_) => "unparsed",
        }
    }

    /// Gives every member of the event to `out`.
    #[allow(clippy::too_many_lines, reason = "one arm a kind: the table itself")]
    pub fn fields(&self, out: Sink<'_, 'a>) {
        use Value::{Number, Text, Word};
        match self {
            Self::Connect(c) => client(*c, out),
            Self::Disconnect {
                client: c,
                counters,
            } => {
                client(*c, out);
                out("counters", Text(counters));
            }
            Self::SessionLost {
                stage,
                bytes,
                client: c,
                ..
            } => {
                out("stage", Text(stage));
                if let Some(bytes) = bytes {
                    out("bytes", Number(*bytes));
                }
                client(*c, out);
            }
            Self::ImproperPipelining {
                stage,
                client: c,
                data,
            } => {
                out("stage", Text(stage));
                client(*c, out);
                out("text", Text(data));
            }
            Self::Client(line) => client_line(line, out),
            Self::Reject(r) => reject(r, out),
            Self::MessageId { message_id, resent } => {
                let name = if *resent {
                    "resent_message_id"
                } else {
                    "message_id"
                };
                out(name, Text(message_id));
            }
            Self::QueueActive { from, size, nrcpt } => {
                out("from", Text(from));
                out("size", Number(*size));
                out("nrcpt", Number(u64::from(*nrcpt)));
            }
            Self::Removed { note } => text("note", *note, out),
            Self::Expired { from, forced } => {
                out("from", Text(from));
                out(
                    "status",
                    Word(if *forced { "force-expired" } else { "expired" }),
                );
            }
            Self::Skipped => {}
            Self::Delivery(d) => delivery(d, out),
            Self::Notification { kind, new_id } => {
                out("notification", Word(kind.name()));
                out("new_id", Text(new_id));
            }
            Self::Pickup { uid, from, orig_id } => {
                out("uid", Number(*uid));
                out("from", Text(from));
                text("orig_id", *orig_id, out);
            }
            Self::Postsuper(act) => out("act", Word(act.name())),
            Self::PostsuperSummary { act, count } => {
                out("act", Text(act));
                out("count", Number(*count));
            }
            Self::Postscreen {
                kind,
                client: c,
                value,
                detail,
            } => {
                out("postscreen", Word(kind.name()));
                client(*c, out);
                match kind {
                    PostscreenKind::DnsblRank => out("rank", Number(*value)),
                    PostscreenKind::Pregreet => out("bytes", Number(*value)),
                    _ => {}
                }
                text("text", Some(*detail).filter(|d| !d.is_empty()), out);
            }
            Self::Dnsblog {
                address,
                domain,
                answer,
            } => {
                out("client_ip", Text(address));
                out("zone", Text(domain));
                out("answer", Text(answer));
            }
            Self::Tls(t) => tls(t, out),
            Self::TlsFailed { inbound, peer, why } => {
                direction(*inbound, out);
                client(*peer, out);
                out("reason", Text(why));
            }
            Self::Anvil {
                what,
                value,
                detail,
            } => {
                out("max", Text(what));
                out("value", Number(*value));
                out("text", Text(detail));
            }
            Self::Warning(w) => warning(w, out),
            Self::NotificationFailed { text } | Self::Remote { text } => out("text", Text(text)),
            Self::Scache(t)
            | Self::Verify(t)
            | Self::Lifecycle(t)
            | Self::Failure(t)
            | Self::Info(t)
            | Self::Unparsed(t) => out("text", Text(t)),
        }
    }
}

fn text<'a>(name: &'static str, value: Option<&'a [u8]>, out: Sink<'_, 'a>) {
    if let Some(value) = value {
        out(name, Value::Text(value));
    }
}

fn client<'a>(client: Client<'a>, out: Sink<'_, 'a>) {
    text("client", Some(client.name).filter(|n| !n.is_empty()), out);
    text("client_ip", Some(client.ip).filter(|n| !n.is_empty()), out);
    if let Some(port) = client.port {
        out("client_port", Value::Number(u64::from(port)));
    }
}

fn client_line<'a>(line: &ClientLine<'a>, out: Sink<'_, 'a>) {
    client(line.client, out);
    text("sasl_method", line.sasl_method, out);
    text("sasl_username", line.sasl_username, out);
    text("sasl_sender", line.sasl_sender, out);
    text("orig_queue_id", line.orig_queue_id, out);
    if let Some(orig) = line.orig_client {
        out("orig_client", Value::Text(orig.name));
        out("orig_client_ip", Value::Text(orig.ip));
    }
}

fn reject<'a>(reject: &Reject<'a>, out: Sink<'_, 'a>) {
    out("stage", Value::Text(reject.stage));
    client(reject.client, out);
    if reject.code > 0 {
        out("code", Value::Number(u64::from(reject.code)));
    }
    text("dsn", Some(reject.dsn).filter(|d| !d.is_empty()), out);
    out("reason", Value::Text(reject.reason));
    text("text", reject.matched, out);
    out("category", Value::Word(reject.category.name()));
    text("zone", reject.category.zone(), out);
    if let Some(restriction) = reject.category.restriction() {
        out("restriction", Value::Word(restriction));
    }
    text("from", reject.from, out);
    text("to", reject.to, out);
    text("proto", reject.proto, out);
    text("helo", reject.helo, out);
    text("sasl_username", reject.sasl_username, out);
}

fn delivery<'a>(delivery: &Delivery<'a>, out: Sink<'_, 'a>) {
    out("to", Value::Text(delivery.to));
    text("orig_to", delivery.orig_to, out);
    out("relay", Value::Text(delivery.relay));
    if let Some(count) = delivery.conn_use {
        out("conn_use", Value::Number(u64::from(count)));
    }
    out("delay", Value::Seconds(delivery.delay));
    out("delays", Value::Text(delivery.delays_text));
    text("tls", delivery.tls, out);
    out("dsn", Value::Text(delivery.dsn));
    out("status", Value::Text(delivery.status_text));
    out("reason", Value::Text(delivery.reason));
}

fn direction(inbound: bool, out: Sink<'_, '_>) {
    out("direction", Value::Word(if inbound { "in" } else { "out" }));
}

fn tls<'a>(tls: &Tls<'a>, out: Sink<'_, 'a>) {
    out("trust", Value::Text(tls.trust));
    out(
        "session",
        Value::Word(if tls.reused { "reused" } else { "established" }),
    );
    direction(tls.inbound, out);
    client(tls.peer, out);
    text("sni", tls.sni, out);
    out("protocol", Value::Text(tls.protocol));
    out("cipher", Value::Text(tls.cipher));
    out("bits", Value::Number(u64::from(tls.bits)));
    text("text", Some(tls.detail).filter(|d| !d.is_empty()), out);
}

fn warning<'a>(warning: &Warning<'a>, out: Sink<'_, 'a>) {
    use Value::{Number, Text, Word};
    match warning {
        Warning::HostnameMismatch { hostname, address } => {
            out("warning", Word("hostname_mismatch"));
            out("hostname", Text(hostname));
            out("client_ip", Text(address));
        }
        Warning::RblLookup { name, why } => {
            out("warning", Word("rbl_lookup"));
            out("name", Text(name));
            out("reason", Text(why));
        }
        Warning::IllegalAddress {
            client: c,
            command,
            address,
        } => {
            out("warning", Word("illegal_address"));
            client(*c, out);
            out("stage", Text(command));
            out("address", Text(address));
        }
        Warning::LimitExceeded {
            what,
            count,
            client: c,
            service,
        } => {
            out("warning", Word("limit_exceeded"));
            out("limit", Text(what));
            out("count", Number(*count));
            client(*c, out);
            out("for_service", Text(service));
        }
        Warning::SaslFailed {
            client: c,
            method,
            why,
            username,
        } => {
            out("warning", Word("sasl_failed"));
            client(*c, out);
            out("sasl_method", Text(method));
            out("reason", Text(why));
            text("sasl_username", *username, out);
        }
        Warning::NonSmtpCommand { client: c, command } => {
            out("warning", Word("non_smtp_command"));
            client(*c, out);
            out("text", Text(command));
        }
        Warning::ProcessDied { process, pid, how } => {
            out("warning", Word("process_died"));
            out("process", Text(process));
            out("process_pid", Number(u64::from(*pid)));
            out("reason", Text(how));
        }
        Warning::Other(t) => {
            out("warning", Word("other"));
            out("text", Text(t));
        }
    }
}
