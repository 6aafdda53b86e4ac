//! Discovery on made-up hosts.

use super::*;
use crate::control::{Response, Status, socket_path};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixListener;
use tempfile::TempDir;

/// A host with nothing on it, in a directory of its own.
fn empty_host(dir: &TempDir) -> Environment {
    Environment {
        postfix_config_dir: dir.path().join("postfix"),
        log_candidates: vec![dir.path().join("mail.log")],
        engine_dir: Some(dir.path().join("engine")),
        path: Vec::new(),
        user: "someone".to_owned(),
        patience: Duration::from_secs(5),
    }
}

fn found(target: &Target, host: &Environment) -> Server {
    match resolve(target, host).unwrap() {
        Resolved::Server(server) => server,
        Resolved::StartEngine { dir } => panic!("nothing was found, would start {}", dir.display()),
    }
}

fn with_postfix(dir: &TempDir) -> std::fs::File {
    let (etc, queue) = (dir.path().join("postfix"), dir.path().join("spool"));
    std::fs::create_dir_all(queue.join("pid")).unwrap();
    std::fs::create_dir_all(&etc).unwrap();
    std::fs::write(
        etc.join("main.cf"),
        format!("queue_directory = {}\n", queue.display()),
    )
    .unwrap();
    std::fs::write(etc.join("master.cf"), "qmgr unix n - y 300 1 qmgr\n").unwrap();
    std::fs::File::create(queue.join("pid/master.pid")).unwrap()
}

/// An engine's control socket that answers `requests` times and then is gone.
fn control_socket(queue: &Path, status: Status, requests: usize) -> std::thread::JoinHandle<()> {
    let socket = socket_path(queue);
    std::fs::create_dir_all(socket.parent().unwrap()).unwrap();
    let listener = UnixListener::bind(socket).unwrap();
    std::thread::spawn(move || {
        for _ in 0..requests {
            let (stream, _) = listener.accept().unwrap();
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            let response = Response {
                ok: true,
                status: Some(status.clone()),
                ..Response::default()
            };
            let mut text = serde_json::to_string(&response).unwrap();
            text.push('\n');
            (&stream).write_all(text.as_bytes()).unwrap();
        }
    })
}

#[test]
fn a_bare_host_gets_the_engine_of_its_user() {
    let dir = tempfile::tempdir().unwrap();
    let host = empty_host(&dir);
    let resolved = resolve(&Target::default(), &host).unwrap();
    assert_eq!(
        resolved,
        Resolved::StartEngine {
            dir: dir.path().join("engine")
        }
    );
    let homeless = Environment {
        engine_dir: None,
        ..host
    };
    let error = resolve(&Target::default(), &homeless).unwrap_err();
    assert!(error.to_string().contains("try: set HOME"), "{error}");
}

#[test]
fn a_stopped_and_silent_postfix_does_not_count() {
    let dir = tempfile::tempdir().unwrap();
    let host = empty_host(&dir);
    let pid_file = with_postfix(&dir);
    let is_start = |host: &Environment| {
        matches!(
            resolve(&Target::default(), host).unwrap(),
            Resolved::StartEngine { .. }
        )
    };
    assert!(is_start(&host));
    std::fs::write(&host.log_candidates[0], "Nov 22 08:00:00 h cron[1]: x\n").unwrap();
    assert!(is_start(&host), "a log without a line of Postfix");

    let line = "Nov 22 08:00:00 h postfix/master[1]: daemon started\n";
    std::fs::write(&host.log_candidates[0], line).unwrap();
    let server = found(&Target::default(), &host);
    assert_eq!(server.kind, Kind::Postfix);
    assert_eq!(server.logs, host.log_candidates);
    assert_eq!(server.queue_dir, Some(dir.path().join("spool")));
    assert!(server.notice.contains("is stopped"), "{}", server.notice);

    std::fs::remove_file(&host.log_candidates[0]).unwrap();
    rustix::fs::flock(&pid_file, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let server = found(&Target::default(), &host);
    assert!(server.notice.contains("is running"), "{}", server.notice);
    assert!(server.notice.contains("--log FILE"), "{}", server.notice);
    assert!(server.logs.is_empty());
}

#[test]
fn a_running_engine_is_attached_to() {
    let dir = tempfile::tempdir().unwrap();
    let host = empty_host(&dir);
    let spool = dir.path().join("engine/spool");
    let status = Status {
        pid: 77,
        listen: vec!["127.0.0.1:2526".to_owned()],
        config_directory: dir.path().join("engine/etc"),
        queue_directory: spool.clone(),
        maillog_file: dir.path().join("engine/log/mail.log"),
        ..Status::default()
    };
    let engine = control_socket(&spool, status.clone(), 1);
    let server = found(&Target::default(), &host);
    engine.join().unwrap();
    assert_eq!(server.kind, Kind::Engine);
    assert_eq!(server.logs, [status.maillog_file]);
    assert!(
        server.notice.contains("127.0.0.1:2526"),
        "{}",
        server.notice
    );
}

#[test]
fn configuration_directories_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let host = empty_host(&dir);
    let _pid_file = with_postfix(&dir);
    let at = |path: &str| Target {
        config_dir: Some(dir.path().join(path)),
        ..Target::default()
    };
    assert_eq!(found(&at("postfix"), &host).kind, Kind::Postfix);
    let etc =
        crate::engine::setup::create(&dir.path().join("mine"), "127.0.0.1:2525".parse().unwrap())
            .unwrap();
    let server = found(&at("mine/etc"), &host);
    assert_eq!(server.kind, Kind::Engine);
    assert_eq!(server.config_dir.as_deref(), Some(etc.as_path()));
    assert!(server.notice.contains("engine start"), "{}", server.notice);
    let engine = Target {
        engine: Some(dir.path().join("mine")),
        ..Target::default()
    };
    assert_eq!(found(&engine, &host).config_dir, server.config_dir);
    let error = resolve(&at("nowhere"), &host).unwrap_err().to_string();
    assert!(error.contains("nowhere/main.cf: no such file"), "{error}");
}

#[test]
fn logs_alone_are_enough_and_must_be_readable() {
    let dir = tempfile::tempdir().unwrap();
    let host = empty_host(&dir);
    let log = dir.path().join("a.log");
    let target = Target {
        log: vec![log.clone(), "-".into()],
        ..Target::default()
    };
    let error = resolve(&target, &host).unwrap_err().to_string();
    assert!(error.contains("a.log: no such file"), "{error}");
    std::fs::write(&log, "").unwrap();
    let server = found(&target, &host);
    assert_eq!(server.kind, Kind::LogOnly);
    assert_eq!(server.logs, target.log);
    let target = Target {
        log: vec![dir.path().to_owned()],
        ..Target::default()
    };
    let error = resolve(&target, &host).unwrap_err().to_string();
    assert!(error.contains("is a directory"), "{error}");
}
