//! From a configuration directory to [`Params`]: read, expand, check, apply.

use super::known::{HARMLESS, KNOWN, POSTFIX, find, is_transport_parameter};
use super::maincf::{self, Definition};
use super::master::{self, Service, Wire};
use super::params::{Listener, Params};
use super::{Problem, Severity, expand, system, values};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// Why there are no parameters at all.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// main.cf cannot be read.
    #[error("{path}: {error} (try: {})", remedy(error))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "as root, or as a user who may read it",
        _ => "name the directory that holds main.cf with --config-dir",
    }
}

/// Where the embedded engine listens when there is no master.cf.
const DEFAULT_LISTENER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 2525);

impl Params {
    /// Reads `config_dir/main.cf` and, when there is one, `config_dir/master.cf`.
    ///
    /// A value that makes no sense is an [`Severity::Error`] among the problems and leaves the default in force.
    pub fn load(config_dir: &Path) -> Result<(Self, Vec<Problem>), ConfigError> {
        let main_cf = config_dir.join("main.cf");
        let text = read(&main_cf)?;
        let (definitions, mut problems) = maincf::parse(&main_cf, &text);
        let master_cf = config_dir.join("master.cf");
        let services = match std::fs::read(&master_cf) {
            Ok(bytes) => {
                let (services, found) = master::parse(&master_cf, &String::from_utf8_lossy(&bytes));
                problems.extend(found);
                Some(services)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                return Err(ConfigError::Unreadable {
                    path: master_cf,
                    error,
                });
            }
        };
        let loader = Loader {
            config_dir,
            main_cf: &main_cf,
            master_cf: &master_cf,
            definitions: &definitions,
        };
        let mut params = loader.apply(&[], &mut problems, None);
        loader.unknown(&params, services.as_deref().unwrap_or(&[]), &mut problems);
        loader.listeners(&mut params, services, &mut problems);
        problems.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        Ok((params, problems))
    }

    /// Parameters for unit tests: the defaults, everything below `dir`, the host named mail.example.
    #[doc(hidden)]
    pub fn for_tests(dir: &Path) -> Self {
        Self::from_text(
            &format!(
                "queue_directory = {0}/spool\ndata_directory = {0}/data\nmaillog_file = {0}/mail.log\n\
                 myhostname = mail.example\nmydestination = mail.example\nmynetworks = 127.0.0.0/8\n\
                 alias_maps =\n",
                dir.display()
            ),
            dir,
        )
    }

    /// Parameters from the text of a main.cf, for tests; problems are not reported.
    #[doc(hidden)]
    pub fn from_text(text: &str, dir: &Path) -> Self {
        let main_cf = dir.join("main.cf");
        let (definitions, _) = maincf::parse(&main_cf, text);
        Loader {
            config_dir: dir,
            main_cf: &main_cf,
            master_cf: &dir.join("master.cf"),
            definitions: &definitions,
        }
        .apply(&[], &mut Vec::new(), None)
    }

    /// The service of master.cf with this name that is a transport.
    pub fn transport(&self, name: &str) -> Option<&Service> {
        self.services
            .iter()
            .find(|service| service.wire == Wire::Unix && service.name == name)
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .map_err(|error| ConfigError::Unreadable {
            path: path.to_owned(),
            error,
        })
}

struct Loader<'a> {
    config_dir: &'a Path,
    main_cf: &'a Path,
    master_cf: &'a Path,
    definitions: &'a [Definition],
}

impl Loader<'_> {
    /// Every parameter expanded and put into place; `overrides` are one service's `-o`, which stand on `service_line`.
    fn apply(
        &self,
        overrides: &[(String, String)],
        problems: &mut Vec<Problem>,
        service_line: Option<usize>,
    ) -> Params {
        let raw = self.raw_values(overrides);
        let lookup = |name: &str| raw.get(name).cloned();
        let mut params = Params {
            config_directory: self.config_dir.to_owned(),
            own_addresses: system::own_addresses(),
            ..Params::default()
        };
        let mut all = BTreeMap::new();
        for known in KNOWN {
            let text = raw.get(known.name).map_or("", String::as_str);
            let expanded = if known.raw {
                Ok(text.to_owned())
            } else {
                expand::expand(text, &lookup).map_err(|e| e.to_string())
            };
            let outcome = expanded.and_then(|value| {
                let set = (known.set)(&mut params, &value);
                all.insert(known.name.to_owned(), value);
                set
            });
            if let Err(text) = outcome {
                self.reject(known.name, &text, overrides, service_line, problems);
                let default = known
                    .default
                    .or_else(|| POSTFIX.get(known.name).copied())
                    .unwrap_or("");
                if let Ok(default) = expand::expand(default, &lookup) {
                    let _ = (known.set)(&mut params, &default);
                }
            }
        }
        params.mynetworks_patterns = all
            .get("mynetworks")
            .and_then(|value| values::match_list(value).ok())
            .unwrap_or_default();
        for class in params.smtpd_restriction_classes.clone() {
            let text = raw.get(&class).map_or("", String::as_str);
            let words = expand::expand(text, &lookup)
                .map_err(|e| e.to_string())
                .and_then(|value| values::list(&value));
            match words {
                Ok(words) => {
                    params.restriction_classes.insert(class, words);
                }
                Err(text) => self.reject(&class, &text, overrides, service_line, problems),
            }
        }
        for definition in self.definitions {
            all.entry(definition.name.clone()).or_insert_with(|| {
                expand::expand(&definition.value, &lookup)
                    .unwrap_or_else(|_| definition.value.clone())
            });
        }
        params.all = all;
        params
    }

    /// Defaults, then main.cf, then the service's own; nothing expanded yet.
    fn raw_values(&self, overrides: &[(String, String)]) -> BTreeMap<String, String> {
        let mut raw: BTreeMap<String, String> = POSTFIX
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        for known in KNOWN {
            if let Some(default) = known.default {
                raw.insert(known.name.to_owned(), default.to_owned());
            }
        }
        raw.insert(
            "config_directory".to_owned(),
            self.config_dir.display().to_string(),
        );
        for definition in self.definitions {
            raw.insert(definition.name.clone(), definition.value.clone());
        }
        for (name, value) in overrides {
            raw.insert(name.clone(), value.clone());
        }
        host_names(&mut raw);
        if raw.get("mynetworks").is_none_or(String::is_empty)
            && !self.definitions.iter().any(|d| d.name == "mynetworks")
        {
            raw.insert("mynetworks".to_owned(), system::own_networks());
        }
        raw
    }

    fn reject(
        &self,
        name: &str,
        text: &str,
        overrides: &[(String, String)],
        service_line: Option<usize>,
        problems: &mut Vec<Problem>,
    ) {
        let (file, line) = match service_line {
            Some(line) if overrides.iter().any(|(n, _)| n == name) => (self.master_cf, line),
            // A service inherits main.cf's mistakes; they are told once, for main.cf.
            Some(_) => return,
            None => (self.main_cf, self.line_of(name)),
        };
        problems.push(Problem {
            severity: Severity::Error,
            file: file.to_owned(),
            line,
            text: format!("{name}: {text}"),
            remedy: "the default is in force until it is corrected".to_owned(),
        });
    }

    fn line_of(&self, name: &str) -> usize {
        self.definitions
            .iter()
            .find(|d| d.name == name)
            .map_or(0, |d| d.line)
    }

    /// Parameters that we do not act on, and names that nobody knows.
    fn unknown(&self, params: &Params, services: &[Service], problems: &mut Vec<Problem>) {
        let used: BTreeSet<String> = self
            .definitions
            .iter()
            .map(|d| d.value.as_str())
            .chain(
                services
                    .iter()
                    .flat_map(|s| s.overrides.iter().map(|(_, v)| v.as_str())),
            )
            .flat_map(expand::names)
            .collect();
        for definition in self.definitions {
            let name = definition.name.as_str();
            if find(name).is_some()
                || used.contains(name)
                || params.restriction_classes.contains_key(name)
            {
                continue;
            }
            let (severity, text, remedy) = if HARMLESS.contains(&name) {
                (
                    Severity::Note,
                    format!("{name}: accepted, has no effect here"),
                    "",
                )
            } else if POSTFIX.contains_key(name) {
                if POSTFIX.get(name) == Some(&definition.value.as_str()) {
                    continue;
                }
                (
                    Severity::Warning,
                    format!("{name}: a parameter of Postfix that this engine does not support yet"),
                    "it has no effect here; remove it, or keep Postfix for what needs it",
                )
            } else if is_transport_parameter(name, services) {
                (
                    Severity::Warning,
                    format!("{name}: per-transport settings are not supported yet"),
                    "the default_* parameter of the same kind is in force",
                )
            } else {
                (
                    Severity::Warning,
                    format!("unused parameter: {name}={}", definition.value),
                    "no such parameter exists: correct its name or remove the line",
                )
            };
            problems.push(Problem {
                severity,
                file: self.main_cf.to_owned(),
                line: definition.line,
                text,
                remedy: remedy.to_owned(),
            });
        }
    }

    fn listeners(
        &self,
        params: &mut Params,
        services: Option<Vec<Service>>,
        problems: &mut Vec<Problem>,
    ) {
        let Some(services) = services else {
            params.listeners = vec![Listener {
                address: DEFAULT_LISTENER,
                service: "smtpd".to_owned(),
                process_limit: params.default_process_limit,
                overrides: None,
            }];
            return;
        };
        for service in services {
            if service.wire == Wire::Inet {
                self.listener(params, &service, problems);
            } else {
                params.services.push(service);
            }
        }
        // A listener's own parameters know the same transports.
        for listener in &mut params.listeners {
            if let Some(own) = &mut listener.overrides {
                own.services.clone_from(&params.services);
            }
        }
    }

    fn listener(&self, params: &mut Params, service: &Service, problems: &mut Vec<Problem>) {
        let mut problem = |severity, text: String, remedy: &str| {
            problems.push(Problem {
                severity,
                file: self.master_cf.to_owned(),
                line: service.line,
                text,
                remedy: remedy.to_owned(),
            });
        };
        match service.program.as_str() {
            "smtpd" => {}
            "postscreen" => problem(
                Severity::Warning,
                "postscreen is not supported yet: smtpd answers on this port".to_owned(),
                "make it: smtp inet n - y - - smtpd",
            ),
            other => {
                problem(
                    Severity::Warning,
                    format!("{}: no listener for the program {other}", service.name),
                    "the engine listens only for smtpd",
                );
                return;
            }
        }
        let overrides: Vec<(String, String)> = service
            .overrides
            .iter()
            .map(|(name, value)| (name.clone(), value.replace("$service_name", &service.name)))
            .collect();
        for (name, _) in &overrides {
            if find(name).is_none() && !POSTFIX.contains_key(name.as_str()) {
                problem(
                    Severity::Warning,
                    format!("unused parameter: -o {name}"),
                    "no such parameter exists: correct its name or remove it",
                );
            } else if find(name).is_none() && !HARMLESS.contains(&name.as_str()) {
                problem(
                    Severity::Warning,
                    format!(
                        "-o {name}: a parameter of Postfix that this engine does not support yet"
                    ),
                    "it has no effect here",
                );
            }
        }
        let own = (!overrides.is_empty())
            .then(|| Box::new(self.apply(&overrides, problems, Some(service.line))));
        let effective = own.as_deref().unwrap_or(params);
        let addresses = match addresses(&service.name, effective) {
            Ok(addresses) => addresses,
            Err(text) => {
                problems.push(Problem {
                    severity: Severity::Error,
                    file: self.master_cf.to_owned(),
                    line: service.line,
                    text,
                    remedy: "write port, host:port or [address]:port".to_owned(),
                });
                return;
            }
        };
        let name = effective
            .syslog_name
            .strip_prefix(&params.syslog_name)
            .and_then(|rest| rest.strip_prefix('/'))
            .map_or_else(|| "smtpd".to_owned(), |rest| format!("{rest}/smtpd"));
        let limit = service
            .process_limit
            .unwrap_or(effective.default_process_limit);
        for address in addresses {
            params.listeners.push(Listener {
                address,
                service: name.clone(),
                process_limit: limit,
                overrides: own.clone(),
            });
        }
    }
}

/// myhostname and mydomain depend on each other and on uname (postconf(5), myhostname).
fn host_names(raw: &mut BTreeMap<String, String>) {
    let set = |raw: &BTreeMap<String, String>, name: &str| {
        raw.get(name).is_some_and(|value| !value.is_empty())
    };
    let host = system::host_name();
    if !set(raw, "myhostname") {
        let name = if host.contains('.') || !set(raw, "mydomain") {
            host.clone()
        } else {
            format!("{host}.$mydomain")
        };
        let name = if name.contains('.') {
            name
        } else {
            format!("{name}.localdomain")
        };
        raw.insert("myhostname".to_owned(), name);
    }
    if !set(raw, "mydomain") {
        let domain = raw
            .get("myhostname")
            .and_then(|name| name.split_once('.'))
            .map_or("localdomain", |(_, domain)| domain)
            .to_owned();
        raw.insert("mydomain".to_owned(), domain);
    }
}

/// The addresses an inet service listens on.
fn addresses(name: &str, params: &Params) -> Result<Vec<SocketAddr>, String> {
    let (host, port) = match name.rsplit_once(':') {
        Some((host, port)) => (Some(host), port),
        None => (None, name),
    };
    let port = port_number(port).ok_or_else(|| format!("bad port: {name}"))?;
    if let Some(host) = host.filter(|host| !host.is_empty()) {
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let address = match address {
            "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
            other => other
                .parse()
                .map_err(|_| format!("bad listener address: {name}"))?,
        };
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let family = |address: &IpAddr| {
        params
            .inet_protocols
            .iter()
            .any(|word| match word.as_str() {
                "ipv4" => address.is_ipv4(),
                "ipv6" => address.is_ipv6(),
                _ => true,
            })
    };
    let mut found: Vec<IpAddr> = Vec::new();
    for word in &params.inet_interfaces {
        match word.as_str() {
            "all" => found.extend([
                IpAddr::V6(Ipv6Addr::UNSPECIFIED),
                IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            ]),
            "loopback-only" | "localhost" => found.extend([
                IpAddr::V4(Ipv4Addr::LOCALHOST),
                IpAddr::V6(Ipv6Addr::LOCALHOST),
            ]),
            word => match word.trim_matches(['[', ']']).parse() {
                Ok(address) => found.push(address),
                Err(_) if word == params.myhostname => {
                    found.extend(system::own_addresses().iter().filter(|a| !a.is_loopback()));
                }
                Err(_) => return Err(format!("inet_interfaces: bad address: {word}")),
            },
        }
    }
    found.retain(family);
    found.dedup();
    Ok(found
        .into_iter()
        .map(|address| SocketAddr::new(address, port))
        .collect())
}

/// A port by number or by the names master.cf uses; others come from /etc/services.
fn port_number(text: &str) -> Option<u16> {
    if let Ok(port) = text.parse() {
        return Some(port);
    }
    match text {
        "smtp" => Some(25),
        "smtps" | "submissions" => Some(465),
        "submission" => Some(587),
        name => std::fs::read_to_string("/etc/services")
            .ok()?
            .lines()
            .find_map(|line| {
                let mut words = line.split_whitespace();
                let service = words.next()?;
                let port = words.next()?.strip_suffix("/tcp")?;
                (service == name || words.take_while(|w| !w.starts_with('#')).any(|w| w == name))
                    .then(|| port.parse().ok())?
            }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn load(main: &str, master: Option<&str>) -> (Params, Vec<Problem>) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("main.cf"), main).unwrap();
        if let Some(master) = master {
            std::fs::write(dir.path().join("master.cf"), master).unwrap();
        }
        Params::load(dir.path()).unwrap()
    }

    #[test]
    fn an_empty_main_cf_is_all_defaults() {
        let (params, problems) = load("", None);
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(
            params.smtpd_relay_restrictions,
            [
                "permit_mynetworks",
                "permit_sasl_authenticated",
                "defer_unauth_destination"
            ]
        );
        assert_eq!(params.smtpd_timeout, Duration::from_mins(5));
        assert_eq!(params.maximal_queue_lifetime, Duration::from_hours(120));
        assert_eq!(params.smtpd_hard_error_limit, 20);
        assert!(!params.append_dot_mydomain);
        assert_eq!(params.listeners[0].address.to_string(), "127.0.0.1:2525");
        assert!(params.default_rbl_reply.contains("$rbl_what"));
    }

    #[test]
    fn the_how_tos_words() {
        let (params, problems) = load(
            "myhostname = fire.deimos.fr\nbiff = no\nreject_unknown_recipient_domain = yes\n\
             mynetworks = 127.0.0.0/8, 10.8.0.0\nmailbox_command = procmail -a \"$EXTENSION\"\n\
             masquerade_domains = x\nsmtpd_timeout = soon\n",
            None,
        );
        assert_eq!(params.mydomain, "deimos.fr");
        assert_eq!(params.mailbox_command, "procmail -a \"$EXTENSION\"");
        assert_eq!(params.mynetworks[1].to_string(), "10.8.0.0/32");
        let told: Vec<_> = problems.iter().map(|p| (p.line, p.severity)).collect();
        assert_eq!(
            told,
            [
                (2, Severity::Note),
                (3, Severity::Warning),
                (6, Severity::Warning),
                (7, Severity::Error)
            ]
        );
        assert_eq!(
            problems[1].text,
            "unused parameter: reject_unknown_recipient_domain=yes"
        );
        assert_eq!(params.smtpd_timeout, Duration::from_mins(5));
    }

    #[test]
    fn listeners_have_their_own_parameters() {
        let (params, problems) = load(
            "inet_interfaces = 127.0.0.1\nsmtpd_banner = $myhostname main\nmyhostname = a.example\n",
            Some(
                "2525 inet n - n - - smtpd\n127.0.0.1:10025 inet n - n - 3 smtpd\n  -o smtpd_banner=$myhostname,other\n  -o syslog_name=postfix/reinject\nrelay unix - - n - - smtp\n",
            ),
        );
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(params.listeners.len(), 2);
        assert_eq!(params.listeners[0].address.to_string(), "127.0.0.1:2525");
        assert!(params.listeners[0].overrides.is_none());
        let own = params.listeners[1].overrides.as_ref().unwrap();
        assert_eq!(own.smtpd_banner, "a.example,other");
        assert_eq!(params.listeners[1].service, "reinject/smtpd");
        assert_eq!(params.listeners[1].process_limit, 3);
        assert!(params.transport("relay").is_some());
        assert!(params.transport("amavis").is_none());
    }

    #[test]
    fn a_missing_main_cf_names_itself() {
        let dir = tempfile::tempdir().unwrap();
        let error = Params::load(dir.path()).unwrap_err().to_string();
        assert!(error.contains("main.cf"), "{error}");
    }
}
