//! Is it still the message that the user saw?
//!
//! In: entries as they were shown. Out: for each whether it is still there, gone, or another message now:
//! short ids are used again, and mail moves on. The queue files are asked where they may be read, else the
//! list is read again, once for all.

use super::format::QueueId;
use super::format::layout::Layout;
use super::list::{self, Reasons};
use super::{Entry, QueueName, walk};
use crate::attach::Server;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The queues in which a message can be looked for, the likeliest for a waiting one first.
const QUEUES: [QueueName; 6] = [
    QueueName::Deferred,
    QueueName::Hold,
    QueueName::Active,
    QueueName::Incoming,
    QueueName::Maildrop,
    QueueName::Corrupt,
];

/// What became of a message since it was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sight {
    /// It is still this message, as it lies now.
    Same(Entry),
    /// No message has this id.
    Missing,
    /// Another message has this id; the text says what differs.
    Changed(String),
    /// It could not be looked at.
    Unknown(String),
}

/// Looks at each message again.
pub(super) fn look(server: &Server, entries: &[Entry]) -> Vec<Sight> {
    let Some(dir) = server.queue_dir.as_deref() else {
        return look_in_list(server, entries);
    };
    if std::fs::read_dir(dir.join(QueueName::Deferred.as_str())).is_err() {
        return look_in_list(server, entries);
    }
    entries
        .iter()
        .map(
            |entry| match valid(entry).and_then(|id| find(dir, id, Some(entry.queue_name))) {
                Ok(Some(now)) => compare(entry, now),
                Ok(None) => Sight::Missing,
                Err(error) => Sight::Unknown(error.to_string()),
            },
        )
        .collect()
}

/// The id, when it is one: nothing else becomes a path.
fn valid(entry: &Entry) -> std::io::Result<&str> {
    if QueueId::is_valid(&entry.queue_id) {
        return Ok(&entry.queue_id);
    }
    Err(std::io::Error::new(
        std::io::ErrorKind::InvalidInput,
        "not a queue id",
    ))
}

/// The message with this id as it lies now, looked for in `likely` first. The id must be valid.
pub(super) fn find(
    dir: &Path,
    id: &str,
    likely: Option<QueueName>,
) -> std::io::Result<Option<Entry>> {
    // Twice: a message can move from a queue not yet looked at into one already passed.
    for _ in 0..2 {
        for (queue, path) in places(dir, id, likely) {
            if let Some(entry) = walk::entry_at(&path, queue)? {
                return Ok(Some(entry));
            }
        }
    }
    Ok(None)
}

/// Every path at which a message may lie. Whether and how deep queues are hashed is in main.cf, but looking
/// at a few paths costs less than reading it, and is right while an administrator changes it.
pub(super) fn places(dir: &Path, id: &str, likely: Option<QueueName>) -> Vec<(QueueName, PathBuf)> {
    let layouts = [1, 0, 2, 3].map(|depth| Layout {
        hashed: if depth == 0 {
            Vec::new()
        } else {
            QUEUES.iter().map(|q| q.as_str().to_owned()).collect()
        },
        depth,
    });
    let others = QUEUES.into_iter().filter(|queue| Some(*queue) != likely);
    likely
        .into_iter()
        .chain(others)
        .flat_map(|queue| {
            layouts
                .iter()
                .map(move |layout| (queue, layout.path(dir, queue.as_str(), id)))
        })
        .collect()
}

fn look_in_list(server: &Server, entries: &[Entry]) -> Vec<Sight> {
    let listing = match list::read(server, Reasons::No) {
        Ok(listing) => listing,
        Err(error) => return vec![Sight::Unknown(error.to_string()); entries.len()],
    };
    let now: HashMap<&str, &Entry> = listing
        .entries
        .iter()
        .map(|entry| (entry.queue_id.as_str(), entry))
        .collect();
    entries
        .iter()
        .map(|entry| match now.get(entry.queue_id.as_str()) {
            Some(now) => compare(entry, (*now).clone()),
            None => Sight::Missing,
        })
        .collect()
}

/// Arrival, sender and, where both are known, the inode must be the same.
fn compare(seen: &Entry, now: Entry) -> Sight {
    let differs = if seen.arrival_time != now.arrival_time {
        "it arrived at another time"
    } else if seen.sender != now.sender {
        "it has another sender"
    } else if matches!((seen.inode, now.inode), (Some(a), Some(b)) if a != b) {
        "it is another file"
    } else {
        return Sight::Same(now);
    };
    Sight::Changed(format!("the id belongs to another message now: {differs}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            queue_name: QueueName::Deferred,
            queue_id: "A1B2C3D".into(),
            arrival_time: 5,
            message_size: 1,
            forced_expire: false,
            sender: "a@b".into(),
            recipients: Vec::new(),
            next_try: None,
            inode: Some(7),
        }
    }

    #[test]
    fn arrival_sender_and_inode_make_a_message() {
        let moved = Entry {
            queue_name: QueueName::Hold,
            ..entry()
        };
        assert_eq!(compare(&entry(), moved.clone()), Sight::Same(moved));
        let no_inode = Entry {
            inode: None,
            ..entry()
        };
        assert!(matches!(compare(&entry(), no_inode), Sight::Same(_)));
        for other in [
            Entry {
                arrival_time: 6,
                ..entry()
            },
            Entry {
                sender: String::new(),
                ..entry()
            },
            Entry {
                inode: Some(8),
                ..entry()
            },
        ] {
            assert!(matches!(compare(&entry(), other), Sight::Changed(_)));
        }
    }

    #[test]
    fn flat_and_hashed_places_are_looked_at() {
        let paths: Vec<_> = places(Path::new("/q"), "A1B2C3D", Some(QueueName::Hold))
            .into_iter()
            .map(|(_, path)| path)
            .collect();
        assert_eq!(paths[0], Path::new("/q/hold/A/A1B2C3D"));
        assert!(paths.contains(&"/q/hold/A1B2C3D".into()));
        assert!(paths.contains(&"/q/deferred/A/1/B/A1B2C3D".into()));
    }
}
