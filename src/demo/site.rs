//! The demonstration's engine directory: main.cf, the tables and the mailboxes.
//!
//! In: the directory and the addresses of the world's servers. Out: the configuration directory. The
//! configuration is an ordinary one, with short times so that retries, expiry and bounces can be watched.

use super::world::{ADDRESS_LIST, DOMAIN_LIST, HOME, USERS};
use super::{DemoError, io};
use crate::engine::privilege;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Makes the directory's contents.
pub(super) fn create(
    directory: &Path,
    smtp: SocketAddr,
    dns: SocketAddr,
    sink_port: u16,
) -> Result<PathBuf, DemoError> {
    let etc = directory.join("etc");
    let mail = directory.join("mail");
    for path in [&etc, &mail] {
        std::fs::create_dir(path).map_err(|e| io(&path.display().to_string(), e))?;
    }
    if rustix::process::geteuid().is_root() {
        // As root, the engine delivers with the rights of `default_privs`, who must get here.
        open_up(directory, 0o711)?;
        open_up(&mail, 0o1777)?;
    }
    let write = |name: &str, text: &str| {
        let path = etc.join(name);
        std::fs::write(&path, text).map_err(|e| io(&path.display().to_string(), e))
    };
    // Without root, mail can only be delivered as the user who runs this; everybody's mail is theirs, then.
    let account = privilege::own_account().map_or("nobody".to_owned(), |account| account.name);
    write("main.cf", &main_cf(directory, dns, sink_port))?;
    write("virtual", &virtual_aliases(&account))?;
    write("aliases", &local_aliases(&account))?;
    write("accounts", &format!("{account} x\n"))?;
    Ok(crate::engine::setup::create(directory, smtp)?)
}

fn open_up(path: &Path, mode: u32) -> Result<(), DemoError> {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode))
        .map_err(|e| io(&path.display().to_string(), e))
}

/// The people here, as virtual(5) aliases of the one account.
fn virtual_aliases(account: &str) -> String {
    let mut text = String::new();
    for user in USERS.iter().chain(&["mailer-daemon"]) {
        let _ = writeln!(text, "{user}@{HOME} {account}@{HOME}");
    }
    text
}

/// The same for mail of the engine's own, as aliases(5).
fn local_aliases(account: &str) -> String {
    let mut text = String::new();
    for user in USERS.iter().chain(&["mailer-daemon"]) {
        let _ = writeln!(text, "{user}: {account}");
    }
    text
}

fn main_cf(directory: &Path, dns: SocketAddr, sink_port: u16) -> String {
    let dir = directory.display();
    format!(
        "# main.cf of the demonstration. It is removed when the demonstration ends.
compatibility_level = 3.6
queue_directory = {dir}/spool
data_directory = {dir}/data
maillog_file = {dir}/log/mail.log

myhostname = mail.{HOME}
mydomain = {HOME}
myorigin = $mydomain
mydestination = $myhostname, $mydomain, localhost
inet_interfaces = loopback-only
# The office; every other address is the outside world.
mynetworks = 127.1.0.0/16

# The world's name server, and the port its mail servers listen on.
mailtop_dns_servers = {dns}
smtp_tcp_port = {sink_port}

virtual_alias_maps = hash:{dir}/etc/virtual
local_recipient_maps = hash:{dir}/etc/accounts
# Bounces come from inside and are looked up here.
alias_maps = hash:{dir}/etc/aliases
alias_database = hash:{dir}/etc/aliases
mail_spool_directory = {dir}/mail/
recipient_delimiter = +
mailbox_size_limit = 0
message_size_limit = 1000000
biff = no

smtpd_helo_required = yes
disable_vrfy_command = yes
smtpd_helo_restrictions = permit_mynetworks,
    reject_invalid_helo_hostname,
    reject_non_fqdn_helo_hostname,
    reject_unknown_helo_hostname
smtpd_sender_restrictions = reject_non_fqdn_sender, reject_unknown_sender_domain
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_recipient_restrictions = permit_mynetworks,
    reject_non_fqdn_recipient,
    reject_rbl_client {ADDRESS_LIST},
    reject_rhsbl_sender {DOMAIN_LIST}
smtpd_data_restrictions = reject_unauth_pipelining
smtpd_soft_error_limit = 3
smtpd_hard_error_limit = 6
smtpd_error_sleep_time = 0s

# Short times, so that retries, expiry and bounces come while one watches.
queue_run_delay = 3s
minimal_backoff_time = 8s
maximal_backoff_time = 30s
maximal_queue_lifetime = 90s
bounce_queue_lifetime = 60s
smtp_connect_timeout = 4s
smtp_helo_timeout = 4s
"
    )
}
