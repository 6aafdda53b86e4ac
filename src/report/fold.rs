//! Addresses that a reader takes for one: letter case, VERP's numbers, SRS's wrapping, UUCP's bang paths.
//!
//! In: the tables of senders and recipients. Out: the same, or new ones in which such rows are one. It
//! works on what was counted already, so that nobody pays for it who does not ask.

use crate::stats::names::Table;
use crate::stats::summary::Tally;
use std::borrow::Cow;

/// How the numbers of VERP addresses (`list-return-NN-user=dom@list.example`) are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verp {
    /// Kept.
    #[default]
    Kept,
    /// The number becomes `ID`.
    Number,
    /// Number and recipient are left out.
    Recipient,
}

/// A switch of [`Fold`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Switch {
    /// Not done.
    #[default]
    Off,
    /// Done.
    On,
}

impl From<bool> for Switch {
    fn from(on: bool) -> Self {
        if on { Self::On } else { Self::Off }
    }
}

/// How addresses are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fold {
    /// Whole addresses in lower case, not only domains.
    pub case: Switch,
    /// VERP senders.
    pub verp: Verp,
    /// SRS senders (`SRS0=hash=tt=dom=user@forwarder`) as the address they wrap.
    pub srs: Switch,
    /// Bang paths: `host.dom!user@gate` as `gate!user@host.dom`.
    pub uucp: Switch,
}

impl Fold {
    /// Senders.
    pub fn senders(self, table: &Table<Tally>) -> Cow<'_, Table<Tally>> {
        if self == Self::default() {
            return Cow::Borrowed(table);
        }
        Cow::Owned(joined(table, |name| self.sender(name).into_owned()))
    }

    /// One sender.
    pub fn sender(self, name: &[u8]) -> Cow<'_, [u8]> {
        if self == Self::default() {
            return Cow::Borrowed(name);
        }
        let mut name = name.to_vec();
        if self.srs == Switch::On {
            name = srs(&name).unwrap_or(name);
        }
        if self.verp != Verp::Kept {
            name = verp(&name, self.verp).unwrap_or(name);
        }
        Cow::Owned(self.everyone(name))
    }

    /// Recipients: VERP and SRS are forms of senders.
    pub fn recipients(self, table: &Table<Tally>) -> Cow<'_, Table<Tally>> {
        if self.keeps_recipients() {
            return Cow::Borrowed(table);
        }
        Cow::Owned(joined(table, |name| self.everyone(name.to_vec())))
    }

    /// One recipient.
    pub fn recipient(self, name: &[u8]) -> Cow<'_, [u8]> {
        if self.keeps_recipients() {
            return Cow::Borrowed(name);
        }
        Cow::Owned(self.everyone(name.to_vec()))
    }

    fn keeps_recipients(self) -> bool {
        self.case == Switch::Off && self.uucp == Switch::Off
    }

    fn everyone(self, mut name: Vec<u8>) -> Vec<u8> {
        if self.uucp == Switch::On {
            name = uucp(&name).unwrap_or(name);
        }
        if self.case == Switch::On {
            name = String::from_utf8_lossy(&name).to_lowercase().into_bytes();
        }
        name
    }
}

fn joined(table: &Table<Tally>, name: impl Fn(&[u8]) -> Vec<u8>) -> Table<Tally> {
    let mut out = Table::default();
    for (old, tally) in table.iter() {
        let row: &mut Tally = out.row(&name(old));
        row.count += tally.count;
        row.bytes += tally.bytes;
    }
    out
}

/// `list-return-12-user=dom@list` with `ID` for the number, or without number and recipient.
fn verp(address: &[u8], how: Verp) -> Option<Vec<u8>> {
    let at = memchr::memrchr(b'@', address)?;
    let (local, domain) = address.split_at(at);
    // The last `-digits-`, or `-digits` at the end, before the recipient's `user=dom`.
    let equals = memchr::memrchr(b'=', local).unwrap_or(local.len());
    let mut dash = memchr::memrchr(b'-', &local[..equals])?;
    let mut end = equals;
    loop {
        let digits = &local[dash + 1..end];
        if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) {
            break;
        }
        end = dash;
        dash = memchr::memrchr(b'-', &local[..dash])?;
    }
    // A number at the very end is no VERP: there is no recipient behind it.
    if end == local.len() {
        return None;
    }
    let mut out = local[..dash].to_vec();
    if how == Verp::Number {
        out.extend_from_slice(b"-ID");
        out.extend_from_slice(&local[end..]);
    }
    out.extend_from_slice(domain);
    Some(out)
}

/// The address that an SRS one wraps: `SRS0=HHH=TT=dom=user@x` and `SRS1=HHH=first==HHH=TT=dom=user@x`.
fn srs(address: &[u8]) -> Option<Vec<u8>> {
    let at = memchr::memrchr(b'@', address)?;
    let local = &address[..at];
    let tag = local.get(..5)?;
    let separator = |b: u8| matches!(b, b'=' | b'+' | b'-');
    if !tag[..3].eq_ignore_ascii_case(b"SRS") || !separator(tag[4]) {
        return None;
    }
    let rest = match tag[3] {
        b'0' => &local[5..],
        b'1' => {
            let double = memchr::memmem::find(local, b"==")?;
            &local[double + 2..]
        }
        _ => return None,
    };
    let mut parts = rest.splitn(4, |b| *b == b'=');
    let (_hash, _day) = (parts.next()?, parts.next()?);
    let (domain, user) = (parts.next()?, parts.next()?);
    Some([user, b"@", domain].concat())
}

/// `host.dom!user@gate` as `gate!user@host.dom`.
fn uucp(address: &[u8]) -> Option<Vec<u8>> {
    let at = memchr::memrchr(b'@', address)?;
    let bang = memchr::memchr(b'!', &address[..at])?;
    let (host, user, gate) = (&address[..bang], &address[bang + 1..at], &address[at + 1..]);
    Some([gate, b"!", user, b"@", host].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_what_they_stand_for() {
        let list = b"list-return-36-someuser=some.dom@host.example";
        assert_eq!(
            verp(list, Verp::Number).unwrap(),
            b"list-return-ID-someuser=some.dom@host.example"
        );
        assert_eq!(
            verp(list, Verp::Recipient).unwrap(),
            b"list-return@host.example"
        );
        assert_eq!(verp(b"order-1234@shop.example", Verp::Number), None);
        assert_eq!(verp(b"root", Verp::Number), None);
        assert_eq!(
            srs(b"SRS0=abcd=TT=dom.example=joe@fwd.example").unwrap(),
            b"joe@dom.example"
        );
        assert_eq!(
            srs(b"srs1=xyz=first.example==abcd=TT=dom.example=joe@fwd.example").unwrap(),
            b"joe@dom.example"
        );
        assert_eq!(srs(b"srsly@dom.example"), None);
        assert_eq!(uucp(b"some.dom!user@foo").unwrap(), b"foo!user@some.dom");
    }

    #[test]
    fn rows_of_one_address_are_one_row() {
        let mut table = Table::<Tally>::default();
        for (name, bytes) in [(&b"Joe@a.example"[..], 5), (b"joe@a.example", 7)] {
            let row = table.row(name);
            row.count += 1;
            row.bytes += bytes;
        }
        let fold = Fold {
            case: Switch::On,
            ..Fold::default()
        };
        let folded = fold.senders(&table);
        assert_eq!(folded.len(), 1);
        let row = folded.get(b"joe@a.example").unwrap();
        assert_eq!((row.count, row.bytes), (2, 12));
        assert!(matches!(Fold::default().senders(&table), Cow::Borrowed(_)));
    }
}
