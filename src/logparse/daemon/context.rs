//! The SMTP session's state that smtpd, cleanup and postscreen append to a verdict:
//! `; from=<F> to=<T> proto=P helo=<H>[ sasl_username=U]` (postscreen writes commas between the members).
//!
//! Everything in it, and much of the text before it, is chosen by the remote client: a quoted local part may
//! hold `; from=<`, a HELO name `> to=<`. Members are therefore read in Postfix's order, addresses to
//! a bracket outside quotes that the next member follows, and HELO, which is last, to the last bracket.

use super::super::text::{address, after, cut, cut_last, find_last, find_outside_quotes};
use memchr::memchr;

/// How many semicolons are tried as the beginning of a context. Each try may read the whole line, and lines
/// can be made of semicolons; honest ones have a handful.
const MOST_TRIED: usize = 64;

/// What was known of the session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Context<'a> {
    /// `None` before MAIL.
    pub from: Option<&'a [u8]>,
    /// `None` before RCPT.
    pub to: Option<&'a [u8]>,
    /// `SMTP` or `ESMTP`.
    pub proto: Option<&'a [u8]>,
    /// HELO name.
    pub helo: Option<&'a [u8]>,
    /// SASL login.
    pub sasl_username: Option<&'a [u8]>,
    /// What stands behind it all: for content actions `: text`.
    pub trailer: &'a [u8],
}

/// Splits a verdict of smtpd or postscreen into its text and the context behind; the first that reads
/// as one outside quotes, as the text's author (a policy server, a table) is trusted and HELO is not.
pub fn split(text: &[u8]) -> (&[u8], Context<'_>) {
    let mut from = 0;
    for _ in 0..MOST_TRIED {
        let Some(at) = find_outside_quotes(&text[from..], b"; ") else {
            break;
        };
        let at = from + at;
        if let Some(context) = read(&text[at + 2..], Behind::Nothing)
            && context.trailer.is_empty()
        {
            return (&text[..at], context);
        }
        from = at + 2;
    }
    match text.strip_suffix(b";") {
        // Nothing known yet: smtpd leaves the bare semicolon.
        Some(text) => (text, Context::default()),
        None => (text, Context::default()),
    }
}

/// The same for cleanup's content actions, whose text is a header or body line by the mail's author: the
/// last that reads as a context behind ` from ORIGIN` counts.
pub fn split_last(text: &[u8]) -> Option<(&[u8], Context<'_>)> {
    let mut end = text.len();
    for _ in 0..MOST_TRIED {
        let at = find_last(&text[..end], b"; ")?;
        let origin = cut_last(&text[..at], b" from ").map_or(&b" "[..], |(_, origin)| origin);
        if memchr(b' ', origin).is_none()
            && let Some(context) = read(&text[at + 2..], Behind::Text)
            && (context.trailer.is_empty() || context.trailer.starts_with(b": "))
        {
            return Some((&text[..at], context));
        }
        end = at;
    }
    None
}

/// Reads the members in order; `None` unless the first is one of them.
fn read(text: &[u8], behind: Behind) -> Option<Context<'_>> {
    let mut context = Context::default();
    let mut rest = text;
    let mut members = 0;
    if let Some(value) = after(rest, b"from=") {
        let (from, behind) = address(value, ADDRESS_ENDS)?;
        context.from = Some(from);
        rest = behind;
        members += 1;
    }
    if let Some(value) = after(blank(rest, members), b"to=") {
        let (to, behind) = address(value, ADDRESS_ENDS)?;
        context.to = Some(to);
        rest = behind;
        members += 1;
    }
    if let Some(value) = after(blank(rest, members), b"proto=") {
        let end = value
            .iter()
            .position(|b| !b.is_ascii_alphanumeric())
            .unwrap_or(value.len());
        context.proto = Some(&value[..end]);
        rest = &value[end..];
        members += 1;
    }
    if let Some(value) = after(blank(rest, members), b"helo=<") {
        let (helo, after_helo) = helo(value, behind)?;
        context.helo = Some(helo);
        rest = after_helo;
        members += 1;
    }
    if let Some(value) = after(blank(rest, members), b"sasl_username=") {
        let end = memchr(b' ', value).unwrap_or(value.len());
        context.sasl_username = Some(&value[..end]);
        rest = &value[end..];
        members += 1;
    }
    context.trailer = rest;
    (members > 0).then_some(context)
}

/// What may stand behind an address: the end, the next member, cleanup's own text.
const ADDRESS_ENDS: &[&[u8]] = &[
    b" to=<",
    b" proto=",
    b"",
    b", to=<",
    b", proto=",
    b" helo=<",
    b", helo=<",
    b": ",
    b" sasl_username=",
];

/// Skips the separator between members, a blank or a comma and a blank.
fn blank(rest: &[u8], members: u32) -> &[u8] {
    if members == 0 {
        return rest;
    }
    let rest = rest.strip_prefix(b",").unwrap_or(rest);
    rest.strip_prefix(b" ").unwrap_or(rest)
}

/// What may stand behind the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behind {
    Nothing,
    /// `: text` of a content action, which may end in a bracket itself (`: From: <a@b>`).
    Text,
}

/// The HELO name ends at the last bracket, or where Postfix's own words follow.
fn helo(value: &[u8], behind: Behind) -> Option<(&[u8], &[u8])> {
    if behind == Behind::Text
        && let Some((name, _)) = cut(value, b">: ")
    {
        return Some((name, &value[name.len() + 1..]));
    }
    if let Some(name) = value.strip_suffix(b">") {
        return Some((name, b""));
    }
    if let Some((name, user)) = cut_last(value, b"> sasl_username=")
        && memchr(b' ', user).is_none()
    {
        return Some((name, &value[name.len() + 1..]));
    }
    let (name, _) = cut(value, b">")?;
    Some((name, &value[name.len() + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helo_may_hold_anything() {
        let (text, context) = split(
            b"<x>: no; from=<a@b> to=<c@d> proto=ESMTP helo=<h> to=<v@w> proto=SMTP helo=<z>",
        );
        assert_eq!(text, b"<x>: no");
        assert_eq!(context.to, Some(&b"c@d"[..]));
        assert_eq!(context.helo, Some(&b"h> to=<v@w> proto=SMTP helo=<z"[..]));
    }

    #[test]
    fn quoted_local_parts_may_hold_a_context() {
        let (text, context) = split(
            br#"<"; from=<x> to=<y>"@d>: no; from=<"> to=<q"@b> to=<"; from=<x> to=<y>"@d> proto=ESMTP helo=<h>"#,
        );
        assert_eq!(text, br#"<"; from=<x> to=<y>"@d>: no"#);
        assert_eq!(context.from, Some(&br#""> to=<q"@b"#[..]));
        assert_eq!(context.to, Some(&br#""; from=<x> to=<y>"@d"#[..]));
    }

    #[test]
    fn texts_with_semicolons_and_without_context() {
        let (text, context) =
            split(b"Service unavailable; Client host [1.2.3.4] blocked; from=<a> proto=SMTP");
        assert_eq!(text, b"Service unavailable; Client host [1.2.3.4] blocked");
        assert_eq!(
            (context.from, context.proto),
            (Some(&b"a"[..]), Some(&b"SMTP"[..]))
        );
        assert_eq!(split(b"too many; really").0, b"too many; really");
        assert_eq!(split(b"go away;").0, b"go away");
    }

    #[test]
    fn a_header_that_forges_a_context() {
        let (text, context) = split_last(
            b"header Subject: x from e[1.2.3.4]; from=<v> to=<w> proto=ESMTP helo=<x>: y from h[5.6.7.8]; from=<a> to=<b> proto=ESMTP helo=<c>: 5.7.1 bad",
        )
        .unwrap();
        assert!(text.ends_with(b"from h[5.6.7.8]"));
        assert_eq!(context.from, Some(&b"a"[..]));
        assert_eq!(context.trailer, b": 5.7.1 bad");
    }

    #[test]
    fn postscreen_writes_commas() {
        let (_, context) = split(b"no; from=<a@b>, to=<c@d>, proto=ESMTP, helo=<h>");
        assert_eq!(
            (context.from, context.to, context.proto, context.helo),
            (
                Some(&b"a@b"[..]),
                Some(&b"c@d"[..]),
                Some(&b"ESMTP"[..]),
                Some(&b"h"[..])
            )
        );
    }
}
