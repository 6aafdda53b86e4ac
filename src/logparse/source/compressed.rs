//! Compressed logs: which format it is, told by the first bytes, and the text inside.
//!
//! In: a byte stream. Out: the decompressed bytes of all members, one behind the other, of whatever format
//! each is; or a [`Damage`] once everything before it was given. Memory is bounded: an archive that asks for
//! more than [`WINDOW_LOG`] or [`XZ_MEMORY`] allow is refused, since whoever writes the file chooses that.

use super::peek::Peek;
use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::MtStreamBuilder;
use std::io::{self, Read};
use std::thread::available_parallelism;

/// Bytes that tell every format: bzip2 needs its block's number to be told from text that begins with BZh.
pub(super) const MAGIC: usize = 10;

/// The largest window of a zstd frame, as a power of two: 128 MiB, which is also where zstd(1) stops unless
/// it is told otherwise (`--long=31`, `--memory`).
const WINDOW_LOG: u32 = 27;

/// The most memory that an xz stream may ask for: `xz -9` takes 65 MiB to decompress.
const XZ_MEMORY: u64 = 160 * 1024 * 1024;

/// Memory for decoding blocks of an xz stream side by side; what does not fit is decoded in one thread.
const XZ_PARALLEL: u64 = 96 * 1024 * 1024;

/// The most bytes asked of a decoder at once. What it made in the call that meets the damage is lost, so
/// that call should be short.
const STEP: usize = 64 * 1024;

/// How a log may be compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 1952.
    Gzip,
    /// The .xz file format, version 1.
    Xz,
    /// RFC 8878.
    Zstd,
    /// bzip2.
    Bzip2,
}

impl Format {
    /// The format of a stream that begins so; `None` for plain text.
    pub(super) fn of(start: &[u8]) -> Option<Self> {
        match start {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            // A frame, or a skippable one, with which pzstd begins.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            // A block, or the end of a stream that holds nothing.
            [b'B', b'Z', b'h', b'1'..=b'9', block @ ..]
                if block.starts_with(&[0x31, 0x41, 0x59, 0x26, 0x53, 0x59])
                    || block.starts_with(&[0x17, 0x72, 0x45, 0x38, 0x50, 0x90]) =>
            {
                Some(Self::Bzip2)
            }
            _ => None,
        }
    }

    /// The name of the format and of its program.
    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
        }
    }
}

/// The program that reads a format that we do not: `None` when the bytes are of none that we know.
pub(super) fn foreign(start: &[u8]) -> Option<(&'static str, &'static str)> {
    match start {
        [0x1f, 0x9d, ..] => Some(("compress (.Z)", "gzip -dc")),
        [0x04, 0x22, 0x4d, 0x18, ..] => Some(("lz4", "lz4 -dc")),
        [b'L', b'Z', b'I', b'P', 1, ..] => Some(("lzip", "lzip -dc")),
        [0x5d, 0, 0, ..] => Some(("lzma (before xz)", "xz -dc")),
        [b'P', b'K', 3, 4, ..] => Some(("zip", "unzip -p")),
        [b'7', b'z', 0xbc, 0xaf, ..] => Some(("7z", "7z x -so")),
        _ => None,
    }
}

/// What is wrong with an archive, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(super) struct Damage {
    pub reason: String,
    pub remedy: String,
}

/// All members of an archive as one stream.
pub(super) struct Members<R: Read> {
    state: State<R>,
    /// Decompressed bytes given so far.
    given: u64,
}

enum State<R: Read> {
    /// Before the first member, or behind one.
    Between(Peek<R>),
    Gzip(GzDecoder<Peek<R>>),
    Xz(XzDecoder<Peek<R>>),
    Zstd(zstd::stream::read::Decoder<'static, Peek<R>>),
    Bzip2(BzDecoder<Peek<R>>),
    /// Nothing more comes.
    Done,
}

impl<R: Read> Members<R> {
    pub(super) fn new(input: Peek<R>) -> Self {
        Self {
            state: State::Between(input),
            given: 0,
        }
    }

    /// Begins the next member; false at the end of the archive.
    fn begin(&mut self, mut input: Peek<R>) -> io::Result<bool> {
        if self.given > 0 {
            // Tapes and some file systems fill up with zeros; gzip(1) and xz(1) pass over them, too.
            input.skip_zeros()?;
        }
        let start = input.peek(MAGIC)?;
        if start.is_empty() {
            return Ok(false);
        }
        self.state = match Format::of(start) {
            Some(Format::Gzip) => State::Gzip(GzDecoder::new(input)),
            Some(Format::Bzip2) => State::Bzip2(BzDecoder::new(input)),
            Some(Format::Xz) => State::Xz(XzDecoder::new_stream(input, xz_stream()?)),
            Some(Format::Zstd) => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?.single_frame();
                decoder.window_log_max(WINDOW_LOG)?;
                State::Zstd(decoder)
            }
            None => return Err(self.trailing()),
        };
        Ok(true)
    }

    fn trailing(&self) -> io::Error {
        let reason = format!(
            "what follows the archive, after {} of log, is no archive",
            bytes(self.given)
        );
        let remedy = "cut it off, or decompress the rest by itself".to_owned();
        io::Error::new(io::ErrorKind::InvalidData, Damage { reason, remedy })
    }
}

impl<R: Read> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let step = buffer.len().min(STEP);
        let buffer = &mut buffer[..step];
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let (format, result) = match &mut self.state {
                State::Done => return Ok(0),
                State::Between(_) => {
                    let State::Between(input) = std::mem::replace(&mut self.state, State::Done)
                    else {
                        return Ok(0);
                    };
                    self.begin(input)?;
                    continue;
                }
                State::Gzip(decoder) => (Format::Gzip, decoder.read(buffer)),
                State::Xz(decoder) => (Format::Xz, decoder.read(buffer)),
                State::Zstd(decoder) => (Format::Zstd, decoder.read(buffer)),
                State::Bzip2(decoder) => (Format::Bzip2, decoder.read(buffer)),
            };
            match result {
                Ok(0) => {
                    self.state = match std::mem::replace(&mut self.state, State::Done) {
                        State::Gzip(decoder) => State::Between(decoder.into_inner()),
                        State::Xz(decoder) => State::Between(decoder.into_inner()),
                        State::Zstd(decoder) => State::Between(decoder.finish()),
                        State::Bzip2(decoder) => State::Between(decoder.into_inner()),
                        other => other,
                    };
                }
                Ok(n) => {
                    self.given += n as u64;
                    return Ok(n);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
                Err(error) => {
                    self.state = State::Done;
                    return Err(damage(format, self.given, &error));
                }
            }
        }
    }
}

/// A decoder of one xz stream; the blocks of a large one side by side.
fn xz_stream() -> io::Result<liblzma::stream::Stream> {
    // Four threads are more than the parser keeps up with.
    let threads = available_parallelism().map_or(1, |n| n.get().min(4));
    Ok(MtStreamBuilder::new()
        .threads(u32::try_from(threads).unwrap_or(1))
        .memlimit_threading(XZ_PARALLEL)
        .memlimit_stop(XZ_MEMORY)
        .decoder()?)
}

/// The decoder's error in words for whoever has the file. Errors of the file below pass as they are.
fn damage(format: Format, given: u64, error: &io::Error) -> io::Error {
    if error.raw_os_error().is_some() {
        return io::Error::from(error.kind());
    }
    let name = format.name();
    let text = error.to_string();
    let greedy = text.contains("too much memory") || text.contains("memory limit");
    let (reason, remedy) =
        if greedy {
            let limit = match format {
                Format::Zstd => 1 << WINDOW_LOG,
                _ => XZ_MEMORY,
            };
            let program = match format {
                Format::Zstd => "zstd -dc --long=31".to_owned(),
                _ => format!("{name} -dc"),
            };
            (
                format!(
                    "decompressing this {name} archive takes more than {} of memory",
                    bytes(limit)
                ),
                format!("{program} FILE | mailtop report -"),
            )
        } else if error.kind() == io::ErrorKind::UnexpectedEof {
            (
            format!("the {name} archive is cut off: it gave {} of log", bytes(given)),
            "copy it again from where it came; if it is being compressed right now, wait for that"
                .to_owned(),
        )
        } else {
            (
                format!(
                    "the {name} archive is damaged after {} of log ({text})",
                    bytes(given)
                ),
                format!("{name} -t FILE, and restore it from a backup"),
            )
        };
    io::Error::new(io::ErrorKind::InvalidData, Damage { reason, remedy })
}

/// A size for people.
fn bytes(n: u64) -> String {
    const STEPS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match STEPS.iter().find(|(size, _)| n >= *size) {
        Some((size, unit)) => format!("{:.1} {unit}", n as f64 / *size as f64),
        None => format!("{n} bytes"),
    }
}

#[cfg(test)]
mod tests;
