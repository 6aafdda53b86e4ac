//! `cidr:` tables (cidr_table(5)): networks to values, the first match wins.

use super::source::numbered_lines;
use ipnet::IpNet;
use std::net::IpAddr;

/// A `cidr:` table in memory.
pub struct Networks {
    rules: Vec<Rule>,
    problems: Vec<String>,
}

enum Rule {
    Match {
        network: IpNet,
        negated: bool,
        value: String,
    },
    If {
        network: IpNet,
        negated: bool,
        /// The index after the matching `endif`.
        end: usize,
    },
}

impl Networks {
    /// The value for an address; a key that is none matches nothing.
    pub fn find(&self, key: &str) -> Option<String> {
        let address: IpAddr = key.parse().ok()?;
        let mut index = 0;
        while let Some(rule) = self.rules.get(index) {
            index += 1;
            match rule {
                Rule::Match {
                    network,
                    negated,
                    value,
                } => {
                    if network.contains(&address) != *negated {
                        return Some(value.clone());
                    }
                }
                Rule::If {
                    network,
                    negated,
                    end,
                } => {
                    if network.contains(&address) == *negated {
                        index = *end;
                    }
                }
            }
        }
        None
    }

    /// Lines that were skipped, each with why.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

/// Reads a table; bad lines are skipped with a problem, as Postfix does.
pub fn parse(name: &str, text: &str) -> Networks {
    let mut rules = Vec::new();
    let mut problems = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for (number, line) in numbered_lines(text) {
        let line = line.trim();
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        if word.eq_ignore_ascii_case("endif") {
            match open.pop() {
                Some(start) => {
                    let after = rules.len();
                    if let Some(Rule::If { end, .. }) = rules.get_mut(start) {
                        *end = after;
                    }
                }
                None => problems.push(format!("{name}, line {number}: ENDIF without IF")),
            }
            continue;
        }
        let is_if = word.eq_ignore_ascii_case("if");
        let (pattern, value) = if is_if {
            (rest.trim(), "")
        } else {
            (word, rest.trim())
        };
        let negated = pattern.starts_with('!');
        let pattern = pattern.trim_start_matches('!').trim();
        match crate::engine::config::values::network(pattern) {
            Ok(network) if is_if => {
                open.push(rules.len());
                rules.push(Rule::If {
                    network,
                    negated,
                    end: usize::MAX,
                });
            }
            Ok(network) if !value.is_empty() => rules.push(Rule::Match {
                network,
                negated,
                value: value.to_owned(),
            }),
            Ok(_) => problems.push(format!(
                "{name}, line {number}: no replacement text: using empty string"
            )),
            Err(reason) => problems.push(format!(
                "{name}, line {number}: {reason}: skipping this rule"
            )),
        }
    }
    Networks { rules, problems }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_match_if_and_negation() {
        let table = parse(
            "t",
            "10.0.0.1 OK\nif 10.0.0.0/8\n!10.1.0.0/16 REJECT a\nendif\n2001:db8::/32 v6\n10.0.0.1/8 bad\nendif\n",
        );
        assert_eq!(table.find("10.0.0.1").as_deref(), Some("OK"));
        assert_eq!(table.find("10.2.0.1").as_deref(), Some("REJECT a"));
        assert_eq!(table.find("10.1.0.1"), None);
        assert_eq!(table.find("2001:db8::9").as_deref(), Some("v6"));
        assert_eq!(table.find("host"), None);
        assert_eq!(table.problems().len(), 2);
    }
}
