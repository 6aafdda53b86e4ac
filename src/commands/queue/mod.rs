//! `mailtop queue`: the queue from a script or by hand: list, show, and act with a choice of messages.
//!
//! | file | what |
//! | --- | --- |
//! | `choice.rs` | the selectors, shared by all subcommands |
//! | `list.rs` | `list` and `show` |
//! | `acts.rs` | `flush`, `hold`, `release`, `requeue`, `delete` |
//!
//! Exit status: 0 all done, 1 some messages not done, 2 nothing could be done.

mod acts;
mod choice;
mod list;

use super::Context;
use crate::attach::{self, Environment, Resolved, Server};
use crate::queue::{Action, Entry, Reasons};
use choice::Choice;
use std::fmt::Write as _;
use std::process::ExitCode;

/// Arguments of `mailtop queue`.
#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = "All selectors given must hold. TEXT is looked for anywhere in the address or reason, \
without regard to case; /TEXT/ is a regular expression. Exit status: 0 all done, 1 some messages not done, \
2 nothing could be done. Acts are recorded in mailtop/audit.log in the XDG state directory."
)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum What {
    /// List the messages, oldest first; without a choice, all of them.
    List(list::Args),
    /// Print a message's headers and body, made safe for a terminal.
    Show(list::ShowArgs),
    /// Try messages now.
    Flush(acts::Args),
    /// Keep messages from delivery until they are released.
    Hold(acts::Args),
    /// Release messages from hold.
    Release(acts::Args),
    /// Send messages through cleanup again; they get new queue ids.
    Requeue(acts::Args),
    /// Delete messages for ever.
    Delete(acts::Args),
}

/// Runs the command.
pub fn run(context: &Context, args: Args) -> anyhow::Result<ExitCode> {
    let action = match args.what {
        What::List(args) => return list::list(context, &args),
        What::Show(args) => return list::show(context, &args),
        What::Flush(args) => (Action::Flush, args),
        What::Hold(args) => (Action::Hold, args),
        What::Release(args) => (Action::Release, args),
        What::Requeue(args) => (Action::Requeue, args),
        What::Delete(args) => (Action::Delete, args),
    };
    acts::run(context, action.0, &action.1)
}

/// The server in view; nothing is started for a queue command.
fn server(context: &Context) -> anyhow::Result<Server> {
    match attach::resolve(&context.target, &Environment::of_this_process())? {
        Resolved::Server(server) => Ok(server),
        Resolved::StartEngine { .. } => anyhow::bail!(
            "no mail server found: no Postfix runs here and no engine (try: --config-dir DIR or --engine DIR)"
        ),
    }
}

/// An entry as one line of JSON in `postqueue -j`'s shape. Characters that a terminal could obey are
/// escaped, so that the line is safe to look at and still says exactly what was there.
fn json(entry: &Entry) -> anyhow::Result<String> {
    let mut entry = entry.clone();
    if entry.sender.is_empty() {
        // postqueue's word for the null sender.
        "MAILER-DAEMON".clone_into(&mut entry.sender);
    }
    Ok(escaped(&serde_json::to_string(&entry)?))
}

/// JSON text with what a terminal could obey as `\uXXXX`. Such characters stand only inside strings.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut units = [0; 2];
    for c in json.chars() {
        if crate::sanitize::is_hostile(c) {
            for unit in c.encode_utf16(&mut units) {
                // Writing into a String does not fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Seconds since the epoch.
fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

/// Prints what could not be understood or not be done in the best way, for people, on standard error.
fn print_notes(listing: &crate::queue::Listing) {
    const SHOWN: usize = 5;
    if let Some(why) = &listing.why_not_better {
        eprintln!(
            "mailtop: read through the {}, because: {}",
            listing.way.as_str(),
            crate::sanitize::str_line(why)
        );
    }
    for problem in listing.problems.iter().take(SHOWN) {
        eprintln!("mailtop: {}", crate::sanitize::str_line(problem));
    }
    if listing.problems.len() > SHOWN {
        eprintln!(
            "mailtop: and {} more like these",
            listing.problems.len() - SHOWN
        );
    }
}

/// Reads the queue and keeps what is chosen.
fn chosen(server: &Server, choice: &Choice, reasons: Reasons) -> anyhow::Result<choice::Chosen> {
    choice.apply(crate::queue::read(server, reasons)?, now())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::QueueName;

    #[test]
    fn json_is_postqueue_s_and_safe() {
        let entry = Entry {
            queue_name: QueueName::Hold,
            queue_id: "A1B2C3D".into(),
            arrival_time: 1,
            message_size: 2,
            forced_expire: false,
            sender: String::new(),
            recipients: vec![crate::queue::Recipient {
                address: "a\u{9b}b\u{202e}\u{e0041}@c".into(),
                delay_reason: None,
            }],
            next_try: None,
            inode: None,
        };
        let line = json(&entry).unwrap();
        assert!(line.is_ascii(), "{line}");
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["sender"], "MAILER-DAEMON");
        assert_eq!(value["queue_name"], "hold");
        assert_eq!(
            value["recipients"][0]["address"],
            "a\u{9b}b\u{202e}\u{e0041}@c"
        );
    }
}
