//! Address rewriting to the standard form (trivial-rewrite(8), "rewrite").

use crate::engine::config::Params;

/// Whether an address comes from a client that may be completed with our own domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// `local_header_rewrite_clients`, local submission, and every envelope: append_at_myorigin, append_dot_mydomain.
    Local,
    /// Anyone else's headers: nothing is completed.
    Remote,
}

/// Rewrites a bare address: `site!user`, `user%domain`, a missing domain, a missing dot, a trailing dot.
/// The null sender stays as it is.
pub fn rewrite(address: &str, params: &Params, origin: Origin) -> String {
    if address.is_empty() {
        return String::new();
    }
    let mut address = address.to_owned();
    if !address.contains('@') {
        if params.swap_bangpath
            && let Some((site, user)) = address.split_once('!')
            && !site.is_empty()
        {
            address = format!("{user}@{site}");
        } else if params.allow_percent_hack
            && let Some((user, domain)) = address.rsplit_once('%')
            && !user.is_empty()
        {
            address = format!("{user}@{domain}");
        } else if params.append_at_myorigin && origin == Origin::Local {
            address = format!("{address}@{}", params.myorigin);
        }
    }
    if let Some((local, domain)) = address.rsplit_once('@') {
        let bare = domain.strip_suffix('.').unwrap_or(domain);
        if params.append_dot_mydomain
            && origin == Origin::Local
            && !bare.is_empty()
            && bare == domain
            && !bare.contains('.')
            && !bare.starts_with('[')
        {
            address = format!("{local}@{bare}.{}", params.mydomain);
        } else if bare.len() != domain.len() {
            address = format!("{local}@{bare}");
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(extra: &str) -> Params {
        Params::from_text(
            &format!("myhostname = mail.example.com\nmyorigin = example.com\n{extra}"),
            std::path::Path::new("/nowhere"),
        )
    }

    #[test]
    fn standard_forms() {
        let p = params("");
        for (text, expected) in [
            ("", ""),
            ("user", "user@example.com"),
            ("site!user", "user@site"),
            ("user%dom.example", "user@dom.example"),
            ("user@host", "user@host"),
            ("user@host.example.", "user@host.example"),
            ("a!b@c.example", "a!b@c.example"),
        ] {
            assert_eq!(rewrite(text, &p, Origin::Local), expected, "{text}");
        }
        assert_eq!(rewrite("user", &p, Origin::Remote), "user");
        let dot = params("append_dot_mydomain = yes\n");
        assert_eq!(
            rewrite("user@host", &dot, Origin::Local),
            "user@host.example.com"
        );
        assert_eq!(rewrite("user@host", &dot, Origin::Remote), "user@host");
        assert_eq!(
            rewrite("user@[127.0.0.1]", &dot, Origin::Local),
            "user@[127.0.0.1]"
        );
    }
}
