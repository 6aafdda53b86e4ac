//! Archives whole, joined, cut, damaged and greedy. What other programs write is tried end to end.

use super::*;
use std::io::Write as _;

const FORMATS: [Format; 4] = [Format::Gzip, Format::Xz, Format::Zstd, Format::Bzip2];

fn text(lines: usize) -> Vec<u8> {
    // Not too regular, so that the archive has many bytes to be cut at.
    let lines = (0..lines).map(|i| format!("{i} {:x} line of a log\n", i * i * 2_654_435_761));
    lines.collect::<Vec<_>>().concat().into_bytes()
}

fn pack(format: Format, text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match format {
        Format::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(&mut out, flate2::Compression::fast());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap();
        }
        Format::Xz => {
            let mut encoder = liblzma::write::XzEncoder::new(&mut out, 1);
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap();
        }
        Format::Zstd => {
            // As zstd(1) does; without it, damage to literals is not seen.
            let mut encoder = zstd::stream::write::Encoder::new(&mut out, 1).unwrap();
            encoder.include_checksum(true).unwrap();
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap();
        }
        Format::Bzip2 => {
            let mut encoder = bzip2::write::BzEncoder::new(&mut out, bzip2::Compression::fast());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap();
        }
    }
    out
}

/// What can be read, and how it ended.
fn unpack(archive: &[u8]) -> (Vec<u8>, Option<Damage>) {
    let mut members = Members::new(Peek::new(archive));
    let mut out = Vec::new();
    let damage = members.read_to_end(&mut out).err().map(|error| {
        let damage = error.get_ref().and_then(|e| e.downcast_ref::<Damage>());
        damage.unwrap_or_else(|| panic!("{error}")).clone()
    });
    assert_eq!(members.read(&mut [0; 10]).unwrap(), 0, "and then nothing");
    (out, damage)
}

#[test]
fn members_of_every_format_are_read_one_behind_the_other() {
    for first in FORMATS {
        let (a, b) = (text(1000), text(7));
        let mut archive = pack(first, &a);
        assert_eq!(Format::of(&archive), Some(first));
        for second in FORMATS {
            archive.extend(pack(second, &b));
        }
        archive.extend([0; 1024]);
        let (read, damage) = unpack(&archive);
        assert_eq!(damage, None, "{first:?}");
        assert_eq!(read, [&a[..], &b, &b, &b, &b].concat(), "{first:?}");
        assert_eq!(
            unpack(&pack(first, b"")),
            (Vec::new(), None),
            "an empty {first:?}"
        );
    }
}

#[test]
fn an_archive_that_is_cut_off_gives_its_beginning() {
    let whole = text(60_000);
    for format in FORMATS {
        let archive = pack(format, &whole);
        let (read, damage) = unpack(&archive[..archive.len() * 9 / 10]);
        assert!(whole.starts_with(&read), "{format:?}");
        assert!(
            read.len() > whole.len() / 2,
            "{format:?}: {} bytes",
            read.len()
        );
        let damage = damage.unwrap_or_else(|| panic!("{format:?}: not noticed"));
        assert!(damage.reason.contains("is cut off"), "{format:?}: {damage}");
        // Wherever it is cut, nothing panics and nothing is made up.
        for cut in (1..archive.len()).step_by(archive.len() / 50) {
            assert!(
                whole.starts_with(&unpack(&archive[..cut]).0),
                "{format:?} at {cut}"
            );
        }
    }
}

#[test]
fn a_damaged_archive_says_so() {
    let whole = text(60_000);
    for format in FORMATS {
        let mut archive = pack(format, &whole);
        let at = archive.len() * 3 / 4;
        for byte in &mut archive[at..at + 64] {
            *byte ^= 0x5a;
        }
        let (read, damage) = unpack(&archive);
        assert!(
            read.len() > whole.len() / 3,
            "{format:?}: {} bytes",
            read.len()
        );
        let damage = damage.unwrap_or_else(|| panic!("{format:?}: not noticed"));
        assert!(
            damage.reason.contains(format.name()),
            "{format:?}: {damage}"
        );
        assert!(
            damage.remedy.contains(" -t "),
            "{format:?}: {}",
            damage.remedy
        );
    }
}

#[test]
fn what_follows_an_archive_is_told_of() {
    let mut archive = pack(Format::Gzip, b"one\n");
    archive.extend(b"two\n");
    let (read, damage) = unpack(&archive);
    assert_eq!(read, b"one\n");
    assert!(damage.unwrap().reason.contains("is no archive"));
}

#[test]
fn an_archive_that_wants_much_memory_is_refused() {
    // The header of a frame whose window descriptor (RFC 8878 section 3.1.1.1.2) asks for 2 GiB.
    let zstd = [0x28, 0xb5, 0x2f, 0xfd, 0x00, (31 - 10) << 3, 1, 0, 0];
    let (read, damage) = unpack(&zstd);
    assert!(read.is_empty());
    let damage = damage.unwrap();
    assert!(damage.reason.contains("128.0 MiB"), "{damage}");
    assert!(damage.remedy.contains("--long=31"), "{}", damage.remedy);
    // A block header (.xz file format, section 3.1) whose LZMA2 filter has a dictionary of 1.5 GiB.
    let mut xz = vec![0xfd, b'7', b'z', b'X', b'Z', 0, 0, 1];
    xz.extend([0x69, 0x22, 0xde, 0x36]);
    let block = [2, 0, 0x21, 1, 37, 0, 0, 0];
    xz.extend(block);
    xz.extend(crc32(&block).to_le_bytes());
    xz.extend([1, 0, 0, b'x', 0]);
    let damage = unpack(&xz).1.unwrap();
    assert!(damage.reason.contains("160.0 MiB"), "{damage}");
}

/// CRC-32 as .xz has it, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[test]
fn text_is_no_archive() {
    for text in [
        &b"Nov 22 08:48:35 mx"[..],
        b"BZh9 is a line",
        b"",
        b"\x1f\x8b",
        b"(\xb5",
    ] {
        assert_eq!(Format::of(text), None, "{text:?}");
    }
}
