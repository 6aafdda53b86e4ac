//! One logical header: its name, its value, its lines.

/// A header with its continuation lines.
#[derive(Debug, Clone)]
pub struct Header<'a> {
    /// The name in lower case.
    pub name: String,
    text: &'a [u8],
}

impl<'a> Header<'a> {
    /// From the lines, each ended by a line feed.
    pub fn parse(text: &'a [u8]) -> Self {
        let end = memchr::memchr(b':', text).unwrap_or(0);
        let name = String::from_utf8_lossy(&text[..end])
            .trim()
            .to_ascii_lowercase();
        Self {
            name,
            text: text.strip_suffix(b"\n").unwrap_or(text),
        }
    }

    /// The text behind the colon, lines joined.
    pub fn value(&self) -> String {
        let start = memchr::memchr(b':', self.text).map_or(0, |at| at + 1);
        String::from_utf8_lossy(&self.text[start..])
            .replace('\n', "")
            .trim()
            .to_owned()
    }

    /// The whole header as checks see it: lines separated by line feeds.
    pub fn whole(&self) -> String {
        String::from_utf8_lossy(self.text).into_owned()
    }

    /// The whole header as the log shows it: in one line.
    pub fn shown(&self) -> String {
        self.whole().replace('\n', "?")
    }

    /// The lines, without their ends.
    pub fn lines(&self) -> impl Iterator<Item = &'a [u8]> {
        self.text.split(|byte| *byte == b'\n')
    }

    /// Whether mime_header_checks and not header_checks look at it.
    pub fn is_mime(&self) -> bool {
        self.name == "mime-version" || self.name.starts_with("content-")
    }
}

/// Whether a line begins a header: a name of printable characters, blanks, a colon (is_header).
pub fn is_header(line: &[u8]) -> bool {
    let name = line
        .iter()
        .take_while(|byte| (33..127).contains(*byte) && **byte != b':')
        .count();
    let rest = &line[name..];
    let blanks = rest
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    name > 0 && rest.get(blanks) == Some(&b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_told_from_text() {
        assert!(is_header(b"Subject: x"));
        assert!(is_header(b"X-A : y"));
        for text in ["no colon", ": x", "", "two words: x", "\tx: y"] {
            assert!(!is_header(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn parts() {
        let header = Header::parse(b"Message-ID:\n <a@b>\n");
        assert_eq!(
            (header.name.as_str(), header.value().as_str()),
            ("message-id", "<a@b>")
        );
        assert_eq!(header.shown(), "Message-ID:? <a@b>");
        assert_eq!(header.lines().count(), 2);
    }
}
