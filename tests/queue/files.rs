//! The writer's queue files and the real Postfix: delivered, printed, and the same bytes.

use super::{deferring, file_of, ids, listed, queue_ok};
use crate::peers::postfix::Postfix;
use crate::peers::smtp::{SmtpSink, swaks};
use crate::peers::{free_port, run_ok};
use mailtop::queue::format::envelope::{Detail, Envelope};
use mailtop::queue::format::writer::{Client, Head, NewRecipient, QueueFileWriter};
use mailtop::queue::format::{QueueId, content};
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

/// Puts a file of our writer into a queue of the real Postfix; returns its id.
fn plant(postfix: &Postfix, queue: &str, long: bool, recipients: &[NewRecipient<'_>]) -> String {
    let directory = postfix.queue_dir().join(queue);
    let temporary = directory.join(format!("1.{}", free_port()));
    let file = File::create(&temporary).unwrap();
    let inode = file.metadata().unwrap().ino();
    let arrival = (chrono::Utc::now().timestamp(), 123_456);
    let id = if long {
        QueueId::long(arrival.0.unsigned_abs(), arrival.1, inode)
    } else {
        QueueId::short(arrival.1, inode)
    };
    let head = Head {
        arrival,
        create_time: arrival.0,
        log_ident: &id,
        rewrite_context: "local",
        sender: b"writer@a.test",
        client: Some(Client {
            name: "localhost",
            reverse_name: "localhost",
            address: "127.0.0.1",
            port: 4711,
            server: ("127.0.0.1", 25),
            helo: b"writer.test",
            protocol: "ESMTP",
        }),
        ..Head::default()
    };
    let mut writer = QueueFileWriter::start(file, &head).unwrap();
    for recipient in recipients {
        writer.recipient(recipient).unwrap();
    }
    let mut body = writer.content().unwrap();
    body.line(b"Subject: written by us").unwrap();
    body.line(b"").unwrap();
    body.line(b".a dot in front").unwrap();
    body.line(&[b'x'; 5000]).unwrap();
    body.line(b"").unwrap();
    body.line("grüße".as_bytes()).unwrap();
    let (file, _) = body.finish(&[], &[]).unwrap();
    run_ok(Command::new("chown").arg("postfix").arg(&temporary));
    file.set_permissions(fs::Permissions::from_mode(0o700))
        .unwrap();
    fs::rename(&temporary, directory.join(&id)).unwrap();
    id
}

#[test]
fn the_real_queue_manager_delivers_what_the_writer_wrote() {
    let sink = SmtpSink::start(&[]);
    let postfix = Postfix::start(&format!(
        "relayhost = {}\nenable_long_queue_ids = yes\nsmtp_line_length_limit = 0",
        sink.relayhost()
    ));
    let recipients = [
        NewRecipient {
            address: b"one@b.test",
            ..Default::default()
        },
        NewRecipient {
            address: b"q r@b.test",
            original: b"alias@b.test",
            notify: 4,
            ..Default::default()
        },
    ];
    let held = plant(&postfix, "hold", true, &recipients);
    let text = run_ok(postfix.command("postcat").args(["-q", &held])).stdout;
    let text = String::from_utf8_lossy(&text).into_owned();
    for part in [
        "sender: writer@a.test\n",
        "recipient: one@b.test\n",
        "original_recipient: alias@b.test\n",
        "named_attribute: client_address=127.0.0.1\n",
        "Subject: written by us\n",
        "\n.a dot in front\n",
        "*** MESSAGE FILE END hold/",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let id = plant(&postfix, "incoming", true, &recipients);
    run_ok(postfix.command("postkick").args(["public", "qmgr", "I"]));
    postfix.wait_log(&[&id, "from=<writer@a.test>", "nrcpt=2 (queue active)"]);
    let message = sink.wait_messages(1).remove(0);
    postfix.wait_log(&[&id, "removed"]);
    assert!(message.contains("X-Rcpt-Args: <one@b.test>"), "{message}");
    assert!(
        message.contains("X-Rcpt-Args: <\"q r\"@b.test>"),
        "{message}"
    );
    assert!(message.contains("\n.a dot in front\n"), "{message}");
    assert!(message.contains(&format!("\n{}\n\ngrüße\n", "x".repeat(5000))));
    queue_ok(&postfix, &["release", &held]);
    queue_ok(&postfix, &["flush", &held]);
    postfix.wait_log(&[&held, "removed"]);
    assert!(!postfix.log().contains("warning: "), "{}", postfix.log());
}

#[test]
fn the_writer_makes_postfix_s_files_byte_for_byte() {
    let (postfix, _) = deferring("delay_warning_time = 4h\nenable_long_queue_ids = yes");
    let to = "r1@b.test,\"q r\"@c.test";
    let body = format!("8 bits: é\n{}\n\nend", "y".repeat(900));
    let arguments = ["--from", "sender@a.test", "--to", to, "--body", &body];
    assert!(swaks(postfix.port, &arguments).status.success());
    postfix.wait_all_in("deferred", 1);
    let id = ids(&listed(&postfix, &[]))[0].clone();
    let path = file_of(&postfix, "deferred", &id);
    let theirs = fs::read(&path).unwrap();
    assert_eq!(rewritten(&path), theirs);
    let layout = mailtop::queue::format::layout::Layout::default();
    assert_eq!(layout.path(&postfix.queue_dir(), "deferred", &id), path);
}

/// The file made again by the writer from what the readers say.
fn rewritten(path: &Path) -> Vec<u8> {
    let file = File::open(path).unwrap();
    let envelope = Envelope::read(&file, Detail::Full).unwrap();
    let text = |name: &str| String::from_utf8(envelope.attribute(name).unwrap().to_vec()).unwrap();
    let number = |name: &str| text(name).parse().unwrap();
    let (log_ident, context) = (text("log_ident"), text("rewrite_context"));
    let (name, reverse, address) = (
        text("client_name"),
        text("reverse_client_name"),
        text("client_address"),
    );
    let (server, helo, protocol) = (
        text("server_address"),
        text("helo_name"),
        text("protocol_name"),
    );
    let head = Head {
        arrival: envelope.arrival.unwrap(),
        create_time: envelope.create_time.unwrap(),
        log_ident: &log_ident,
        rewrite_context: &context,
        sender: envelope.sender.as_deref().unwrap(),
        client: Some(Client {
            name: &name,
            reverse_name: &reverse,
            address: &address,
            port: number("client_port"),
            server: (&server, number("server_port")),
            helo: helo.as_bytes(),
            protocol: &protocol,
        }),
        warn_time: envelope.warn_time.map(|(when, _)| when),
        ..Head::default()
    };
    let out = std::io::Cursor::new(Vec::new());
    let mut writer = QueueFileWriter::start(out, &head).unwrap();
    for recipient in &envelope.recipients {
        let offset = writer
            .recipient(&NewRecipient {
                address: &recipient.address,
                original: &recipient.original,
                dsn_orig_rcpt: b"",
                notify: recipient.notify,
            })
            .unwrap();
        assert_eq!(offset, recipient.offset);
    }
    let mut body = writer.content().unwrap();
    let message = content::read(&file, &envelope, u64::MAX).unwrap();
    for line in message.strip_suffix(b"\n").unwrap().split(|&b| b == b'\n') {
        body.line(line).unwrap();
    }
    body.finish(&[], &[]).unwrap().0.into_inner()
}
