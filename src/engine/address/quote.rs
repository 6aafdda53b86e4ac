//! From the bare form back to the one for the wire and the log: the local part is quoted when it must be.

/// The address as RFC 5321 writes it: `a b@c` becomes `"a b"@c`.
pub fn external(bare: &str) -> String {
    match bare.rsplit_once('@') {
        Some((local, domain)) => format!("{}@{domain}", local_external(local)),
        None => local_external(bare),
    }
}

/// A local part, quoted when it is no dot-atom.
pub fn local_external(local: &str) -> String {
    let atom =
        |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let plain = !local.is_empty()
        && local
            .split('.')
            .all(|part| !part.is_empty() && part.chars().all(atom));
    if plain || local.is_empty() {
        return local.to_owned();
    }
    let mut quoted = String::with_capacity(local.len() + 2);
    quoted.push('"');
    for c in local.chars() {
        if c == '"' || c == '\\' || c == '\r' || c == '\n' {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_must_be_quoted() {
        assert_eq!(external("user+x@example.com"), "user+x@example.com");
        assert_eq!(external("a b@c"), "\"a b\"@c");
        assert_eq!(external("x@y@c"), "\"x@y\"@c");
        assert_eq!(external("a..b@c"), "\"a..b\"@c");
        assert_eq!(external("jörg@c"), "jörg@c");
        assert_eq!(external("q\"@c"), "\"q\\\"\"@c");
        assert_eq!(external(""), "");
    }
}
