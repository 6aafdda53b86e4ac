//! An event as names and values: the one table that `mailtop parse` prints and scripts rely on.
//!
//! In: an [`Event`]. Out: its members under Postfix's own names, in a fixed order. Members that a line did
//! not have are left out. It renders nothing.

mod session;
mod warning;

use super::event::{
    Anvil, Client, Delivery, Event, FailedNotification, PostscreenKind, Reject, Tls, Tlsrpt,
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

impl<'a> Event<'a> {
    /// Gives every member of the event to `out`.
    pub fn fields(&self, out: Sink<'_, 'a>) {
        match self {
            Self::Connect(_)
            | Self::Disconnect { .. }
            | Self::SessionLost { .. }
            | Self::ImproperPipelining { .. }
            | Self::Client(_) => session::fields(self, out),
            Self::Reject(r) => reject(r, out),
            Self::MessageId { .. }
            | Self::QueueActive { .. }
            | Self::Removed { .. }
            | Self::Expired { .. }
            | Self::Pickup { .. }
            | Self::Skipped => message(self, out),
            Self::Delivery(d) => delivery(d, out),
            Self::Notification { kind, new_id } => {
                out("notification", Value::Word(kind.name()));
                out("new_id", Value::Text(new_id));
            }
            Self::NotificationFailed(failed) => notification_failed(failed, out),
            Self::Postsuper(_) | Self::PostsuperSummary { .. } => postsuper(self, out),
            Self::Postscreen { .. } | Self::Dnsblog { .. } => screen(self, out),
            Self::Tls(t) => tls(t, out),
            Self::TlsFailed { .. } | Self::Tlsproxy { .. } => tls_peer(self, out),
            Self::Tlsrpt(report) => tlsrpt(report, out),
            Self::Anvil(a) => anvil(a, out),
            Self::Warning(w) => warning::fields(w, out),
            Self::BounceFailed { what } => out("failed", Value::Text(what)),
            Self::Remote { text: t }
            | Self::Scache(t)
            | Self::Verify(t)
            | Self::Lifecycle(t)
            | Self::Failure(t)
            | Self::Info(t)
            | Self::Unparsed(t) => out("text", Value::Text(t)),
        }
    }
}

fn text<'a>(name: &'static str, value: Option<&'a [u8]>, out: Sink<'_, 'a>) {
    if let Some(value) = value {
        out(name, Value::Text(value));
    }
}

/// The same for members that are empty when the line does not have them.
fn filled<'a>(name: &'static str, value: &'a [u8], out: Sink<'_, 'a>) {
    text(name, Some(value).filter(|value| !value.is_empty()), out);
}

fn client<'a>(client: Client<'a>, out: Sink<'_, 'a>) {
    filled("client", client.name, out);
    filled("client_ip", client.ip, out);
    if let Some(port) = client.port {
        out("client_port", Value::Number(u64::from(port)));
    }
}

fn message<'a>(event: &Event<'a>, out: Sink<'_, 'a>) {
    use Value::{Number, Text, Word};
    match event {
        Event::MessageId { message_id, resent } => {
            let name = if *resent {
                "resent_message_id"
            } else {
                "message_id"
            };
            out(name, Text(message_id));
        }
        Event::QueueActive { from, size, nrcpt } => {
            out("from", Text(from));
            out("size", Number(*size));
            out("nrcpt", Number(u64::from(*nrcpt)));
        }
        Event::Removed { note } => text("note", *note, out),
        Event::Expired { from, forced } => {
            out("from", Text(from));
            out(
                "status",
                Word(if *forced { "force-expired" } else { "expired" }),
            );
        }
        Event::Pickup { uid, from, orig_id } => {
            out("uid", Number(*uid));
            out("from", Text(from));
            text("orig_id", *orig_id, out);
        }
        _ => {}
    }
}

fn reject<'a>(reject: &Reject<'a>, out: Sink<'_, 'a>) {
    out("stage", Value::Text(reject.stage));
    client(reject.client, out);
    if reject.code > 0 {
        out("code", Value::Number(u64::from(reject.code)));
    }
    filled("dsn", reject.dsn, out);
    out("reason", Value::Text(reject.reason));
    text("text", reject.matched, out);
    out("category", Value::Word(reject.category.name()));
    text("zone", reject.category.zone(), out);
    if let Some(restriction) = reject.category.restriction() {
        out("restriction", Value::Word(restriction));
    }
    if reject.matched.is_none() {
        parts(reject, out);
    }
    text("from", reject.from, out);
    text("to", reject.to, out);
    text("proto", reject.proto, out);
    text("helo", reject.helo, out);
    text("sasl_method", reject.sasl_method, out);
    text("sasl_username", reject.sasl_username, out);
    text("sasl_sender", reject.sasl_sender, out);
}

/// What the reply's text says it is about.
fn parts<'a>(reject: &Reject<'a>, out: Sink<'_, 'a>) {
    let parts = reject.parts();
    if let Some(class) = parts.class {
        out("class", Value::Word(class.name()));
    }
    text("subject", parts.subject, out);
    if let Some(blocked) = reject.blocked() {
        text("zone_answer", blocked.answer, out);
        text("zone_text", blocked.text, out);
    }
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

fn notification_failed<'a>(failed: &FailedNotification<'a>, out: Sink<'_, 'a>) {
    out("notification", Value::Word(failed.role.name()));
    text("address", failed.address, out);
    text("reason", failed.why, out);
}

fn postsuper<'a>(event: &Event<'a>, out: Sink<'_, 'a>) {
    match event {
        Event::Postsuper(act) => out("act", Value::Word(act.name())),
        Event::PostsuperSummary { act, count } => {
            out("act", Value::Text(act));
            out("count", Value::Number(*count));
        }
        _ => {}
    }
}

fn screen<'a>(event: &Event<'a>, out: Sink<'_, 'a>) {
    use Value::{Number, Text, Word};
    match event {
        Event::Postscreen {
            kind,
            client: c,
            value,
            elapsed,
            stage,
            detail,
            ..
        } => {
            out("postscreen", Word(kind.name()));
            client(*c, out);
            match kind {
                PostscreenKind::DnsblRank => out("rank", Number(*value)),
                PostscreenKind::Pregreet => out("bytes", Number(*value)),
                _ => {}
            }
            filled("elapsed", elapsed, out);
            filled("stage", stage, out);
            filled("text", detail, out);
        }
        Event::Dnsblog {
            address,
            domain,
            answer,
        } => {
            out("client_ip", Text(address));
            out("zone", Text(domain));
            out("answer", Text(answer));
        }
        _ => {}
    }
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
    filled("text", tls.detail, out);
}

fn tls_peer<'a>(event: &Event<'a>, out: Sink<'_, 'a>) {
    match event {
        Event::TlsFailed { inbound, peer, why } => {
            direction(*inbound, out);
            client(*peer, out);
            out("reason", Value::Text(why));
        }
        Event::Tlsproxy { act, peer } => {
            out("act", Value::Word(act.name()));
            client(*peer, out);
        }
        _ => {}
    }
}

fn tlsrpt<'a>(report: &Tlsrpt<'a>, out: Sink<'_, 'a>) {
    let status = match report.failure {
        Some(_) => "failure",
        None => "success",
    };
    out("status", Value::Word(status));
    out("domain", Value::Text(report.domain));
    out("mx", Value::Text(report.mx.name));
    out("mx_ip", Value::Text(report.mx.ip));
    text("failure_type", report.failure.map(|f| f.kind), out);
    text("reason", report.failure.and_then(|f| f.reason), out);
}

fn anvil<'a>(anvil: &Anvil<'a>, out: Sink<'_, 'a>) {
    out("max", Value::Text(anvil.what));
    out("value", Value::Number(anvil.value));
    if let Some(seconds) = anvil.seconds {
        out("seconds", Value::Number(u64::from(seconds)));
    }
    text("for_service", anvil.service(), out);
    text("client_ip", anvil.client_ip(), out);
    out("at", Value::Text(anvil.at));
}
