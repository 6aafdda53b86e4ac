//! `mailtop engine check`: everything about a configuration that would surprise its owner.
//!
//! In: a configuration directory. Out: [`Problem`]s with file, line and remedy. It reads what main.cf names
//! and asks no network; what the parameters' own syntax is about, `config` already tells.

use super::cleanup;
use super::config::{ConfigError, Params, Problem, Severity, Wire};
use super::maps::{self, MapError, Syntax};
use super::policy::words::{NOT_YET, Restriction, parse};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// All problems, in the order of the files' lines.
pub fn check(config_dir: &Path) -> Result<Vec<Problem>, ConfigError> {
    let (params, mut problems) = Params::load(config_dir)?;
    problems.extend(surprises(&params));
    problems.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    problems.dedup();
    Ok(problems)
}

/// What is surprising beyond syntax about parameters already loaded: for `check` and for the log at start.
pub fn surprises(params: &Params) -> Vec<Problem> {
    let mut findings = Findings::new(params);
    findings.identity();
    findings.log();
    findings.networks();
    findings.restrictions();
    findings.aliases();
    findings.content();
    findings.tables();
    for listener in &params.listeners {
        if let Some(own) = &listener.overrides {
            findings.listener(&listener.service, own);
        }
    }
    findings.problems
}

struct Findings<'a> {
    params: &'a Params,
    main_cf: PathBuf,
    /// The line each parameter is set on.
    lines: BTreeMap<String, usize>,
    problems: Vec<Problem>,
}

impl<'a> Findings<'a> {
    fn new(params: &'a Params) -> Self {
        let main_cf = params.config_directory.join("main.cf");
        let lines = std::fs::read(&main_cf)
            .map(|bytes| super::config::lines_of(&String::from_utf8_lossy(&bytes)))
            .unwrap_or_default();
        Self {
            params,
            main_cf,
            lines,
            problems: Vec::new(),
        }
    }

    fn is_set(&self, parameter: &str) -> bool {
        self.lines.contains_key(parameter)
    }

    fn tell(&mut self, severity: Severity, parameter: &str, text: impl Into<String>, remedy: &str) {
        self.problems.push(Problem {
            severity,
            file: self.main_cf.clone(),
            line: self.lines.get(parameter).copied().unwrap_or(0),
            text: text.into(),
            remedy: remedy.to_owned(),
        });
    }

    fn identity(&mut self) {
        if !self.is_set("compatibility_level") {
            self.tell(
                Severity::Note,
                "compatibility_level",
                "compatibility_level is not set: this engine takes 3.6, Postfix would take 0 and its old defaults",
                "set compatibility_level = 3.6",
            );
        }
        let banner = self.params.smtpd_banner.clone();
        let host = self.params.myhostname.clone();
        if !banner
            .split_whitespace()
            .next()
            .is_some_and(|word| word.eq_ignore_ascii_case(&host))
        {
            self.tell(
                Severity::Warning,
                "smtpd_banner",
                format!(
                    "smtpd_banner does not start with the host's name {host} (RFC 5321 section 4.2)"
                ),
                "set smtpd_banner = $myhostname ESMTP",
            );
        }
        let (box_limit, message_limit) = (
            self.params.mailbox_size_limit,
            self.params.message_size_limit,
        );
        if box_limit > 0 && (message_limit == 0 || box_limit < message_limit) {
            self.tell(
                Severity::Error,
                "mailbox_size_limit",
                "mailbox_size_limit is smaller than message_size_limit",
                "set mailbox_size_limit = 0, or above message_size_limit",
            );
        }
        if self
            .params
            .smtpd_forbid_bare_newline
            .eq_ignore_ascii_case("no")
        {
            self.tell(
                Severity::Warning,
                "smtpd_forbid_bare_newline",
                "smtpd_forbid_bare_newline = no lets SMTP smuggling through",
                "set smtpd_forbid_bare_newline = normalize",
            );
        }
    }

    /// Postfix's own commands end at once when the log lies where they do not expect it.
    fn log(&mut self) {
        let params = self.params;
        let prefixes = params
            .all
            .get("maillog_file_prefixes")
            .map_or("/var, /dev/stdout", String::as_str);
        let prefixes = super::config::values::list(prefixes).unwrap_or_default();
        let log = &params.maillog_file;
        if !log.as_os_str().is_empty() && !prefixes.iter().any(|prefix| log.starts_with(prefix)) {
            self.tell(
                Severity::Warning,
                "maillog_file",
                format!(
                    "maillog_file {} is outside of maillog_file_prefixes: postqueue, postcat and Postfix's other commands refuse \
                     this configuration",
                    log.display()
                ),
                "add its directory to maillog_file_prefixes",
            );
        }
    }

    fn networks(&mut self) {
        let hosts: Vec<String> = self
            .params
            .mynetworks_patterns
            .iter()
            .filter(|word| {
                // An address that ends in .0 was meant as a network.
                matches!(word.parse(), Ok(IpAddr::V4(address)) if address.octets()[3] == 0)
            })
            .cloned()
            .collect();
        for word in hosts {
            self.tell(
                Severity::Warning,
                "mynetworks",
                format!("mynetworks: {word} is one host (/32), not a network"),
                "write it with its length, for example 10.8.0.0/24",
            );
        }
        let open = self
            .params
            .mynetworks
            .iter()
            .any(|network| network.prefix_len() == 0);
        if open {
            self.tell(
                Severity::Error,
                "mynetworks",
                "mynetworks holds the whole Internet: an open relay",
                "list your own networks only",
            );
        }
    }

    fn restrictions(&mut self) {
        let params = self.params;
        let lists: [(&str, &[String]); 8] = [
            (
                "smtpd_client_restrictions",
                &params.smtpd_client_restrictions,
            ),
            ("smtpd_helo_restrictions", &params.smtpd_helo_restrictions),
            (
                "smtpd_sender_restrictions",
                &params.smtpd_sender_restrictions,
            ),
            ("smtpd_relay_restrictions", &params.smtpd_relay_restrictions),
            (
                "smtpd_recipient_restrictions",
                &params.smtpd_recipient_restrictions,
            ),
            ("smtpd_data_restrictions", &params.smtpd_data_restrictions),
            (
                "smtpd_end_of_data_restrictions",
                &params.smtpd_end_of_data_restrictions,
            ),
            ("smtpd_etrn_restrictions", &params.smtpd_etrn_restrictions),
        ];
        for (name, words) in lists {
            self.restriction_list(name, words);
        }
        for (name, words) in &params.restriction_classes {
            self.restriction_list(name, words);
        }
        let guards = [
            "reject_unauth_destination",
            "defer_unauth_destination",
            "reject",
            "defer",
            "defer_if_permit",
        ];
        let guarded = params
            .smtpd_relay_restrictions
            .iter()
            .chain(&params.smtpd_recipient_restrictions)
            .any(|word| guards.iter().any(|guard| word.eq_ignore_ascii_case(guard)));
        if !guarded {
            self.tell(
                Severity::Error,
                "smtpd_relay_restrictions",
                "in parameter smtpd_relay_restrictions or smtpd_recipient_restrictions, specify at least one working \
                 instance of: reject_unauth_destination, defer_unauth_destination, reject, defer, defer_if_permit",
                "an open relay otherwise",
            );
        }
    }

    fn restriction_list(&mut self, parameter: &str, words: &[String]) {
        let parsed = parse(words, self.params);
        let mut lists = 0;
        for item in &parsed {
            match &item.restriction {
                Restriction::Unknown(word) if NOT_YET.contains(&word.to_ascii_lowercase().as_str()) => self.tell(
                    Severity::Error,
                    parameter,
                    format!("{parameter}: {word} is not supported yet: mail would get 451 Server configuration error"),
                    "remove it, or keep Postfix for it",
                ),
                Restriction::Unknown(word) => self.tell(
                    Severity::Error,
                    parameter,
                    format!("{parameter}: unknown smtpd restriction: \"{word}\": mail would get 451 Server configuration error"),
                    "correct its name or remove it",
                ),
                Restriction::MissingArgument(word) => self.tell(
                    Severity::Error,
                    parameter,
                    format!("{parameter}: restriction {word} requires an argument"),
                    "name the table or the list behind it",
                ),
                Restriction::Rbl(zone) | Restriction::Dnswl(zone) | Restriction::Rhsbl(_, zone) => {
                    lists += 1;
                    self.block_list(parameter, zone);
                }
                Restriction::Access(_, table) => self.table(parameter, table, Syntax::Postmap),
                _ => {}
            }
        }
        if lists > 3 {
            self.tell(
                Severity::Note,
                parameter,
                format!(
                    "{parameter}: {lists} DNS lists: Postfix asks them one after the other at every RCPT (with 200 ms each, \
                     {:.1} s; all silent, over {} s); this engine asks them at once",
                    f64::from(lists) * 0.2,
                    lists * 5
                ),
                "two or three live lists find nearly as much",
            );
        }
    }

    fn block_list(&mut self, parameter: &str, zone: &str) {
        let zone = zone.split('=').next().unwrap_or(zone);
        if let Some(entry) = crate::rbl::dead(zone) {
            let since = entry.since.clone().unwrap_or_default();
            let instead = match &entry.replacement {
                Some(zone) => format!(", use {zone}"),
                None => String::new(),
            };
            self.tell(
                Severity::Warning,
                parameter,
                format!("{parameter}: {zone} is dead or moved since {since}{instead}"),
                "remove it: a dead list costs time at best and lists the whole world at worst",
            );
        }
    }

    fn aliases(&mut self) {
        let params = self.params;
        for (name, tables) in [
            ("alias_database", &params.alias_database),
            ("alias_maps", &params.alias_maps),
        ] {
            for table in tables {
                if Path::new(table)
                    .extension()
                    .is_some_and(|extension| extension == "db")
                {
                    self.tell(
                        Severity::Error,
                        name,
                        format!(
                            "{name} = {table}: names the compiled file: Postfix adds .db itself, newaliases fails and every local \
                             recipient gets 451"
                        ),
                        "leave the .db away",
                    );
                }
            }
        }
        for table in &params.alias_maps {
            self.table("alias_maps", table, Syntax::Aliases);
        }
    }

    fn content(&mut self) {
        let params = self.params;
        let filter = params.content_filter.clone();
        if let Some((transport, _)) = filter.split_once(':')
            && !is_transport(params, transport)
        {
            self.tell(
                Severity::Error,
                "content_filter",
                format!("content_filter = {filter}: no transport {transport} in master.cf: all mail would be deferred (mail transport unavailable)"),
                "add the transport to master.cf, or remove content_filter",
            );
        }
        let skips = |params: &Params| {
            params
                .receive_override_options
                .iter()
                .any(|word| word == "no_address_mappings")
        };
        let bare_listener = params.listeners.iter().any(|listener| {
            listener
                .overrides
                .as_deref()
                .is_some_and(|own| own.content_filter.is_empty() && skips(own))
        });
        if skips(params)
            && (bare_listener
                || params
                    .listeners
                    .iter()
                    .all(|listener| listener.overrides.is_none()))
        {
            self.tell(
                Severity::Warning,
                "receive_override_options",
                "receive_override_options = no_address_mappings reaches every listener, also the one that takes mail back \
                 from the content filter: virtual aliases are never expanded",
                "put it into master.cf as -o on the first listener, or override it with -o receive_override_options= on the other",
            );
        }
    }

    fn tables(&mut self) {
        let params = self.params;
        let groups: [(&str, &[String]); 7] = [
            ("virtual_alias_maps", &params.virtual_alias_maps),
            ("virtual_mailbox_maps", &params.virtual_mailbox_maps),
            ("relay_recipient_maps", &params.relay_recipient_maps),
            ("transport_maps", &params.transport_maps),
            ("header_checks", &params.header_checks),
            ("mime_header_checks", &params.mime_header_checks),
            ("body_checks", &params.body_checks),
        ];
        for (name, tables) in groups {
            // mime_header_checks is $header_checks by default: told once.
            if self.is_set(name) {
                for table in tables {
                    self.table(name, table, Syntax::Postmap);
                    if name.ends_with("_checks") {
                        self.rules(name, table);
                    }
                }
            }
        }
    }

    /// The right-hand sides of header_checks(5).
    fn rules(&mut self, parameter: &str, table: &str) {
        let file =
            maps::file_of(table).map_or_else(|| table.to_owned(), |f| f.display().to_string());
        for (line, action) in self.params.maps.values(table).unwrap_or_default() {
            let place = if line == 0 {
                file.clone()
            } else {
                format!("{file}, line {line}")
            };
            if let Some(complaint) = cleanup::complaint(&action) {
                self.tell(
                    Severity::Warning,
                    parameter,
                    format!("{parameter}: {place}: {complaint}"),
                    "the rule does nothing as it is written",
                );
            }
            if let Some(filter) = cleanup::filter_of(&action)
                && let Some((transport, _)) = filter.split_once(':')
                && !is_transport(self.params, transport)
            {
                self.tell(
                    Severity::Error,
                    parameter,
                    format!("{parameter}: {place}: FILTER {filter}: no transport {transport} in master.cf: its mail would be deferred (mail transport unavailable)"),
                    "add the transport to master.cf, or correct the rule",
                );
            }
        }
    }

    fn table(&mut self, parameter: &str, table: &str, syntax: Syntax) {
        match self.params.maps.check(table, syntax) {
            Ok(problems) => {
                for text in problems {
                    self.tell(
                        Severity::Warning,
                        parameter,
                        format!("{parameter}: {text}"),
                        "the rule does nothing as it is written",
                    );
                }
            }
            Err(error) => {
                let remedy = match &error {
                    MapError::UnknownType(..) => {
                        "use hash:, texthash:, regexp:, cidr:, inline: or static:"
                    }
                    _ if maps::file_of(table).is_some() => {
                        "create the file (empty is enough), or remove the table"
                    }
                    _ => "correct the table's text",
                };
                self.tell(
                    Severity::Error,
                    parameter,
                    format!("{parameter}: {error}: mail that needs it gets 451"),
                    remedy,
                );
            }
        }
    }

    /// A listener's own restrictions; what it has from main.cf was told for main.cf.
    fn listener(&mut self, service: &str, own: &Params) {
        let unknown: Vec<String> = [
            &own.smtpd_client_restrictions,
            &own.smtpd_recipient_restrictions,
            &own.smtpd_relay_restrictions,
        ]
        .into_iter()
        .flat_map(|words| parse(words, own))
        .filter(|item| matches!(item.restriction, Restriction::Unknown(_)))
        .map(|item| item.text)
        .filter(|word| {
            !self
                .problems
                .iter()
                .any(|problem| problem.text.contains(word))
        })
        .collect();
        for word in unknown {
            self.problems.push(Problem {
                severity: Severity::Error,
                file: self.params.config_directory.join("master.cf"),
                line: 0,
                text: format!("{service}: unknown smtpd restriction: \"{word}\""),
                remedy: "correct its name or remove it".to_owned(),
            });
        }
    }
}

/// Whether mail can be given to this transport: master.cf has it, or it is one of our own.
fn is_transport(params: &Params, name: &str) -> bool {
    params
        .services
        .iter()
        .any(|service| service.wire == Wire::Unix && service.name == name)
        || matches!(
            name,
            "smtp" | "relay" | "local" | "error" | "retry" | "discard"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(main_cf: &str) -> Vec<(usize, String)> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("main.cf"), main_cf).unwrap();
        check(dir.path())
            .unwrap()
            .into_iter()
            .map(|problem| (problem.line, problem.text))
            .collect()
    }

    #[test]
    fn a_plain_configuration_is_quiet() {
        let found = texts(
            "compatibility_level = 3.6\nmyhostname = mx.example\nalias_maps =\nsmtpd_banner = $myhostname ESMTP\n",
        );
        assert_eq!(found, []);
    }

    #[test]
    fn the_how_tos_traps_are_named_with_their_lines() {
        let dir = tempfile::tempdir().unwrap();
        let table = dir.path().join("mime_header_checks.regexp");
        std::fs::write(
            &table,
            " /filename=\\\\\"?(.*)\\.(bat|exe)\\\\\"?$/\n   REJECT a\n /^x$/\n",
        )
        .unwrap();
        let found = texts(&format!(
            "smtpd_banner = fire.deimos.fr - Microsoft Exchange (5.5)\nreject_unknown_recipient_domain = yes\n\
             myhostname = fire.deimos.fr\nalias_maps =\nalias_database = hash:/etc/aliases.db\n\
             mynetworks = 127.0.0.0/8, 10.8.0.0\nsmtpd_recipient_restrictions = permit_mynetworks,\n reject_unauth_destination,\n \
             reject_rbl_client relays.ordb.org, reject_rbl_client list.dsbl.org, reject_rbl_client cbl.abuseat.org,\n \
             reject_rbl_client opm.blitzed.org, no_such_thing, check_policy_service unix:x\n\
             mime_header_checks = regexp:{}\ncontent_filter = amavis:[127.0.0.1]:10024\n\
             receive_override_options = no_address_mappings\n",
            table.display()
        ));
        for (line, part) in [
            (2, "unused parameter: reject_unknown_recipient_domain=yes"),
            (5, "names the compiled file"),
            (6, "10.8.0.0 is one host"),
            (7, "relays.ordb.org is dead"),
            (7, "list.dsbl.org is dead"),
            (7, "cbl.abuseat.org is dead"),
            (7, "opm.blitzed.org is dead"),
            (7, "unknown smtpd restriction: \"no_such_thing\""),
            (7, "check_policy_service is not supported yet"),
            (7, "one after the other"),
            (11, "logical line must not start with whitespace"),
            (12, "no transport amavis"),
            (13, "no_address_mappings"),
            (0, "compatibility_level is not set"),
        ] {
            assert!(
                found
                    .iter()
                    .any(|(at, text)| *at == line && text.contains(part)),
                "line {line}: {part} is missing in {found:#?}"
            );
        }
    }

    #[test]
    fn an_open_relay_is_an_error() {
        let found = texts("compatibility_level = 3.6\nalias_maps =\nsmtpd_relay_restrictions =\n");
        assert!(
            found
                .iter()
                .any(|(line, text)| *line == 3 && text.contains("specify at least one")),
            "{found:?}"
        );
    }
}
