//! `mailtop queue list` and `mailtop queue show`.

use super::choice::Choice;
use super::{chosen, escaped, json, now, print_notes, server};
use crate::commands::Context;
use crate::queue::{self, Entry, QueueName, Reasons};
use crate::sanitize;
use std::io::{IsTerminal as _, Write};
use std::process::ExitCode;

/// The most of a message that `show` prints, bytes.
const SHOWN_BYTES: u64 = 64 << 20;

/// Arguments of `mailtop queue list`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    choice: Choice,
    /// One JSON object a line, as `postqueue -j` prints them.
    #[arg(long)]
    json: bool,
}

/// Arguments of `mailtop queue show`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ShowArgs {
    /// The queue id.
    #[arg(value_name = "ID")]
    id: String,
    /// The bytes as they are; not onto a terminal.
    #[arg(long, conflicts_with = "json")]
    raw: bool,
    /// One JSON object: the members of `list`, and the message as `content`.
    #[arg(long)]
    json: bool,
}

/// Prints the list.
pub(super) fn list(context: &Context, args: &Args) -> anyhow::Result<ExitCode> {
    let choice = args.choice.with_standard_input()?;
    // A wrong selector is told before the queue is read.
    choice.expr()?;
    let chosen = chosen(&server(context)?, &choice, Reasons::Yes)?;
    print_notes(&chosen.listing);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    if args.json {
        for entry in &chosen.listing.entries {
            writeln!(out, "{}", json(entry)?)?;
        }
    } else {
        table(&mut out, &chosen.listing.entries, now())?;
    }
    out.flush()?;
    for id in &chosen.missing {
        eprintln!("mailtop: {id}: no such message in the queue");
    }
    Ok(ExitCode::from(u8::from(!chosen.missing.is_empty())))
}

/// One line a message, one a reason, one for all.
fn table(out: &mut impl Write, entries: &[Entry], now: i64) -> std::io::Result<()> {
    let width = entries.iter().map(|e| e.queue_id.len()).max().unwrap_or(0);
    for entry in entries {
        line(out, entry, now, width)?;
    }
    let bytes = entries.iter().map(|e| e.message_size).sum();
    let messages = if entries.len() == 1 {
        "message"
    } else {
        "messages"
    };
    writeln!(out, "-- {} in {} {messages}", size(bytes), entries.len())
}

fn line(out: &mut impl Write, entry: &Entry, now: i64, width: usize) -> std::io::Result<()> {
    let recipients = match entry.recipients.as_slice() {
        [] => "(no recipient left)".into(),
        [one] => sanitize::str_line(&one.address),
        [first, rest @ ..] => format!(
            "{} and {} more",
            sanitize::str_line(&first.address),
            rest.len()
        )
        .into(),
    };
    writeln!(
        out,
        "{:width$}{} {:8} {:>7} {:>5}  {} -> {recipients}",
        entry.queue_id,
        mark(entry),
        entry.queue_name.as_str(),
        size(entry.message_size),
        age(now - entry.arrival_time),
        match entry.sender.as_str() {
            "" => "<>".into(),
            sender => sanitize::str_line(sender),
        },
    )?;
    let mut seen: Vec<&str> = Vec::new();
    for reason in entry
        .recipients
        .iter()
        .filter_map(|r| r.delay_reason.as_deref())
    {
        if !seen.contains(&reason) {
            writeln!(out, "    ({})", sanitize::str_line(reason))?;
            seen.push(reason);
        }
    }
    Ok(())
}

/// mailq(1)'s mark behind the id.
fn mark(entry: &Entry) -> char {
    match entry.queue_name {
        _ if entry.forced_expire => '#',
        QueueName::Active => '*',
        QueueName::Hold => '!',
        _ => ' ',
    }
}

/// Bytes in at most five characters.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["k", "M", "G", "T", "P"];
    if bytes < 1000 {
        return format!("{bytes}");
    }
    let mut value = bytes as f64 / 1024.0;
    for unit in UNITS {
        if value < 9.95 {
            return format!("{value:.1}{unit}");
        }
        if value < 999.5 {
            return format!("{value:.0}{unit}");
        }
        value /= 1024.0;
    }
    format!("{value:.0}E")
}

/// An age in at most five characters.
pub(super) fn age(seconds: i64) -> String {
    match seconds.max(0) {
        s @ 0..60 => format!("{s}s"),
        s @ 60..3600 => format!("{}m", s / 60),
        s @ 3600..86_400 => format!("{}h{:02}", s / 3600, s % 3600 / 60),
        s => format!("{}d", s / 86_400),
    }
}

/// Prints one message.
pub(super) fn show(context: &Context, args: &ShowArgs) -> anyhow::Result<ExitCode> {
    let server = server(context)?;
    let id = args.id.trim_end_matches(['*', '!', '#']);
    let content = queue::content(&server, id, SHOWN_BYTES)?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    if args.raw {
        anyhow::ensure!(
            !std::io::stdout().is_terminal(),
            "--raw prints the bytes as they are, which could command this terminal (try: redirect to a file)"
        );
        out.write_all(&content)?;
        out.flush()?;
        return Ok(ExitCode::SUCCESS);
    }
    let choice = Choice {
        ids: vec![id.to_owned()],
        ..Choice::default()
    };
    let found = chosen(&server, &choice, Reasons::Yes)?;
    let entry = found.listing.entries.first();
    if args.json {
        let mut value = match entry {
            Some(entry) => serde_json::from_str(&json(entry)?)?,
            None => serde_json::json!({ "queue_id": id }),
        };
        value["content"] = String::from_utf8_lossy(&content).into();
        writeln!(out, "{}", escaped(&value.to_string()))?;
    } else {
        if let Some(entry) = entry {
            line(&mut out, entry, now(), id.len())?;
            writeln!(out)?;
        }
        for line in content
            .strip_suffix(b"\n")
            .unwrap_or(&content)
            .split(|&b| b == b'\n')
        {
            writeln!(out, "{}", sanitize::line(line))?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Recipient;

    #[test]
    fn sizes_and_ages_are_short() {
        for (bytes, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1.0k"),
            (10 << 10, "10k"),
            (5 << 20, "5.0M"),
        ] {
            assert_eq!(size(bytes), text);
        }
        assert!(size(u64::MAX).len() <= 5, "{}", size(u64::MAX));
        for (seconds, text) in [
            (-5, "0s"),
            (59, "59s"),
            (3599, "59m"),
            (7500, "2h05"),
            (200_000, "2d"),
        ] {
            assert_eq!(age(seconds), text);
        }
    }

    #[test]
    fn hostile_addresses_are_made_safe() {
        let entry = Entry {
            queue_name: QueueName::Hold,
            queue_id: "A1B2C3D".into(),
            arrival_time: 0,
            message_size: 2048,
            forced_expire: false,
            sender: "a\x1b[2J@b".into(),
            recipients: vec![Recipient {
                address: "c\r\n@d".into(),
                delay_reason: Some("no\x07".into()),
            }],
            next_try: None,
            inode: None,
        };
        let mut out = Vec::new();
        table(&mut out, &[entry], 90).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "A1B2C3D! hold        2.0k    1m  a?[2J@b -> c??@d\n    (no?)\n-- 2.0k in 1 message\n"
        );
    }
}
