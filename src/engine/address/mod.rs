//! Addresses: parsing as smtpd does, rewriting and resolving as trivial-rewrite(8) does.
//!
//! In: address text from a client, and the parameters. Out: the bare (unquoted) form, the rewritten form, and
//! the address class that decides about relaying. No DNS, no I/O but the tables.

mod extract;
pub mod find;
mod hostname;
mod quote;
mod resolve;
mod rewrite;

pub use extract::{AddressError, Strictness, extract};
pub use hostname::is_hostname;
pub use quote::{external, local_external};
pub use resolve::{
    Class, Resolved, Subdomains, is_local_domain, is_own_address, matches_domain_list, resolve,
};
pub use rewrite::{Origin, rewrite};

/// Splits at the last `@`: local part and domain. No domain gives `None`.
pub fn split(address: &str) -> (&str, Option<&str>) {
    match address.rsplit_once('@') {
        Some((local, domain)) => (local, Some(domain)),
        None => (address, None),
    }
}

/// The local part without its extension, and the extension (postconf(5), recipient_delimiter).
///
/// Reserved names (`double-bounce`, `mailer-daemon`, `owner-list`, `list-request`) keep a `-`.
pub fn split_extension<'a>(local: &'a str, delimiters: &str) -> (&'a str, Option<&'a str>) {
    let lower = local.to_ascii_lowercase();
    if matches!(
        lower.as_str(),
        "mailer-daemon" | "double-bounce" | "postmaster"
    ) || (delimiters.contains('-')
        && (lower.starts_with("owner-") || lower.ends_with("-request")))
    {
        return (local, None);
    }
    match local
        .char_indices()
        .find(|(index, c)| *index > 0 && delimiters.contains(*c))
    {
        Some((index, c)) if index + c.len_utf8() < local.len() => {
            (&local[..index], Some(&local[index + c.len_utf8()..]))
        }
        _ => (local, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions() {
        assert_eq!(split_extension("user+list", "+"), ("user", Some("list")));
        assert_eq!(split_extension("+list", "+"), ("+list", None));
        assert_eq!(split_extension("user+", "+"), ("user+", None));
        assert_eq!(split_extension("a-b", "+-"), ("a", Some("b")));
        assert_eq!(split_extension("owner-b", "+-"), ("owner-b", None));
        assert_eq!(split_extension("user", ""), ("user", None));
    }
}
