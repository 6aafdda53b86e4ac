//! `mailtop trace`: what became of a message.

use super::Context;
use super::report;
use crate::report::when::{self, Span};
use crate::sanitize;
use crate::trace::term::NoSuchTerm;
use crate::trace::{self, Question, Side, Term};
use anyhow::{Context as _, ensure};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `mailtop trace`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// What to trace: a queue id, user@domain, @domain or a domain, a <message-id>, an IP address or
    /// network, or a /regular expression/ on the line's text. It is known by its form.
    #[arg(value_name = "ID|ADDRESS|MESSAGE-ID|IP|/REGEX/")]
    pub term: String,
    /// Log files, oldest first, plain or compressed; `-` is standard input. Without one, the server's log.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// One JSON object a message, with all its events, instead of text.
    #[arg(long)]
    pub json: bool,
    /// The address is the sender's.
    #[arg(long, conflicts_with = "to")]
    pub from: bool,
    /// The address is a recipient's.
    #[arg(long)]
    pub to: bool,
    /// Only the Postfix instance of this name (syslog_name); what it passed on is followed anyway.
    #[arg(long, value_name = "NAME")]
    pub instance: Option<String>,
    /// Only messages with a matching line since: RFC 3339, `2026-11-22`, `2026-11-22 08:30`, `2h`, `3d` (ago),
    /// today, yesterday.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only messages with a matching line before: the same forms.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// How many messages are told, the newest; 0 is all.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
}

/// Runs the command; exit status 1 when nothing matches.
pub fn run(context: &Context, args: Args) -> anyhow::Result<ExitCode> {
    let question = question(&args)?;
    let span = Span {
        since: question.since,
        until: question.until,
    };
    let found = report::logs(context, args.files, span)?;
    let mut answer = trace::run(found.inputs, &question)?;
    answer.problems.extend(found.problems);
    for problem in &answer.problems {
        eprintln!("mailtop: {}", sanitize::str_line(&problem.to_string()));
    }
    if answer.is_empty() {
        let text = trace::text::nothing(&answer, &question, &args.term);
        eprint!("{}", sanitize_lines(&text));
        return Ok(ExitCode::from(1));
    }
    let text = if args.json {
        trace::json::answer(&answer)
    } else {
        trace::text::answer(&answer)
    };
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        // `mailtop trace ... | head` is no failure.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        written => written.context("standard output")?,
    }
    Ok(ExitCode::SUCCESS)
}

fn question(args: &Args) -> anyhow::Result<Question> {
    let side = match (args.from, args.to) {
        (true, _) => Side::From,
        (_, true) => Side::To,
        _ => Side::Any,
    };
    let now = chrono::Local::now();
    let point = |text: &Option<String>| text.as_deref().map(|t| when::point(t, now)).transpose();
    let (since, until) = (point(&args.since)?, point(&args.until)?);
    if let (Some(since), Some(until)) = (since, until) {
        ensure!(
            since < until,
            "--since is not before --until (try: swap them)"
        );
    }
    let term = Term::new(&args.term, side).map_err(|error| match error {
        NoSuchTerm::Pattern(why) => anyhow::anyhow!("{}: {why}", args.term),
        other => other.into(),
    })?;
    Ok(Question {
        term,
        instance: args.instance.clone().map(String::into_bytes),
        since,
        until,
        limit: if args.limit == 0 {
            usize::MAX
        } else {
            args.limit
        },
    })
}

fn sanitize_lines(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        out.push_str(&sanitize::str_line(line));
        out.push('\n');
    }
    out
}
