//! Members of warnings.

use super::{Sink, Value, client, notification_failed, text};
use crate::logparse::event::{Client, Warning};

/// Gives a warning's kind and members to `out`.
pub(super) fn fields<'a>(warning: &Warning<'a>, out: Sink<'_, 'a>) {
    use Value::{Number, Text};
    out("warning", Value::Word(warning.name()));
    match warning {
        Warning::HostnameMismatch {
            hostname,
            address,
            why,
        } => {
            out("hostname", Text(hostname));
            out("client_ip", Text(address));
            text("reason", *why, out);
        }
        Warning::RblLookup { name, why } => {
            out("name", Text(name));
            out("reason", Text(why));
        }
        Warning::IllegalAddress {
            client: c,
            command,
            address,
        } => {
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
            out("limit", Text(what));
            out("count", Number(*count));
            client(*c, out);
            out("for_service", Text(service));
        }
        Warning::SaslFailed { client: c, .. } => sasl(warning, *c, out),
        Warning::NonSmtpCommand { client: c, command } => {
            client(*c, out);
            out("text", Text(command));
        }
        Warning::ProcessDied { process, pid, how } => {
            out("process", Text(process));
            out("process_pid", Number(u64::from(*pid)));
            out("reason", Text(how));
        }
        Warning::NotificationFailed(failed) => notification_failed(failed, out),
        Warning::TlsLibrary { why } => out("reason", Text(why)),
        Warning::SaslLibrary { text: t } | Warning::Other(t) => out("text", Text(t)),
    }
}

fn sasl<'a>(warning: &Warning<'a>, peer: Client<'a>, out: Sink<'_, 'a>) {
    let Warning::SaslFailed {
        method,
        outcome,
        why,
        username,
        ..
    } = warning
    else {
        return;
    };
    client(peer, out);
    out("sasl_method", Value::Text(method));
    out("outcome", Value::Word(outcome.name()));
    out("reason", Value::Text(why));
    text("sasl_username", *username, out);
}
