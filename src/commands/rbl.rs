//! `mailtop rbl`: addresses and domains against block lists.

use super::Context;
use crate::dns::{self, DnsOptions};
use crate::rbl::text::{self, Detail};
use crate::rbl::{self, Finding, Keys, List, Options, Target, Verdict};
use anyhow::Context as _;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

/// Time for one try of one question, and how often it is tried: a list that takes longer is no use to a mail server.
const TIMEOUT: Duration = Duration::from_secs(2);
const ATTEMPTS: usize = 2;

/// Arguments of `mailtop rbl`.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "Exit status: 0 not listed, 1 listed somewhere, 2 no verdict.")]
pub struct Args {
    /// IPv4 or IPv6 addresses, small networks (192.0.2.0/28), domains, mail addresses; `-` reads them from
    /// standard input, one a line.
    #[arg(value_name = "TARGET", required = true)]
    pub targets: Vec<String>,
    /// The resolver to ask, instead of those of /etc/resolv.conf. Block lists refuse public resolvers.
    #[arg(long, value_name = "ADDR[:PORT]", value_parser = resolver)]
    pub resolver: Option<SocketAddr>,
    /// Ask only these lists, known or not (may be given several times, or separated by commas).
    #[arg(long, value_name = "ZONE", value_delimiter = ',')]
    pub list: Vec<String>,
    /// One JSON object for each target and list, as they come.
    #[arg(long)]
    pub json: bool,
    /// Ask every list of the catalogue, also those that are dead, moved, uncertain or part of another.
    #[arg(long, conflicts_with = "list")]
    pub all: bool,
    /// Show the lists that found nothing, too.
    #[arg(long, short)]
    pub verbose: bool,
}

fn resolver(text: &str) -> Result<SocketAddr, String> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(SocketAddr::new(address, 53));
    }
    text.parse()
        .map_err(|_| "not an address, or address and port".to_owned())
}

/// Runs the command.
pub fn run(_context: &Context, args: &Args) -> anyhow::Result<ExitCode> {
    let targets = targets(&args.targets)?;
    let lists = lists(args);
    if rbl::expected(&targets, &lists) == 0 {
        anyhow::bail!("no list to ask about these targets");
    }
    let servers = args
        .resolver
        .map_or_else(dns::servers_of_this_host, |server| vec![server]);
    for server in &servers {
        if let Some(who) = rbl::public_resolver(server.ip()) {
            eprintln!(
                "mailtop: {} is {who}: block lists refuse or mislead public resolvers (try: --resolver with your own)",
                server.ip()
            );
        }
    }
    let options = Options {
        resolver: servers
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", "),
        ..Options::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the asynchronous runtime")?;
    let findings = runtime.block_on(async {
        let dns = dns::system(&DnsOptions {
            servers,
            timeout: TIMEOUT,
            attempts: ATTEMPTS,
        })?;
        let findings = rbl::run(targets.clone(), lists, dns, options);
        collect(findings, args.json).await
    })?;
    if !args.json {
        let detail = if args.verbose {
            Detail::Full
        } else {
            Detail::Brief
        };
        print(&text::summary(&targets, &findings, detail))?;
    }
    Ok(ExitCode::from(status(&targets, &findings)))
}

fn targets(words: &[String]) -> anyhow::Result<Vec<Target>> {
    let mut targets = Vec::new();
    for word in words {
        if word != "-" {
            targets.extend(Target::parse(word)?);
            continue;
        }
        for line in std::io::stdin().lock().lines() {
            let line = line.context("standard input")?;
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                targets.extend(Target::parse(line)?);
            }
        }
    }
    let mut seen = std::collections::HashSet::new();
    targets.retain(|target| seen.insert(target.clone()));
    Ok(targets)
}

fn lists(args: &Args) -> Vec<List> {
    // A list with a key is asked by naming its whole zone; what is shown masks it.
    let keys = Keys::new();
    if !args.list.is_empty() {
        args.list.iter().map(|zone| rbl::named(zone)).collect()
    } else if args.all {
        rbl::every(&keys)
    } else {
        rbl::defaults(&keys)
    }
}

/// Takes the findings as they come: JSON lines at once, and on a terminal what is not clean.
async fn collect(
    mut findings: tokio::sync::mpsc::Receiver<Finding>,
    json: bool,
) -> anyhow::Result<Vec<Finding>> {
    let live = std::io::stdout().is_terminal();
    let mut all = Vec::new();
    while let Some(finding) = findings.recv().await {
        if json {
            print(&format!("{}\n", finding.to_json()))?;
        } else if live && finding.verdict != Verdict::Clean {
            print(&format!("{}\n", text::line(&finding)))?;
        }
        all.push(finding);
    }
    if live && !json {
        print("\n")?;
    }
    Ok(all)
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // The reader went away (`| head`): not an error of ours.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("standard output"),
    }
}

/// 1 when something is listed, 2 when a target got no verdict from any list, else 0.
fn status(targets: &[Target], findings: &[Finding]) -> u8 {
    if findings
        .iter()
        .any(|finding| matches!(finding.verdict, Verdict::Listed { .. }))
    {
        return 1;
    }
    let answered = |target: &Target| {
        findings
            .iter()
            .any(|finding| finding.target == *target && finding.verdict.is_conclusive())
    };
    if targets.iter().all(answered) { 0 } else { 2 }
}
