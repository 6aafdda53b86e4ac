//! The answer for people: one block a message, 80 columns, no colour, safe to show.
//!
//! Messages that belong together stand in one block, each below the one it came from, with the way it came as
//! its title. A block begins with what became of each recipient; the timeline follows.

use super::hunt::LeftOut;
use super::story::{self, Answer, Block, Chain, Member, Refusal, Refused, Remark};
use super::words::{self, Try};
use super::{Question, Side, Term};
use crate::logparse::Stamp;
use crate::logparse::event::Status;
use crate::logparse::life::{Attempt, Life, Outcome, Recipient, State, Step};
use crate::report::wrap;
use crate::sanitize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Recipients told one by one; the others are counted.
const MOST_RECIPIENTS: usize = 20;
/// Steps of a timeline told one by one, half from its beginning, half from its end.
const MOST_STEPS: usize = 40;
/// Refusals told one by one.
const MOST_REFUSALS: usize = 8;
/// Other lines told one by one.
const MOST_REMARKS: usize = 10;
/// Levels that are drawn: each takes two columns.
const DEEPEST: usize = 10;
/// The column of a fact's text: behind the longest name.
const FACT: usize = 12;

/// The whole answer.
pub fn answer(answer: &Answer) -> String {
    let mut page = Page::default();
    if answer.more > 0 {
        let more = words::count(answer.more, "older match is", "older matches are");
        page.line(
            "",
            &format!("{more} not shown (--limit N shows more, 0 all)"),
        );
        page.text.push('\n');
    }
    for (at, block) in answer.blocks.iter().enumerate() {
        if at > 0 {
            page.text.push('\n');
        }
        match block {
            Block::Chain(chain) => page.chain(chain),
            Block::Refused(refused) => page.refused(refused),
        }
    }
    if answer.crowded {
        page.text.push('\n');
        page.line("", "More messages belong to these than were followed.");
    }
    page.others(answer);
    page.text
}

#[derive(Debug, Default)]
struct Page {
    text: String,
    /// The day last printed.
    day: String,
}

impl Page {
    /// A line of at most the page's width, whatever is in it.
    fn line(&mut self, indent: &str, text: &str) {
        let text = sanitize::str_line(text);
        let width = wrap::WIDTH - indent.len();
        self.text.push_str(indent);
        self.text.push_str(&wrap::cut(&text, width));
        self.text.push('\n');
    }

    fn blank(&mut self, indent: &str) {
        self.text.push_str(indent.trim_end());
        self.text.push('\n');
    }

    /// A name and its text, in as many lines as it takes.
    fn fact(&mut self, indent: &str, name: &str, text: &str) {
        self.hung(indent, &format!("{name:FACT$} "), text);
    }

    /// Text behind `head`, its further lines below its first one.
    fn hung(&mut self, indent: &str, head: &str, text: &str) {
        let text = sanitize::str_line(text);
        let room = wrap::WIDTH
            .saturating_sub(indent.len() + head.len())
            .max(20);
        for (at, line) in wrap::lines(&text, room).iter().enumerate() {
            self.text.push_str(indent);
            if at == 0 {
                self.text.push_str(head);
            } else {
                self.text.push_str(&" ".repeat(head.len()));
            }
            self.text.push_str(line);
            self.text.truncate(self.text.trim_end_matches(' ').len());
            self.text.push('\n');
        }
    }

    /// `-- ID ---------------------------- sent`
    fn title(&mut self, indent: &str, left: &str, right: &str) {
        let left = wrap::cut(&sanitize::str_line(left), 50);
        let used = indent.len() + left.chars().count() + right.len() + 5;
        let rule = "-".repeat(wrap::WIDTH.saturating_sub(used).max(3));
        self.line(indent, &format!("-- {left} {rule} {right}"));
    }

    fn chain(&mut self, chain: &Chain) {
        for member in &chain.members {
            let indent = "| ".repeat(member.depth.min(DEEPEST));
            if member.depth > 0 {
                self.blank(&indent);
            }
            self.member(member, &indent);
        }
    }

    fn member(&mut self, member: &Member, indent: &str) {
        let life = &member.life;
        let left = match member.relation {
            Some(relation) => format!("{} {}", relation.name(), life.id),
            None => life.id.to_string(),
        };
        self.title(indent, &left, &outcome(life));
        self.day.clear();
        let span = match life.last.micros - life.first.micros {
            ..1_000_000 => words::time(life.first),
            _ => format!(
                "{} to {}, {}",
                words::time(life.first),
                if words::day(life.first) == words::day(life.last) {
                    words::clock(life.last)
                } else {
                    words::time(life.last)
                },
                words::between(life.first, life.last)
            ),
        };
        let place = format!("{span}, {} on {}", life.instance, life.host);
        self.fact(indent, "when", &place);
        if let Some(source) = story::source(life) {
            self.fact(indent, "source", &source);
        }
        if let Some(from) = envelope(life) {
            self.fact(indent, "from", &from);
        }
        if let Some(id) = &life.message_id {
            self.fact(indent, "message-id", id);
        }
        self.recipients(member, indent);
        self.blank(indent);
        self.timeline(member, indent);
    }

    /// What became of each recipient, the unlucky ones first.
    fn recipients(&mut self, member: &Member, indent: &str) {
        let life = &member.life;
        let mut told: Vec<(Outcome, &Recipient)> = life
            .recipients
            .iter()
            .map(|recipient| (fate(life, recipient), recipient))
            .collect();
        told.sort_by_key(|(outcome, _)| *outcome == Outcome::Sent);
        for (outcome, recipient) in told.iter().take(MOST_RECIPIENTS) {
            self.recipient(*outcome, recipient, indent);
        }
        let mut rest: BTreeMap<&str, u64> = BTreeMap::new();
        for (outcome, _) in told.iter().skip(MOST_RECIPIENTS) {
            *rest.entry(outcome.name()).or_default() += 1;
        }
        let LeftOut {
            sent,
            deferred,
            bounced,
            ..
        } = member.left_out.unwrap_or_default();
        for (name, count) in [("sent", sent), ("deferred", deferred), ("bounced", bounced)] {
            *rest.entry(name).or_default() += count;
        }
        *rest.entry("other").or_default() += u64::from(life.more_recipients);
        rest.retain(|_, count| *count > 0);
        if !rest.is_empty() {
            let rest: Vec<String> = rest
                .iter()
                .map(|(name, count)| format!("{} {name}", words::grouped(*count)))
                .collect();
            self.fact(indent, "and more", &rest.join(", "));
        }
        self.verdict(member, indent);
        let known = life.recipients.len() as u64 + u64::from(life.more_recipients);
        let waiting = u64::from(life.nrcpt.unwrap_or(0)).saturating_sub(known);
        if waiting > 0 && member.left_out.is_none() && !life.is_finished() {
            let waiting = words::count(waiting, "recipient", "recipients");
            self.fact(
                indent,
                outcome_name(life),
                &format!("{waiting} not tried yet"),
            );
        }
    }

    /// What ended or stopped the message as a whole, and recipients refused in its session.
    fn verdict(&mut self, member: &Member, indent: &str) {
        let last = member.life.notes.iter().rev();
        let last = last.filter(|_| member.life.recipients.is_empty());
        for note in last {
            if let Some(
                outcome @ (Outcome::Rejected
                | Outcome::Discarded
                | Outcome::Held
                | Outcome::Deleted
                | Outcome::Expired),
            ) = note.outcome
            {
                self.fact(indent, outcome.name(), &note.detail);
                break;
            }
        }
        let refused = member.session.iter().filter(|r| r.turned_away);
        for refusal in refused.take(MOST_RECIPIENTS) {
            let to = refusal.to.as_deref().unwrap_or_default();
            self.fact(indent, "rejected", &format!("<{to}> at {}", refusal.stage));
            self.fact(indent, "", &refusal.reply);
        }
    }

    fn recipient(&mut self, outcome: Outcome, recipient: &Recipient, indent: &str) {
        let mut text = format!("<{}>", recipient.to);
        if let Some(orig) = &recipient.orig_to {
            let _ = write!(text, " for <{orig}>");
        }
        let tries = recipient.attempts.len() as u64 + u64::from(recipient.more_attempts);
        if outcome == Outcome::Deferred
            && let Some(first) = recipient.attempts.first()
        {
            let _ = write!(text, " since {}", words::time(first.time));
        }
        if tries > 1 {
            let _ = write!(text, ", {} attempts", words::grouped(tries));
        }
        self.fact(indent, outcome.name(), &text);
        if let Some(last) = recipient.attempts.last() {
            self.fact(indent, "", &last.reason);
        }
    }

    fn timeline(&mut self, member: &Member, indent: &str) {
        self.refusals(&member.before, &member.decisions, indent);
        let life = &member.life;
        let mut session = member.session.iter().peekable();
        let steps = life.timeline();
        let attempts = attempts(life);
        let skipped = skipped(&steps);
        for (at, step) in steps.iter().enumerate() {
            // The client is told first, whatever stands in the same second.
            while let Some(refusal) = session.next_if(|r| at > 0 && r.time <= step.time) {
                self.refusal(indent, refusal, "also refused");
            }
            if at == skipped.start && !skipped.is_empty() {
                self.gap(member, &steps[skipped.clone()], indent);
            }
            if !skipped.contains(&at) {
                self.step(indent, step, &attempts);
            }
        }
        for refusal in session {
            self.refusal(indent, refusal, "also refused");
        }
    }

    /// What a long timeline leaves out of its middle.
    fn gap(&mut self, member: &Member, steps: &[Step], indent: &str) {
        let life = &member.life;
        let tried = steps.iter().filter(|step| step.delays.is_some()).count() as u64;
        let left_out = member.left_out.unwrap_or_default();
        let dropped: u64 = life
            .recipients
            .iter()
            .map(|r| u64::from(r.more_attempts))
            .sum();
        let attempts = tried
            + dropped
            + u64::from(life.more_recipients)
            + left_out.sent
            + left_out.deferred
            + left_out.bounced;
        let all = (steps.len() as u64 - tried)
            + u64::from(life.more_notes)
            + left_out
                .lines
                .saturating_sub(left_out.sent + left_out.deferred + left_out.bounced);
        let text = match all {
            0 => format!("... {} more attempts", words::grouped(attempts)),
            _ => format!(
                "... {} more attempts, {} other lines",
                words::grouped(attempts),
                words::grouped(all)
            ),
        };
        self.line(indent, &text);
    }

    fn step(&mut self, indent: &str, step: &Step, attempts: &[&Attempt]) {
        self.event(indent, step.time, step.what, &step.detail);
        if let Some(delays) = step.delays
            && let Some(attempt) = attempts
                .iter()
                .find(|a| a.time == step.time && a.delays == delays)
        {
            let first = attempts
                .first()
                .is_none_or(|first| attempt.time.micros - first.time.micros < 60_000_000);
            let which = if first { Try::First } else { Try::Retry };
            let text = words::delays(attempt.delay, delays, which);
            self.hung(indent, &" ".repeat(9 + FACT + 1), &text);
        }
    }

    fn event(&mut self, indent: &str, time: Stamp, what: &str, detail: &str) {
        let day = words::day(time);
        if day != self.day {
            self.line(indent, &day);
            self.day = day;
        }
        let what = what.replace('_', "-");
        let head = format!("{} {what:FACT$} ", words::clock(time));
        self.hung(indent, &head, detail);
    }

    /// Refusals, and between them what postscreen decided.
    fn refusals(&mut self, refusals: &[Refusal], decisions: &[Remark], indent: &str) {
        let half = MOST_REFUSALS / 2;
        let over = refusals.len().saturating_sub(MOST_REFUSALS);
        let mut decisions = decisions.iter().peekable();
        for (at, refusal) in refusals.iter().enumerate() {
            if over > 0 && at == half {
                let more = words::grouped(over as u64);
                self.line(indent, &format!("... {more} more refusals"));
            }
            if at < half || at >= half + over {
                while let Some(decision) = decisions.next_if(|d| d.time <= refusal.time) {
                    self.event(indent, decision.time, "postscreen", &decision.text);
                }
                self.refusal(indent, refusal, refusal.verdict);
            }
        }
        for decision in decisions {
            self.event(indent, decision.time, "postscreen", &decision.text);
        }
    }

    fn refusal(&mut self, indent: &str, refusal: &Refusal, what: &str) {
        let to = refusal.to.as_ref().map(|to| format!(" to=<{to}>"));
        let text = format!(
            "{}{}: {}",
            refusal.stage,
            to.unwrap_or_default(),
            refusal.reply
        );
        self.event(indent, refusal.time, what, &text);
    }

    fn refused(&mut self, refused: &Refused) {
        let Some(last) = refused.attempts.last() else {
            return;
        };
        let what = if last.turned_away {
            "rejected".to_owned()
        } else {
            last.verdict.replace('_', "-")
        };
        let left = format!("no queue id, {}[{}]", last.name, last.ip);
        self.title("", &left, &what);
        self.day.clear();
        if let Some(from) = &last.from {
            self.fact("", "from", &format!("<{from}>"));
        }
        if let Some(helo) = &last.helo {
            self.fact("", "helo", helo);
        }
        let tries = refused.attempts.len() as u64 + refused.more;
        let mut text = match &last.to {
            Some(to) => format!("<{to}> at {}", last.stage),
            None => format!("at {}", last.stage),
        };
        if tries > 1 {
            let _ = write!(text, ", {} times", words::grouped(tries));
        }
        self.fact("", &what, &text);
        self.fact("", "", &last.reply);
        self.text.push('\n');
        if refused.more > 0 {
            let more = words::count(refused.more, "earlier refusal", "earlier refusals");
            self.line("", &format!("... {more}"));
        }
        self.refusals(&refused.attempts, &[], "");
    }

    fn others(&mut self, answer: &Answer) {
        if answer.others.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let total: u64 = answer.others.values().map(|(count, ..)| count).sum();
        self.title("", "lines about no message", &words::grouped(total));
        for (kind, (count, first, last)) in &answer.others {
            let at = |micros: i64| {
                words::time(Stamp {
                    micros,
                    offset: offset(answer),
                })
            };
            let when = match count {
                1 => at(*first),
                _ => format!("{} to {}", at(*first), at(*last)),
            };
            let head = format!(
                "{:>9} {:24} ",
                words::grouped(*count),
                kind.replace('_', " ")
            );
            self.hung("", &head, &when);
        }
        self.day.clear();
        self.text.push('\n');
        let over = answer.remarks.len().saturating_sub(MOST_REMARKS);
        if total > MOST_REMARKS as u64 {
            self.line("", "The newest of them:");
        }
        for Remark { time, tag, text } in &answer.remarks[over..] {
            self.event("", *time, tag.rsplit('/').next().unwrap_or(tag), text);
        }
    }
}

/// Stamps of sums are shown in the zone of the newest remark.
fn offset(answer: &Answer) -> i32 {
    answer.remarks.last().map_or(0, |remark| remark.time.offset)
}

/// The steps in the middle that are left out.
fn skipped(steps: &[Step]) -> std::ops::Range<usize> {
    if steps.len() <= MOST_STEPS {
        return 0..0;
    }
    MOST_STEPS / 2..steps.len() - MOST_STEPS / 2
}

fn attempts(life: &Life) -> Vec<&Attempt> {
    let mut attempts: Vec<&Attempt> = life.recipients.iter().flat_map(|r| &r.attempts).collect();
    attempts.sort_by_key(|attempt| attempt.time);
    attempts
}

fn envelope(life: &Life) -> Option<String> {
    let mut text = format!("<{}>", life.from.as_ref()?);
    if let Some(size) = life.size {
        let _ = write!(text, ", {}", words::size(size));
    }
    if let Some(nrcpt) = life.nrcpt {
        let recipients = words::count(u64::from(nrcpt), "recipient", "recipients");
        let _ = write!(text, ", {recipients}");
    }
    Some(text)
}

/// What became of a message, in words.
fn outcome(life: &Life) -> String {
    match life.state {
        State::Active => "in the queue still".to_owned(),
        State::Incoming if life.recipients.is_empty() => "never queued".to_owned(),
        State::Held => "on hold".to_owned(),
        _ => life.outcome().name().to_owned(),
    }
}

/// The same as a fact's name.
fn outcome_name(life: &Life) -> &'static str {
    match life.state {
        State::Active => "in the queue",
        State::Incoming => "incoming",
        _ => life.outcome().name(),
    }
}

/// What became of one recipient.
pub(super) fn fate(life: &Life, recipient: &Recipient) -> Outcome {
    match recipient.status() {
        Some(Status::Sent) => Outcome::Sent,
        Some(Status::Bounced) => Outcome::Bounced,
        Some(Status::Deferred | Status::SoftBounce) => match life.outcome() {
            // The message's end is that of those who still waited.
            end @ (Outcome::Expired | Outcome::Deleted | Outcome::Requeued | Outcome::Held) => end,
            _ => Outcome::Deferred,
        },
        Some(Status::Deliverable | Status::Undeliverable | Status::Other) => Outcome::Probe,
        None => life.outcome(),
    }
}

/// What was searched in vain, and what to try.
pub fn nothing(answer: &Answer, question: &Question, word: &str) -> String {
    let searched = &answer.searched;
    let mut text = format!("nothing for the {} {word}\n", question.term.name());
    let files: Vec<String> = searched
        .files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    let _ = writeln!(
        text,
        "searched: {} in {}",
        words::count(searched.lines, "line", "lines"),
        files.join(", ")
    );
    if let Some((first, last)) = searched.period {
        let local = |micros: i64| {
            chrono::DateTime::from_timestamp_micros(micros).map_or_else(String::new, |time| {
                time.with_timezone(&chrono::Local)
                    .format("%Y-%m-%d %H:%M:%S")
                    .to_string()
            })
        };
        let _ = writeln!(text, "period:   {} to {}", local(first), local(last));
    }
    for hint in hints(question, word) {
        let _ = writeln!(text, "try:      {hint}");
    }
    text
}

fn hints(question: &Question, word: &str) -> Vec<String> {
    let mut hints = Vec::new();
    if question.since.is_some() || question.until.is_some() {
        hints.push("without --since and --until".to_owned());
    }
    if question.instance.is_some() {
        hints.push("without --instance".to_owned());
    }
    match &question.term {
        Term::Address(_, side) | Term::Domain(_, side) if *side != Side::Any => {
            hints.push("without --from or --to".to_owned());
        }
        Term::Address(..) => hints.push("its domain alone, as aliases change the user".to_owned()),
        Term::Domain(..) => hints.push(format!("'/{word}/' for host names too")),
        Term::MessageId(_) => hints.push("the sender's address".to_owned()),
        Term::Net(_) | Term::Id(_) | Term::Pattern(_) => {}
    }
    hints.push("older logs: name them, oldest first, before this one".to_owned());
    hints
}
