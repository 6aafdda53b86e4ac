//! Whose rights a thing is done with.
//!
//! In: a login name. Out: the account, or whether we are root. Without root everything is done as the user
//! who started the engine; as root, deliveries are done by a child process with the recipient's rights.

use std::path::PathBuf;
use std::process::Command;

/// A line of passwd(5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Login name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Home directory.
    pub home: PathBuf,
    /// Login shell.
    pub shell: String,
}

/// Whether this process has all rights.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// What an administrator must know of this version's use of rights, for `check` and `status`.
pub fn notes() -> Vec<String> {
    if is_root() {
        vec![
            "note: the engine runs as root and does not give up its rights in this version; deliveries to mailboxes \
             and commands run with the recipient's rights, never as root"
                .into(),
        ]
    } else {
        vec![
            "note: the engine runs without root: mail in home directories is delivered for the user who runs it only"
                .into(),
        ]
    }
}

/// The account of the user who runs this process; `None` when passwd(5) does not know the number.
pub fn own_account() -> Option<Account> {
    let uid = rustix::process::geteuid().as_raw().to_string();
    find(|line| line.split(':').nth(2) == Some(&uid))
        .or_else(|| getent(&uid))
        .filter(|account| account.uid.to_string() == uid)
}

/// The account of a login name.
pub fn account(name: &str) -> Option<Account> {
    if name.is_empty() || name.contains([':', '\n', '/']) || name.starts_with('-') {
        return None;
    }
    // getent takes a number for a user id: a mailbox named `0` is not root.
    find(|line| line.split(':').next() == Some(name))
        .or_else(|| getent(name))
        .filter(|account| account.name == name)
}

fn find(wanted: impl Fn(&str) -> bool) -> Option<Account> {
    let text = std::fs::read("/etc/passwd").ok()?;
    let text = String::from_utf8_lossy(&text);
    text.lines().find(|line| wanted(line)).and_then(parse)
}

/// Accounts that are not in the file (LDAP, sssd): the C library's name service is asked through its own tool,
/// because calling it needs unsafe code.
fn getent(key: &str) -> Option<Account> {
    let output = Command::new("getent")
        .arg("passwd")
        .arg(key)
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().next().and_then(parse)
}

fn parse(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    let home = PathBuf::from(fields.nth(1)?);
    let shell = fields.next().unwrap_or_default().to_owned();
    Some(Account {
        name,
        uid,
        gid,
        home,
        shell,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_known_and_nonsense_is_not() {
        let root = account("root").unwrap();
        assert_eq!((root.uid, root.gid), (0, 0));
        for name in ["", "0", "no such user", "root:x", "-h", "../root"] {
            assert_eq!(account(name), None, "{name}");
        }
    }

    #[test]
    fn a_line_is_taken_apart() {
        let line = "bob:x:1001:1002:Bob,,,:/home/bob:/bin/sh";
        let account = parse(line).unwrap();
        assert_eq!((account.uid, account.gid), (1001, 1002));
        assert_eq!(account.home, PathBuf::from("/home/bob"));
        assert_eq!(account.shell, "/bin/sh");
        assert_eq!(parse("bob:x:many:1"), None);
    }
}
