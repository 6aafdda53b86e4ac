//! Whether a file can be read, and what to do when not.
//!
//! In: a path. Out: nothing, or an error with the remedy: the group to join, when one would help.

use super::{AttachError, Environment};
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Opens the file for reading and closes it again.
pub(super) fn readable(path: &Path, host: &Environment) -> Result<(), AttachError> {
    // Without O_NONBLOCK the open of a FIFO waits for its writer, perhaps for ever.
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(nonblock)
        .open(path);
    let unusable = |reason: String, remedy: &str| AttachError::Unusable {
        path: path.to_owned(),
        reason,
        remedy: remedy.to_owned(),
    };
    match opened.and_then(|file| file.metadata()) {
        Ok(meta) if meta.is_dir() => {
            Err(unusable("is a directory".to_owned(), "name the file in it"))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(AttachError::Denied {
            path: path.to_owned(),
            remedy: remedy(path, &host.user),
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(unusable(
            "no such file or directory".to_owned(),
            "check the name, or start mailtop without it to look for the mail server",
        )),
        Err(error) => Err(unusable(error.to_string(), "see the reason above")),
    }
}

/// What would let this user read the path: the group of the first part of it that is closed to others.
fn remedy(path: &Path, user: &str) -> String {
    let group = std::fs::metadata(path)
        .ok()
        // Group 0 is root's own: joining it is no remedy.
        .filter(|meta| meta.mode() & 0o040 != 0 && meta.gid() != 0)
        .and_then(|meta| group_name(meta.gid()));
    match group {
        Some(group) => format!("sudo usermod -aG {group} {user}, then log in again"),
        None => "sudo mailtop, or ask the administrator for read access".to_owned(),
    }
}

/// The name of a group, from group(5); the number when the file does not know it.
fn group_name(gid: u32) -> Option<String> {
    let text = std::fs::read_to_string("/etc/group").ok()?;
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse::<u32>().ok()? == gid).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_of_a_closed_file_is_the_remedy() {
        assert_eq!(group_name(0).as_deref(), Some("root"));
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("mail.log");
        std::fs::write(&file, "").unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        assert!(remedy(&file, "me").contains("sudo"));
    }
}
