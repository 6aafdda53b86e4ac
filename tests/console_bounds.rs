//! What the console keeps is bounded, whatever a log holds.

use crate::console::{Tty, console};
use crate::peers::wait_for;
use std::fmt::Write as _;

/// A log in which nothing occurs twice: every name, address, id and reason is new, and many are very long.
fn nothing_twice(messages: u32) -> String {
    let mut log = String::new();
    for n in 0..messages {
        let (hour, minute, second) = (n / 3600 % 24, n / 60 % 60, n % 60);
        let stamp = format!("2026-11-22T{hour:02}:{minute:02}:{second:02}+00:00 mx{n} postfix");
        let id = format!("{:011X}", u64::from(n) + 0x100_0000_0000);
        let long = format!("{n:08}").repeat(if n % 16 == 0 { 400 } else { 12 });
        let ip = format!("10.{}.{}.{}", n >> 16 & 255, n >> 8 & 255, n & 255);
        let lines = [
            format!("smtpd[1]: {id}: client=h{long}[{ip}], sasl_username=u{long}"),
            format!("cleanup[2]: {id}: message-id=<{long}@m.example>"),
            format!("qmgr[3]: {id}: from=<{long}@s{n}.example>, size={n}, nrcpt=1 (queue active)"),
            format!(
                "smtp[4]: {id}: to=<{long}@d{n}.example>, relay=none, delay={n}, delays=0/0/{n}/0, dsn=4.4.1, status=deferred (reason{long} x{n}y)"
            ),
            format!(
                "smtpd[1]: NOQUEUE: reject: RCPT from h[{ip}]: 554 5.7.1 <{long}@r.example>: word{n} {long}; from=<a@s{n}.example> to=<{long}@r.example> proto=ESMTP helo=<{long}>"
            ),
            format!("smtpd[1]: warning: h[{ip}]: SASL LOGIN authentication failed: w{long}"),
        ];
        for line in lines {
            writeln!(log, "{stamp}/{line}").unwrap();
        }
    }
    log
}

#[test]
fn a_log_in_which_nothing_occurs_twice_costs_bounded_memory() {
    let directory = tempfile::tempdir().unwrap();
    let resident = |messages: u32| {
        let log = directory.path().join(format!("mail{messages}.log"));
        let text = nothing_twice(messages);
        std::fs::write(&log, &text).unwrap();
        let tty = Tty::open(100, 30, console(&log, &[]));
        let whole = format!("{} lines, ", grouped(messages * 6));
        wait_for(&whole, || {
            let screen = tty.screen();
            (screen.contains(&whole) && !screen.contains("to read")).then_some(())
        });
        tty.resident()
    };
    let some = resident(2_500);
    let many = resident(20_000);
    assert!(
        many < some + 64 * 1024,
        "8 times the log took {some} KiB, then {many} KiB"
    );
}

/// As the console writes counts: `30,000`.
fn grouped(n: u32) -> String {
    format!("{},{:03}", n / 1000, n % 1000)
}
