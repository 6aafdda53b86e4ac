//! The queue of a real Postfix through mailtop.

use crate::peers::postfix::Postfix;
use crate::peers::smtp::{SmtpSink, smtp_source, swaks};

#[test]
fn the_harness_carries_mail() {
    let sink = SmtpSink::start(&[]);
    let postfix = Postfix::start(&format!("relayhost = {}", sink.relayhost()));
    smtp_source(
        postfix.port,
        &["-m", "5", "-f", "a@a.test", "-t", "b@b.test"],
    );
    let sent = swaks(postfix.port, &["--from", "c@c.test", "--to", "d@d.test"]);
    assert!(sent.status.success());
    let messages = sink.wait_messages(6);
    assert_eq!(
        messages
            .iter()
            .filter(|m| m.contains("X-Mail-Args: <c@c.test>"))
            .count(),
        1
    );
    postfix.wait_log(&["to=<d@d.test>", "status=sent"]);
    postfix.wait_queue("an empty queue", <[_]>::is_empty);
}
