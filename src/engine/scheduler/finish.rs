//! The end of an attempt: bounce what failed, remove what is done, put the rest off.
//!
//! Blocking. In: a message of the active queue of which nothing is being delivered. Out: the message is in
//! exactly one other place. Order matters: the sender's notice is durable before the bounce log goes, and the
//! log before the message.

use crate::engine::Site;
use crate::engine::bounce::{self, Notice};
use crate::engine::maillog::Session;
use crate::engine::spool::{LogQueue, Message, Spool, SpoolError};
use crate::queue::QueueName;
use crate::queue::format::Envelope;
use crate::queue::format::envelope::Detail;
use crate::queue::format::writer::set_warn_time;
use std::time::{Duration, SystemTime};

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Whether recipients are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// All delivered or failed: known without looking.
    Nothing,
    /// The file says.
    Look,
}

/// Ends an attempt; errors of the file system are logged and leave the message to a later attempt.
pub(super) fn finish(site: &Site, spool: &Spool, qmgr: &Session, message: &Message, left: Left) {
    if let Err(error) = try_finish(site, spool, qmgr, message, left) {
        qmgr.warning(format_args!("{}: {error}", message.id));
        let next = SystemTime::now() + site.params.minimal_backoff_time;
        if let Err(error) = spool.defer(QueueName::Active, &message.id, next) {
            qmgr.warning(format_args!("{}: {error}", message.id));
        }
    }
}

fn try_finish(
    site: &Site,
    spool: &Spool,
    qmgr: &Session,
    message: &Message,
    left: Left,
) -> Result<(), AnyError> {
    let id = &message.id;
    tell_failures(site, spool, message)?;
    if left == Left::Nothing || nothing_left(message)? {
        return Ok(remove(spool, qmgr, id)?);
    }
    let age = message.arrival().elapsed().unwrap_or_default();
    if age >= lifetime(site, message) {
        return expire(site, spool, qmgr, message);
    }
    warn(site, spool, message)?;
    let params = &site.params;
    let delay = retry_delay(
        age,
        params.minimal_backoff_time,
        params.maximal_backoff_time,
    );
    Ok(spool.defer(QueueName::Active, id, SystemTime::now() + delay)?)
}

/// Tells the sender what the bounce log holds, and empties it.
pub(super) fn tell_failures(site: &Site, spool: &Spool, message: &Message) -> Result<(), AnyError> {
    let failed = spool.read_log(LogQueue::Bounce, &message.id)?;
    if !failed.is_empty() {
        bounce::notify(site, spool, message, &failed, Notice::NonDelivery)?;
        spool.remove_log(LogQueue::Bounce, &message.id)?;
    }
    Ok(())
}

/// Whether the file has no recipient to do.
pub(super) fn nothing_left(message: &Message) -> Result<bool, AnyError> {
    let envelope = Envelope::read(&message.file, Detail::Full)?;
    Ok(envelope.deliverable().is_empty())
}

/// The message's age, within the bounds: young mail is tried soon, old mail seldom.
fn retry_delay(age: Duration, minimal: Duration, maximal: Duration) -> Duration {
    age.min(maximal).max(minimal)
}

/// `bounce_queue_lifetime` for bounces: their senders do not wait for them.
fn lifetime(site: &Site, message: &Message) -> Duration {
    if message.sender().is_empty() {
        site.params.bounce_queue_lifetime
    } else {
        site.params.maximal_queue_lifetime
    }
}

fn expire(site: &Site, spool: &Spool, qmgr: &Session, message: &Message) -> Result<(), AnyError> {
    let id = &message.id;
    let sender = shown_sender(message);
    qmgr.queue(
        id,
        format_args!("from=<{sender}>, status=expired, returned to sender"),
    );
    let deferred = spool.read_log(LogQueue::Defer, id)?;
    bounce::notify(site, spool, message, &deferred, Notice::NonDelivery)?;
    Ok(remove(spool, qmgr, id)?)
}

/// One warning a message, when `delay_warning_time` has passed: the record in the file remembers it.
fn warn(site: &Site, spool: &Spool, message: &Message) -> Result<(), AnyError> {
    let Some((when, offset)) = message.envelope.warn_time else {
        return Ok(());
    };
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    if when <= 0 || i64::try_from(now).unwrap_or(i64::MAX) < when {
        return Ok(());
    }
    let deferred = spool.read_log(LogQueue::Defer, &message.id)?;
    bounce::notify(site, spool, message, &deferred, Notice::Delay)?;
    set_warn_time(&message.file, offset, 0)?;
    Ok(())
}

fn remove(spool: &Spool, qmgr: &Session, id: &str) -> Result<(), SpoolError> {
    spool.remove(QueueName::Active, id)?;
    qmgr.queue(id, format_args!("removed"));
    Ok(())
}

/// The sender as the queue manager logs it.
pub(super) fn shown_sender(message: &Message) -> String {
    match message.envelope.sender.as_deref() {
        None | Some([]) => String::new(),
        Some(sender) => crate::queue::format::address::quote(sender),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_is_the_age_within_bounds() {
        let seconds = Duration::from_secs;
        for (age, delay) in [
            (0, 300),
            (299, 300),
            (1000, 1000),
            (4000, 4000),
            (9999, 4000),
        ] {
            assert_eq!(
                retry_delay(seconds(age), seconds(300), seconds(4000)),
                seconds(delay)
            );
        }
    }
}
