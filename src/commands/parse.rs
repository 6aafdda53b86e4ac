//! `mailtop parse`: what the parser understood, for scripts and tests; with `--unparsed`, what it did not.
//!
//! Exit status: 0 when all could be read (with `--unparsed`: and all was understood), 1 when something is
//! missing (with `--unparsed`: or a line was not understood), 2 when nothing could be read.

use super::Context;
use super::logs::Chosen;
use crate::logparse::event::Event;
use crate::logparse::source::{self, Input, Lines, SourceError};
use crate::logparse::{Line, Parser, Record, Reference, Zone, json};
use crate::sanitize;
use std::fmt;
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::UNIX_EPOCH;

/// Arguments of `mailtop parse`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// Log files, plain or compressed; `-` (or none, behind a pipe) is standard input.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// One JSON object a line instead of text.
    #[arg(long)]
    pub json: bool,
    /// Only the lines that were not understood, each with its file and line number, and how many of how many
    /// on standard error; the exit status is 1 when there are any.
    #[arg(long)]
    pub unparsed: bool,
    /// Only the lines of this instance (the first element of the tag, Postfix's `syslog_name`).
    #[arg(long, value_name = "NAME")]
    pub instance: Option<String>,
}

/// What is appended to the output before it is written: about a page of text lines.
const OUTPUT: usize = 64 * 1024;

/// Runs the command.
#[allow(
    clippy::needless_pass_by_value,
    reason = "every command owns its arguments"
)]
pub fn run(context: &Context, args: Args) -> anyhow::Result<ExitCode> {
    let files = inputs(context, &args)?;
    let mut out = io::stdout().lock();
    let mut problems = Vec::new();
    let mut tally = Tally::default();
    let count = files.len();
    for file in files {
        match print_file(file, &args, &mut tally, &mut out) {
            // Whoever reads us has seen enough (`mailtop parse ... | head`).
            Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => break,
            Err(Failure::Output(error)) => {
                return Err(anyhow::Error::new(error).context("standard output"));
            }
            // The others are read all the same.
            Err(Failure::Input(error)) if count > 1 => problems.push(error),
            Err(Failure::Input(error)) => return Err(error.into()),
            Ok(damage) => problems.extend(damage),
        }
    }
    let told = super::told(&problems);
    if !args.unparsed {
        return Ok(told);
    }
    eprintln!("{tally}");
    Ok(if tally.unparsed + tally.garbage > 0 {
        ExitCode::FAILURE
    } else {
        told
    })
}

/// How many lines there were of each sort, and how many were not understood.
#[derive(Debug, Default)]
struct Tally {
    postfix: u64,
    unparsed: u64,
    garbage: u64,
    other: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} Postfix lines not understood; {} lines without a header; {} lines of other programs",
            self.unparsed, self.postfix, self.garbage, self.other
        )
    }
}

/// FILE..., or `--log FILE...`, or `--journal`, or standard input when it is not a terminal.
fn inputs(context: &Context, args: &Args) -> anyhow::Result<Vec<Input>> {
    match Chosen::named(context, args.files.clone()) {
        Some(chosen) => Ok(chosen.inputs(None, None)?.inputs),
        None if io::stdin().is_terminal() => {
            anyhow::bail!("no log to read (try: mailtop parse /var/log/mail.log)")
        }
        None => Ok(vec![Input::from(PathBuf::from("-"))]),
    }
}

/// Which side failed: only our own output may end quietly.
#[derive(Debug)]
enum Failure {
    Input(SourceError),
    Output(io::Error),
}

/// Prints what can be read; what is wrong with the rest is the answer.
fn print_file(
    input: Input,
    args: &Args,
    tally: &mut Tally,
    out: &mut impl Write,
) -> Result<Option<SourceError>, Failure> {
    let path = input.path().to_owned();
    let source = input.open().map_err(Failure::Input)?;
    let damage = source.damage.clone();
    let mut parser = Parser::new(reference(&source));
    let mut lines = Lines::new(source.content.reader());
    let mut printer = Printer {
        path: &path,
        number: 0,
        args,
        out: Vec::with_capacity(2 * OUTPUT),
    };
    while let Some(raw) = lines
        .next_raw()
        .map_err(|error| Failure::Input(SourceError::new(&path, &error)))?
    {
        printer.number += 1;
        printer.line(raw.line, &parser.read(raw), tally);
        if printer.out.len() >= OUTPUT {
            out.write_all(&printer.out).map_err(Failure::Output)?;
            printer.out.clear();
        }
    }
    printer.line(&[], &parser.finish(), tally);
    tally.garbage += parser.lost();
    out.write_all(&printer.out)
        .and_then(|()| out.flush())
        .map_err(Failure::Output)?;
    Ok(damage.take())
}

/// The file's age tells the year of stamps that have none.
fn reference(source: &source::Source) -> Reference {
    source
        .modified
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .and_then(|age| i64::try_from(age.as_secs()).ok())
        .map_or_else(Reference::now, Reference::at)
        .in_zone(Zone::Local)
}

/// Prints the lines of one file.
struct Printer<'p> {
    path: &'p Path,
    /// The line's number in its file, from 1.
    number: u64,
    args: &'p Args,
    /// What is not written yet.
    out: Vec<u8>,
}

impl Printer<'_> {
    fn line(&mut self, raw: &[u8], line: &Line<'_>, tally: &mut Tally) {
        match line {
            Line::Postfix(record) if self.wants(record) => {
                tally.postfix += 1;
                let unparsed = matches!(record.event, Event::Unparsed(_));
                tally.unparsed += u64::from(unparsed);
                if !self.args.unparsed {
                    self.record(record);
                } else if unparsed {
                    self.unparsed(raw, |out| json::object(record, out));
                }
            }
            Line::Garbage if self.args.instance.is_none() => {
                tally.garbage += 1;
                if self.args.unparsed {
                    self.unparsed(raw, |out| json::garbage(raw, out));
                }
            }
            Line::Other => tally.other += 1,
            Line::Postfix(_) | Line::Garbage | Line::Empty | Line::Partial => {}
        }
    }

    fn wants(&self, record: &Record<'_>) -> bool {
        let instance = self.args.instance.as_ref();
        instance.is_none_or(|name| name.as_bytes() == record.instance)
    }

    fn record(&mut self, record: &Record<'_>) {
        if self.args.json {
            json::object(record, &mut self.out);
        } else {
            json::plain(record, &mut self.out);
        }
        self.out.push(b'\n');
    }

    /// A line that was not understood, with its place: `FILE:NUMBER: LINE`, or members of its object.
    fn unparsed(&mut self, line: &[u8], object: impl FnOnce(&mut Vec<u8>)) {
        let file = self.path.as_os_str().as_encoded_bytes();
        if self.args.json {
            object(&mut self.out);
            json::place(file, self.number, &mut self.out);
        } else {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let (file, line) = (sanitize::line(file), sanitize::line(line));
            // A Vec takes whatever is written to it.
            let _ = write!(self.out, "{file}:{}: {line}", self.number);
        }
        self.out.push(b'\n');
    }
}
