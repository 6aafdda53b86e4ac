//! master.cf: the services, as master(5) writes them.
//!
//! In: the file's text. Out: services and problems. Which of them the engine runs itself is decided in
//! `load`; nothing here opens a socket.

use super::maincf::logical_lines;
use super::{Problem, Severity, values};
use std::path::Path;

/// One service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// First column: `smtp`, `127.0.0.1:10025`, `relay`.
    pub name: String,
    /// Second column.
    pub wire: Wire,
    /// Seventh column, `maxproc`; `None` is `-`, the default_process_limit.
    pub process_limit: Option<usize>,
    /// The program: `smtpd`, `smtp`, `pipe`, ...
    pub program: String,
    /// Its arguments without the `-o` overrides.
    pub arguments: Vec<String>,
    /// `-o name=value` in the order given.
    pub overrides: Vec<(String, String)>,
    /// The line of master.cf.
    pub line: usize,
}

/// How a service is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// A TCP listener.
    Inet,
    /// A local stream socket; the transports are these.
    Unix,
    /// A local datagram socket, a FIFO, or a passed descriptor.
    Other,
}

/// Reads master.cf.
pub fn parse(file: &Path, text: &str) -> (Vec<Service>, Vec<Problem>) {
    let mut services = Vec::new();
    let mut problems = Vec::new();
    for (line, logical) in logical_lines(text) {
        match service(&logical, line) {
            Ok(service) => services.push(service),
            Err(text) => problems.push(Problem {
                severity: Severity::Error,
                file: file.to_owned(),
                line,
                text,
                remedy: "see master(5) for the eight columns".to_owned(),
            }),
        }
    }
    (services, problems)
}

fn service(logical: &str, line: usize) -> Result<Service, String> {
    // The columns are split at blanks only; commas belong to the values.
    let words = blank_words(logical)?;
    if words.len() < 8 {
        return Err(format!("bad field count: \"{}\"", logical.trim()));
    }
    let wire = match words[1].as_str() {
        "inet" => Wire::Inet,
        "unix" => Wire::Unix,
        "fifo" | "pass" | "unix-dgram" => Wire::Other,
        other => return Err(format!("bad transport type: {other}")),
    };
    for (column, word) in ["private", "unpriv", "chroot"].iter().zip(&words[2..5]) {
        if !matches!(word.as_str(), "y" | "n" | "-") {
            return Err(format!("bad {column} flag: \"{word}\", expected y, n or -"));
        }
    }
    let process_limit = match words[6].as_str() {
        "-" => None,
        word => Some(values::number(word)?),
    };
    let mut arguments = Vec::new();
    let mut overrides = Vec::new();
    let mut rest = words[8..].iter();
    while let Some(word) = rest.next() {
        if word == "-o" {
            let pair = rest.next().ok_or("option -o needs name=value")?;
            let pair = pair
                .strip_prefix('{')
                .and_then(|pair| pair.strip_suffix('}'))
                .unwrap_or(pair);
            let (name, value) = pair
                .split_once('=')
                .ok_or_else(|| format!("missing '=' after attribute name: \"{pair}\""))?;
            overrides.push((name.trim().to_owned(), value.trim().to_owned()));
        } else {
            arguments.push(word.clone());
        }
    }
    Ok(Service {
        name: words[0].clone(),
        wire,
        process_limit,
        program: words[7].clone(),
        arguments,
        overrides,
        line,
    })
}

fn blank_words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let length = if rest.starts_with('{') {
            let mut depth = 0usize;
            rest.char_indices()
                .find_map(|(index, c)| {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        _ => {}
                    }
                    (depth == 0).then_some(index + 1)
                })
                .ok_or_else(|| format!("missing '}}' in \"{rest}\""))?
        } else {
            rest.find(char::is_whitespace).unwrap_or(rest.len())
        };
        words.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_with_overrides() {
        let text = "127.0.0.1:10025 inet n - n - 3 smtpd -v\n  -o content_filter=\n  -o { mynetworks = 127.0.0.0/8, ::1 }\n  -o smtpd_banner=x\nrelay unix - - n - - smtp -o syslog_name=postfix/$service_name\n";
        let (services, problems) = parse(Path::new("master.cf"), text);
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(services.len(), 2);
        assert_eq!(services[0].wire, Wire::Inet);
        assert_eq!(services[0].process_limit, Some(3));
        assert_eq!(services[0].arguments, ["-v"]);
        assert_eq!(
            services[0].overrides,
            [
                ("content_filter".into(), String::new()),
                ("mynetworks".into(), "127.0.0.0/8, ::1".into()),
                ("smtpd_banner".into(), "x".into())
            ]
        );
        assert_eq!(services[1].line, 5);
    }

    #[test]
    fn bad_lines_are_named() {
        let (services, problems) = parse(
            Path::new("master.cf"),
            "smtp inet n - y - -\nx tcp n - y - - smtpd\ny inet n - y - - smtpd -o\nz inet q - y - - smtpd\n",
        );
        assert!(services.is_empty());
        assert_eq!(problems.len(), 4);
    }

    #[test]
    fn debians_master_cf_is_understood() {
        if let Ok(text) = std::fs::read_to_string("/usr/share/postfix/master.cf.dist") {
            let (services, problems) = parse(Path::new("master.cf"), &text);
            assert!(problems.is_empty(), "{problems:?}");
            assert!(
                services
                    .iter()
                    .any(|s| s.name == "smtp" && s.wire == Wire::Unix)
            );
        }
    }
}
