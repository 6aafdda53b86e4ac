//! Where in a MIME message a body line stands: in the headers of a part, or in content.
//!
//! Enough of RFC 2046 to know which lines mime_header_checks look at; nothing is decoded.

use super::header::{Header, is_header};

/// More nested multiparts than this are not looked into (`mime_nesting_limit`'s order of size).
const MAX_DEPTH: usize = 100;

/// Follows the boundaries.
#[derive(Debug, Default)]
pub struct Tracker {
    boundaries: Vec<Vec<u8>>,
    in_headers: bool,
    pending: Vec<u8>,
}

/// Where a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It begins a header of a part.
    Header,
    /// It goes on with the header before.
    Folded,
    /// Anything else.
    Body,
}

impl Tracker {
    /// A header of the message itself.
    pub fn primary(&mut self, header: &Header<'_>) {
        if header.name == "content-type" {
            self.open(&header.value());
        }
    }

    /// The next line of the body.
    pub fn line(&mut self, line: &[u8]) -> Place {
        if let Some(rest) = line.strip_prefix(b"--")
            && let Some(level) = self.boundaries.iter().rposition(|b| rest.starts_with(b))
        {
            let closing = rest[self.boundaries[level].len()..].starts_with(b"--");
            self.boundaries.truncate(level + usize::from(!closing));
            self.in_headers = !closing;
            self.pending.clear();
            return Place::Body;
        }
        if !self.in_headers {
            return Place::Body;
        }
        if line.is_empty() {
            self.in_headers = false;
            self.finish();
            return Place::Body;
        }
        if line.first().is_some_and(|b| matches!(b, b' ' | b'\t')) && !self.pending.is_empty() {
            self.pending.push(b'\n');
            self.pending.extend_from_slice(line);
            return Place::Folded;
        }
        self.finish();
        if !is_header(line) {
            self.in_headers = false;
            return Place::Body;
        }
        self.pending = line.to_vec();
        Place::Header
    }

    fn finish(&mut self) {
        let text = std::mem::take(&mut self.pending);
        let header = Header::parse(&text);
        if header.name == "content-type" {
            let value = header.value();
            self.open(&value);
            if value.to_ascii_lowercase().starts_with("message/rfc822") {
                // The enclosed message's headers follow the empty line.
                self.in_headers = true;
            }
        }
    }

    fn open(&mut self, value: &str) {
        let lower = value.to_ascii_lowercase();
        if !lower.starts_with("multipart/") || self.boundaries.len() >= MAX_DEPTH {
            return;
        }
        let Some(at) = lower.find("boundary=") else {
            return;
        };
        let Some(rest) = value.get(at + "boundary=".len()..) else {
            return;
        };
        let boundary = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next().unwrap_or(""),
            None => rest.split([';', ' ', '\t']).next().unwrap_or(""),
        };
        if !boundary.is_empty() {
            self.boundaries.push(boundary.as_bytes().to_vec());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_headers_are_found() {
        let mut tracker = Tracker::default();
        tracker.primary(&Header::parse(
            b"Content-Type: multipart/mixed; boundary=\"xx\"\n",
        ));
        assert_eq!(tracker.line(b"Content-Type: text/plain"), Place::Body);
        tracker.line(b"--xx");
        assert_eq!(tracker.line(b"Content-Type: application/x;"), Place::Header);
        assert_eq!(tracker.line(b"\tname=a.exe"), Place::Folded);
        assert_eq!(tracker.line(b""), Place::Body);
        assert_eq!(tracker.line(b"Content-Type: no"), Place::Body);
        tracker.line(b"--xx--");
        assert_eq!(tracker.line(b"X: y"), Place::Body);
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(lines in proptest::collection::vec("[-a-c:; \t\"]{0,20}", 0..12)) {
            let mut tracker = Tracker::default();
            tracker.primary(&Header::parse(b"Content-Type: multipart/mixed; boundary=a\n"));
            for line in lines {
                let _ = tracker.line(line.as_bytes());
            }
        }
    }
}
