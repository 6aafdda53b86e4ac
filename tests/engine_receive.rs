//! The engine's SMTP server against real clients, and beside the real smtpd(8).
//!
//! `tests/data/dialogues/` holds conversations; each is held with a private Postfix and with the engine under
//! the same main.cf, and replies and log lines must be the same, but for queue ids.

use crate::peers::postfix::Postfix;
use crate::peers::{PATIENCE, program, run_ok, wait_for};
use mailtop::dns::{Dns, DnsOptions, StaticDns};
use mailtop::engine::Site;
use mailtop::engine::config::Params;
use mailtop::engine::maillog::{Maillog, Stamp};
use mailtop::engine::smtpd::{Clients, Door, serve};
use mailtop::engine::spool::Spool;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::channel;
use tempfile::TempDir;

/// The engine's receiving half in this process: sessions into a spool, nothing is delivered.
struct Receiver {
    dir: TempDir,
    address: SocketAddr,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Receiver {
    fn start(parameters: &str) -> Self {
        Self::start_with(parameters, Arc::new(StaticDns::new()))
    }

    fn start_with(parameters: &str, dns: Dns) -> Self {
        let dir = tempfile::Builder::new().prefix("mt").tempdir().unwrap();
        let root = dir.path().display();
        std::fs::write(
            dir.path().join("main.cf"),
            format!(
                "queue_directory = {root}/queue\ndata_directory = {root}/data\nmaillog_file = {root}/mail.log\n\
                 {parameters}\n"
            ),
        )
        .unwrap();
        let (params, _) = Params::load(dir.path()).unwrap();
        let log = Maillog::open(
            &params.maillog_file,
            &params.myhostname,
            &params.syslog_name,
            Stamp::Traditional,
        )
        .unwrap();
        let spool = Spool::open(&params).unwrap();
        let params = Arc::new(params);
        let site = Site {
            params: params.clone(),
            log,
            dns,
        };
        let door = Door {
            params,
            service: "smtpd".to_owned(),
            spool,
            clients: Clients::default(),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let (tell, told) = channel();
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
                .await
                .unwrap();
            let address = listener.local_addr().unwrap();
            tell.send(address).unwrap();
            loop {
                let (stream, peer) = listener.accept().await.unwrap();
                let (site, door) = (site.clone(), door.clone());
                tokio::spawn(async move { serve(stream, peer, address, &site, &door).await });
            }
        });
        Self {
            dir,
            address: told.recv_timeout(PATIENCE).unwrap(),
            runtime: Some(runtime),
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("mail.log")).unwrap_or_default()
    }

    /// The queue files in a queue.
    fn files(&self, queue: &str) -> Vec<PathBuf> {
        let mut files = Vec::new();
        walk(&self.dir.path().join("queue").join(queue), &mut files);
        files
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            walk(&entry.path(), files);
        } else {
            files.push(entry.path());
        }
    }
}

/// A client that speaks exactly what it is told.
struct Speaker {
    stream: TcpStream,
    pending: Vec<u8>,
}

impl Speaker {
    fn connect(server: SocketAddr, from: Ipv4Addr) -> Self {
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket
            .bind(&SocketAddr::from((from, 0)).into())
            .unwrap_or_else(|e| panic!("bind {from}: {e}"));
        socket.connect(&server.into()).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self {
            stream,
            pending: Vec::new(),
        }
    }

    fn say(&mut self, bytes: &[u8]) {
        // A server that hung up is noticed when its reply is read.
        let _ = self.stream.write_all(bytes);
    }

    /// One whole reply, its lines joined by line feeds; `(closed)` when the server hung up.
    fn hear(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let Some(line) = self.line() else {
                return reply + "(closed)";
            };
            let more = line.as_bytes().get(3) == Some(&b'-');
            reply.push_str(&line);
            if !more {
                return reply;
            }
            reply.push('\n');
        }
    }

    fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.pending.drain(..=end).collect();
                assert!(line.ends_with(b"\r\n"), "{line:?} is no SMTP reply line");
                return Some(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer) {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.pending.extend_from_slice(&buffer[..count]),
            }
        }
    }
}

/// One file of `tests/data/dialogues/`.
struct Dialogue {
    name: String,
    client: Ipv4Addr,
    /// Which of [`settings`] it needs.
    settings: String,
    lines: Vec<String>,
}

fn dialogues() -> Vec<Dialogue> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dialogues");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let mut dialogue = Dialogue {
                name: path.file_stem().unwrap().to_string_lossy().into_owned(),
                client: Ipv4Addr::LOCALHOST,
                settings: "plain".to_owned(),
                lines: Vec::new(),
            };
            for line in text.lines() {
                match line.split_at(line.len().min(2)) {
                    ("# " | "", _) => {}
                    ("@ ", address) => dialogue.client = address.parse().unwrap(),
                    ("$ ", name) => name.clone_into(&mut dialogue.settings),
                    _ => dialogue.lines.push(line.to_owned()),
                }
            }
            dialogue
        })
        .collect()
}

/// `\r \n \t \xHH` to bytes.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let used = match rest.as_bytes()[at + 1] {
            b'r' => {
                bytes.push(b'\r');
                2
            }
            b'n' => {
                bytes.push(b'\n');
                2
            }
            b'x' => {
                bytes.push(u8::from_str_radix(&rest[at + 2..at + 4], 16).unwrap());
                4
            }
            other => panic!("\\{} means nothing", char::from(other)),
        };
        rest = &rest[at + used..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// Holds a dialogue; what was said and heard, as a transcript.
fn hold(dialogue: &Dialogue, server: SocketAddr) -> String {
    let mut speaker = Speaker::connect(server, dialogue.client);
    let mut transcript = String::new();
    for line in &dialogue.lines {
        let (kind, text) = line.split_at(1);
        let text = text.strip_prefix(' ').unwrap_or(text);
        let mut listen = false;
        match kind {
            "<" => listen = true,
            ">" => {
                speaker.say(format!("{text}\r\n").as_bytes());
                listen = true;
            }
            "+" => speaker.say(format!("{text}\r\n").as_bytes()),
            "=" => speaker.say(&unescape(text)),
            "*" => {
                let (count, text) = text.split_once(' ').unwrap();
                let many = format!("{text}\r\n").repeat(count.parse().unwrap());
                speaker.say(many.as_bytes());
            }
            _ => panic!("{}: {line}", dialogue.name),
        }
        let _ = writeln!(transcript, "{line}");
        if listen {
            let _ = writeln!(transcript, "    {}", speaker.hear().replace('\n', "\n    "));
        }
    }
    transcript
}

/// What each set of dialogues is held under, the same for both servers.
fn settings(name: &str) -> String {
    let common = "compatibility_level = 3.6\nmyhostname = mx.lab.test\nmydestination = lab.test, localhost\n\
        mynetworks = 127.0.0.1/32\nalias_maps =\nalias_database =\nrelay_domains = relayed.test\n\
        inet_interfaces = loopback-only\ninet_protocols = ipv4\nrecipient_delimiter = +\n\
        smtpd_peername_lookup = no\nsmtpd_forbid_bare_newline = normalize\n\
        smtpd_forbid_bare_newline_exclusions =\nsmtpd_error_sleep_time = 0\nmessage_size_limit = 40000\n\
        smtpd_hard_error_limit = 40\nmail_name = Postfix\nqueue_minfree = 0\nmailbox_size_limit = 0\nnotify_classes =\n\
        smtputf8_enable = no\n";
    let more = match name {
        "plain" => "",
        "strict" => {
            "smtpd_delay_reject = no\nstrict_rfc821_envelopes = yes\nappend_dot_mydomain = yes\n\
             smtpd_helo_restrictions = check_helo_access inline:{ {bad.example = REJECT bad helo} }\n\
             smtpd_sender_restrictions = reject_non_fqdn_sender\n\
             smtpd_client_restrictions = check_client_access inline:{ {127.0.0.66 = REJECT no entry} }\n"
        }
        "content" => {
            "smtpd_recipient_restrictions = check_recipient_access static:HOLD\nrecipient_delimiter = +\n\
             virtual_alias_maps = inline:{ {list@lab.test = root@lab.test, postmaster} }\n\
             virtual_alias_domains =\ndelay_warning_time = 4h\n\
             header_checks = regexp:{{/^X-Spam: yes/ REJECT spam not wanted},\n \
             {/^X-Warn:/ WARN look at this}, {/^X-Ignore:/ IGNORE}, {/^X-Replace: (.*)/ REPLACE X-Replaced: $1},\n \
             {/^X-Prepend:/ PREPEND X-Before: yes}, {/^X-Bad:/ REJECT 5.7.9 bad enough}, {/^X-Info:/ INFO}}\n\
             mime_header_checks = regexp:{{/name=.*\\.exe/ REJECT no programs}}\n\
             body_checks = regexp:{{/forbidden words/ REJECT}, {/curious/ WARN hm}}\n"
        }
        "errors" => "smtpd_hard_error_limit = 4\n",
        "howto" => {
            "disable_vrfy_command = yes\nsmtpd_helo_required = yes\nsmtpd_recipient_limit = 3\n\
             smtpd_banner = $myhostname - Microsoft Exchange (5.5)\n\
             smtpd_data_restrictions = reject_unauth_pipelining\n\
             smtpd_recipient_restrictions = permit_sasl_authenticated, permit_mynetworks,\n \
             check_sender_access inline:{ {blocked@remote.example = REJECT not you} },\n \
             warn_if_reject, check_sender_access inline:{ {warned@remote.example = REJECT} },\n \
             reject_unauth_destination, reject_invalid_hostname, reject_non_fqdn_sender,\n \
             reject_non_fqdn_recipient, reject_non_fqdn_helo_hostname, permit\n"
        }
        "access" => {
            "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n\
             smtpd_restriction_classes = strange\nstrange = reject\n\
             virtual_alias_domains = virtual.test\nvirtual_alias_maps = inline:{ {known@virtual.test = root} }\n\
             relay_recipient_maps = inline:{ {listed@relayed.test = x} }\n\
             smtpd_sender_restrictions = check_sender_access inline:{ {ok@remote.example = OK},\n \
             {code@remote.example = 571 go away}, {dsn@remote.example = REJECT 5.7.9 worded},\n \
             {defer@remote.example = DEFER later}, {class@remote.example = strange},\n \
             {ifpermit@remote.example = DEFER_IF_PERMIT maybe}, {ifreject@remote.example = DEFER_IF_REJECT},\n \
             {bad.example = REJECT}, {broken@remote.example = no_such_restriction},\n \
             {warn@remote.example = WARN look}, {held@remote.example = HOLD wait} }\n"
        }
        other => panic!("no settings named {other}"),
    };
    format!("{common}{more}")
}

/// Queue ids differ, and so do the keywords of what the engine does not do yet.
fn comparable(text: &str) -> String {
    let ids = regex::Regex::new(r"queued as [0-9A-Za-z]+").unwrap();
    let text = ids.replace_all(text, "queued as ID");
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let trimmed = line.trim_start();
        if ["ETRN", "SMTPUTF8", "CHUNKING"]
            .iter()
            .any(|word| trimmed == format!("250-{word}") || trimmed == format!("250 {word}"))
        {
            continue;
        }
        lines.push(line.replace("250-DSN", "250 DSN"));
    }
    lines.join("\n")
}

/// The messages of smtpd and cleanup in a log, queue ids replaced.
fn comparable_log(log: &str, services: &[&str]) -> String {
    let ids = regex::Regex::new(r"^(warning: )?[0-9A-F]{8,12}: ").unwrap();
    let made = regex::Regex::new(r"<\d{14}\.[0-9A-F]+@").unwrap();
    log.lines()
        .filter_map(|line| {
            let (tag, text) = line.split_once("]: ")?;
            let service = tag.rsplit('/').next()?.split('[').next()?;
            services.contains(&service).then_some(text)
        })
        // The first is about the test's main.cf, the second how smtpd's and cleanup's processes part.
        .filter(|text| {
            !text.contains("overriding earlier entry")
                && *text != "warning: mail_stream_cleanup: close error"
        })
        .map(|text| {
            let text = ids.replace(text, "${1}ID: ");
            made.replace(&text, "<STAMP.ID@").into_owned()
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// The log of one dialogue: what was added since `before`, once the session's end is in it.
fn session_log(before: usize, log: impl Fn() -> String) -> String {
    wait_for("the session's last line in the log", || {
        let text = log();
        let added = text.get(before..)?.to_owned();
        added.contains(": disconnect from ").then_some(added)
    })
}

#[test]
fn every_dialogue_goes_as_with_the_real_smtpd() {
    let dialogues = dialogues();
    let mut different = String::new();
    for name in ["plain", "howto", "access", "errors", "strict", "content"] {
        let ours: Vec<&Dialogue> = dialogues.iter().filter(|d| d.settings == name).collect();
        assert!(!ours.is_empty(), "no dialogue for {name}");
        let postfix = Postfix::start(&settings(name));
        // The connection that showed that it is ready.
        postfix.wait_log(&["]: disconnect from "]);
        let engine = Receiver::start(&settings(name));
        for dialogue in ours {
            let (before, engine_before) = (postfix.log().len(), engine.log().len());
            let theirs = comparable(&hold(dialogue, postfix.address()));
            let mine = comparable(&hold(dialogue, engine.address));
            compare(&mut different, &dialogue.name, "replies", &theirs, &mine);
            let theirs = session_log(before, || postfix.log());
            let mine = session_log(engine_before, || engine.log());
            for services in [["smtpd"], ["cleanup"]] {
                compare(
                    &mut different,
                    &dialogue.name,
                    "log",
                    &comparable_log(&theirs, &services),
                    &comparable_log(&mine, &services),
                );
            }
        }
        if name == "content" {
            let theirs = held(&postfix.queue_dir());
            assert!(!theirs.is_empty());
            let mine = held(&engine.dir.path().join("queue"));
            compare(&mut different, name, "queue files", &theirs, &mine);
        }
    }
    assert!(different.is_empty(), "{different}");
}

/// What postcat says of the messages on hold, in their order of arrival, without what must differ.
fn held(queue: &Path) -> String {
    let mut files = Vec::new();
    walk(&queue.join("hold"), &mut files);
    let mut shown: Vec<(String, String)> = files
        .iter()
        .map(|path| {
            let output = run_ok(
                Command::new(program("postcat", "postfix"))
                    .arg("-v")
                    .arg(path),
            );
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let id = path.file_name().unwrap().to_string_lossy().into_owned();
            let text = text
                .replace(&path.display().to_string(), "FILE")
                .replace(&id, "ID");
            // Subjects number the messages of a dialogue.
            let order = text
                .lines()
                .find(|line| line.contains("Subject:"))
                .unwrap_or("")
                .to_owned();
            (order, text)
        })
        .collect();
    shown.sort();
    let patterns = [
        (r"(?m)^ *\d+ ", ""),
        (r"create_time: .*", "create_time: T"),
        (r"message_arrival_time: .*", "message_arrival_time: T"),
        (r"message_size: .*", "message_size: N"),
        (r"client_port=\d+", "client_port=P"),
        (r"server_port=\d+", "server_port=P"),
        (r"warning_message_time: .*", "warning_message_time: T"),
        (r"\d+ \w{3} \d{4} \d\d:\d\d:\d\d", "DATE"),
        (r"<\d{14}\.ID@", "<STAMP.ID@"),
        (r"(?m)^(pointer_record|skipping).*\n", ""),
        (r"(?m)^padding.*\n", ""),
    ];
    let mut text = shown
        .into_iter()
        .map(|(_, text)| text)
        .collect::<Vec<_>>()
        .join("\n");
    for (pattern, replacement) in patterns {
        text = regex::Regex::new(pattern)
            .unwrap()
            .replace_all(&text, replacement)
            .into_owned();
    }
    text
}

fn compare(different: &mut String, name: &str, what: &str, theirs: &str, mine: &str) {
    if theirs == mine {
        return;
    }
    let _ = writeln!(different, "\n== {name}, {what} (- Postfix, + the engine)");
    let theirs: Vec<&str> = theirs.lines().collect();
    let mine: Vec<&str> = mine.lines().collect();
    // The longest common subsequence, so that one missing line shows as one.
    let mut common = vec![vec![0; mine.len() + 1]; theirs.len() + 1];
    for i in (0..theirs.len()).rev() {
        for j in (0..mine.len()).rev() {
            common[i][j] = if theirs[i] == mine[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < theirs.len() || j < mine.len() {
        if i < theirs.len() && j < mine.len() && theirs[i] == mine[j] {
            i += 1;
            j += 1;
        } else if j == mine.len() || (i < theirs.len() && common[i + 1][j] >= common[i][j + 1]) {
            let _ = writeln!(different, "- {}", theirs[i]);
            i += 1;
        } else {
            let _ = writeln!(different, "+ {}", mine[j]);
            j += 1;
        }
    }
}

#[test]
fn swaks_delivers_and_postcat_reads_what_was_kept() {
    let engine = Receiver::start(&settings("plain"));
    run_ok(Command::new(program("swaks", "swaks")).args([
        "--server",
        &engine.address.to_string(),
        "--from",
        "a@remote.example",
        "--to",
        "root@lab.test",
        "--header",
        "Subject: hello from swaks",
        "--body",
        "one line\n.two\n",
    ]));
    let files = engine.files("incoming");
    assert_eq!(files.len(), 1, "{}", engine.log());
    let shown = run_ok(Command::new(program("postcat", "postfix")).arg(&files[0]));
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    for part in [
        "sender: a@remote.example",
        "recipient: root@lab.test",
        "Received: from ",
        "\tby mx.lab.test (Postfix) with ESMTP id ",
        "\tfor <root@lab.test>; ",
        "Subject: hello from swaks",
        "\n.two\n",
    ] {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }
}

#[test]
fn smtp_source_fills_the_spool_and_every_250_is_a_file() {
    let engine = Receiver::start(&settings("plain"));
    let mut source = Command::new(program("smtp-source", "postfix"));
    source.args([
        "-s",
        "5",
        "-m",
        "50",
        "-l",
        "2000",
        "-f",
        "a@remote.example",
        "-t",
        "root@lab.test",
    ]);
    run_ok(source.arg(engine.address.to_string()));
    assert_eq!(engine.files("incoming").len(), 50);
    let log = engine.log();
    assert_eq!(log.matches(": client=").count(), 50);
    assert_eq!(log.matches(": message-id=").count(), 50);
}

#[test]
fn a_listed_client_is_refused_with_the_lists_own_text() {
    let dns = StaticDns::new()
        .address("9.0.0.127.bl.test", Ipv4Addr::new(127, 0, 0, 2))
        .text("9.0.0.127.bl.test", "caught on tape $HOME ${x}")
        .failure("9.0.0.127.dead.test", mailtop::dns::DnsError::Timeout);
    let parameters = format!(
        "{}smtpd_client_restrictions = reject_rbl_client dead.test, reject_rbl_client bl.test=127.0.0.[2..4]\n",
        settings("plain")
    );
    let engine = Receiver::start_with(&parameters, Arc::new(dns));
    let mut speaker = Speaker::connect(engine.address, Ipv4Addr::new(127, 0, 0, 9));
    speaker.hear();
    for command in ["HELO x.example", "MAIL FROM:<a@remote.example>"] {
        speaker.say(format!("{command}\r\n").as_bytes());
        assert!(speaker.hear().starts_with("250"));
    }
    speaker.say(b"RCPT TO:<root@lab.test>\r\n");
    assert_eq!(
        speaker.hear(),
        "554 5.7.1 Service unavailable; Client host [127.0.0.9] blocked using bl.test; caught on tape $HOME ${x}"
    );
    speaker.say(b"QUIT\r\n");
    speaker.hear();
    let log = engine.log();
    assert!(
        log.contains("warning: 9.0.0.127.dead.test: RBL lookup error: "),
        "{log}"
    );
    assert!(
        log.contains(
            "NOQUEUE: reject: RCPT from unknown[127.0.0.9]: 554 5.7.1 Service unavailable; Client host [127.0.0.9] blocked using bl.test; "
        ),
        "{log}"
    );
}

#[test]
fn a_silent_client_is_told_so() {
    let engine = Receiver::start(&format!("{}smtpd_timeout = 1s\n", settings("plain")));
    let mut speaker = Speaker::connect(engine.address, Ipv4Addr::LOCALHOST);
    speaker.hear();
    assert_eq!(
        speaker.hear(),
        "421 4.4.2 mx.lab.test Error: timeout exceeded"
    );
    assert_eq!(speaker.hear(), "(closed)");
    wait_for("the log", || {
        engine
            .log()
            .contains("timeout after CONNECT from unknown[127.0.0.1]")
            .then_some(())
    });
}

#[test]
fn one_client_cannot_take_all_connections() {
    let parameters = format!(
        "{}smtpd_client_connection_count_limit = 2\nsmtpd_client_event_limit_exceptions =\n",
        settings("plain")
    );
    let engine = Receiver::start(&parameters);
    let mut open: Vec<Speaker> = (0..2)
        .map(|_| Speaker::connect(engine.address, Ipv4Addr::LOCALHOST))
        .collect();
    for speaker in &mut open {
        assert!(speaker.hear().starts_with("220 "));
    }
    let mut third = Speaker::connect(engine.address, Ipv4Addr::LOCALHOST);
    assert_eq!(
        third.hear(),
        "421 4.7.0 mx.lab.test Error: too many connections from 127.0.0.1"
    );
    wait_for("the warning", || {
        let words = "warning: Connection concurrency limit exceeded: 3 from unknown[127.0.0.1] for service smtpd";
        engine.log().contains(words).then_some(())
    });
    let mut other = Speaker::connect(engine.address, Ipv4Addr::new(127, 0, 0, 9));
    assert!(other.hear().starts_with("220 "));
}

#[test]
fn without_room_on_the_disk_the_client_keeps_its_mail() {
    // More than any disk has.
    let parameters = format!("{}queue_minfree = 9000000000000000\n", settings("plain"));
    let engine = Receiver::start(&parameters);
    let mut speaker = Speaker::connect(engine.address, Ipv4Addr::LOCALHOST);
    speaker.hear();
    speaker.say(b"HELO client.test\r\n");
    speaker.hear();
    speaker.say(b"MAIL FROM:<a@b.test>\r\n");
    assert_eq!(speaker.hear(), "452 4.3.1 Insufficient system storage");
    speaker.say(b"RCPT TO:<c@d.test>\r\n");
    assert_eq!(speaker.hear(), "503 5.5.1 Error: need MAIL command");
    speaker.say(b"QUIT\r\n");
    assert_eq!(speaker.hear(), "221 2.0.0 Bye");
    let log = wait_for("the log", || {
        let log = engine.log();
        log.contains("disconnect from").then_some(log)
    });
    for words in [
        "NOQUEUE: reject: MAIL from unknown[127.0.0.1]: 452 4.3.1 Insufficient system storage; from=<a@b.test>",
        "warning: not enough free space in mail queue: ",
    ] {
        assert!(log.contains(words), "{words} in {log}");
    }
}

#[test]
fn an_endless_line_costs_no_memory() {
    let engine = Receiver::start(&settings("plain"));
    let mut speaker = Speaker::connect(engine.address, Ipv4Addr::LOCALHOST);
    speaker.hear();
    speaker.say(b"NOOP ");
    for _ in 0..64 {
        speaker.say(&vec![b'a'; 65_536]);
    }
    speaker.say(b"\r\nQUIT\r\n");
    assert_eq!(speaker.hear(), "250 2.0.0 Ok");
    assert_eq!(speaker.hear(), "221 2.0.0 Bye");
}

/// The resolver of the system is not needed by any of these tests; this one shows that it can be built.
#[test]
fn the_engines_own_dns_servers_are_a_parameter() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("main.cf"),
        "mailtop_dns_servers = 127.0.0.1:5533, [::1]:53\n",
    )
    .unwrap();
    let (params, problems) = Params::load(dir.path()).unwrap();
    assert!(problems.is_empty(), "{problems:?}");
    let options = DnsOptions {
        servers: params.mailtop_dns_servers,
        ..DnsOptions::default()
    };
    assert_eq!(options.servers.len(), 2);
    assert!(mailtop::dns::system(&options).is_ok());
}
