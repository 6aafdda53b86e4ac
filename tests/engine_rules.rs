//! What rules and aliases do to a message's recipients and route, seen with the built engine and real peers.

use crate::peers::engine::Engine;
use crate::peers::smtp::{SmtpSink, swaks};
use crate::peers::{free_port, mailtop, program, run_ok, wait_for};
use std::process::Command;

fn send(engine: &Engine, to: &str, subject: &str) {
    let header = format!("Subject: {subject}");
    let sent = swaks(
        engine.port,
        &["--from", "a@b.test", "--to", to, "--header", &header],
    );
    assert!(sent.status.success(), "{sent:?}");
}

#[test]
fn header_checks_redirect_copy_and_filter() {
    let (sink, scanner) = (SmtpSink::start(&[]), SmtpSink::start(&[]));
    let engine = Engine::start(&format!(
        "relayhost = {}\nheader_checks = regexp:{{ {{ /^Subject: trap/ REDIRECT trap@far.test }}, \
         {{ /^Subject: copy/ BCC archive@far.test }}, {{ /^Subject: scan/ FILTER smtp:{} }}, \
         {{ /^Subject: odd/ FILTER nothing }} }}",
        sink.relayhost(),
        scanner.relayhost()
    ));
    send(&engine, "one@far.test,two@far.test", "trap this");
    let trapped = sink.wait_messages(1).remove(0);
    assert!(
        trapped.contains("X-Rcpt-Args: <trap@far.test>"),
        "{trapped}"
    );
    assert!(
        !trapped.contains("X-Rcpt-Args: <one@far.test>"),
        "{trapped}"
    );
    send(&engine, "one@far.test", "copy this");
    wait_for("both copies", || {
        let all = sink.messages().join("\n");
        (all.contains("<archive@far.test>") && all.contains("X-Rcpt-Args: <one@far.test>"))
            .then_some(())
    });
    send(&engine, "one@far.test", "scan this");
    scanner.wait_messages(1);
    send(&engine, "odd@far.test", "odd rule");
    wait_for("an odd rule to stop nothing", || {
        sink.messages()
            .join("\n")
            .contains("<odd@far.test>")
            .then_some(())
    });
    let log = engine.log();
    for words in [
        "redirect: header Subject: trap this from ",
        "bcc: header Subject: copy this from ",
        "filter: header Subject: scan this from ",
        "warning: ",
        "bad FILTER command \"nothing\" -- need transport:destination",
    ] {
        assert!(log.contains(words), "{words} in {log}");
    }
    assert!(engine.postqueue().is_empty(), "{:?}", engine.postqueue());
}

#[test]
fn postcat_reads_what_rules_recorded() {
    let engine = Engine::start(&format!(
        "relayhost = [127.0.0.1]:{}\nheader_checks = regexp:{{ {{ /^Subject: a/ REDIRECT trap@far.test }}, \
         {{ /^Subject: b/ FILTER smtp:[127.0.0.1]:9 }} }}",
        free_port()
    ));
    for (subject, record) in [
        ("a", "redirect_to: trap@far.test"),
        ("b", "content_filter: smtp:[127.0.0.1]:9"),
    ] {
        send(&engine, "x@far.test", subject);
        let id = engine.wait_queue("deferred", 1).remove(0);
        let shown = run_ok(
            Command::new(program("postcat", "postfix"))
                .arg("-c")
                .arg(engine.etc())
                .args(["-eq", &id]),
        );
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert!(shown.contains(record), "{record} in {shown}");
        run_ok(
            mailtop()
                .args(["queue", "delete", "--yes", "--config-dir"])
                .arg(engine.etc())
                .arg(&id),
        );
        engine.wait_queue("deferred", 0);
    }
}

#[test]
fn check_names_each_rule_that_asks_for_what_cannot_be() {
    let engine = Engine::start("");
    let table = engine.dir.path().join("checks");
    std::fs::write(
        &table,
        "/^a/ REJECT no\n/^b/ FILTER nothing\n# a comment\n/^c/ BCC nobody\n/^d/ FILTER scan:x\n/^e/ EXPLODE\n",
    )
    .unwrap();
    let main_cf = engine.etc().join("main.cf");
    let text = std::fs::read_to_string(&main_cf).unwrap();
    let line = text.lines().count() + 1;
    let table = table.display();
    std::fs::write(&main_cf, format!("{text}body_checks = regexp:{table}\n")).unwrap();
    let output = mailtop()
        .args(["engine", "check", "--config-dir"])
        .arg(engine.etc())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    for (at, what) in [
        (
            2,
            "bad FILTER command \"nothing\" -- need transport:destination",
        ),
        (4, "bad BCC address \"nobody\" -- need user@domain"),
        (5, "FILTER scan:x: no transport scan in master.cf"),
        (6, "unknown command in the table: \"EXPLODE\""),
    ] {
        let words = format!("body_checks: {table}, line {at}: {what}");
        assert!(said.contains(&words), "{words} in {said}");
    }
    assert!(said.contains(&format!("line {line}")), "{line} in {said}");
    assert_eq!(output.status.code(), Some(1), "{said}");
}

#[test]
fn bounces_go_through_virtual_aliases() {
    let sink = SmtpSink::start(&[]);
    let engine = Engine::start(&format!(
        "relayhost = {}\ntransport_maps = inline:{{ gone.test=error:5.1.1_gone }}\n\
         virtual_alias_domains = virtual.test\n\
         virtual_alias_maps = inline:{{ owner@virtual.test=real@far.test }}",
        sink.relayhost()
    ));
    swaks(
        engine.port,
        &["--from", "owner@virtual.test", "--to", "x@gone.test"],
    );
    let bounce = sink.wait_messages(1).remove(0);
    assert!(bounce.contains("X-Rcpt-Args: <real@far.test>"), "{bounce}");
    assert!(bounce.contains("\nTo: owner@virtual.test\n"), "{bounce}");
    engine.wait_log("to=<real@far.test>, orig_to=<owner@virtual.test>");
}

#[test]
fn aliases_in_a_circle_put_mail_off_and_lose_none() {
    let engine = Engine::start(
        "virtual_alias_domains = virtual.test\n\
         virtual_alias_maps = inline:{ a@virtual.test=b@virtual.test, b@virtual.test=a@virtual.test }",
    );
    let sent = swaks(
        engine.port,
        &["--from", "x@y.test", "--to", "a@virtual.test"],
    );
    let said = String::from_utf8_lossy(&sent.stdout).into_owned();
    assert!(!sent.status.success(), "{said}");
    assert!(said.contains("451 4.6.0 Alias expansion error"), "{said}");
    assert!(
        engine.log().contains("unreasonable virtual_alias_maps map"),
        "{}",
        engine.log()
    );
}
