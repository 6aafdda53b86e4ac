//! Postfix's queue files and what lies beside them: reading, writing, naming.
//!
//! | file | what |
//! | --- | --- |
//! | [`record`] | the record codec and a [`record::Scanner`] over a file, pointer jumps included |
//! | [`id`] | queue ids, short and long |
//! | [`layout`] | which directory an id lies in (`hash_queue_names`, `hash_queue_depth`) |
//! | [`envelope`] | sender, recipients, times and attributes of a queue file |
//! | [`content`] | the message itself |
//! | [`writer`] | a complete queue file, as cleanup(8) makes it |
//! | [`log`] | the defer, bounce and trace logs |
//! | [`address`] | the quoting that the logs and showq use for addresses |
//!
//! In: bytes that anybody may have written (`maildrop` files are made by users). Out: what they say, or a
//! [`FormatError`] with the offset. Nothing here knows which queue a file is in, or who asks; it panics on
//! no input and its work is bounded by the file's length.

pub mod address;
pub mod content;
pub mod envelope;
pub mod id;
pub mod layout;
pub mod log;
pub mod record;
pub mod writer;

pub use envelope::Envelope;
pub use id::QueueId;
pub use record::{ReadAt, Record, Scanner};
pub use writer::QueueFileWriter;

/// Why a queue file could not be understood. The caller adds which file it was.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// The file ends inside a record.
    #[error("file ends inside the record at offset {offset}")]
    Truncated {
        /// Where the record starts.
        offset: u64,
    },
    /// A length of more than four 7-bit groups (Postfix refuses it too) or above the reader's bound.
    #[error("record at offset {offset} is too long")]
    TooLong {
        /// Where the record starts.
        offset: u64,
    },
    /// A pointer record that is no number, or jumps that never end.
    #[error("bad pointer record at offset {offset}")]
    BadPointer {
        /// Where the record starts.
        offset: u64,
    },
    /// A record type that does not belong where it stands.
    #[error("unexpected record type {kind:?} at offset {offset}")]
    Unexpected {
        /// The type byte, as a character.
        kind: char,
        /// Where the record starts.
        offset: u64,
    },
    /// The size record is malformed or points outside the file.
    #[error("bad size record")]
    BadSize,
    /// The file does not end with an end record: it is not a complete message.
    #[error("no end record: the message is not complete")]
    Incomplete,
    /// The file could not be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
