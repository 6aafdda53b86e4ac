//! A new engine directory: etc/, spool/, log/, data/.
//!
//! In: a directory and the address to listen on. Out: the configuration directory. What exists is never
//! overwritten, so calling it again is harmless. It starts nothing.

use super::EngineError;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The directories of a Postfix queue with the modes they have there (postfix-files), less what only makes
/// sense with several users: here one user owns all.
pub const QUEUE_DIRECTORIES: [(&str, u32); 14] = [
    ("active", 0o700),
    ("bounce", 0o700),
    ("corrupt", 0o700),
    ("defer", 0o700),
    ("deferred", 0o700),
    ("flush", 0o700),
    ("hold", 0o700),
    ("incoming", 0o700),
    ("maildrop", 0o730),
    ("pid", 0o755),
    ("private", 0o700),
    ("public", 0o710),
    ("saved", 0o700),
    ("trace", 0o700),
];

/// Makes what an engine needs under `dir` and returns the configuration directory `dir/etc`.
///
/// main.cf and master.cf are written only when they do not exist; an interrupted call leaves no half file.
pub fn create(dir: &Path, listen: SocketAddr) -> Result<PathBuf, EngineError> {
    std::fs::create_dir_all(dir).map_err(|e| EngineError::at(dir, e))?;
    let dir = std::fs::canonicalize(dir).map_err(|e| EngineError::at(dir, e))?;
    for name in ["etc", "log"] {
        make_dir(&dir.join(name), 0o755)?;
    }
    make_dir(&dir.join("data"), 0o700)?;
    // As root, each user's maildir is made with that user's rights: a directory like /tmp, as /var/mail is.
    let mode = if super::privilege::is_root() {
        0o1777
    } else {
        0o700
    };
    let mail = dir.join("mail");
    make_dir(&mail, mode)?;
    // The umask must not narrow it.
    std::fs::set_permissions(&mail, std::os::unix::fs::PermissionsExt::from_mode(mode))
        .map_err(|e| EngineError::at(&mail, e))?;
    queue_directories(&dir.join("spool"))?;
    let etc = dir.join("etc");
    write_new(&etc.join("main.cf"), &main_cf(&dir))?;
    write_new(&etc.join("master.cf"), &master_cf(listen))?;
    Ok(etc)
}

/// Makes the directories of a queue where they are missing.
pub fn queue_directories(queue: &Path) -> Result<(), EngineError> {
    make_dir(queue, 0o755)?;
    for (name, mode) in QUEUE_DIRECTORIES {
        make_dir(&queue.join(name), mode)?;
    }
    Ok(())
}

fn make_dir(path: &Path, mode: u32) -> Result<(), EngineError> {
    match DirBuilder::new().mode(mode).create(path) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(e) => Err(EngineError::at(path, e)),
    }
}

fn write_new(path: &Path, text: &str) -> Result<(), EngineError> {
    if path.exists() {
        return Ok(());
    }
    let part = path.with_extension("cf.new");
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o644)
            .open(&part)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        // link(2) and not rename(2): another call may have written the file meanwhile, and theirs counts.
        match std::fs::hard_link(&part, path) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
            _ => std::fs::remove_file(&part),
        }
    };
    write().map_err(|e| EngineError::at(path, e))
}

fn main_cf(dir: &Path) -> String {
    let host = host_name();
    let dir = dir.display();
    format!(
        "# main.cf of a mailtop engine. The syntax and the parameters are Postfix's: see postconf(5).
# After a change: mailtop engine reload --config-dir {dir}/etc
compatibility_level = 3.6

# Where things are.
queue_directory = {dir}/spool
data_directory = {dir}/data
maillog_file = {dir}/log/mail.log
maillog_file_prefixes = {dir}/log

# Who we are, and whose mail is delivered here.
myhostname = {host}
mydomain = localdomain
myorigin = $myhostname
mydestination = $myhostname, localhost.$mydomain, localhost
inet_interfaces = loopback-only

# Who may send mail to other domains through us.
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination

# Where other domains' mail goes: their MX hosts, or one host for everything, [host]:port.
relayhost =

# Local mail: one file a message in a directory per user here, so that nothing touches home directories.
# With \"home_mailbox = Maildir/\" it goes to ~/Maildir; without root, only for the user who runs the engine.
mail_spool_directory = {dir}/mail/
recipient_delimiter = +
alias_maps =
alias_database =
biff = no
"
    )
}

fn master_cf(listen: SocketAddr) -> String {
    format!(
        "# master.cf of a mailtop engine: see master(5).
# service  type  private unpriv chroot wakeup maxproc command
{listen}  inet  n       -      n      -      -       smtpd
smtp       unix  -       -      n      -      -       smtp
local      unix  -       n      n      -      -       local
error      unix  -       -      n      -      -       error
discard    unix  -       -      n      -      -       discard
"
    )
}

/// The host's own name, made fully qualified; what is no host name (a hostile uname) is not used.
fn host_name() -> String {
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .to_ascii_lowercase();
    let valid = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
        && !name.starts_with(['.', '-']);
    match valid {
        true if name.contains('.') => name,
        true => format!("{name}.localdomain"),
        false => "localhost.localdomain".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creates_once_and_keeps_what_is_there() {
        let tmp = tempfile::tempdir().unwrap();
        let dir = tmp.path().join("engine");
        let listen = "127.0.0.1:2525".parse().unwrap();
        let etc = create(&dir, listen).unwrap();
        let main = std::fs::read_to_string(etc.join("main.cf")).unwrap();
        assert!(main.contains("mail_spool_directory = "));
        assert!(
            std::fs::read_to_string(etc.join("master.cf"))
                .unwrap()
                .contains("\n127.0.0.1:2525  inet  n")
        );
        std::fs::write(etc.join("main.cf"), "mine").unwrap();
        std::fs::write(dir.join("spool/incoming/x"), "mail").unwrap();
        assert_eq!(create(&dir, listen).unwrap(), etc);
        assert_eq!(
            std::fs::read_to_string(etc.join("main.cf")).unwrap(),
            "mine"
        );
        assert!(dir.join("spool/incoming/x").exists());
        assert!(dir.join("spool/public").is_dir());
    }

    #[test]
    fn an_error_names_the_path() {
        let tmp = tempfile::tempdir().unwrap();
        let file = tmp.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = create(&file, "127.0.0.1:2525".parse().unwrap()).unwrap_err();
        assert!(error.to_string().contains("file"), "{error}");
    }
}
