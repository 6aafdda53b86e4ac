//! `mailtop parse`: what the parser understood, for scripts and tests.

use super::Context;
use crate::logparse::event::Event;
use crate::logparse::source::{self, Lines, SourceError};
use crate::logparse::{Line, Parser, Reference, Zone, json};
use crate::sanitize;
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
    /// Only the lines that were not understood.
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
    for file in &files {
        match print_file(file, &args, &mut out) {
            // Whoever reads us has seen enough (`mailtop parse ... | head`).
            Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => break,
            Err(Failure::Output(error)) => {
                return Err(anyhow::Error::new(error).context("standard output"));
            }
            // The others are read all the same.
            Err(Failure::Input(error)) if files.len() > 1 => problems.push(error),
            Err(Failure::Input(error)) => return Err(error.into()),
            Ok(damage) => problems.extend(damage),
        }
    }
    Ok(super::told(&problems))
}

/// FILE..., or `--log FILE...`, or standard input when it is not a terminal.
fn inputs(context: &Context, args: &Args) -> anyhow::Result<Vec<PathBuf>> {
    let files = [&args.files, &context.target.log]
        .into_iter()
        .find(|files| !files.is_empty());
    match files {
        Some(files) => Ok(files.clone()),
        None if io::stdin().is_terminal() => {
            anyhow::bail!("no log to read (try: mailtop parse /var/log/mail.log)")
        }
        None => Ok(vec![PathBuf::from("-")]),
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
    path: &Path,
    args: &Args,
    out: &mut impl Write,
) -> Result<Option<SourceError>, Failure> {
    let source = source::open(path).map_err(Failure::Input)?;
    let damage = source.damage.clone();
    let mut parser = Parser::new(reference(&source));
    let mut lines = Lines::new(source.content.reader());
    let mut buffer = Vec::with_capacity(2 * OUTPUT);
    while let Some(line) = lines
        .next_line()
        .map_err(|error| Failure::Input(SourceError::new(path, &error)))?
    {
        print_line(line, &mut parser, args, &mut buffer);
        if buffer.len() >= OUTPUT {
            out.write_all(&buffer).map_err(Failure::Output)?;
            buffer.clear();
        }
    }
    out.write_all(&buffer)
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

fn print_line(line: &[u8], parser: &mut Parser, args: &Args, out: &mut Vec<u8>) {
    match parser.line(line) {
        Line::Postfix(record) => {
            let wanted = (!args.unparsed || matches!(record.event, Event::Unparsed(_)))
                && args
                    .instance
                    .as_ref()
                    .is_none_or(|name| name.as_bytes() == record.instance);
            if !wanted {
                return;
            }
            if args.json {
                json::object(&record, out);
            } else {
                json::plain(&record, out);
            }
        }
        Line::Garbage if args.unparsed && args.instance.is_none() => {
            if args.json {
                json::garbage(line, out);
            } else {
                out.extend_from_slice(sanitize::line(line).as_bytes());
            }
        }
        Line::Garbage | Line::Other | Line::Empty | Line::Partial => return,
    }
    out.push(b'\n');
}
