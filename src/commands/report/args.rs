//! The report's options, and under which names pflogsumm's users find them.

use crate::report::section::{Limit, Spec};
use crate::report::sections;
use crate::report::when::WeekStart;
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::path::PathBuf;
use std::sync::LazyLock;

/// Arguments of the report.
#[derive(Debug, Clone, Default, clap::Args)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "one a switch of the command line"
)]
pub struct Args {
    /// Log files, oldest first, plain or compressed; `-` is standard input. Without one, the server's log.
    /// The words today and yesterday mean --day, unless such a file exists.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) format: Format,
    /// Write to this file instead of standard output: as a whole, or not at all.
    #[arg(long, short = 'o', value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    #[command(flatten)]
    pub(super) period: Period,
    #[command(flatten)]
    pub(super) rows: Rows,
    #[command(flatten)]
    pub(super) view: View,
    #[command(flatten)]
    pub(super) addresses: Addresses,
    #[command(flatten)]
    pub(super) without: Without,
    #[command(flatten)]
    pub(super) accepted: Accepted,
}

/// The format; text without any.
#[derive(Debug, Clone, Default, clap::Args)]
#[group(id = "format", multiple = false)]
pub(super) struct Format {
    /// One JSON object with every section.
    #[arg(long)]
    pub json: bool,
    /// One HTML file with charts; it refers to nothing outside.
    #[arg(long)]
    pub html: bool,
    /// One section as CSV, all its rows; `--csv list` names the sections.
    #[arg(long, value_name = "SECTION")]
    pub csv: Option<String>,
    /// Metrics for node_exporter's textfile collector.
    #[arg(long)]
    pub prometheus: bool,
}

/// Which lines count.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Period {
    /// Only the Postfix instance of this name (syslog_name).
    #[arg(
        long,
        value_name = "NAME",
        visible_alias = "syslog-name",
        alias = "syslog_name"
    )]
    pub instance: Option<String>,
    /// Nothing before: RFC 3339, `2026-11-22`, `2026-11-22 08:30`, `2h`, `3d` (ago), today, yesterday.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only what is before: the same forms.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// A day, week, month or range: today, yesterday, `2026-11-22`, "this week", "last month", `2026-11`,
    /// `2026-11-01..2026-11-15`.
    #[arg(long, short = 'd', value_name = "PERIOD", alias = "date-range", conflicts_with_all = ["since", "until"])]
    pub day: Option<String>,
    /// The first day of a week.
    #[arg(long, value_name = "DAY", value_enum, default_value_t)]
    pub week_start: WeekStart,
    /// Say what changed against the equal period before: yesterday for today, the N hours before for N
    /// hours. Needs a period.
    #[arg(long)]
    pub compare: bool,
}

/// How long lists are.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Rows {
    /// Rows of every list (20); 0 leaves lists out. `--no-SECTION` leaves one section out.
    #[arg(long, value_name = "N")]
    pub detail: Option<usize>,
    /// Rows of every list; 0 is all.
    #[arg(long, value_name = "N", conflicts_with = "detail")]
    pub top: Option<usize>,
    /// Rows of lists of hosts, domains and clients.
    #[arg(long, value_name = "N", alias = "host-cnt")]
    pub hosts: Option<usize>,
    /// Rows of lists of senders, recipients and users.
    #[arg(long, short = 'u', value_name = "N", alias = "user-cnt")]
    pub users: Option<usize>,
    /// Rows of deferral reasons.
    #[arg(long, value_name = "N", alias = "deferral_detail")]
    pub deferral_detail: Option<usize>,
    /// Rows of bounce reasons.
    #[arg(long, value_name = "N", alias = "bounce_detail")]
    pub bounce_detail: Option<usize>,
    /// Rows of reasons of rejects, reject warnings, holds and discards.
    #[arg(long, value_name = "N", alias = "reject_detail")]
    pub reject_detail: Option<usize>,
    /// Rows of warnings and errors.
    #[arg(long, value_name = "N", aliases = ["smtpd-warning-detail", "smtpd_warning_detail"])]
    pub warning_detail: Option<usize>,
    /// Rows of what postscreen did.
    #[arg(long, value_name = "N", alias = "pscrn-detail")]
    pub postscreen_detail: Option<usize>,
}

impl Rows {
    /// The limits that were given, by kind.
    pub fn limits(&self) -> impl Iterator<Item = (Limit, usize)> {
        [
            (Limit::Hosts, self.hosts),
            (Limit::Users, self.users),
            (Limit::Deferrals, self.deferral_detail),
            (Limit::Bounces, self.bounce_detail),
            (Limit::Rejects, self.reject_detail),
            (Limit::Warnings, self.warning_detail),
            (Limit::Postscreen, self.postscreen_detail),
        ]
        .into_iter()
        .filter_map(|(limit, rows)| Some((limit, rows?)))
    }
}

/// What is shown, and how.
#[derive(Debug, Clone, Default, clap::Args)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "one a switch of the command line"
)]
pub(super) struct View {
    /// Problems right behind the totals.
    #[arg(long, alias = "problems_first")]
    pub problems_first: bool,
    /// Show empty sections, and hours and days without traffic.
    #[arg(long, alias = "zero_fill")]
    pub zero_fill: bool,
    /// Whole reasons and every example, however long.
    #[arg(long, aliases = ["verbose-msg-detail", "verbose_msg_detail"])]
    pub verbose_messages: bool,
    /// The example of a reject whole, with its sender and recipient.
    #[arg(long, aliases = ["rej_add_from", "rej-add-to", "rej_add_to"])]
    pub rej_add_from: bool,
    /// smtpd's connections by hour and by host.
    #[arg(long, alias = "smtpd_stats")]
    pub smtpd_stats: bool,
    /// End with the queue as it is now.
    #[arg(long)]
    pub mailq: bool,
    /// Every message: its sender, size, and what became of each recipient.
    #[arg(long, short = 'e', alias = "extended_detail")]
    pub extended_detail: bool,
    /// The first lines that were not understood.
    #[arg(long)]
    pub unparsed: bool,
    /// Columns of the text (80); 0 is no limit.
    #[arg(long, value_name = "N", alias = "colwidth")]
    pub width: Option<usize>,
}

/// Which addresses are one.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Addresses {
    /// Addresses that differ in letter case are one.
    #[arg(long, short = 'i', alias = "ignore_case")]
    pub ignore_case: bool,
    /// Senders that differ in VERP's number are one; with 2, in VERP's recipient too.
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "1", alias = "verp_mung")]
    pub verp_mung: Option<u8>,
    /// Senders rewritten by SRS count as the addresses they wrap.
    #[arg(long)]
    pub srs_mung: bool,
    /// Bang paths `host.dom!user@gate` as `gate!user@host.dom`.
    #[arg(long, short = 'm', alias = "uucp_mung")]
    pub uucp_mung: bool,
}

/// Options of pflogsumm that ask for what is always so: taken, so that an old crontab works.
#[derive(Debug, Clone, Default, clap::Args)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "one a switch of the command line"
)]
pub(super) struct Accepted {
    #[arg(long, short = 'q', hide = true)]
    quiet: bool,
    #[arg(long, alias = "iso_date_time", hide = true)]
    iso_date_time: bool,
    #[arg(long, alias = "no_no_msg_size", hide = true)]
    no_no_msg_size: bool,
    #[arg(long, hide = true)]
    dow0mon: bool,
    #[arg(long, hide = true)]
    pscrn_stats: bool,
    #[arg(long, value_name = "N", alias = "smtp_detail", hide = true)]
    smtp_detail: Option<usize>,
}

/// The sections left out: a `--no-SECTION` for each that there is.
#[derive(Debug, Clone, Default)]
pub(super) struct Without(pub Vec<&'static str>);

/// The options' names, alive as long as clap wants them.
static NO: LazyLock<Vec<(String, &'static Spec)>> = LazyLock::new(|| {
    let all = sections::ALL.iter();
    all.map(|spec| (spec.option(), *spec)).collect()
});

/// pflogsumm's older names of some of them.
const OLD_NAMES: &[(&str, &[&str])] = &[
    ("bounces", &["no-bounce-detail", "no_bounce_detail"]),
    ("deferrals", &["no-deferral-detail", "no_deferral_detail"]),
    ("rejects", &["no-reject-detail", "no_reject_detail"]),
    ("warnings", &["no-smtpd-warnings", "no_smtpd_warnings"]),
];

impl clap::Args for Without {
    fn augment_args(command: Command) -> Command {
        command.args(NO.iter().map(|(option, spec)| {
            let old = OLD_NAMES.iter().find(|(key, _)| *key == spec.key);
            Arg::new(option.as_str())
                .long(option.as_str())
                .aliases(old.map_or(&[][..], |(_, names)| names).iter().copied())
                .action(ArgAction::SetTrue)
                .help(format!("Leave out: {}.", spec.title))
                .hide(true)
        }))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Without {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = NO.iter().filter(|(option, _)| matches.get_flag(option));
        Ok(Self(given.map(|(_, spec)| spec.key).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
