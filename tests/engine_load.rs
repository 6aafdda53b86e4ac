//! The built engine under load and at its limits: real smtp-source and swaks in, a maildir and a real sink out.

use crate::peers::engine::Engine;
use crate::peers::rbldnsd::{Rbldnsd, Zone};
use crate::peers::smtp::{SmtpSink, smtp_source, swaks};
use crate::peers::{PATIENCE, wait_for};
use mailtop::control::Request;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

/// A raw client.
struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(engine: &Engine) -> Self {
        let stream = TcpStream::connect(engine.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    fn say(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    /// The last line of the next reply.
    fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "hung up");
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_owned();
            }
        }
    }

    fn ask(&mut self, text: &str) -> String {
        self.say(&format!("{text}\r\n"));
        self.hear()
    }
}

#[test]
fn two_hundred_messages_over_ten_sessions_arrive() {
    let sink = SmtpSink::start(&[]);
    let engine = Engine::start(&format!("relayhost = {}", sink.relayhost()));
    for to in ["far@far.test", "nobody@mx.engine.test"] {
        smtp_source(
            engine.port,
            &[
                "-s", "10", "-m", "200", "-l", "4096", "-f", "a@b.test", "-t", to,
            ],
        );
    }
    let sent = swaks(
        engine.port,
        &[
            "--from",
            "a@b.test",
            "--to",
            "nobody@mx.engine.test,far@far.test",
        ],
    );
    assert!(sent.status.success(), "{sent:?}");
    let relayed = sink.wait_messages(201);
    assert_eq!(relayed.len(), 201);
    assert!(relayed.iter().filter(|m| m.len() >= 4096).count() >= 200);
    assert_eq!(engine.wait_mail("nobody", 201).len(), 201);
    wait_for("an empty queue", || {
        engine.postqueue().is_empty().then_some(())
    });
}

#[test]
fn the_thousand_and_first_recipient_is_for_later() {
    let sink = SmtpSink::start(&[]);
    let engine = Engine::start(&format!("relayhost = {}", sink.relayhost()));
    let mut client = Client::connect(&engine);
    client.hear();
    client.ask("EHLO client.test");
    client.ask("MAIL FROM:<a@b.test>");
    let mut commands = String::new();
    for n in 0..1010 {
        let _ = write!(commands, "RCPT TO:<r{n}@far.test>\r\n");
    }
    client.say(&commands);
    for n in 0..1000 {
        assert_eq!(client.hear(), "250 2.1.5 Ok", "{n}");
    }
    for _ in 0..10 {
        assert_eq!(client.hear(), "452 4.5.3 Error: too many recipients");
    }
    assert!(client.ask("DATA").starts_with("354 "));
    assert!(
        client
            .ask("Subject: many\r\n\r\nx\r\n.")
            .starts_with("250 2.0.0 Ok: queued as ")
    );
    assert_eq!(client.ask("QUIT"), "221 2.0.0 Bye");
    wait_for("all thousand in the sink", || {
        let all = sink.messages().join("\n");
        (all.matches("X-Rcpt-Args: <r").count() == 1000).then_some(())
    });
    engine.wait_log("nrcpt=1000 (queue active)");
}

#[test]
fn a_listed_client_is_refused_through_the_engine_s_own_dns_servers() {
    let list = Rbldnsd::start(&[Zone {
        name: "bl.test",
        kind: "ip4set",
        data: ":127.0.0.2:Blocked, see http://bl.test/$\n127.0.0.1\n",
    }]);
    let engine = Engine::start(&format!(
        "mailtop_dns_servers = {}\nsmtpd_recipient_restrictions = reject_rbl_client bl.test, permit_mynetworks, \
         reject_unauth_destination",
        list.address
    ));
    let sent = swaks(
        engine.port,
        &["--from", "a@b.test", "--to", "nobody@mx.engine.test"],
    );
    assert!(!sent.status.success());
    let said = String::from_utf8_lossy(&sent.stdout).into_owned();
    let words = "554 5.7.1 Service unavailable; Client host [127.0.0.1] blocked using bl.test; Blocked, see \
                 http://bl.test/127.0.0.1";
    assert!(said.contains(words), "{said}");
    assert!(engine.log().contains(words), "{}", engine.log());
    assert!(engine.postqueue().is_empty());
}

#[test]
fn a_full_listener_lets_clients_wait_and_serves_them_all() {
    let engine = Engine::start("default_process_limit = 2");
    let mut inside: Vec<Client> = (0..2).map(|_| Client::connect(&engine)).collect();
    for client in &mut inside {
        assert!(client.hear().starts_with("220 "));
    }
    let mut outside = Client::connect(&engine);
    engine.wait_log(
        "has reached its process limit \"2\": new clients may experience noticeable delays",
    );
    let status = engine.ask(&Request::Status).status.unwrap();
    assert_eq!(status.sessions, 2);
    assert_eq!(inside[0].ask("QUIT"), "221 2.0.0 Bye");
    assert!(outside.hear().starts_with("220 "));
}
