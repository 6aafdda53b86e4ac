//! The kinds of values main.cf knows, each from its text: yes/no, numbers, times, lists, networks.
//!
//! In: an expanded value. Out: the typed value or a text saying what was expected. It reads files only for
//! the `/file` notation in lists (postconf(5), mydestination).

use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// What every kind of value is parsed to.
pub type Parsed<T> = Result<T, String>;

/// Any text.
pub fn text(value: &str) -> Parsed<String> {
    Ok(value.to_owned())
}

/// A path.
pub fn path(value: &str) -> Parsed<PathBuf> {
    Ok(PathBuf::from(value))
}

/// `yes` or `no`.
pub fn yes_no(value: &str) -> Parsed<bool> {
    match value.to_ascii_lowercase().as_str() {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(format!(
            "bad boolean configuration: \"{value}\", expected yes or no"
        )),
    }
}

/// A whole number.
pub fn number<T: FromStr>(value: &str) -> Parsed<T> {
    value
        .parse()
        .map_err(|_| format!("bad numerical configuration: \"{value}\""))
}

/// An SMTP reply code, 200 to 599.
pub fn code(value: &str) -> Parsed<u16> {
    match value.parse() {
        Ok(code @ 200..=599) => Ok(code),
        _ => Err(format!(
            "bad SMTP reply code: \"{value}\", expected 4xx or 5xx"
        )),
    }
}

/// A time with its unit `s m h d w`; a bare number is in seconds.
pub fn seconds(value: &str) -> Parsed<Duration> {
    time(value, 's')
}

/// [`seconds`] for the parameters whose bare numbers are hours (`delay_warning_time`).
pub fn hours(value: &str) -> Parsed<Duration> {
    time(value, 'h')
}

/// [`seconds`] for the parameters whose bare numbers are days (`maximal_queue_lifetime`).
pub fn days(value: &str) -> Parsed<Duration> {
    time(value, 'd')
}

fn time(value: &str, default_unit: char) -> Parsed<Duration> {
    let bad = || {
        format!("bad time value: \"{value}\", expected a number with one of the units s m h d w")
    };
    let digits = value.len() - value.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let number: u64 = value[..digits].parse().map_err(|_| bad())?;
    let unit = match value[digits..].to_ascii_lowercase().as_str() {
        "" => default_unit.to_string(),
        unit => unit.to_owned(),
    };
    let factor = match unit.as_str() {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err(bad()),
    };
    number
        .checked_mul(factor)
        .map(Duration::from_secs)
        .ok_or_else(bad)
}

/// Words separated by commas and blanks; `{...}` keeps its blanks and loses nothing.
pub fn list(value: &str) -> Parsed<Vec<String>> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut depth = 0usize;
    for c in value.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && c != '}' && (c == ',' || c.is_ascii_whitespace()) {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
        } else {
            word.push(c);
        }
    }
    if depth > 0 {
        return Err(format!("missing '}}' in \"{value}\""));
    }
    if !word.is_empty() {
        words.push(word);
    }
    Ok(words)
}

/// A list in which `/file` stands for the words in that file (one level deep, as many files as named).
pub fn match_list(value: &str) -> Parsed<Vec<String>> {
    let mut words = Vec::new();
    for word in list(value)? {
        if word.starts_with('/') {
            let text = std::fs::read_to_string(&word)
                .map_err(|e| format!("{word}: {e} (create it, or name the entries in main.cf)"))?;
            for line in text.lines() {
                let line = line.trim();
                if !line.starts_with('#') {
                    words.extend(list(line)?);
                }
            }
        } else {
            words.push(word);
        }
    }
    Ok(words)
}

/// A value that may be `/file`: then the first line of that file (myorigin).
pub fn text_or_file(value: &str) -> Parsed<String> {
    if !value.starts_with('/') {
        return Ok(value.to_owned());
    }
    let text = std::fs::read_to_string(value)
        .map_err(|e| format!("{value}: {e} (create it with the domain as its only line)"))?;
    Ok(text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'))
        .unwrap_or_default()
        .to_owned())
}

/// The plain networks of a mynetworks-like list; negated ones and `type:table` are matched by pattern elsewhere.
pub fn networks(value: &str) -> Parsed<Vec<IpNet>> {
    let mut networks = Vec::new();
    for word in match_list(value)? {
        if word.starts_with('!') || is_table(&word) {
            continue;
        }
        networks.push(network(&word)?);
    }
    Ok(networks)
}

/// One network: `10.0.0.0/8`, `[2001:db8::]/32`, or a bare address, which is one host.
pub fn network(word: &str) -> Parsed<IpNet> {
    let bad = || format!("bad network pattern: \"{word}\"");
    let plain = word.replacen('[', "", 1).replacen(']', "", 1);
    if let Ok(address) = plain.parse::<IpAddr>() {
        return Ok(IpNet::from(address));
    }
    let network: IpNet = plain.parse().map_err(|_| bad())?;
    if network.trunc() != network {
        return Err(format!(
            "non-null host address bits in \"{word}\", perhaps you should use \"{}\" instead",
            network.trunc()
        ));
    }
    Ok(network)
}

/// Whether a word of a match list names a table (`hash:/etc/postfix/x`) and not a name or an address.
pub fn is_table(word: &str) -> bool {
    let word = word.trim_start_matches('!');
    !word.starts_with('[')
        && word.split_once(':').is_some_and(|(kind, _)| {
            !kind.is_empty()
                && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                && kind.bytes().any(|b| !b.is_ascii_hexdigit())
        })
}

/// `address` or `address:port` words, for our own `mailtop_dns_servers`; the port defaults to 53.
pub fn dns_servers(value: &str) -> Parsed<Vec<SocketAddr>> {
    list(value)?
        .iter()
        .map(|word| {
            word.parse::<SocketAddr>()
                .or_else(|_| word.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53)))
                .map_err(|_| {
                    format!("bad server address: \"{word}\", expected 127.0.0.1:53 or [::1]:53")
                })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(seconds("300").unwrap().as_secs(), 300);
        assert_eq!(seconds("5d").unwrap().as_secs(), 432_000);
        assert_eq!(hours("4").unwrap().as_secs(), 14_400);
        assert_eq!(days("1w").unwrap().as_secs(), 604_800);
        assert!(seconds("5y").is_err());
        assert!(seconds("").is_err());
        assert!(seconds("99999999999999999999w").is_err());
    }

    #[test]
    fn lists() {
        assert_eq!(
            list("a, b\tc {x, y}  ,, inline:{ {k v} }").unwrap(),
            ["a", "b", "c", "{x, y}", "inline:{ {k v} }"]
        );
        assert!(list("{a").is_err());
    }

    #[test]
    fn network_words() {
        assert_eq!(network("10.8.0.0").unwrap().to_string(), "10.8.0.0/32");
        assert_eq!(network("[::1]/128").unwrap().to_string(), "::1/128");
        assert!(
            network("192.168.0.1/24")
                .unwrap_err()
                .contains("192.168.0.0/24")
        );
        assert_eq!(networks("127.0.0.0/8 !127.0.0.9 hash:/x").unwrap().len(), 1);
    }

    #[test]
    fn tables_and_addresses_are_told_apart() {
        assert!(is_table("hash:/etc/x"));
        assert!(is_table("!cidr:/etc/x"));
        assert!(!is_table("2001:db8::1"));
        assert!(!is_table("[::1]"));
        assert!(!is_table("example.com"));
    }

    #[test]
    fn files_stand_for_their_contents() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("names");
        std::fs::write(&file, "# comment\na.example b.example\n\nc.example\n").unwrap();
        assert_eq!(
            match_list(&format!("x {}", file.display())).unwrap(),
            ["x", "a.example", "b.example", "c.example"]
        );
        assert_eq!(
            text_or_file(file.to_str().unwrap()).unwrap(),
            "a.example b.example"
        );
        assert!(
            match_list("/does/not/exist")
                .unwrap_err()
                .contains("/does/not/exist")
        );
    }
}
