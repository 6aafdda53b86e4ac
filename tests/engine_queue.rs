//! The queue manager and the SMTP client in this process: DNS from memory, servers that do what a test tells them.

use crate::peers::{PATIENCE, wait_for};
use mailtop::control::{Guard, Outcome};
use mailtop::dns::{DnsError, StaticDns};
use mailtop::engine::Site;
use mailtop::engine::config::Params;
use mailtop::engine::maillog::{Maillog, Stamp};
use mailtop::engine::scheduler::Scheduler;
use mailtop::engine::spool::Spool;
use mailtop::queue::format::writer::{Head, NewRecipient};
use mailtop::queue::{Action, QueueName};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// A server on an address of its own that answers as it is told and remembers what it heard.
#[derive(Clone)]
struct Server {
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// `answer` is asked with each command, `""` for the greeting and `.` for the end of data. An empty answer is
    /// silence; after 421 it hangs up.
    fn start(address: SocketAddr, answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).unwrap_or_else(|e| panic!("{address}: {e}"));
        let server = Self {
            heard: Arc::default(),
        };
        let (heard, answer) = (Arc::clone(&server.heard), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (heard, answer) = (Arc::clone(&heard), Arc::clone(&answer));
                std::thread::spawn(move || converse(stream.unwrap(), &heard, &*answer));
            }
        });
        server
    }

    fn heard(&self) -> String {
        self.heard.lock().unwrap().join("\n")
    }

    fn wait(&self, words: &str) {
        wait_for(&format!("{words} in {}", self.heard()), || {
            self.heard().contains(words).then_some(())
        });
    }
}

/// What a server says that takes everything.
fn willing(command: &str) -> String {
    match command.split([' ', ':']).next().unwrap_or("") {
        "" => "220 ready",
        "DATA" => "354 go on",
        "QUIT" => "221 bye",
        _ => "250 2.0.0 Ok",
    }
    .to_owned()
}

fn converse(stream: TcpStream, heard: &Mutex<Vec<String>>, answer: &dyn Fn(&str) -> String) {
    let mut writer = stream.try_clone().unwrap();
    let mut lines = BufReader::new(stream).lines();
    let mut in_data = false;
    let mut say = |command: &str| {
        let reply = answer(command);
        if !reply.is_empty() {
            // A client that hung up is told nothing.
            let _ = writer.write_all(format!("{reply}\r\n").as_bytes());
        }
        reply
    };
    if say("").starts_with("421") {
        return;
    }
    while let Some(Ok(line)) = lines.next() {
        heard.lock().unwrap().push(line.clone());
        if in_data && line != "." {
            continue;
        }
        in_data = false;
        let reply = say(&line);
        in_data |= reply.starts_with("354");
        if reply.starts_with("421") {
            return;
        }
    }
}

/// A queue with its manager.
struct World {
    dir: TempDir,
    spool: Spool,
    site: Site,
    runtime: tokio::runtime::Runtime,
    scheduler: Option<Scheduler>,
}

/// What is special about a message.
#[derive(Default)]
struct Mail {
    /// Seconds ago.
    age: i64,
    /// The sender is to be told of a delay by now.
    warn: bool,
}

impl World {
    fn new(port: u16, dns: StaticDns, more: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("world").tempdir().unwrap();
        let root = dir.path().display();
        let text = format!(
            "queue_directory = {root}/queue\ndata_directory = {root}/data\nmaillog_file = {root}/mail.log\n\
             myhostname = mx.world.test\nmydestination =\nalias_maps =\nsmtp_tcp_port = {port}\n\
             inet_protocols = ipv4\n{more}\n"
        );
        std::fs::write(dir.path().join("main.cf"), text).unwrap();
        let (params, problems) = Params::load(dir.path()).unwrap();
        assert!(problems.is_empty(), "{problems:?}");
        let log = Maillog::open(&params.maillog_file, "mx", "postfix", Stamp::Traditional);
        let spool = Spool::open(&params).unwrap();
        Self {
            site: Site {
                params: Arc::new(params),
                log: log.unwrap(),
                dns: Arc::new(dns),
            },
            spool,
            dir,
            runtime: tokio::runtime::Runtime::new().unwrap(),
            scheduler: None,
        }
    }

    fn run(&mut self) -> Scheduler {
        let _inside = self.runtime.enter();
        let (scheduler, _) = Scheduler::start(self.site.clone(), self.spool.clone());
        self.scheduler = Some(scheduler.clone());
        scheduler
    }

    fn send(&self, mail: &Mail, recipients: &[&str]) -> String {
        let mut incoming = self.spool.create().unwrap();
        let (now, micros) = incoming.arrival();
        let head = Head {
            arrival: (now - mail.age, micros),
            create_time: now,
            sender: b"writer@home.test",
            warn_time: mail.warn.then_some(now - 1),
            ..Head::default()
        };
        let recipients: Vec<_> = recipients
            .iter()
            .map(|address| NewRecipient {
                address: address.as_bytes(),
                ..NewRecipient::default()
            })
            .collect();
        incoming.set_envelope(&head, &recipients).unwrap();
        for line in ["Subject: hello", "", "text"] {
            incoming.put_line(line.as_bytes()).unwrap();
        }
        incoming.commit(&[], &[]).unwrap().id
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("mail.log")).unwrap_or_default()
    }

    fn wait_log(&self, words: &str) {
        let start = std::time::Instant::now();
        while !self.log().contains(words) {
            assert!(start.elapsed() < PATIENCE, "{words} in {}", self.log());
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    fn wait_place(&self, id: &str, place: Option<QueueName>) {
        let start = std::time::Instant::now();
        while self.spool.find(id) != place {
            assert!(
                start.elapsed() < PATIENCE,
                "{id} in {place:?}: {}",
                self.log()
            );
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

/// A port that is free on the first of the addresses; the others are this test's alone too.
fn port(on: Ipv4Addr) -> u16 {
    TcpListener::bind((on, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn ip(group: u8, host: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 77, group, host)
}

fn at(address: Ipv4Addr, port: u16) -> SocketAddr {
    SocketAddr::from((address, port))
}

#[test]
fn mail_that_is_too_old_goes_back_to_its_sender() {
    let port = port(ip(1, 1));
    let home = Server::start(at(ip(1, 1), port), willing);
    let dns = StaticDns::new()
        .address("home.test", ip(1, 1))
        .address("down.test", ip(1, 2));
    let mut world = World::new(port, dns, "");
    let id = world.send(
        &Mail {
            age: 6 * 86_400,
            ..Mail::default()
        },
        &["x@down.test"],
    );
    world.run();
    home.wait("RCPT TO:<writer@home.test>");
    home.wait("Action: failed");
    world.wait_log(&format!(
        "{id}: from=<writer@home.test>, status=expired, returned to sender"
    ));
    world.wait_place(&id, None);
    let heard = home.heard();
    assert!(heard.contains("MAIL FROM:<>"), "{heard}");
    assert!(heard.contains("Connection refused"), "{heard}");
}

#[test]
fn a_delay_is_told_once() {
    let port = port(ip(2, 1));
    let home = Server::start(at(ip(2, 1), port), willing);
    let dns = StaticDns::new()
        .address("home.test", ip(2, 1))
        .address("down.test", ip(2, 2));
    let mut world = World::new(port, dns, "");
    let id = world.send(
        &Mail {
            age: 20_000,
            warn: true,
        },
        &["x@down.test"],
    );
    let scheduler = world.run();
    home.wait("Will-Retry-Until: ");
    world.wait_log("sender delay notification: ");
    world.wait_place(&id, Some(QueueName::Deferred));
    world.runtime.block_on(scheduler.flush(Vec::new()));
    wait_for("the second attempt", || {
        (world.log().matches("status=deferred").count() >= 2).then_some(())
    });
    world.wait_place(&id, Some(QueueName::Deferred));
    assert_eq!(home.heard().matches("Action: delayed").count(), 1);
    assert_eq!(world.log().matches("delay notification").count(), 1);
}

#[test]
fn a_silent_exchanger_keeps_nobody_else_waiting() {
    let port = port(ip(3, 1));
    let silent = Server::start(at(ip(3, 1), port), |_| String::new());
    let good = Server::start(at(ip(3, 2), port), willing);
    let dns = StaticDns::new()
        .address("silent.test", ip(3, 1))
        .address("good.test", ip(3, 2));
    let mut world = World::new(port, dns, "default_process_limit = 8");
    for n in 0..50 {
        world.send(&Mail::default(), &[&format!("u{n}@silent.test")]);
    }
    let scheduler = world.run();
    let busy = || scheduler.counts().deliveries.load(Ordering::Relaxed);
    wait_for("the silent exchanger to hold deliveries", || {
        (busy() >= 5).then_some(())
    });
    for n in 0..20 {
        world.send(&Mail::default(), &[&format!("v{n}@good.test")]);
    }
    wait_for("all mail of the other", || {
        (good.heard().matches("RCPT TO:<v").count() == 20).then_some(())
    });
    assert!(busy() >= 5, "the silent ones are still waited for");
    assert_eq!(silent.heard(), "");
}

/// A server whose end of data waits for the test's word.
fn patient(address: SocketAddr) -> (Server, Sender<&'static str>) {
    let (tell, told): (Sender<&'static str>, Receiver<&'static str>) = channel();
    let told = Mutex::new(told);
    let server = Server::start(address, move |command| match command {
        "." => told.lock().unwrap().recv().unwrap_or("421 gone").to_owned(),
        other => willing(other),
    });
    (server, tell)
}

#[test]
fn acts_on_mail_under_way_wait_for_the_attempt() {
    let port = port(ip(4, 1));
    let (server, tell) = patient(at(ip(4, 1), port));
    let dns = StaticDns::new().address("far.test", ip(4, 1));
    let mut world = World::new(port, dns, "");
    let scheduler = world.run();
    let later = "451 4.3.0 later";
    for (action, reply, outcome, place) in [
        (Action::Hold, later, Outcome::Done, Some(QueueName::Hold)),
        (Action::Delete, later, Outcome::Done, None),
        (Action::Requeue, later, Outcome::Done, None),
        (Action::Hold, "250 2.0.0 Ok", Outcome::Missing, None),
    ] {
        let before = server.heard().matches("text").count();
        let id = world.send(&Mail::default(), &["x@far.test"]);
        wait_for("the content to be sent", || {
            (server.heard().matches("text").count() > before).then_some(())
        });
        let guard = Guard {
            id: id.clone(),
            arrival: None,
            sender: None,
        };
        let act = scheduler.clone();
        let acting = world
            .runtime
            .spawn(async move { act.act(action, vec![guard]).await });
        // Nothing may happen to the file while a delivery reads it.
        assert_eq!(world.spool.find(&id), Some(QueueName::Active));
        // The act is noted when the manager has read the command behind it.
        world.runtime.block_on(scheduler.look());
        tell.send(reply).unwrap();
        let results = world.runtime.block_on(acting).unwrap();
        assert_eq!(results[0].outcome, outcome, "{action:?} {results:?}");
        world.wait_place(&id, place);
        if action == Action::Requeue {
            let new = results[0].detail.clone().unwrap();
            assert_ne!(new, id);
            tell.send("250 2.0.0 Ok").unwrap();
            world.wait_place(&new, None);
            world.wait_log(&format!("{new}: removed"));
        }
    }
}

#[test]
fn one_host_s_failure_is_the_next_one_s_chance() {
    let port = port(ip(5, 2));
    // 127.77.5.1 refuses connections; .2 greets with 4xx; .3 says 421 at RCPT; .4 takes what it likes.
    let busy = Server::start(at(ip(5, 2), port), |_| "450 4.3.2 busy".into());
    let leaving = Server::start(at(ip(5, 3), port), |command| {
        if command.starts_with("RCPT") {
            return "421 4.3.2 shutting down".into();
        }
        willing(command)
    });
    let choosy = Server::start(at(ip(5, 4), port), |command| match command {
        "RCPT TO:<no@far.test>" => "550 5.1.1 no such user".into(),
        "RCPT TO:<later@far.test>" => "450 4.2.0 mailbox busy".into(),
        other => willing(other),
    });
    let last = Server::start(at(ip(5, 5), port), |command| match command {
        "RCPT TO:<later@far.test>" => "250 2.1.5 Ok".into(),
        other => willing(other),
    });
    let mut dns = StaticDns::new().address("home.test", ip(5, 4));
    for host in 1..=5 {
        let name = format!("mx{host}.far.test");
        dns = dns
            .mx_record("far.test", u16::from(host) * 10, &name)
            .address(&name, ip(5, host));
    }
    // Connections without a greeting do not count: .3, .4 and .5 are the three.
    let mut world = World::new(port, dns, "smtp_mx_session_limit = 3");
    let id = world.send(
        &Mail::default(),
        &["yes@far.test", "no@far.test", "later@far.test"],
    );
    world.run();
    world.wait_place(&id, None);
    let log = world.log();
    for words in [
        "connect to mx1.far.test[127.77.5.1]",
        "host mx2.far.test[127.77.5.2] refused to talk to me: 450 4.3.2 busy",
        "host mx3.far.test[127.77.5.3] said: 421 4.3.2 shutting down",
        "to=<yes@far.test>, relay=mx4.far.test[127.77.5.4]",
        "to=<no@far.test>, relay=mx4.far.test[127.77.5.4]",
        "dsn=5.1.1, status=bounced (host mx4.far.test[127.77.5.4] said: 550 5.1.1 no such user",
        "to=<later@far.test>, relay=mx5.far.test[127.77.5.5]",
    ] {
        assert!(log.contains(words), "{words} in {log}");
    }
    let sent = |line: &&str| line.contains(&id) && line.contains("status=sent");
    assert_eq!(log.lines().filter(sent).count(), 2, "{log}");
    assert!(!busy.heard().contains("MAIL"), "{}", busy.heard());
    // Nothing more is said to a host that said 421.
    assert!(!leaving.heard().contains("text"), "{}", leaving.heard());
    choosy.wait("text");
    assert!(!last.heard().contains("<yes@"), "{}", last.heard());
}

#[test]
fn a_null_mx_is_final_and_a_dns_failure_is_not() {
    let port = port(ip(6, 1));
    let home = Server::start(at(ip(6, 1), port), willing);
    let dns = StaticDns::new()
        .address("home.test", ip(6, 1))
        .mx_record("null.test", 0, "")
        .failure("broken.test", DnsError::ServFail);
    let mut world = World::new(port, dns, "");
    let null = world.send(&Mail::default(), &["x@null.test"]);
    let broken = world.send(&Mail::default(), &["x@broken.test"]);
    world.run();
    home.wait("Domain null.test does not accept mail (nullMX)");
    world.wait_place(&null, None);
    world.wait_place(&broken, Some(QueueName::Deferred));
    world.wait_log("type=MX: Host not found, try again");
}
