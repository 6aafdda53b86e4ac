//! `mailtop report` and `mailtop --report`: the summary of a log, in the format asked for.

mod args;
pub(super) mod manual;
mod output;

use super::Context;
use super::logs::Chosen;
use crate::attach::{self, Environment, Resolved};
use crate::logparse::rotated::Found;
use crate::logparse::source::SourceError;
use crate::queue::{self, Entry, Reasons};
use crate::report::fold::{Fold, Switch, Verp};
use crate::report::section::Spec;
use crate::report::when::{self, Period, Span};
use crate::report::{
    Colour, Empty, Limits, Messages, Options, Order, Origin, Report, Sources, TextStyle, csv_list,
    looks, sections,
};
use crate::sanitize;
use crate::stats::Summary;
use crate::stats::scan::{self, Filter, Scanned};
use anyhow::{Context as _, ensure};
pub use args::Args;
use chrono::{DateTime, Local};
use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The least width at which tables can be read.
const NARROWEST: usize = 40;

/// Which form was asked for.
#[derive(Debug, Clone, Copy)]
enum Form {
    Text,
    Json,
    Html,
    Csv(&'static Spec),
    Prometheus,
}

/// Runs the command.
pub fn run(context: &Context, mut args: Args) -> anyhow::Result<ExitCode> {
    if args.format.csv.as_deref() == Some("list") {
        output::standard(&csv_list())?;
        return Ok(ExitCode::SUCCESS);
    }
    let form = form(&args)?;
    let style = style(&args)?;
    let options = options(&args, form);
    period_word(&mut args)?;
    let now = Local::now();
    let period = period(&args, now)?;
    let logs = named_or_found(context, std::mem::take(&mut args.files))?;
    let compared = compared(&args, &period, &logs, now)?;
    let queue = if args.view.mailq {
        Some(mailq(context)?)
    } else {
        None
    };

    let (scanned, names) = scan(&logs, &args, &options, form, period.span)?;
    let Scanned { summary, problems } = scanned;
    // What is wrong with a log was told by the first reading of it.
    let before = match compared {
        Some(span) => Some(scan(&logs, &args, &options, form, span)?.0.summary),
        None => None,
    };
    let sources = Sources {
        origin: Origin {
            remarks: remarks(&logs, &period, &summary, &problems),
            logs: shown(&names),
            asked: period.span,
            compared,
        },
        before: before.as_ref(),
        queue: queue.as_deref(),
    };
    let report = Report::with(&summary, &options, sources);
    let text = match form {
        Form::Text => report.text(&style),
        Form::Json => report.json().context("writing JSON")?,
        Form::Html => report.html(),
        Form::Csv(spec) => report.csv(spec)?,
        Form::Prometheus => report.prometheus(),
    };
    match &args.output {
        Some(path) if path != Path::new("-") => output::file(path, &text)?,
        _ => output::standard(&text)?,
    }
    // Documented in manual::EXIT_STATUS. What a report lacks, cron shall hear of.
    let told = super::told(&problems);
    Ok(if report.is_empty() {
        ExitCode::FAILURE
    } else {
        told
    })
}

fn form(args: &Args) -> anyhow::Result<Form> {
    let format = &args.format;
    Ok(match &format.csv {
        Some(name) => Form::Csv(
            sections::named(name)
                .ok_or_else(|| crate::report::CsvError::NoSuchSection(name.clone()))?,
        ),
        None if format.json => Form::Json,
        None if format.html => Form::Html,
        None if format.prometheus => Form::Prometheus,
        None => Form::Text,
    })
}

/// Colour is for a terminal whose user did not refuse it (no-color.org; TERM as in terminfo).
fn style(args: &Args) -> anyhow::Result<TextStyle> {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let terminal = args.output.is_none() && std::io::stdout().is_terminal();
    let width = match args.view.width {
        Some(0) => usize::MAX,
        Some(width) => {
            ensure!(
                width >= NARROWEST,
                "--width {width}: too narrow for the tables (try: --width {NARROWEST} or more, or 0 for no limit)"
            );
            width
        }
        None => TextStyle::default().width,
    };
    Ok(TextStyle {
        width,
        colour: if terminal && !refused {
            Colour::Terminal
        } else {
            Colour::Never
        },
        messages: match (args.view.verbose_messages, args.view.rej_add_from) {
            (true, _) => Messages::Full,
            (false, true) => Messages::WholeExample,
            (false, false) => Messages::Short,
        },
    })
}

fn options(args: &Args, form: Form) -> Options {
    let mut limits = Limits::default();
    // A spreadsheet wants every row.
    if matches!(form, Form::Csv(_)) {
        limits.usual = usize::MAX;
    }
    match (args.rows.detail, args.rows.top) {
        (None, Some(0)) => limits.usual = usize::MAX,
        (Some(rows), _) | (None, Some(rows)) => limits.usual = rows,
        (None, None) => {}
    }
    limits.of = args.rows.limits().collect();
    let mut extra = Vec::new();
    if let Form::Csv(spec) = form {
        extra.push(spec.key);
    }
    if args.view.extended_detail {
        extra.push("messages");
    }
    if args.view.smtpd_stats {
        extra.extend(["smtpd_by_hour", "smtpd_by_host"]);
    }
    if args.view.unparsed {
        extra.push("unparsed");
    }
    Options {
        limits,
        without: args.without.0.clone(),
        extra,
        empty: if args.view.zero_fill {
            Empty::Shown
        } else {
            Empty::Omitted
        },
        order: if args.view.problems_first {
            Order::ProblemsFirst
        } else {
            Order::Usual
        },
        fold: Fold {
            case: Switch::from(args.addresses.ignore_case),
            verp: match args.addresses.verp_mung {
                None => Verp::Kept,
                Some(0 | 1) => Verp::Number,
                Some(_) => Verp::Recipient,
            },
            srs: Switch::from(args.addresses.srs_mung),
            uucp: Switch::from(args.addresses.uucp_mung),
        },
    }
}

/// `mailtop report yesterday`: the word in the place of a file.
fn period_word(args: &mut Args) -> anyhow::Result<()> {
    let Some(word) = args
        .files
        .first()
        .and_then(|file| file.to_str())
        .filter(|word| ["today", "yesterday"].contains(word) && !args.files[0].exists())
        .map(ToOwned::to_owned)
    else {
        return Ok(());
    };
    let given = &args.period;
    ensure!(
        given.day.is_none() && given.since.is_none() && given.until.is_none(),
        "{word} is a period, and another one was given; name the file ./{word} if it is one"
    );
    args.files.remove(0);
    args.period.day = Some(word);
    Ok(())
}

fn period(args: &Args, now: DateTime<Local>) -> anyhow::Result<Period> {
    let given = &args.period;
    if let Some(day) = &given.day {
        return when::period(day, given.week_start, now).context("--day");
    }
    let point = |option: &'static str, text: &Option<String>| {
        let point = text.as_deref().map(|t| when::point(t, now)).transpose();
        point.context(option)
    };
    let since = point("--since", &given.since)?;
    let until = point("--until", &given.until)?;
    if let (Some(first), Some(last)) = (since, until) {
        ensure!(
            first < last,
            "--since {} is not before --until {}: nothing lies between (try: swap them)",
            given.since.as_deref().unwrap_or_default(),
            given.until.as_deref().unwrap_or_default()
        );
    }
    Ok(Period::between(since, until, now))
}

/// The period that is compared with, when one is.
fn compared(
    args: &Args,
    period: &Period,
    logs: &Logs,
    now: DateTime<Local>,
) -> anyhow::Result<Option<Span>> {
    if !args.period.compare {
        return Ok(None);
    }
    ensure!(
        !logs
            .chosen
            .files()
            .iter()
            .any(|file| file == Path::new("-")),
        "--compare reads the logs twice, and standard input can be read only once (try: name the files)"
    );
    let before = period.before(now).context(
        "--compare needs a period that begins somewhere (try: --compare --day today, --compare --since 24h)",
    )?;
    Ok(Some(before))
}

/// The logs to read, and whether the user named them.
struct Logs {
    chosen: Chosen,
    named: bool,
}

/// The logs of a period: the files named, else those of `--log`, else the log of the server in view with
/// the rotated ones that the period needs.
pub(super) fn logs(context: &Context, files: Vec<PathBuf>, span: Span) -> anyhow::Result<Found> {
    let logs = named_or_found(context, files)?;
    Ok(logs.chosen.inputs(span.since, span.until)?)
}

fn named_or_found(context: &Context, files: Vec<PathBuf>) -> anyhow::Result<Logs> {
    let chosen = Chosen::of(context, files)?.context(
        "no mail log was found on this host: name the files, as in mailtop report /var/log/mail.log, \
         or --journal",
    )?;
    let named = !matches!(chosen, Chosen::Live(_));
    Ok(Logs { chosen, named })
}

/// The summary of a period and the names of the logs that it was made from.
fn scan(
    logs: &Logs,
    args: &Args,
    options: &Options,
    form: Form,
    span: Span,
) -> anyhow::Result<(Scanned, Vec<PathBuf>)> {
    let filter = Filter {
        instance: args.period.instance.clone().map(String::into_bytes),
        since: span.since,
        until: span.until,
        sections: match form {
            Form::Text | Form::Html => options.needed(),
            Form::Json => sections::needed(options, sections::ALL.iter().copied()),
            Form::Csv(spec) => sections::needed(options, [spec]),
            Form::Prometheus => sections::needed(options, []),
        },
    };
    let found = logs.chosen.inputs(span.since, span.until)?;
    let names = found.inputs.iter().map(|input| input.path().to_owned());
    let names = names.collect();
    let mut scanned = scan::files(found.inputs, &filter)?;
    scanned.problems.extend(found.problems);
    Ok((scanned, names))
}

fn shown(logs: &[PathBuf]) -> Vec<String> {
    use std::os::unix::ffi::OsStrExt as _;
    logs.iter()
        .map(|path| match path.as_os_str().as_bytes() {
            b"-" => "standard input".to_owned(),
            path => sanitize::line(path).into_owned(),
        })
        .collect()
}

/// What the reader must know besides the figures.
fn remarks(
    logs: &Logs,
    period: &Period,
    summary: &Summary,
    problems: &[SourceError],
) -> Vec<String> {
    let missing = problems.iter().map(|problem| {
        let problem = problem.to_string();
        format!("Not read to its end: {}", sanitize::str_line(&problem))
    });
    let mut remarks: Vec<String> = missing.collect();
    if !logs.named && period.span == Span::default() {
        remarks.push(
            "Only the live log was read; --day, --since or named files take older ones.".to_owned(),
        );
    }
    if summary.period.is_none() {
        remarks.extend(nothing(logs, summary));
    }
    remarks
}

/// Why there is nothing to report.
fn nothing(logs: &Logs, summary: &Summary) -> Option<String> {
    let lines = summary.lines;
    // Lines outside the period are not counted: the file may be a good log of another day.
    if lines.parsed > 0 {
        return None;
    }
    let path = logs
        .chosen
        .files()
        .last()
        .filter(|path| *path != Path::new("-"))?;
    let head = head(path)?;
    if has_postfix(&head) {
        return Some("The log has Postfix lines, but none of this period or instance (try: without --day, --since, --until and --instance).".to_owned());
    }
    let look = looks::like(&head);
    let name = sanitize::line(path.as_os_str().as_encoded_bytes()).into_owned();
    Some(format!(
        "{name} looks like {} (try: {}).",
        look.like, look.remedy
    ))
}

/// The first bytes of a log, decompressed.
fn head(path: &Path) -> Option<Vec<u8>> {
    let source = crate::logparse::source::open(path).ok()?;
    let mut head = Vec::new();
    let mut reader = source.content.reader().take(looks::HEAD as u64);
    reader.read_to_end(&mut head).ok()?;
    Some(head)
}

fn has_postfix(head: &[u8]) -> bool {
    use crate::logparse::{Line, Parser, Reference};
    let mut parser = Parser::new(Reference::now());
    head.split(|b| *b == b'\n')
        .any(|line| matches!(parser.line(line), Line::Postfix(_)))
}

/// The queue of the server in view.
fn mailq(context: &Context) -> anyhow::Result<Vec<Entry>> {
    let server = match attach::resolve(&context.target, &Environment::of_this_process())? {
        Resolved::Server(server) => server,
        Resolved::StartEngine { .. } => {
            anyhow::bail!("--mailq: no mail server was found on this host (try: --config-dir DIR)")
        }
    };
    let listing = queue::read(&server, Reasons::Yes).context("--mailq")?;
    Ok(listing.entries)
}
