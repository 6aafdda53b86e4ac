//! The SMTP session's state that smtpd, cleanup and postscreen append to a verdict:
//! `; from=<F> to=<T> proto=P helo=<H>[ sasl_username=U]` (postscreen writes commas between the members).
//!
//! Everything in it, and much of the text before it, is chosen by the remote client: a quoted local part may
//! hold `; from=<`, a HELO name `> to=<`. Members are therefore read in Postfix's order, addresses to
//! a bracket outside quotes that the next member follows, and HELO, which is last, to the last bracket.

use super::super::text::{address, after, cut, cut_last, find_last, find_outside_quotes};
use super::put::{self, member, put};
use memchr::memchr;

/// How many semicolons are tried as the beginning of a context. Each try may read the whole line, and lines
/// can be made of semicolons; honest ones have a handful.
const MOST_TRIED: usize = 64;

/// Who wrote the context: each has a form of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// smtpd's restrictions (log_whatsup in smtpd_check.c).
    Check,
    /// smtpd's milters and proxies (smtpd_whatsup in smtpd.c): the login stands in brackets.
    Session,
    /// postscreen: commas.
    Postscreen,
    /// cleanup: no login, but a text of its own may follow.
    Content,
}

impl Style {
    /// What stands between the members.
    fn separator(self) -> &'static [u8] {
        match self {
            Self::Postscreen => b", ",
            _ => b" ",
        }
    }

    /// What may stand behind an address: the end, the next member, cleanup's own text.
    fn address_ends(self) -> &'static [&'static [u8]] {
        match self {
            Self::Check | Self::Session => &[b" to=<", b" proto=", b"", b" helo=<", b" sasl_"],
            Self::Postscreen => &[b", to=<", b", proto=", b"", b", helo=<"],
            Self::Content => &[b" to=<", b" proto=", b"", b" helo=<", b": "],
        }
    }
}

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
    /// SASL mechanism.
    pub sasl_method: Option<&'a [u8]>,
    /// SASL login.
    pub sasl_username: Option<&'a [u8]>,
    /// SASL sender.
    pub sasl_sender: Option<&'a [u8]>,
    /// What stands behind it all: for content actions `: text`.
    pub trailer: &'a [u8],
}

/// Splits a verdict of smtpd or postscreen into its text and the context behind; the first that reads
/// as one outside quotes, as the text's author (a policy server, a table) is trusted and HELO is not.
pub fn split(text: &[u8], style: Style) -> (&[u8], Context<'_>) {
    let mut from = 0;
    for _ in 0..MOST_TRIED {
        let Some(at) = find_outside_quotes(&text[from..], b"; ") else {
            break;
        };
        let at = from + at;
        if let Some(context) = read(&text[at + 2..], style)
            && context.trailer.is_empty()
        {
            return (&text[..at], context);
        }
        from = at + 2;
    }
    // Nothing known yet: smtpd leaves the bare semicolon.
    let said = match style {
        Style::Postscreen => text,
        _ => text.strip_suffix(b";").unwrap_or(text),
    };
    (said, Context::default())
}

/// The same for cleanup's content actions, whose text is a header or body line by the mail's author: the
/// last that reads as a context behind ` from ORIGIN` counts, unless it stands inside a quoted address of
/// an earlier one.
pub fn split_last(text: &[u8]) -> Option<(&[u8], Context<'_>)> {
    let mut end = text.len();
    let mut found: Option<(usize, Context<'_>)> = None;
    for _ in 0..MOST_TRIED {
        let Some(at) = find_last(&text[..end], b"; ") else {
            break;
        };
        if let Some(context) = content_at(text, at)
            && found.is_none_or(|(later, _)| context.quotes(&text[later..]))
        {
            found = Some((at, context));
        }
        // Only quotes can hide an earlier one.
        if found.is_some() && memchr(b'"', &text[..at]).is_none() {
            break;
        }
        end = at;
    }
    found.map(|(at, context)| (&text[..at], context))
}

/// The context behind the semicolon at `at`, when an origin stands before it.
fn content_at(text: &[u8], at: usize) -> Option<Context<'_>> {
    let (_, origin) = cut_last(&text[..at], b" from ")?;
    if origin.is_empty() || memchr(b' ', origin).is_some() {
        return None;
    }
    read(&text[at + 2..], Style::Content)
        .filter(|context| context.trailer.is_empty() || context.trailer.starts_with(b": "))
}

/// Reads the members in order; `None` unless the first is one of them.
fn read(text: &[u8], style: Style) -> Option<Context<'_>> {
    let mut context = Context::default();
    let mut members = Members { rest: text, style };
    if let Some(value) = members.next(b"from=", text) {
        let (from, behind) = address(value, style.address_ends())?;
        context.from = Some(from);
        members.rest = behind;
    }
    if let Some(value) = members.next(b"to=", text) {
        let (to, behind) = address(value, style.address_ends())?;
        context.to = Some(to);
        members.rest = behind;
    }
    if let Some(value) = members.next(b"proto=", text) {
        let end = value
            .iter()
            .position(|b| !b.is_ascii_alphanumeric())
            .unwrap_or(value.len());
        context.proto = Some(&value[..end]);
        members.rest = &value[end..];
    }
    if let Some(value) = members.next(b"helo=<", text) {
        let (helo, behind) = helo(value, style);
        context.helo = Some(helo);
        members.rest = behind;
    }
    context.trailer = match style {
        Style::Check | Style::Session => login(members.rest, style, &mut context),
        Style::Postscreen | Style::Content => members.rest,
    };
    (members.rest.len() < text.len()).then_some(context)
}

/// The length of the quoted string at the start; 0 when it never closes.
fn quoted(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' => at += 1,
            b'"' => return at + 1,
            _ => {}
        }
        at += 1;
    }
    0
}

/// What is left to read.
struct Members<'a> {
    rest: &'a [u8],
    style: Style,
}

impl<'a> Members<'a> {
    /// The value of the next member, when it is the one of this name; the first has no separator.
    fn next(&self, name: &[u8], whole: &[u8]) -> Option<&'a [u8]> {
        let rest = if self.rest.len() == whole.len() {
            self.rest
        } else {
            after(self.rest, self.style.separator())?
        };
        after(rest, name)
    }
}

/// ` sasl_method=M sasl_username=U sasl_sender=S` (3.11 and later), of which older versions write the user
/// alone; what is behind. A login name may hold blanks.
fn login<'a>(text: &'a [u8], style: Style, context: &mut Context<'a>) -> &'a [u8] {
    let mut rest = text;
    if let Some(value) = after(rest, b" sasl_method=") {
        let end = memchr(b' ', value).unwrap_or(value.len());
        context.sasl_method = Some(&value[..end]);
        rest = &value[end..];
    }
    if let Some(value) = after(rest, b" sasl_username=") {
        let (user, behind) = match cut_last(value, b" sasl_sender=") {
            Some((user, sender)) if memchr(b' ', sender).is_none() => (user, &value[user.len()..]),
            _ => (value, &b""[..]),
        };
        context.sasl_username = Some(match (style, user) {
            (Style::Session, [b'<', name @ .., b'>']) => name,
            _ => user,
        });
        rest = behind;
    }
    if let Some(sender) = after(rest, b" sasl_sender=") {
        context.sasl_sender = Some(sender);
        rest = b"";
    }
    rest
}

/// The HELO name ends at the last bracket, or where Postfix's own words follow.
fn helo(value: &[u8], style: Style) -> (&[u8], &[u8]) {
    let found = match style {
        // What follows may end in a bracket itself (`: From: <a@b>`).
        Style::Content => cut(value, b">: ").map(|(name, _)| name),
        // The login may hold no bracket here, or a HELO name could forge one.
        Style::Session => cut_last(value, b"> sasl_username=<")
            .filter(|(_, user)| memchr(b'>', user) == user.len().checked_sub(1))
            .map(|(name, _)| name),
        Style::Check | Style::Postscreen => None,
    };
    if let Some(name) = found {
        return (name, &value[name.len() + 1..]);
    }
    if let Some(name) = value.strip_suffix(b">") {
        return (name, b"");
    }
    let name = match style {
        Style::Check => {
            cut_last(value, b"> sasl_method=").or_else(|| cut_last(value, b"> sasl_username="))
        }
        Style::Session | Style::Postscreen | Style::Content => cut(value, b">"),
    };
    match name {
        Some((name, _)) => (name, &value[name.len() + 1..]),
        // The line was cut.
        None => (value, b""),
    }
}

impl Context<'_> {
    /// Whether `rest`, the end of the line from some place on, begins inside a quoted local part of one of the
    /// addresses.
    fn quotes(&self, rest: &[u8]) -> bool {
        [self.from, self.to].into_iter().flatten().any(|address| {
            let (start, place) = (address.as_ptr().addr(), rest.as_ptr().addr());
            let Some(at) = place.checked_sub(start) else {
                return false;
            };
            address.first() == Some(&b'"') && at < quoted(address)
        })
    }

    /// Appends the members as `style` writes them, without what stands before and behind them.
    pub fn write(&self, style: Style, out: &mut Vec<u8>) {
        let begin = out.len();
        let separate = |out: &mut Vec<u8>| {
            if out.len() > begin {
                out.extend_from_slice(style.separator());
            }
        };
        if let Some(from) = self.from {
            put::address(b"from=", from, out);
        }
        if let Some(to) = self.to {
            separate(out);
            put::address(b"to=", to, out);
        }
        if let Some(proto) = self.proto {
            separate(out);
            put(out, &[b"proto=", proto]);
        }
        if let Some(helo) = self.helo {
            separate(out);
            put::address(b"helo=", helo, out);
        }
        member(b" sasl_method=", self.sasl_method, out);
        match (style, self.sasl_username) {
            (Style::Session, Some(user)) => put::address(b" sasl_username=", user, out),
            (_, user) => member(b" sasl_username=", user, out),
        }
        member(b" sasl_sender=", self.sasl_sender, out);
    }
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helo_may_hold_anything() {
        let (text, context) = split(
            b"<x>: no; from=<a@b> to=<c@d> proto=ESMTP helo=<h> to=<v@w> proto=SMTP helo=<z>",
            Style::Check,
        );
        assert_eq!(text, b"<x>: no");
        assert_eq!(context.to, Some(&b"c@d"[..]));
        assert_eq!(context.helo, Some(&b"h> to=<v@w> proto=SMTP helo=<z"[..]));
    }

    #[test]
    fn quoted_local_parts_may_hold_a_context() {
        let (text, context) = split(
            br#"<"; from=<x> to=<y>"@d>: no; from=<"> to=<q"@b> to=<"; from=<x> to=<y>"@d> proto=ESMTP helo=<h>"#,
            Style::Check,
        );
        assert_eq!(text, br#"<"; from=<x> to=<y>"@d>: no"#);
        assert_eq!(context.from, Some(&br#""> to=<q"@b"#[..]));
        assert_eq!(context.to, Some(&br#""; from=<x> to=<y>"@d"#[..]));
    }

    #[test]
    fn texts_with_semicolons_and_without_context() {
        let (text, context) = split(
            b"Service unavailable; Client host [1.2.3.4] blocked; from=<a> proto=SMTP",
            Style::Check,
        );
        assert_eq!(text, b"Service unavailable; Client host [1.2.3.4] blocked");
        assert_eq!(
            (context.from, context.proto),
            (Some(&b"a"[..]), Some(&b"SMTP"[..]))
        );
        assert_eq!(
            split(b"too many; really", Style::Check).0,
            b"too many; really"
        );
        assert_eq!(split(b"go away;", Style::Check).0, b"go away");
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
        let (_, context) = split(
            b"no; from=<a@b>, to=<c@d>, proto=ESMTP, helo=<h>",
            Style::Postscreen,
        );
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

    #[test]
    fn logins_in_all_forms() {
        let (_, context) = split(
            b"no; from=<a> proto=ESMTP helo=<h> sasl_method=PLAIN sasl_username=bob b sasl_sender=x@y",
            Style::Check,
        );
        assert_eq!(
            (
                context.sasl_method,
                context.sasl_username,
                context.sasl_sender
            ),
            (Some(&b"PLAIN"[..]), Some(&b"bob b"[..]), Some(&b"x@y"[..]))
        );
        let (_, context) = split(
            b"no; from=<a> proto=ESMTP helo=<h> sasl_username=<bob>",
            Style::Session,
        );
        assert_eq!(context.sasl_username, Some(&b"bob"[..]));
        assert_eq!(context.helo, Some(&b"h"[..]));
        let (_, context) = split(
            b"no; from=<a> proto=ESMTP helo=<h> sasl_username=forged>",
            Style::Check,
        );
        assert_eq!(context.sasl_username, None);
        assert_eq!(context.helo, Some(&b"h> sasl_username=forged"[..]));
    }
}
