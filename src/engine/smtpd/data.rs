//! Message content on the wire: lines, dots, and where it ends.
//!
//! In: bytes in any portions. Out: records (lines without their ends, long lines in pieces) and the end of
//! data. Only `<CR><LF>.<CR><LF>` ends a message (RFC 5321 section 4.1.1.4) unless the site says
//! `smtpd_forbid_bare_newline = no`: a peer that sees an end where we see none could smuggle a message past us.

/// What a line feed without its carriage return may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BareNewline {
    /// It ends a line, never the message.
    Normalize,
    /// The message is refused.
    Reject,
    /// It is as good as CR LF, also around the final dot.
    Allow,
}

/// A line of content, or a piece of a long one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The bytes without the line end.
    pub bytes: Vec<u8>,
    /// Whether the line ends here.
    pub ends: bool,
}

/// Takes content apart.
#[derive(Debug)]
pub struct Decoder {
    mode: BareNewline,
    /// Most bytes of one record (`line_length_limit`).
    limit: usize,
    line: Vec<u8>,
    /// The current record continues a line.
    inside: bool,
    /// The line before ended with CR LF; so did the DATA command's.
    after_crlf: bool,
    bare_newline: bool,
}

impl Decoder {
    /// A decoder for one message.
    pub fn new(mode: BareNewline, limit: usize) -> Self {
        Self {
            mode,
            limit: limit.max(1),
            line: Vec::new(),
            inside: false,
            after_crlf: true,
            bare_newline: false,
        }
    }

    /// Whether a line feed without its carriage return was seen.
    pub fn saw_bare_newline(&self) -> bool {
        self.bare_newline
    }

    /// Takes bytes in; gives how many were used, and whether the end of data was the last of them.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Record>) -> (usize, bool) {
        let mut used = 0;
        while used < bytes.len() {
            let rest = &bytes[used..];
            let newline = memchr::memchr(b'\n', rest);
            // A CR at the edge waits for its LF, so that a line of just the limit stays in one piece.
            let room = (self.limit + 2).saturating_sub(self.line.len());
            let take = newline.unwrap_or(rest.len()).min(room);
            self.line.extend_from_slice(&rest[..take]);
            used += take;
            if newline == Some(take) {
                used += 1;
                if self.end_line(out) {
                    return (used, true);
                }
            } else if self.line.len() != self.limit + 1 || self.line.last() != Some(&b'\r') {
                self.split(out);
            }
        }
        (used, false)
    }

    /// A line feed was met; `true` when it ends the message.
    fn end_line(&mut self, out: &mut Vec<Record>) -> bool {
        let crlf = self.line.last() == Some(&b'\r');
        self.bare_newline |= !crlf;
        let standard = crlf && self.after_crlf && self.line == b".\r";
        if crlf {
            self.line.pop();
        }
        self.split(out);
        let mut line = std::mem::take(&mut self.line);
        while line.last() == Some(&b'\r') {
            line.pop();
        }
        if !self.inside && line == b"." && (standard || self.mode == BareNewline::Allow) {
            return true;
        }
        self.after_crlf = crlf;
        self.emit(line, true, out);
        false
    }

    /// Emits what is longer than a record.
    fn split(&mut self, out: &mut Vec<Record>) {
        while self.line.len() > self.limit {
            let kept = self.line.split_off(self.limit);
            let piece = std::mem::replace(&mut self.line, kept);
            self.emit(piece, false, out);
        }
    }

    fn emit(&mut self, mut bytes: Vec<u8>, ends: bool, out: &mut Vec<Record>) {
        if !self.inside && bytes.first() == Some(&b'.') {
            bytes.remove(0);
        }
        // A carriage return inside a line could become a line end elsewhere (cleanup_replace_stray_cr_lf).
        for byte in &mut bytes {
            if *byte == b'\r' {
                *byte = b' ';
            }
        }
        self.inside = !ends;
        out.push(Record { bytes, ends });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(mode: BareNewline, chunks: &[&[u8]]) -> (String, bool) {
        let mut decoder = Decoder::new(mode, 2048);
        let mut out = Vec::new();
        let mut ended = false;
        for chunk in chunks {
            if !ended {
                ended = decoder.push(chunk, &mut out).1;
            }
        }
        let mut text = Vec::new();
        for record in out {
            text.extend_from_slice(&record.bytes);
            if record.ends {
                text.push(b'\n');
            }
        }
        (String::from_utf8_lossy(&text).into_owned(), ended)
    }

    #[test]
    fn dots_across_reads() {
        let (text, ended) = decode(
            BareNewline::Normalize,
            &[b"a\r", b"\n.", b".b\r\n", b".", b"\r", b"\nREST"],
        );
        assert_eq!((text.as_str(), ended), ("a\n.b\n", true));
    }

    #[test]
    fn only_the_standard_end_ends() {
        for smuggled in [
            "a\n.\nb",
            "a\n.\r\nb",
            "a\r\n.\nb",
            "a\r\n.\r\r\nb",
            "a\r.\r\nb",
            "a\r\n.\rb\r\n",
        ] {
            let (_, ended) = decode(BareNewline::Normalize, &[smuggled.as_bytes()]);
            assert!(!ended, "{smuggled:?}");
        }
        assert!(decode(BareNewline::Normalize, &[b".\r\n"]).1);
        assert!(decode(BareNewline::Allow, &[b"a\n.\n"]).1);
    }

    #[test]
    fn long_lines_come_in_pieces() {
        let mut decoder = Decoder::new(BareNewline::Normalize, 4);
        let mut out = Vec::new();
        decoder.push(b"abcdefgh\r\n..\r\nabcd\r\n.\r\n", &mut out);
        let shapes: Vec<_> = out
            .iter()
            .map(|r| (String::from_utf8_lossy(&r.bytes).into_owned(), r.ends))
            .collect();
        assert_eq!(
            shapes,
            [
                ("abcd".into(), false),
                ("efgh".into(), true),
                (".".into(), true),
                ("abcd".into(), true)
            ]
        );
    }

    proptest::proptest! {
        #[test]
        fn portions_do_not_matter(
            bytes in proptest::collection::vec(proptest::sample::select(b"a.\r\n".to_vec()), 0..60),
            cut in 1usize..7,
        ) {
            for mode in [BareNewline::Normalize, BareNewline::Allow] {
                let whole = {
                    let mut decoder = Decoder::new(mode, 5);
                    let mut out = Vec::new();
                    let end = decoder.push(&bytes, &mut out);
                    (out, end)
                };
                let mut decoder = Decoder::new(mode, 5);
                let mut out = Vec::new();
                let mut used = 0;
                let mut ended = false;
                for chunk in bytes.chunks(cut) {
                    let (count, end) = decoder.push(chunk, &mut out);
                    used += count;
                    ended = end;
                    if end { break; }
                }
                proptest::prop_assert_eq!((out, (used, ended)), whole);
            }
        }
    }
}
