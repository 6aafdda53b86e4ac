//! `mailtop report` and `mailtop --report`: the summary of a log.

use super::Context;
use crate::attach::{self, Environment, Resolved};
use crate::logparse::source::Input;
use crate::report::Report;
use crate::report::when::{self, Span};
use crate::stats::scan::{self, Filter};
use anyhow::{Context as _, ensure};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of the report.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// Log files, oldest first, plain or compressed; `-` is standard input. Without one, the server's log.
    /// The words today and yesterday mean --day, unless such a file exists.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// One JSON object instead of text.
    #[arg(long)]
    pub json: bool,
    /// Only the Postfix instance of this name (syslog_name).
    #[arg(long, value_name = "NAME")]
    pub instance: Option<String>,
    /// Nothing before: RFC 3339, `2026-11-22`, `2026-11-22 08:30`, `2h`, `3d` (ago), today, yesterday.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only what is before: the same forms.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// One day: today, yesterday or `2026-11-22`.
    #[arg(long, value_name = "DAY", conflicts_with_all = ["since", "until"])]
    pub day: Option<String>,
    /// Rows of each list; 0 is all.
    #[arg(long, value_name = "N")]
    pub top: Option<usize>,
}

/// Rows of each list when `--top` does not say.
const TOP: usize = 20;

/// Runs the command.
pub fn run(context: &Context, mut args: Args) -> anyhow::Result<ExitCode> {
    let word = args
        .files
        .first()
        .and_then(|file| file.to_str())
        .filter(|word| ["today", "yesterday"].contains(word) && !args.files[0].exists())
        .map(ToOwned::to_owned);
    if let Some(word) = word {
        ensure!(
            args.day.is_none() && args.since.is_none() && args.until.is_none(),
            "{word} is a period, and another one was given; name the file ./{word} if it is one"
        );
        args.files.remove(0);
        args.day = Some(word);
    }
    let span = span(&args)?;
    let files = logs(context, args.files)?;
    let filter = Filter {
        instance: args.instance.map(String::into_bytes),
        since: span.since,
        until: span.until,
        ..Filter::default()
    };
    let scanned = scan::files(files, &filter)?;
    let report = Report::new(&scanned.summary, args.top.unwrap_or(TOP));
    let text = if args.json {
        report.json().context("writing JSON")?
    } else {
        report.text()
    };
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        // `mailtop report | head` is no failure.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        written => written.context("standard output")?,
    }
    // The report is there, and it lacks something: cron shall hear of it.
    Ok(super::told(&scanned.problems))
}

fn span(args: &Args) -> anyhow::Result<Span> {
    let now = chrono::Local::now();
    if let Some(day) = &args.day {
        return Ok(when::day(day, now)?);
    }
    let point = |text: &Option<String>| text.as_deref().map(|t| when::point(t, now)).transpose();
    let span = Span {
        since: point(&args.since)?,
        until: point(&args.until)?,
    };
    if let (Some(since), Some(until)) = (span.since, span.until) {
        ensure!(
            since < until,
            "--since {} is not before --until {}: nothing lies between (try: swap them)",
            args.since.as_deref().unwrap_or_default(),
            args.until.as_deref().unwrap_or_default()
        );
    }
    Ok(span)
}

/// The files named, else those of `--log`, else the log of the server in view.
pub(super) fn logs(context: &Context, files: Vec<PathBuf>) -> anyhow::Result<Vec<Input>> {
    if !files.is_empty() {
        return Ok(files.into_iter().map(Input::from).collect());
    }
    if !context.target.log.is_empty() {
        return Ok(context
            .target
            .log
            .iter()
            .cloned()
            .map(Input::from)
            .collect());
    }
    let logs = match attach::resolve(&context.target, &Environment::of_this_process())? {
        Resolved::Server(server) => server.logs,
        Resolved::StartEngine { .. } => Vec::new(),
    };
    ensure!(
        !logs.is_empty(),
        "no mail log was found on this host: name the files, as in mailtop report /var/log/mail.log"
    );
    Ok(logs.into_iter().map(Input::from).collect())
}
