//! What this version's agents do not do, said where the configuration asks for it.

use crate::engine::config::{Params, Wire};

/// Programs of master.cf that an agent of ours stands for.
const PROVIDED: [&str; 4] = ["smtp", "local", "error", "discard"];

/// Postfix's own services that the engine does in one process, and needs no line for.
const INTERNAL: [&str; 18] = [
    "pickup",
    "cleanup",
    "qmgr",
    "oqmgr",
    "tlsmgr",
    "trivial-rewrite",
    "bounce",
    "verify",
    "flush",
    "proxymap",
    "showq",
    "anvil",
    "scache",
    "postlogd",
    "smtpd",
    "postscreen",
    "dnsblog",
    "tlsproxy",
];

/// Lines for `check` and `status`.
pub fn notes(params: &Params) -> Vec<String> {
    let mut notes = Vec::new();
    for service in params.services.iter().filter(|s| s.wire == Wire::Unix) {
        let program = service.program.as_str();
        if !PROVIDED.contains(&program) && !INTERNAL.contains(&program) {
            notes.push(format!(
                "warning: master.cf, line {}: transport {} ({program}) is not provided by this version: mail for it \
                 is deferred (mail transport unavailable)",
                service.line, service.name
            ));
        }
    }
    let mailbox = if params.home_mailbox.is_empty() {
        &params.mail_spool_directory
    } else {
        &params.home_mailbox
    };
    if params.mailbox_command.is_empty() && !mailbox.ends_with('/') {
        notes.push(
            "warning: mailbox files are not supported by this version: local mail is deferred until home_mailbox or \
             mail_spool_directory ends with a slash (maildir)"
                .into(),
        );
    }
    notes.push(
        "note: this version reads no .forward files, and defers mail for aliases that are commands, files or \
         include lists"
            .into(),
    );
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_mailbox_file_and_a_foreign_transport_are_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("main.cf"), "home_mailbox = Mailbox\n").unwrap();
        let master =
            "smtp unix - - n - - smtp\nqmgr unix n - n 300 1 qmgr\nmd unix - n n - - pipe\n";
        std::fs::write(dir.path().join("master.cf"), master).unwrap();
        let (params, _) = Params::load(dir.path()).unwrap();
        let notes = notes(&params).join("\n");
        assert!(notes.contains("line 3: transport md (pipe)"), "{notes}");
        assert!(notes.contains("mailbox files"), "{notes}");
        assert!(!notes.contains("qmgr"), "{notes}");
    }

    #[test]
    fn the_default_setup_has_no_warning() {
        let text = "mail_spool_directory = /x/mail/\n";
        let params = Params::from_text(text, Path::new("/nonexistent"));
        assert!(notes(&params).iter().all(|n| n.starts_with("note:")));
    }
}
