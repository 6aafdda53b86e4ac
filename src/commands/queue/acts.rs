//! `mailtop queue flush|hold|release|requeue|delete`.

use super::choice::{Choice, Chosen};
use super::list::{age, size};
use super::{chosen, escaped, json, now, print_notes, server};
use crate::attach::Server;
use crate::commands::Context;
use crate::control::{ActResult, Outcome};
use crate::queue::act::{Why, equivalent};
use crate::queue::select::Expr;
use crate::queue::{self, Action, Entry, Report};
use crate::sanitize;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

/// Arguments of the acts.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    choice: Choice,
    /// Print which messages would be acted on and the command that does the same, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Delete without asking; needed where nobody can be asked.
    #[arg(long)]
    yes: bool,
    /// Why, for the audit log.
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
    /// One JSON object a message: id, outcome (done, missing, changed, refused), detail.
    #[arg(long)]
    json: bool,
}

/// Runs one act.
pub(super) fn run(context: &Context, action: Action, args: &Args) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        !context.read_only || args.dry_run,
        "--read-only: nothing is done to the queue (try: --dry-run)"
    );
    let choice = args.choice.with_standard_input()?;
    let Some(expr) = choice.expr()? else {
        anyhow::bail!(
            "nothing is chosen to {} (try: queue ids, a selector such as --sender or --older-than, or --all)",
            action.as_str()
        );
    };
    let server = server(context)?;
    if matches!((action, &expr), (Action::Flush, Expr::All)) && !args.dry_run {
        return flush_all(&server, args);
    }
    let chosen = chosen(&server, &choice, choice.reasons())?;
    print_notes(&chosen.listing);
    if args.dry_run {
        return dry_run(&server, action, args, &chosen);
    }
    let entries = &chosen.listing.entries;
    if entries.is_empty() && chosen.missing.is_empty() {
        eprintln!(
            "mailtop: no message is chosen by: {}",
            sanitize::str_line(&chosen.selector)
        );
        return Ok(ExitCode::SUCCESS);
    }
    if action == Action::Delete && !entries.is_empty() && !args.yes && !confirmed(entries)? {
        eprintln!("mailtop: nothing was deleted");
        return Ok(ExitCode::from(1));
    }
    let why = Why {
        selector: chosen.selector,
        reason: args.why.clone(),
        audit_log: None,
    };
    let mut report = queue::act_because(&server, action, entries, &why);
    report
        .results
        .extend(chosen.missing.into_iter().map(|id| ActResult {
            id,
            outcome: Outcome::Missing,
            detail: None,
        }));
    print(action, args, &report)
}

fn flush_all(server: &Server, args: &Args) -> anyhow::Result<ExitCode> {
    let why = Why {
        selector: Expr::All.to_string(),
        reason: args.why.clone(),
        audit_log: None,
    };
    let report = queue::flush_all(server, &why)?;
    print_audit_problem(&report);
    eprintln!(
        "mailtop: all deferred mail is tried now ({})",
        report.command
    );
    Ok(ExitCode::SUCCESS)
}

fn dry_run(
    server: &Server,
    action: Action,
    args: &Args,
    chosen: &Chosen,
) -> anyhow::Result<ExitCode> {
    let entries = &chosen.listing.entries;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for entry in entries {
        if args.json {
            writeln!(out, "{}", json(entry)?)?;
        } else {
            writeln!(
                out,
                "{}  {}  {}  {}",
                entry.queue_id,
                entry.queue_name.as_str(),
                size(entry.message_size),
                shown_sender(entry)
            )?;
        }
    }
    out.flush()?;
    let ids: Vec<&str> = entries.iter().map(|e| e.queue_id.as_str()).collect();
    eprintln!(
        "mailtop: would {} {} messages: {}",
        action.as_str(),
        entries.len(),
        equivalent(server, action, &ids)
    );
    for id in &chosen.missing {
        eprintln!("mailtop: {id}: no such message in the queue");
    }
    Ok(ExitCode::from(u8::from(!chosen.missing.is_empty())))
}

/// Shows what would be deleted and asks for its count, or the word. Without a terminal nobody can be asked.
fn confirmed(entries: &[Entry]) -> anyhow::Result<bool> {
    let stdin = std::io::stdin();
    anyhow::ensure!(
        stdin.is_terminal(),
        "delete asks first, and standard input is no terminal (try: --yes, after a look with --dry-run)"
    );
    eprint!("{}", question(entries, now()));
    let mut answer = String::new();
    stdin.read_line(&mut answer)?;
    let answer = answer.trim();
    Ok(answer == "delete" || answer == entries.len().to_string())
}

/// What a delete is about to do, and how to say yes to it.
fn question(entries: &[Entry], now: i64) -> String {
    const TOP: usize = 3;
    let bytes = entries.iter().map(|e| e.message_size).sum();
    let mut senders: HashMap<&str, usize> = HashMap::new();
    for entry in entries {
        *senders.entry(&entry.sender).or_default() += 1;
    }
    let mut senders: Vec<(&str, usize)> = senders.into_iter().collect();
    senders.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let mut text = format!(
        "Delete {} messages, {} in all, for ever.\n",
        entries.len(),
        size(bytes)
    );
    // Writing into a String does not fail.
    for (sender, count) in senders.iter().take(TOP) {
        let sender = if sender.is_empty() { "<>" } else { sender };
        let _ = writeln!(text, "  {count:>6}  from {}", sanitize::str_line(sender));
    }
    if senders.len() > TOP {
        let _ = writeln!(text, "          and {} more senders", senders.len() - TOP);
    }
    if let Some(oldest) = entries.iter().min_by_key(|e| e.arrival_time) {
        let _ = writeln!(
            text,
            "  The oldest, {}, is {} old, from {}.",
            oldest.queue_id,
            age(now - oldest.arrival_time),
            shown_sender(oldest)
        );
    }
    let _ = write!(
        text,
        "Type {} (the count) or the word delete to go on: ",
        entries.len()
    );
    text
}

fn shown_sender(entry: &Entry) -> String {
    match entry.sender.as_str() {
        "" => "<>".to_owned(),
        sender => sanitize::str_line(sender).into_owned(),
    }
}

/// Prints the results; done ones are counted only, unless JSON is asked for.
fn print(action: Action, args: &Args, report: &Report) -> anyhow::Result<ExitCode> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for result in &report.results {
        if args.json {
            writeln!(out, "{}", escaped(&serde_json::to_string(result)?))?;
        } else {
            let detail = result
                .detail
                .as_deref()
                .map(|d| format!(" ({})", sanitize::str_line(d)));
            writeln!(
                out,
                "{}: {}{}",
                sanitize::str_line(&result.id),
                word(action, result.outcome),
                detail.unwrap_or_default()
            )?;
        }
    }
    out.flush()?;
    print_audit_problem(report);
    let done = report.count(Outcome::Done);
    if !args.json {
        eprintln!(
            "mailtop: {}: {done} of {} done; the same: {}",
            action.as_str(),
            report.results.len(),
            report.command
        );
    }
    Ok(ExitCode::from(u8::from(done < report.results.len())))
}

fn print_audit_problem(report: &Report) {
    if let Some(problem) = &report.audit_problem {
        eprintln!(
            "mailtop: NOT in the audit log: {}",
            sanitize::str_line(problem)
        );
    }
}

fn word(action: Action, outcome: Outcome) -> &'static str {
    match (outcome, action) {
        (Outcome::Done, Action::Flush) => "tried now",
        (Outcome::Done, Action::Hold) => "placed on hold",
        (Outcome::Done, Action::Release) => "released from hold",
        (Outcome::Done, Action::Requeue) => "requeued",
        (Outcome::Done, Action::Delete) => "deleted",
        (Outcome::Missing, _) => "not in the queue any more",
        (Outcome::Changed, _) => "left alone, it has changed",
        (Outcome::Refused, _) => "not done",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::QueueName;

    #[test]
    fn the_question_names_count_bytes_senders_and_the_oldest() {
        let entry = |id: &str, sender: &str, arrival_time| Entry {
            queue_name: QueueName::Deferred,
            queue_id: id.into(),
            arrival_time,
            message_size: 2048,
            forced_expire: false,
            sender: sender.into(),
            recipients: Vec::new(),
            next_try: None,
            inode: None,
        };
        let entries = [
            entry("A1", "a@x", 50),
            entry("B1", "", 10),
            entry("C1", "a@x", 60),
            entry("D1", "c\x1b@x", 60),
            entry("E1", "d@x", 60),
        ];
        let text = question(&entries, 70);
        assert_eq!(
            text,
            "Delete 5 messages, 10k in all, for ever.\n       2  from a@x\n       1  from <>\n       1  from c?@x\n          and 1 more senders\n  The oldest, B1, is 1m old, from <>.\nType 5 (the count) or the word delete to go on: "
        );
    }
}
