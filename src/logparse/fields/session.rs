//! Members of smtpd's session lines.

use super::{Sink, Value, client, text};
use crate::logparse::event::{ClientLine, Event};

/// Gives the members of a session's event to `out`.
pub(super) fn fields<'a>(event: &Event<'a>, out: Sink<'_, 'a>) {
    match event {
        Event::Connect(c) => client(*c, out),
        Event::Disconnect {
            client: c,
            counters,
        } => {
            client(*c, out);
            out("counters", Value::Text(counters.0));
        }
        Event::SessionLost {
            stage,
            bytes,
            client: c,
            ..
        } => {
            out("stage", Value::Text(stage));
            if let Some(bytes) = bytes {
                out("bytes", Value::Number(*bytes));
            }
            client(*c, out);
        }
        Event::ImproperPipelining {
            stage,
            client: c,
            data,
        } => {
            out("stage", Value::Text(stage));
            client(*c, out);
            text("text", *data, out);
        }
        Event::Client(line) => client_line(line, out),
        _ => {}
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
