//! What can go wrong with a log, said so that the reader knows what to do: path, reason, remedy.

use super::compressed::Damage;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// A log that could not be opened or read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}{}", path.display(), remedy_suffix(remedy))]
pub struct SourceError {
    /// The file, or `-` for standard input.
    pub path: PathBuf,
    /// Why, in the system's words.
    pub reason: String,
    /// What to do about it; empty when there is nothing sensible to say.
    pub remedy: String,
    /// The kind of the system's error.
    pub kind: io::ErrorKind,
}

impl SourceError {
    /// Makes the error of an I/O failure on `path`, looking up what would help.
    pub fn new(path: &Path, error: &io::Error) -> Self {
        if let Some(damage) = error.get_ref().and_then(|e| e.downcast_ref::<Damage>()) {
            return Self {
                path: path.to_owned(),
                reason: damage.reason.clone(),
                remedy: damage.remedy.replace("FILE", &path.display().to_string()),
                kind: error.kind(),
            };
        }
        let reason = match error.kind() {
            io::ErrorKind::NotFound => "no such file or directory".to_owned(),
            io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            io::ErrorKind::IsADirectory => "is a directory".to_owned(),
            _ => error.to_string(),
        };
        Self {
            path: path.to_owned(),
            reason,
            remedy: remedy(path, error.kind()),
            kind: error.kind(),
        }
    }
}

fn remedy_suffix(remedy: &str) -> String {
    if remedy.is_empty() {
        String::new()
    } else {
        format!(" (try: {remedy})")
    }
}

fn remedy(path: &Path, kind: io::ErrorKind) -> String {
    match kind {
        io::ErrorKind::PermissionDenied => permission_remedy(path),
        io::ErrorKind::NotFound => {
            "check the path; Postfix may log to the journal (journalctl -u postfix) or to \
             maillog_file (postconf maillog_file)"
                .to_owned()
        }
        io::ErrorKind::IsADirectory => "name the log files in it".to_owned(),
        _ => String::new(),
    }
}

/// The group whose members may read the file, or sudo when its group may not read it either.
fn permission_remedy(path: &Path) -> String {
    if let Ok(metadata) = std::fs::metadata(path)
        && metadata.mode() & 0o040 != 0
        && let Some(group) = group_name(metadata.gid())
        && group != "root"
    {
        return format!("sudo usermod -aG {group} $USER, then log in again");
    }
    format!("sudo mailtop, or sudo chmod g+r {}", path.display())
}

/// The group's name from `/etc/group` (group(5)).
fn group_name(gid: u32) -> Option<String> {
    let groups = std::fs::read_to_string("/etc/group").ok()?;
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let id = fields.nth(1)?;
        (id.parse() == Ok(gid)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_path_reason_and_remedy() {
        let path = Path::new("/nonexistent/mail.log");
        let error = SourceError::new(path, &std::fs::File::open(path).unwrap_err());
        let text = error.to_string();
        assert!(
            text.starts_with("/nonexistent/mail.log: no such file or directory (try: "),
            "{text}"
        );
    }

    #[test]
    fn a_denied_file_names_the_group_that_may_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mail.log");
        std::fs::write(&path, "").unwrap();
        let error = SourceError::new(&path, &io::ErrorKind::PermissionDenied.into());
        assert!(error.remedy.contains("usermod -aG") || error.remedy.contains("sudo"));
        assert_eq!(error.reason, "permission denied");
    }
}
