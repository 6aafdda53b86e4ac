//! What any daemon may say, because the library under it says it: tables, name lookups, defaults, traces.

use super::super::text::has;

/// How remarks begin that any daemon may write (util/dict*.c, util/inet*.c, dns/*.c, global/*.c, milter/*.c).
const STARTS: &[&[u8]] = &[
    b"using backwards-compatible default setting ",
    b"using using backwards-compatible default setting ",
    b"rewrite stream disconnect",
    b"skipping address family ",
    b"ignoring DNS RR: ",
    b"running: ",
    b"redirecting ",
    b"mapping DSN status ",
    b"Run-time linked against Berkeley DB: ",
    b"close database ",
    b"reply filter in: ",
    b"reply filter out: ",
    b"passing <",
    b"lost connection to EGD server ",
    b"TLS support is not compiled in -- exiting",
];

/// Words inside remarks whose beginning varies.
const INSIDE: &[&[u8]] = &[
    b" has changed -- restarting",
    b" has changed - finishing in the background",
    b": worked around spurious NFS error",
    b": using backwards-compatible default setting ",
    b" map lookup problem -- message not accepted, try again later",
    b": using size limit ",
    b": pausing after MDB_READERS_FULL",
];

/// Whether a text is a remark that carries nothing to count.
pub fn is_remark(text: &[u8]) -> bool {
    STARTS.iter().any(|start| text.starts_with(start))
        || INSIDE.iter().any(|words| has(text, words))
        || (text.starts_with(b"cache ") && has(text, b" cleanup: retained="))
}

/// Whether a text is a step of a dialogue, logged for debug_peer_list or `-v`.
pub fn is_trace(text: &[u8]) -> bool {
    text.starts_with(b"> ") || text.starts_with(b"< ")
}
