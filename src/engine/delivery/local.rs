//! local(8): the mailbox of a user of this host.
//!
//! In: a job whose recipients are local. Out: an outcome for each. Order as in local(8): aliases, then
//! `mailbox_command`, `home_mailbox`, `mail_spool_directory`. With root, everything is done by a child process
//! with the recipient's rights (`default_privs` when the recipient is root); without, only what our own rights allow.

use super::child::{self, Ended};
use super::{Delivered, Job, Outcome, Status, maildir};
use crate::engine::maillog::Session;
use crate::engine::maps::alias;
use crate::engine::privilege::{self, Account};
use crate::engine::spool::Message;
use crate::engine::submit::{self, Submission};
use crate::queue::format::address::quote;
use crate::queue::format::content::ContentReader;
use crate::queue::format::envelope::EnvelopeRecipient;
use crate::queue::format::writer::NewRecipient;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// Most bytes of headers searched for an earlier `Delivered-To` (`header_size_limit`).
const HEADER_LIMIT: u64 = 102_400;

/// Delivers to each recipient in turn, on a blocking thread.
pub(super) async fn deliver(job: &Arc<Job>, session: &Session) -> Delivered {
    let work = Arc::clone(job);
    let session = session.clone();
    let outcomes = tokio::task::spawn_blocking(move || {
        let each = work.recipients.iter();
        each.map(|recipient| one(&work, &session, recipient))
            .collect()
    });
    let failed = || vec![defer("4.3.0", "delivery agent died"); job.recipients.len()];
    Delivered::at_once(outcomes.await.unwrap_or_else(|_| failed()))
}

fn one(job: &Job, session: &Session, recipient: &EnvelopeRecipient) -> Outcome {
    let address = quote(&recipient.address);
    match loops(&job.message, &address) {
        Ok(false) => {}
        Ok(true) => {
            return bounce("5.4.6", format!("mail forwarding loop for {address}"));
        }
        Err(error) => return defer("4.3.0", format!("queue file read error: {error}")),
    }
    let local = String::from_utf8_lossy(&recipient.address).into_owned();
    let local = local.rsplit_once('@').map_or(local.as_str(), |(l, _)| l);
    let name = local.to_lowercase();
    let params = &job.site.params;
    let (base, extension) = split_extension(&name, &params.recipient_delimiter);
    for key in [name.as_str(), base] {
        match params.maps.find_any_alias(&params.alias_maps, key) {
            Ok(Some(value)) if !names_itself(&value, key) => {
                return forward(job, recipient, &address, key, &value);
            }
            Ok(_) => {}
            Err(error) => {
                session.warning(format_args!("{error}"));
                return defer("4.3.0", "alias database unavailable");
            }
        }
    }
    let account = privilege::account(&name).or_else(|| privilege::account(base));
    let Some(account) = account else {
        return bounce("5.1.1", format!("unknown user: \"{base}\""));
    };
    mailbox(job, recipient, &address, &account, extension)
}

/// Hands the message to what the parameters say a mailbox is.
fn mailbox(
    job: &Job,
    recipient: &EnvelopeRecipient,
    address: &str,
    account: &Account,
    extension: &str,
) -> Outcome {
    let params = &job.site.params;
    let mut input = match input(job, recipient, address) {
        Ok(input) => input,
        Err(error) => return defer("4.3.0", format!("queue file read error: {error}")),
    };
    if !params.mailbox_command.is_empty() {
        return command(job, recipient, address, account, extension, &mut input);
    }
    let (path, in_home) = if params.home_mailbox.is_empty() {
        let spool = Path::new(&params.mail_spool_directory);
        (spool.join(&account.name).join(""), false)
    } else {
        (account.home.join(&params.home_mailbox), true)
    };
    let is_maildir = if in_home {
        params.home_mailbox.ends_with('/')
    } else {
        params.mail_spool_directory.ends_with('/')
    };
    if !is_maildir {
        return defer(
            "4.3.5",
            "mailbox files are not supported by this engine: home_mailbox or mail_spool_directory needs a trailing slash",
        );
    }
    let result = match rights(job, account) {
        Some(Rights::Own) if in_home && !is_own(account) => {
            let name = &account.name;
            return defer(
                "4.2.0",
                format!(
                    "cannot deliver with the rights of user {name}: the engine does not run as root"
                ),
            );
        }
        Some(Rights::Own) => maildir::deliver(&path, &mut input),
        Some(Rights::Child(account)) => in_child(&path, &account, &mut input),
        None => {
            let privs = &job.site.params.default_privs;
            Err(format!("default_privs = {privs}: no such user, or root"))
        }
    };
    match result {
        Ok(()) => Outcome::new(Status::Sent, "2.0.0", "delivered to maildir", "local"),
        Err(why) => defer("4.2.0", why),
    }
}

enum Rights {
    Own,
    Child(Account),
}

/// With whose rights to deliver; `None` when there is nobody.
fn rights(job: &Job, account: &Account) -> Option<Rights> {
    if !privilege::is_root() {
        return Some(Rights::Own);
    }
    if account.uid != 0 {
        return Some(Rights::Child(account.clone()));
    }
    // Never as root: root's mail is handled with the rights of `default_privs`, as local(8) does with commands.
    let name = match job.site.params.default_privs.as_str() {
        "" => "nobody",
        name => name,
    };
    privilege::account(name)
        .filter(|privs| privs.uid != 0)
        .map(Rights::Child)
}

fn is_own(account: &Account) -> bool {
    account.uid == rustix::process::geteuid().as_raw()
}

/// A maildir delivery by our own binary with the recipient's rights.
fn in_child(path: &Path, account: &Account, input: &mut (dyn Read + Send)) -> Result<(), String> {
    // The link is resolved in the child, and needs no right to the directories on the way to the binary.
    let mut command = Command::new("/proc/self/exe");
    command
        .args(["engine", "deliver-maildir", "--"])
        .arg(path)
        .env_clear()
        .current_dir("/");
    // The same bound as for commands: `command_time_limit`'s default.
    match child::run(command, account, input, Duration::from_secs(1000)) {
        Ok((Ended::Exit(0), _)) => Ok(()),
        Ok((Ended::Exit(_), text)) if !text.is_empty() => Err(text),
        Ok((Ended::Exit(code), _)) => Err(format!("maildir helper ended with status {code}")),
        Ok((Ended::Signal(signal), _)) => Err(format!("maildir helper died of signal {signal}")),
        Ok((Ended::TimedOut, _)) => Err("maildir delivery took too long".into()),
        Err(error) => Err(format!("maildir helper: {error}")),
    }
}

/// `mailbox_command`, by the rules of local(8): its environment, its exit status.
fn command(
    job: &Job,
    recipient: &EnvelopeRecipient,
    address: &str,
    account: &Account,
    extension: &str,
    input: &mut (dyn Read + Send),
) -> Outcome {
    let params = &job.site.params;
    let text = &params.mailbox_command;
    let account = match rights(job, account) {
        Some(Rights::Child(account)) => account,
        Some(Rights::Own) if is_own(account) => account.clone(),
        _ => {
            return defer(
                "4.2.0",
                format!("cannot run a command as user {}", account.name),
            );
        }
    };
    let mut words = text.split_ascii_whitespace();
    // Postfix's own rule (exec_command): a shell only for what needs one. Addresses are never on the command line.
    let shell = text
        .bytes()
        .any(|b| b"~`!@#$%^&*()+{}|[]\\:\";'<>?,\n".contains(&b) && !b",:@+%".contains(&b));
    let mut command = if shell {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(text);
        command
    } else {
        let mut command = Command::new(words.next().unwrap_or(""));
        command.args(words);
        command
    };
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
        .env("HOME", &account.home)
        .env("LOGNAME", &account.name)
        .env("USER", &account.name)
        .env("SHELL", &account.shell)
        .env(
            "LOCAL",
            printable(address.rsplit_once('@').map_or(address, |(l, _)| l)),
        )
        .env("DOMAIN", printable(domain))
        .env("EXTENSION", printable(extension))
        .env("RECIPIENT", printable(address))
        .env("ORIGINAL_RECIPIENT", printable(&quote(&recipient.original)))
        .env("SENDER", printable(&job.message.sender()))
        .current_dir(if account.home.is_dir() {
            account.home.as_path()
        } else {
            Path::new("/")
        });
    let limit = match params.command_time_limit {
        Duration::ZERO => Duration::from_secs(1000),
        limit => limit,
    };
    let sender = job.message.sender();
    let from = if sender.is_empty() {
        "MAILER-DAEMON"
    } else {
        sender.as_str()
    };
    let from = format!(
        "From {from}  {}\n",
        chrono::Local::now().format("%a %b %e %H:%M:%S %Y")
    );
    let mut input = Cursor::new(from).chain(input);
    match child::run(command, &account, &mut input, limit) {
        Ok((ended, output)) => of_command(text, &ended, &output),
        Err(error) => defer("4.3.0", format!("cannot run {text}: {error}")),
    }
}

/// sysexits.h as Postfix reads them.
fn of_command(command: &str, ended: &Ended, output: &str) -> Outcome {
    let said = |text: String| match output {
        "" => text,
        output => format!("{text}. Command output: {output}"),
    };
    match *ended {
        Ended::Exit(0) => Outcome::new(
            Status::Sent,
            "2.0.0",
            format!("delivered to command: {command}"),
            "local",
        ),
        Ended::Exit(code) => {
            let (dsn, text) = match code {
                64 => ("5.3.0", "command line usage error"),
                65 => ("5.6.0", "data format error"),
                66 => ("5.3.0", "cannot open input"),
                67 => ("5.1.1", "user unknown"),
                68 => ("5.1.2", "host name unknown"),
                69 => ("5.3.0", "service unavailable"),
                70 => ("5.3.0", "internal software error"),
                71 => ("4.3.0", "system resource problem"),
                72 => ("5.3.0", "critical OS file missing"),
                73 => ("5.2.0", "can't create user output file"),
                74 => ("5.3.0", "input/output error"),
                75 => ("4.3.0", "temporary failure"),
                76 => ("5.5.0", "remote error in protocol"),
                77 => ("5.7.0", "permission denied"),
                78 => ("5.3.5", "local configuration error"),
                _ => {
                    let text = format!("Command died with status {code}: \"{command}\"");
                    return bounce("5.3.0", said(text));
                }
            };
            if dsn.starts_with('4') {
                defer(dsn, said(text.into()))
            } else {
                bounce(dsn, said(text.into()))
            }
        }
        Ended::Signal(signal) => defer(
            "4.3.0",
            said(format!("Command died with signal {signal}: \"{command}\"")),
        ),
        Ended::TimedOut => defer(
            "4.3.0",
            said(format!("Command time limit exceeded: \"{command}\"")),
        ),
    }
}

/// An alias: the message goes on as a new one to its targets.
fn forward(
    job: &Job,
    recipient: &EnvelopeRecipient,
    address: &str,
    key: &str,
    value: &str,
) -> Outcome {
    let params = &job.site.params;
    let targets = alias::targets(value);
    if let Some(target) = targets.iter().find(|t| t.starts_with(['|', '/', ':', '"'])) {
        return defer(
            "4.3.5",
            format!(
                "alias {key}: {target}: commands, files and include lists are not supported by this engine"
            ),
        );
    }
    let targets: Vec<String> = targets
        .into_iter()
        .filter(|target| !target.is_empty())
        .map(|target| {
            if target.contains('@') {
                target
            } else {
                format!("{target}@{}", params.myorigin)
            }
        })
        .collect();
    if targets.is_empty() {
        return bounce("5.1.1", format!("alias {key} has no targets"));
    }
    let recipients: Vec<_> = targets
        .iter()
        .map(|target| NewRecipient {
            address: target.as_bytes(),
            original: &recipient.original,
            dsn_orig_rcpt: &recipient.dsn_orig_rcpt,
            notify: recipient.notify,
        })
        .collect();
    let envelope = &job.message.envelope;
    let submission = Submission {
        sender: envelope.sender.as_deref().unwrap_or_default(),
        recipients: &recipients,
        arrival: envelope.arrival,
        ..Submission::default()
    };
    let made = submit::submit(&job.site, &job.spool, &submission, |incoming| {
        incoming.put_line(format!("Delivered-To: {}", one_line(address)).as_bytes())?;
        for line in submit::received(&job.site, incoming.id(), "") {
            incoming.put_line(line.as_bytes())?;
        }
        submit::copy_content(&job.message.file, envelope, incoming)
    });
    match made {
        Ok(id) => Outcome::new(Status::Sent, "2.0.0", format!("forwarded as {id}"), "local"),
        Err(error) => defer("4.3.0", format!("forwarding failed: {error}")),
    }
}

/// `root: root` is the user, not a loop.
fn names_itself(value: &str, key: &str) -> bool {
    alias::targets(value)
        .iter()
        .any(|target| target.trim_start_matches('\\').eq_ignore_ascii_case(key))
}

/// Whether the message passed this mailbox before: its own `Delivered-To` says so.
fn loops(message: &Message, address: &str) -> io::Result<bool> {
    let mut reader =
        ContentReader::new(&message.file, &message.envelope).map_err(io::Error::other)?;
    let mut read = 0;
    while let Some(piece) = reader.next_piece().map_err(io::Error::other)? {
        read += piece.data.len() as u64;
        if piece.data.is_empty() || read > HEADER_LIMIT {
            break;
        }
        if submit::header(piece.data, "delivered-to")
            .is_some_and(|value| value.eq_ignore_ascii_case(address))
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The message as it goes into a mailbox: local(8)'s headers, then the content with LF line ends.
fn input<'j>(
    job: &'j Job,
    recipient: &EnvelopeRecipient,
    address: &str,
) -> io::Result<impl Read + Send + use<'j>> {
    let sender = job.message.envelope.sender.as_deref().unwrap_or_default();
    let sender = if sender.is_empty() {
        String::new()
    } else {
        quote(sender)
    };
    let original = if recipient.original.is_empty() {
        address.to_owned()
    } else {
        quote(&recipient.original)
    };
    let headers = format!(
        "Return-Path: <{}>\nX-Original-To: {}\nDelivered-To: {}\n",
        one_line(&sender),
        one_line(&original),
        one_line(address)
    );
    let content = Content::open(&job.message)?;
    Ok(Cursor::new(headers).chain(content))
}

/// The content of a queue file as a reader, with LF line ends.
struct Content<'m> {
    reader: ContentReader<'m, std::fs::File>,
    /// The piece being read; its space is used again.
    piece: Vec<u8>,
    at: usize,
}

impl<'m> Content<'m> {
    fn open(message: &'m Message) -> io::Result<Self> {
        let reader =
            ContentReader::new(&message.file, &message.envelope).map_err(io::Error::other)?;
        Ok(Self {
            reader,
            piece: Vec::new(),
            at: 0,
        })
    }
}

impl Read for Content<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() {
            let Some(piece) = self.reader.next_piece().map_err(io::Error::other)? else {
                return Ok(0);
            };
            self.piece.clear();
            self.piece.extend_from_slice(piece.data);
            if piece.ends_line {
                self.piece.push(b'\n');
            }
            self.at = 0;
        }
        let length = into.len().min(self.piece.len() - self.at);
        into[..length].copy_from_slice(&self.piece[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

fn split_extension<'n>(name: &'n str, delimiter: &str) -> (&'n str, &'n str) {
    // A delimiter in front is part of the name (owner-list, -bob).
    match name
        .char_indices()
        .skip(1)
        .find(|(_, c)| delimiter.contains(*c))
    {
        Some((at, c)) => (&name[..at], &name[at + c.len_utf8()..]),
        None => (name, ""),
    }
}

fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

/// Postfix's filter for the environment of commands (`command_expansion_filter`): no shell character passes.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() || "!@%-_=+:,./".contains(c) => c,
            _ => '_',
        })
        .collect()
}

fn defer(dsn: &str, text: impl Into<String>) -> Outcome {
    Outcome::new(Status::Deferred, dsn, text, "local")
}

fn bounce(dsn: &str, text: impl Into<String>) -> Outcome {
    Outcome::new(Status::Bounced, dsn, text, "local")
}

/// The helper's side of a delivery with other rights: the message on standard input, `path` as the mailbox.
pub fn helper(path: &Path) -> Result<(), String> {
    if privilege::is_root() {
        return Err("refused to deliver as root".into());
    }
    let path: PathBuf = path.into();
    maildir::deliver(&path, &mut io::stdin().lock())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions() {
        assert_eq!(split_extension("bob+list", "+"), ("bob", "list"));
        assert_eq!(split_extension("bob-a+b", "+-"), ("bob", "a+b"));
        assert_eq!(split_extension("+bob", "+"), ("+bob", ""));
        assert_eq!(split_extension("bob+list", ""), ("bob+list", ""));
    }

    #[test]
    fn exit_statuses_are_sysexits() {
        let outcome = |code| of_command("/bin/x", &Ended::Exit(code), "no room");
        assert_eq!(outcome(0).status, Status::Sent);
        assert_eq!(outcome(75).status, Status::Deferred);
        assert_eq!(
            (outcome(67).status, outcome(67).dsn),
            (Status::Bounced, "5.1.1".into())
        );
        assert_eq!(
            outcome(1).text,
            "Command died with status 1: \"/bin/x\". Command output: no room"
        );
    }

    #[test]
    fn no_shell_character_reaches_the_environment() {
        assert_eq!(printable("a b;$(x)`@c.test"), "a_b___x__@c.test");
    }

    #[test]
    fn an_alias_of_itself_is_the_user() {
        assert!(names_itself("root, bob", "root"));
        assert!(names_itself("\\root", "root"));
        assert!(!names_itself("bob", "root"));
    }
}
