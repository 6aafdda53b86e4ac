//! One message into a maildir: tmp/, fsync, link into new/.
//!
//! In: a directory, the lines to put in front and a reader of the message. Out: a durable file, or nothing. It
//! runs with whatever rights its process has; `local.rs` sees to it that those are the recipient's.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// Tells files of one process and one microsecond apart.
static SERIAL: AtomicU64 = AtomicU64::new(0);

/// Delivers; the error says what could not be done, in the words for the log.
pub fn deliver(maildir: &Path, message: &mut impl Read) -> Result<(), String> {
    for part in ["tmp", "cur", "new"] {
        let directory = maildir.join(part);
        make(&directory).map_err(|e| format!("create maildir {}: {e}", directory.display()))?;
    }
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let (seconds, micros) = (now.as_secs(), now.subsec_micros());
    let host = host_name();
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let temporary = maildir.join("tmp").join(format!(
        "{seconds}.P{}Q{serial}M{micros}.{host}",
        std::process::id()
    ));
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .map_err(|e| format!("create maildir file {}: {e}", temporary.display()))?;
    let written = write(file, message).and_then(|(device, inode)| {
        // Device and inode are unique as long as the file exists; the time makes the name unique after that.
        let name = format!("{seconds}.V{device:x}I{inode:x}M{micros}.{host}");
        let new = maildir.join("new");
        // rename(2) would replace a file of that name; link(2) fails.
        std::fs::hard_link(&temporary, new.join(name))?;
        // The queue file is unlinked after this, maybe on another file system: the name must be on the disk first.
        File::open(&new)?.sync_all()
    });
    let _ = std::fs::remove_file(&temporary);
    written.map_err(|e| format!("maildir delivery to {}: {e}", maildir.display()))
}

fn write(file: File, message: &mut impl Read) -> io::Result<(u64, u64)> {
    let mut out = BufWriter::with_capacity(1 << 16, file);
    io::copy(message, &mut out)?;
    out.flush()?;
    let file = out.get_ref();
    file.sync_all()?;
    let meta = file.metadata()?;
    Ok((meta.dev(), meta.ino()))
}

fn make(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
}

/// The host's name for file names: `/` and `:` have a meaning there (maildir(5) writes them as octal).
fn host_name() -> String {
    let uname = rustix::system::uname();
    let name = uname.nodename().to_string_lossy();
    name.replace('/', "\\057").replace(':', "\\072")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_arrives_whole_and_tmp_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        let maildir = dir.path().join("deep/Maildir");
        for _ in 0..2 {
            deliver(&maildir, &mut &b"Subject: x\n\nbody\n"[..]).unwrap();
        }
        let names = |part| {
            std::fs::read_dir(maildir.join(part))
                .unwrap()
                .map(|e| e.unwrap().path())
                .collect::<Vec<_>>()
        };
        assert_eq!(names("new").len(), 2);
        assert!(names("tmp").is_empty());
        assert_eq!(
            std::fs::read(&names("new")[0]).unwrap(),
            b"Subject: x\n\nbody\n"
        );
    }

    #[test]
    fn an_error_names_the_place() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = deliver(&file, &mut &b"x"[..]).unwrap_err();
        assert!(error.contains("file/tmp"), "{error}");
    }

    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("cut"))
        }
    }

    #[test]
    fn a_cut_message_is_not_delivered() {
        let dir = tempfile::tempdir().unwrap();
        assert!(deliver(dir.path(), &mut Broken).is_err());
        for part in ["tmp", "new"] {
            let left = std::fs::read_dir(dir.path().join(part)).unwrap();
            assert_eq!(left.count(), 0, "{part}");
        }
    }
}
