//! The engine's log: Postfix's lines to the letter.
//!
//! In: a service, a session's process number and a text. Out: one line `Nov 22 08:48:35 host
//! postfix/smtpd[331]: text` appended to `maillog_file`. Process numbers are unique among live sessions,
//! because tools pair connect and disconnect by them.

use std::path::PathBuf;
use std::sync::Arc;

/// A handle on the log; cheap to clone, safe from any task.
#[derive(Clone)]
pub struct Maillog {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
}

impl Maillog {
    /// The file lines go to.
    pub fn path(&self) -> &std::path::Path {
        &self.inner.path
    }
}
