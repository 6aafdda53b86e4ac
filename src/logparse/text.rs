//! Small readers over bytes that the daemons' parsers share: numbers, clients, bracketed addresses.
//!
//! In: the rest of a line. Out: what was read and what follows it. Nothing here allocates, checks UTF-8
//! or can fail other than by `None`; it knows no daemon.

use super::event::Client;
use memchr::{memchr, memchr_iter, memchr3, memrchr_iter};

/// What follows `prefix`, when `text` starts with it.
#[inline]
pub fn after<'a>(text: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    text.strip_prefix(prefix)
}

/// Where `needle` begins first.
///
/// Our needles and texts are short: building a searcher for each of them costs more than looking at the few
/// places where the needle's first letter stands.
#[inline]
pub fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    let (at, letter) = first_letter(needle);
    memchr_iter(letter, text.get(at..)?).find(|start| text[*start..].starts_with(needle))
}

/// Where `needle` begins last.
pub fn find_last(text: &[u8], needle: &[u8]) -> Option<usize> {
    let (at, letter) = first_letter(needle);
    memrchr_iter(letter, text.get(at..)?).find(|start| text[*start..].starts_with(needle))
}

/// The first byte that is no blank, which texts are full of, and its place.
#[inline]
fn first_letter(needle: &[u8]) -> (usize, u8) {
    match needle {
        [b' ', letter, ..] => (1, *letter),
        [letter, ..] => (0, *letter),
        [] => (0, b' '),
    }
}

/// The parts before and behind the first `needle`.
pub fn cut<'a>(text: &'a [u8], needle: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = find(text, needle)?;
    Some((&text[..at], &text[at + needle.len()..]))
}

/// The parts before and behind the last `needle`.
pub fn cut_last<'a>(text: &'a [u8], needle: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = find_last(text, needle)?;
    Some((&text[..at], &text[at + needle.len()..]))
}

/// Whether `needle` occurs.
pub fn has(text: &[u8], needle: &[u8]) -> bool {
    find(text, needle).is_some()
}

/// A decimal number at the start; `None` without a digit. Saturates instead of overflowing.
pub fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    let mut at = 0;
    while let Some(digit) = text.get(at).map(|b| b.wrapping_sub(b'0'))
        && digit < 10
    {
        value = value.saturating_mul(10).saturating_add(u64::from(digit));
        at += 1;
    }
    (at > 0).then(|| (value, &text[at..]))
}

/// The same, for members that are 32 bits wide.
pub fn number32(text: &[u8]) -> Option<(u32, &[u8])> {
    let (value, rest) = number(text)?;
    Some((u32::try_from(value).unwrap_or(u32::MAX), rest))
}

/// Seconds with decimals (`0.05`, `12`) in hundredths; Postfix writes no exponents (format_tv).
pub fn hundredths(text: &[u8]) -> Option<(u64, &[u8])> {
    let (whole, rest) = number(text)?;
    let mut value = whole.saturating_mul(100);
    let Some(decimals) = after(rest, b".") else {
        return Some((value, rest));
    };
    let mut scale = 10;
    let mut at = 0;
    while let Some(digit) = decimals.get(at).map(|b| b.wrapping_sub(b'0'))
        && digit < 10
    {
        value = value.saturating_add(u64::from(digit) * scale);
        scale /= 10;
        at += 1;
    }
    Some((value, &decimals[at..]))
}

/// A client as Postfix writes it, `name[address]` or `name[address]:port`, and what follows.
///
/// The name is what the resolver verified or `unknown`; neither it nor the address has blanks.
pub fn client(text: &[u8]) -> Option<(Client<'_>, &[u8])> {
    let open = memchr(b'[', text)?;
    let name = &text[..open];
    if memchr(b' ', name).is_some() {
        return None;
    }
    let inner = &text[open + 1..];
    let close = memchr(b']', inner)?;
    let (ip, mut rest) = (&inner[..close], &inner[close + 1..]);
    let mut port = None;
    if let [b':', digit, ..] = rest
        && digit.is_ascii_digit()
        && let Some((value, behind)) = number(&rest[1..])
        && let Ok(value) = u16::try_from(value)
    {
        port = Some(value);
        rest = behind;
    }
    Some((Client { name, ip, port }, rest))
}

/// A client that ends the text.
pub fn client_only(text: &[u8]) -> Option<Client<'_>> {
    client(text)
        .filter(|(_, rest)| rest.is_empty())
        .map(|c| c.0)
}

/// An address after `from=`, `to=` or `orig_to=`, and what follows its closing bracket.
///
/// The address ends at the first `>` outside quotes that one of `ends` follows. Quoted local parts may
/// hold anything, `>, relay=` too; when a quote never closes, quotes are ignored. Old logs write no
/// brackets (`from=user@host, size=`): then the address ends at the first of `ends`.
pub fn address<'a>(text: &'a [u8], ends: &[&[u8]]) -> Option<(&'a [u8], &'a [u8])> {
    let Some(inner) = after(text, b"<") else {
        let end = ends
            .iter()
            .filter(|end| !end.is_empty())
            .filter_map(|end| find(text, end))
            .min()
            .or_else(|| ends.contains(&&b""[..]).then_some(text.len()))?;
        let (bare, rest) = text.split_at(end);
        // Brackets and quotes would mean something else once the address is printed with brackets.
        return memchr3(b'"', b'<', b'>', bare)
            .is_none()
            .then_some((bare, rest));
    };
    let ended = |at: &usize| {
        let rest = &inner[at + 1..];
        ends.iter().any(|end| {
            if end.is_empty() {
                rest.is_empty()
            } else {
                rest.starts_with(end)
            }
        })
    };
    // The common case: the first bracket closes and nothing before it is quoted.
    let first = memchr(b'>', inner)?;
    let at = if ended(&first) && memchr(b'"', &inner[..first]).is_none() {
        first
    } else {
        outside_quotes(inner, ended).or_else(|| memchr_iter(b'>', inner).find(ended))?
    };
    Some((&inner[..at], &inner[at + 1..]))
}

/// The first `>` outside double quotes that `ended` accepts.
fn outside_quotes(inner: &[u8], ended: impl Fn(&usize) -> bool) -> Option<usize> {
    let mut quoted = false;
    let mut at = 0;
    while let Some(byte) = inner.get(at) {
        match byte {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            b'>' if !quoted && ended(&at) => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// The first place where `needle` begins outside double quotes; anywhere, when quotes hide them all.
pub fn find_outside_quotes(text: &[u8], needle: &[u8]) -> Option<usize> {
    let first = find(text, needle)?;
    if memchr(b'"', &text[..first]).is_none() {
        return Some(first);
    }
    let mut quoted = false;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            _ if !quoted && text[at..].starts_with(needle) => return Some(at),
            _ => {}
        }
        at += 1;
    }
    Some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_in_all_forms() {
        let (c, rest) = client(b"mail.good.example[2001:db8::25]: 550").unwrap();
        assert_eq!(
            (c.name, c.ip, c.port),
            (&b"mail.good.example"[..], &b"2001:db8::25"[..], None)
        );
        assert_eq!(rest, b": 550");
        let (c, rest) = client(b"[192.0.2.1]:39739 to").unwrap();
        assert_eq!(
            (c.name, c.ip, c.port, rest),
            (&b""[..], &b"192.0.2.1"[..], Some(39739), &b" to"[..])
        );
        assert_eq!(client(b"a b[1.2.3.4]"), None);
        assert_eq!(client(b"unknown[1.2.3"), None);
    }

    #[test]
    fn an_address_ends_outside_quotes_before_a_known_key() {
        let ends: &[&[u8]] = &[b", relay=", b", orig_to=<"];
        let (a, rest) = address(br#"<"a>, relay=x"@d>, relay=y"#, ends).unwrap();
        assert_eq!((a, rest), (&br#""a>, relay=x"@d"#[..], &b", relay=y"[..]));
        let (a, _) = address(br#"<"a\">, relay=x"@d>, relay=y"#, ends).unwrap();
        assert_eq!(a, br#""a\">, relay=x"@d"#);
        let (a, _) = address(br#"<a"@d>, relay=y"#, ends).unwrap();
        assert_eq!(a, br#"a"@d"#);
        let (a, _) = address(b"<a>b@d>, relay=y", ends).unwrap();
        assert_eq!(a, b"a>b@d");
        assert_eq!(address(b"<a@d", ends), None);
        let (a, rest) = address(b"rory@host, relay=y", ends).unwrap();
        assert_eq!((a, rest), (&b"rory@host"[..], &b", relay=y"[..]));
    }

    #[test]
    fn needles_are_found_where_they_are() {
        let text = b"a from b from  from";
        assert_eq!(find(text, b" from "), Some(1));
        assert_eq!(find_last(text, b" from "), Some(8));
        assert_eq!(find_last(text, b" from"), Some(14));
        assert_eq!(find(text, b"; "), None);
        assert_eq!(find(b"", b" x"), None);
        assert_eq!(find(b" ", b" x"), None);
        assert_eq!(find(b"xx: ", b": "), Some(2));
        assert!(!has(b"fro", b"from"));
    }

    #[test]
    fn delays_in_hundredths() {
        assert_eq!(hundredths(b"0.05/"), Some((5, &b"/"[..])));
        assert_eq!(hundredths(b"1.2"), Some((120, &b""[..])));
        assert_eq!(hundredths(b"1234,"), Some((123_400, &b","[..])));
        assert_eq!(hundredths(b"0.123456"), Some((12, &b""[..])));
        assert_eq!(hundredths(b"x"), None);
        assert_eq!(
            number(b"99999999999999999999999"),
            Some((u64::MAX, &b""[..]))
        );
    }
}
