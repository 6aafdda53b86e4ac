//! The list from `postqueue -j`: what an ordinary user may do, through Postfix's own set-gid program.
//!
//! In: its output, one JSON object a line, members that we do not know ignored. Out: [`Entry`]s.

use super::process;
use super::showq::sender;
use super::{Entry, QueueName, Recipient};
use serde::Deserialize;
use std::io;
use std::path::Path;
use std::time::Duration;

/// How long the whole list may take: a hundred thousand messages took 35 s on a cold disk.
const LIMIT: Duration = Duration::from_mins(5);

/// Runs `postqueue -j` and reads its list; `skipped` counts lines that could not be understood.
pub fn list(config_dir: Option<&Path>) -> io::Result<(Vec<Entry>, usize)> {
    let mut command = process::postfix_command("postqueue");
    if let Some(dir) = config_dir {
        command.arg("-c").arg(dir);
    }
    let ended = process::run(command.arg("-j"), b"", LIMIT)?;
    if !ended.status.success() {
        return Err(io::Error::other(ended.complaint()));
    }
    Ok(parse(&ended.stdout))
}

/// Reads the lines of a list; returns the entries and how many lines were no entry.
pub fn parse(output: &[u8]) -> (Vec<Entry>, usize) {
    let mut entries = Vec::new();
    let mut skipped = 0;
    for line in output
        .split(|&b| b == b'\n')
        .filter(|line| !line.is_empty())
    {
        match serde_json::from_slice::<Message>(line).ok().and_then(entry) {
            Some(entry) => entries.push(entry),
            None => skipped += 1,
        }
    }
    (entries, skipped)
}

/// postqueue(1), JSON OBJECT FORMAT.
#[derive(Deserialize)]
struct Message {
    queue_name: String,
    queue_id: String,
    #[serde(default)]
    arrival_time: i64,
    #[serde(default)]
    message_size: u64,
    #[serde(default)]
    forced_expire: bool,
    #[serde(default)]
    sender: String,
    #[serde(default)]
    recipients: Vec<MessageRecipient>,
}

#[derive(Deserialize)]
struct MessageRecipient {
    #[serde(default)]
    address: String,
    delay_reason: Option<String>,
    /// Since 3.11: the recipient is done and waits for its non-delivery notification.
    bounce_reason: Option<String>,
}

fn entry(message: Message) -> Option<Entry> {
    Some(Entry {
        queue_name: QueueName::parse(&message.queue_name)?,
        queue_id: Some(message.queue_id).filter(|id| super::format::QueueId::is_valid(id))?,
        arrival_time: message.arrival_time,
        message_size: message.message_size,
        forced_expire: message.forced_expire,
        sender: sender(message.sender),
        recipients: message
            .recipients
            .into_iter()
            .filter(|recipient| recipient.bounce_reason.is_none())
            .map(|recipient| Recipient {
                address: recipient.address,
                delay_reason: recipient.delay_reason,
            })
            .collect(),
        next_try: None,
        inode: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_several_versions() {
        let output = br#"{"queue_name": "deferred", "queue_id": "4jXMkR1TwwznJht", "arrival_time": 1795336319, "message_size": 631, "forced_expire": false, "sender": "u@s.test", "recipients": [{"address": "r@d.test", "delay_reason": "refused"}]}
{"queue_name": "hold", "queue_id": "BCD6498C0B1", "arrival_time": 1, "message_size": 2, "sender": "MAILER-DAEMON", "later": {"a": []}, "recipients": [{"address": "a@b", "orig_address": "o@b", "bounce_reason": "gone"}, {"address": "c@b"}]}
{"queue_name": "elsewhere", "queue_id": "A1B2C3D"}
not json
"#;
        let (entries, skipped) = parse(output);
        assert_eq!(skipped, 2);
        assert_eq!(
            entries[0].recipients[0].delay_reason.as_deref(),
            Some("refused")
        );
        assert_eq!(
            (entries[1].queue_name, entries[1].sender.as_str()),
            (QueueName::Hold, "")
        );
        assert_eq!(entries[1].recipients.len(), 1);
    }
}
