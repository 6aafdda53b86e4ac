//! Where a report goes: standard output, or a file that is replaced as a whole.

use anyhow::Context as _;
use std::io::Write as _;
use std::path::Path;

/// Writes to standard output; a reader that has seen enough (`mailtop report | head`) is no error.
pub(super) fn standard(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("standard output"),
    }
}

/// Replaces a file: readers see the former content or the new one, never a part. Its permissions stay;
/// a new one is readable by everyone, since another user's collector or web server reads it.
pub(super) fn file(path: &Path, text: &str) -> anyhow::Result<()> {
    let shown = path.display();
    let metadata = std::fs::metadata(path);
    // A pipe or a terminal (/dev/stderr) cannot be replaced by a file.
    if metadata.as_ref().is_ok_and(|m| !m.is_file() && !m.is_dir()) {
        return std::fs::write(path, text).with_context(|| shown.to_string());
    }
    anyhow::ensure!(
        !metadata.as_ref().is_ok_and(std::fs::Metadata::is_dir),
        "{shown}: is a directory (try: a file in it)"
    );
    // Where the name is a symbolic link, what it points to is replaced, not the link.
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let permissions = metadata.map_or_else(|_| new_file(), |m| m.permissions());
    let mut temporary = tempfile::Builder::new()
        .prefix(".mailtop-")
        .tempfile_in(directory)
        .with_context(|| format!("{shown}: no file can be made in {}", directory.display()))?;
    temporary
        .write_all(text.as_bytes())
        .and_then(|()| temporary.as_file().set_permissions(permissions))
        .and_then(|()| temporary.as_file().sync_all())
        .with_context(|| shown.to_string())?;
    temporary
        .persist(&target)
        .map_err(|error| error.error)
        .with_context(|| shown.to_string())?;
    Ok(())
}

fn new_file() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::Permissions::from_mode(0o644)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    #[test]
    fn a_file_is_replaced_whole_and_keeps_its_permissions() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report.prom");
        file(&path, "one\n").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o644);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let before = std::fs::metadata(&path).unwrap().ino();
        file(&path, "two\n").unwrap();
        let after = std::fs::metadata(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two\n");
        assert_eq!(after.mode() & 0o777, 0o600);
        assert_ne!(after.ino(), before, "it was written in place");
        let left = std::fs::read_dir(directory.path()).unwrap().count();
        assert_eq!(left, 1, "a temporary file was left");
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        file(&link, "three\n").unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "three\n");
    }

    #[test]
    fn what_cannot_be_written_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let error = file(directory.path(), "x").unwrap_err().to_string();
        assert!(error.contains("is a directory"), "{error}");
        let error = file(&directory.path().join("no/such/file"), "x").unwrap_err();
        assert!(format!("{error:#}").contains("no/such/file"), "{error:#}");
    }
}
