//! What the manual page says of the report beyond its options: the exit status, the sections and their
//! columns, and where pflogsumm's options are. All of it comes from the tables that the program works with.

use crate::report::sections;
use std::fmt::Write as _;

/// Where an option of pflogsumm is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ours {
    /// The same name does the same.
    Same,
    /// The same name is taken and does nothing, since it is always so: and why.
    Always(&'static str),
    /// Another name; pflogsumm's is taken too.
    Alias(&'static str),
    /// Another way; pflogsumm's name is not taken.
    Instead(&'static str),
}

/// Every option of pflogsumm 1.1.5 and of its later versions.
pub const PFLOGSUMM: &[(&str, Ours)] = &[
    ("--bounce-detail", Ours::Same),
    ("--deferral-detail", Ours::Same),
    ("--reject-detail", Ours::Same),
    ("--smtpd-warning-detail", Ours::Alias("--warning-detail")),
    (
        "--smtp-detail",
        Ours::Always(
            "failed deliveries stand under deferrals and bounces: --deferral-detail, --bounce-detail",
        ),
    ),
    ("--pscrn-detail", Ours::Alias("--postscreen-detail")),
    ("--detail", Ours::Same),
    ("--no-bounce-detail", Ours::Alias("--no-bounces")),
    ("--no-deferral-detail", Ours::Alias("--no-deferrals")),
    ("--no-reject-detail", Ours::Alias("--no-rejects")),
    ("--no-smtpd-warnings", Ours::Alias("--no-warnings")),
    (
        "--no-no-msg-size",
        Ours::Always("messages without a size are one figure of the totals"),
    ),
    ("-d", Ours::Alias("--day")),
    ("--date-range", Ours::Alias("--day")),
    (
        "--dow0mon",
        Ours::Always("weeks begin on Monday; --week-start sunday for the other"),
    ),
    ("-e", Ours::Same),
    ("--extended-detail", Ours::Same),
    ("-h", Ours::Instead("--hosts (-h is help)")),
    ("--host-cnt", Ours::Alias("--hosts")),
    ("-u", Ours::Alias("--users")),
    ("--user-cnt", Ours::Alias("--users")),
    ("-i", Ours::Same),
    ("--ignore-case", Ours::Same),
    ("--iso-date-time", Ours::Always("times are ISO 8601")),
    ("-m", Ours::Same),
    ("--uucp-mung", Ours::Same),
    ("--verp-mung", Ours::Same),
    ("--srs-mung", Ours::Same),
    (
        "--use-orig-to",
        Ours::Instead("mailtop trace ADDRESS finds both addresses of a recipient"),
    ),
    ("--mailq", Ours::Same),
    ("--problems-first", Ours::Same),
    (
        "-q",
        Ours::Always("empty sections are left out; --zero-fill shows them"),
    ),
    (
        "--quiet",
        Ours::Always("empty sections are left out; --zero-fill shows them"),
    ),
    ("--rej-add-from", Ours::Same),
    ("--rej-add-to", Ours::Alias("--rej-add-from")),
    ("--smtpd-stats", Ours::Same),
    (
        "--pscrn-stats",
        Ours::Always("what postscreen did is in every report that has some"),
    ),
    ("--syslog-name", Ours::Alias("--instance")),
    ("--verbose-msg-detail", Ours::Alias("--verbose-messages")),
    ("--zero-fill", Ours::Same),
    ("--colwidth", Ours::Alias("--width")),
    (
        "--unprocd-file",
        Ours::Instead("mailtop parse --unparsed FILE"),
    ),
    (
        "--config",
        Ours::Instead("a shell alias, or the command in a script"),
    ),
    (
        "--dump-config",
        Ours::Instead("a shell alias, or the command in a script"),
    ),
    (
        "-x",
        Ours::Instead("mailtop parse FILE shows what was understood of every line"),
    ),
    ("--help", Ours::Same),
    ("--version", Ours::Same),
];

/// The report's exit status.
pub const EXIT_STATUS: &[(&str, &str)] = &[
    ("0", "The report was made."),
    (
        "1",
        "The report was made, but there was no Postfix line in the period, or a log could not be read to its end.",
    ),
    (
        "2",
        "There is no report: a wrong option, a log that cannot be read, an output that cannot be written.",
    ),
];

/// The sections of the manual page, in roff.
pub fn roff() -> String {
    let mut out = String::from(".SH \"EXIT STATUS OF THE REPORT\"\n");
    for (status, meaning) in EXIT_STATUS {
        item(&mut out, status, meaning);
    }
    out.push_str(".SH \"SECTIONS OF THE REPORT\"\n");
    paragraph(
        &mut out,
        "The names are the members of --json, the words for --csv, and with \\- for _ those for --no\\-SECTION. Every text is sanitised. Times are RFC 3339, delays seconds, shares percent. Members are added, never renamed. The member messages is there with --extended\\-detail only. Before the sections --json has schema (1), logs, remarks, asked (since, until) and period (from, to); with --compare also compared and period_before.",
    );
    for spec in sections::ALL {
        let columns: Vec<String> = spec
            .columns
            .iter()
            .map(|column| format!("{} ({})", column.key, column.about.trim_end_matches('.')))
            .collect();
        item(
            &mut out,
            spec.key,
            &format!(
                "{}: {} Members: {}.",
                spec.title,
                spec.about,
                columns.join("; ")
            ),
        );
    }
    out.push_str(".SH \"METRICS OF THE REPORT\"\n");
    paragraph(
        &mut out,
        "Written by --prometheus: gauges of one period, and mailtop_delivery_delay_seconds, a summary by part of the delay. At most 50 values of a label. Write them with --output FILE.prom into the directory of node_exporter's textfile collector.",
    );
    for metric in crate::report::METRICS {
        item(&mut out, metric.name, metric.help);
    }
    out.push_str(".SH \"OPTIONS OF PFLOGSUMM\"\n");
    for (name, ours) in PFLOGSUMM {
        item(&mut out, name, &described(*ours));
    }
    out
}

fn described(ours: Ours) -> String {
    match ours {
        Ours::Same => "the same.".to_owned(),
        Ours::Alias(name) => format!("{name}; pflogsumm's name is taken too."),
        Ours::Always(why) => format!("taken without effect: {why}."),
        Ours::Instead(what) => format!("{what}."),
    }
}

fn item(out: &mut String, name: &str, text: &str) {
    let _ = writeln!(out, ".TP\n\\fB{}\\fR\n{}", roffed(name), roffed(text));
}

fn paragraph(out: &mut String, text: &str) {
    let _ = writeln!(out, ".PP\n{}", text.replace("--", "\\-\\-"));
}

/// Text that roff leaves alone: a dot or an apostrophe at the beginning of a line is a request.
fn roffed(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) {
        format!("\\&{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    /// The arguments that make an option complete.
    fn value(name: &str) -> Vec<String> {
        let given = match name {
            "-d" | "--date-range" => Some("today"),
            "--syslog-name" => Some("postfix"),
            _ if name.ends_with("-detail") && !name.contains("no-") && !name.contains("msg") => {
                Some("5")
            }
            "--detail" | "-u" | "--user-cnt" | "--host-cnt" | "--colwidth" => Some("5"),
            _ => None,
        };
        std::iter::once(name)
            .chain(given)
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn every_name_of_pflogsumm_is_taken_where_the_table_says_so() {
        for (name, ours) in PFLOGSUMM {
            if matches!(ours, Ours::Instead(_)) || matches!(*name, "--help" | "--version") {
                continue;
            }
            let mut line = vec!["mailtop".to_owned(), "report".to_owned()];
            line.extend(value(name));
            let parsed = crate::cli::Cli::try_parse_from(&line);
            assert!(parsed.is_ok(), "{name}: {}", parsed.unwrap_err());
        }
    }

    #[test]
    fn what_the_table_points_to_exists() {
        use clap::CommandFactory as _;
        let command = crate::cli::Cli::command();
        let report = command.find_subcommand("report").unwrap();
        for (name, ours) in PFLOGSUMM {
            if let Ours::Alias(option) = ours {
                let long = option.trim_start_matches("--");
                assert!(
                    report.get_arguments().any(|a| a.get_long() == Some(long)),
                    "{name}: {option}"
                );
            }
        }
    }

    #[test]
    fn roff_takes_no_text_for_a_request() {
        assert_eq!(roffed(".x"), "\\&.x");
        assert_eq!(roffed("a-b\\c"), "a\\-b\\ec");
        let manual = roff();
        assert!(manual.contains("\\-\\-smtpd\\-warning\\-detail"));
        assert!(manual.contains("destination_delays"));
    }
}
