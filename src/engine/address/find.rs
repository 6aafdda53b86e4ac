//! Looking an address up in tables the way Postfix does (mail_addr_find): the full address, without its
//! extension, the local part when the domain is ours, `@domain`.

use super::{is_local_domain, split, split_extension};
use crate::engine::config::Params;
use crate::engine::maps::{MapError, Syntax, is_pattern};

/// The value for an address in the first table that has it, with the extension that did not match.
pub fn address(
    address: &str,
    tables: &[String],
    params: &Params,
) -> Result<Option<Found>, MapError> {
    for table in tables {
        if let Some(found) = in_table(address, table, params)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// A value, and the extension of the address when only the base matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The table's text.
    pub value: String,
    /// `+ext` with its delimiter, when the match was without it.
    pub extension: Option<String>,
}

fn in_table(address: &str, table: &str, params: &Params) -> Result<Option<Found>, MapError> {
    // The tables of alias_maps inside local_recipient_maps are alias files.
    let syntax = if params.alias_maps.iter().any(|alias| alias == table) {
        Syntax::Aliases
    } else {
        Syntax::Postmap
    };
    let find = |key: &str| match syntax {
        Syntax::Aliases => params.maps.find_alias(table, key),
        Syntax::Postmap => params.maps.find(table, key),
    };
    if is_pattern(table) {
        return Ok(find(address)?.map(|value| Found {
            value,
            extension: None,
        }));
    }
    for (key, extension) in keys(address, params)? {
        if let Some(value) = find(&key)? {
            return Ok(Some(Found { value, extension }));
        }
    }
    Ok(None)
}

/// The keys to try, in order, each with the extension it leaves out.
fn keys(address: &str, params: &Params) -> Result<Vec<(String, Option<String>)>, MapError> {
    let (local, domain) = split(address);
    let (base, extension) = split_extension(local, &params.recipient_delimiter);
    let rest = extension.map(|_| local[base.len()..].to_owned());
    let mut keys = vec![(address.to_lowercase(), None)];
    if let Some(domain) = domain {
        if rest.is_some() {
            keys.push((format!("{base}@{domain}"), rest.clone()));
        }
        if is_local_domain(domain, params)? || domain.eq_ignore_ascii_case(&params.myorigin) {
            keys.push((local.to_lowercase(), None));
            if rest.is_some() {
                keys.push((base.to_lowercase(), rest.clone()));
            }
        }
        keys.push((format!("@{domain}"), rest.clone()));
    } else if rest.is_some() {
        keys.push((base.to_lowercase(), rest));
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_the_exact_to_the_general() {
        let params = Params::from_text(
            "myhostname = mail.example\nmydestination = mail.example\nrecipient_delimiter = +\nalias_maps =\n",
            std::path::Path::new("/nowhere"),
        );
        let table = ["inline:{ a@v.example=1, bob=2, @v.example=3, a+x@v.example=4 }".to_owned()];
        let find = |text: &str| address(text, &table, &params).unwrap().map(|f| f.value);
        assert_eq!(find("A@v.example").as_deref(), Some("1"));
        assert_eq!(find("a+y@v.example").as_deref(), Some("1"));
        assert_eq!(find("a+x@v.example").as_deref(), Some("4"));
        assert_eq!(find("z@v.example").as_deref(), Some("3"));
        assert_eq!(find("bob+q@mail.example").as_deref(), Some("2"));
        assert_eq!(find("bob@other.example"), None);
    }
}
