//! The answer for programs: one JSON object a line, a message or a refusal each; what was left out and what
//! else matched in a last object. Texts are sanitised: nothing in them acts on a terminal.

use super::story::{Answer, Block, Member, Refusal, Refused, Remark};
use super::text::fate;
use super::words;
use crate::logparse::Stamp;
use crate::logparse::event::Status;
use crate::logparse::life::{Attempt, Life, Source};
use crate::sanitize;
use chrono::SecondsFormat;
use serde_json::{Value, json};

/// The whole answer.
pub fn answer(answer: &Answer) -> String {
    let mut out = String::new();
    let mut push = |value: &Value| {
        out.push_str(&value.to_string());
        out.push('\n');
    };
    for (at, block) in answer.blocks.iter().enumerate() {
        match block {
            Block::Chain(chain) => {
                for member in &chain.members {
                    push(&message(member, at));
                }
            }
            Block::Refused(refused) => push(&refusals(refused)),
        }
    }
    push(&summary(answer));
    out
}

fn message(member: &Member, chain: usize) -> Value {
    let life = &member.life;
    let links: Vec<Value> = life
        .links
        .iter()
        .map(|link| json!({"relation": link.relation.name(), "id": clean(&link.id)}))
        .collect();
    json!({
        "kind": "message",
        "id": clean(&life.id),
        "chain": chain,
        "depth": member.depth,
        "relation": member.relation.map(super::super::logparse::life::Relation::name),
        "matched": member.matched,
        "host": clean(&life.host),
        "instance": clean(&life.instance),
        "first": time(life.first),
        "last": time(life.last),
        "outcome": life.outcome().name(),
        "finished": life.is_finished(),
        "source": source(life),
        "from": life.from.as_deref().map(clean),
        "message_id": life.message_id.as_deref().map(clean),
        "size": life.size,
        "nrcpt": life.nrcpt,
        "helo": life.helo.as_deref().map(clean),
        "recipients": recipients(life),
        "more_recipients": life.more_recipients,
        "links": links,
        "postscreen": member.decisions.iter().map(remark).collect::<Vec<_>>(),
        "refused_before": member.before.iter().map(refusal).collect::<Vec<_>>(),
        "refused_in_session": member.session.iter().map(refusal).collect::<Vec<_>>(),
        "events": events(life),
        "lines_left_out": member.left_out.map_or(0, |left_out| left_out.lines)
            + u64::from(life.more_notes),
    })
}

fn source(life: &Life) -> Value {
    match &life.source {
        Source::Unknown => Value::Null,
        Source::Client {
            name,
            ip,
            sasl_username,
            orig_queue_id,
        } => json!({
            "kind": "client",
            "name": clean(name),
            "ip": clean(ip),
            "sasl_username": sasl_username.as_deref().map(clean),
            "orig_queue_id": orig_queue_id.as_deref().map(clean),
        }),
        Source::Pickup { uid, orig_id } => json!({
            "kind": "pickup",
            "uid": uid,
            "orig_id": orig_id.as_deref().map(clean),
        }),
        Source::Bounce { of } => json!({"kind": "notification", "of": clean(of)}),
        Source::Forward { of } => json!({"kind": "forward", "of": clean(of)}),
    }
}

fn recipients(life: &Life) -> Vec<Value> {
    let all = life.recipients.iter();
    all.map(|recipient| {
        let last = recipient.attempts.last();
        json!({
            "to": clean(&recipient.to),
            "orig_to": recipient.orig_to.as_deref().map(clean),
            "outcome": fate(life, recipient).name(),
            "since": recipient.attempts.first().map(|a| time(a.time)),
            "reply": last.map(|a| clean(&a.reason)),
            "dsn": last.map(|a| clean(&a.dsn)),
            "attempts": recipient.attempts.iter().map(attempt).collect::<Vec<_>>(),
            "more_attempts": recipient.more_attempts,
        })
    })
    .collect()
}

fn attempt(attempt: &Attempt) -> Value {
    let seconds = |hundredths: u64| hundredths as f64 / 100.0;
    json!({
        "time": time(attempt.time),
        "service": clean(&attempt.service),
        "relay": clean(&attempt.relay),
        "status": status(attempt.status),
        "dsn": clean(&attempt.dsn),
        "delay": seconds(attempt.delay),
        "delays": {
            "before_qmgr": seconds(attempt.delays.before_qmgr),
            "in_qmgr": seconds(attempt.delays.in_qmgr),
            "conn_setup": seconds(attempt.delays.conn_setup),
            "transmission": seconds(attempt.delays.transmission),
        },
        "tls": attempt.tls.as_deref().map(clean),
        "reply": clean(&attempt.reason),
    })
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Sent => "sent",
        Status::Deferred => "deferred",
        Status::Bounced => "bounced",
        Status::SoftBounce => "softbounce",
        Status::Deliverable => "deliverable",
        Status::Undeliverable => "undeliverable",
        Status::Other => "other",
    }
}

fn events(life: &Life) -> Vec<Value> {
    let steps = life.timeline().into_iter();
    steps
        .map(|step| {
            json!({"time": time(step.time), "what": step.what, "detail": clean(&step.detail)})
        })
        .collect()
}

fn refusals(refused: &Refused) -> Value {
    json!({
        "kind": "refusal",
        "attempts": refused.attempts.iter().map(refusal).collect::<Vec<_>>(),
        "more_attempts": refused.more,
    })
}

fn refusal(refusal: &Refusal) -> Value {
    json!({
        "time": time(refusal.time),
        "host": clean(&refusal.host),
        "service": clean(&refusal.service),
        "pid": refusal.pid,
        "verdict": refusal.verdict,
        "client": clean(&refusal.name),
        "ip": clean(&refusal.ip),
        "stage": clean(&refusal.stage),
        "reply": clean(&refusal.reply),
        "from": refusal.from.as_deref().map(clean),
        "to": refusal.to.as_deref().map(clean),
        "helo": refusal.helo.as_deref().map(clean),
    })
}

fn remark(remark: &Remark) -> Value {
    json!({
        "time": time(remark.time),
        "tag": clean(&remark.tag),
        "text": clean(&remark.text),
    })
}

fn summary(answer: &Answer) -> Value {
    let others = answer.others.iter();
    let others: serde_json::Map<String, Value> = others
        .map(|(kind, (count, ..))| ((*kind).to_owned(), json!(count)))
        .collect();
    json!({
        "kind": "summary",
        "more": answer.more,
        "more_is_exact": !answer.about,
        "crowded": answer.crowded,
        "lines_searched": answer.searched.lines,
        "other_lines": others,
        "remarks": answer.remarks.iter().map(remark).collect::<Vec<_>>(),
    })
}

fn time(stamp: Stamp) -> Option<String> {
    words::local(stamp).map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, false))
}

fn clean(text: &str) -> String {
    sanitize::str_line(text).into_owned()
}
