//! The parameters the engine acts on, typed and checked; names are postconf(5)'s.

use super::Service;
use crate::engine::maps::Maps;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// The parameters in force. Each member is documented in postconf(5) under its name.
#[derive(Debug, Clone, Default)]
#[allow(
    clippy::struct_excessive_bools,
    missing_docs,
    reason = "each is postconf(5)'s parameter of the same name, typed"
)]
pub struct Params {
    // Where things are.
    pub config_directory: PathBuf,
    pub queue_directory: PathBuf,
    pub data_directory: PathBuf,
    pub maillog_file: PathBuf,
    pub mail_owner: String,
    pub setgid_group: String,
    pub syslog_name: String,
    pub enable_long_queue_ids: bool,
    pub hash_queue_names: Vec<String>,
    pub hash_queue_depth: usize,
    pub compatibility_level: String,
    // Who we are.
    pub myhostname: String,
    pub mydomain: String,
    pub myorigin: String,
    pub mail_name: String,
    pub mail_version: String,
    /// The SMTP listeners, from master.cf's inet smtpd services (or 127.0.0.1:2525 when there is no master.cf),
    /// each with its `-o` overrides applied.
    pub listeners: Vec<Listener>,
    pub inet_protocols: Vec<String>,
    pub inet_interfaces: Vec<String>,
    pub proxy_interfaces: Vec<String>,
    /// The addresses of this host's interfaces, read once when the parameters were.
    pub own_addresses: Vec<IpAddr>,
    /// The services of master.cf that are no listener of ours: the transports among them.
    pub services: Vec<Service>,
    /// Our own parameter: DNS servers to ask instead of those of resolv.conf.
    pub mailtop_dns_servers: Vec<SocketAddr>,
    /// The tables the parameters name, opened at first use and read again when their source changes.
    pub maps: Maps,
    // Address classes.
    pub mydestination: Vec<String>,
    pub mynetworks: Vec<IpNet>,
    /// The words of `mynetworks`, with negations and tables, in their order.
    pub mynetworks_patterns: Vec<String>,
    pub relay_domains: Vec<String>,
    pub relay_recipient_maps: Vec<String>,
    pub virtual_mailbox_domains: Vec<String>,
    pub virtual_mailbox_maps: Vec<String>,
    pub virtual_alias_expansion_limit: usize,
    pub virtual_alias_recursion_limit: usize,
    pub virtual_alias_domains: Vec<String>,
    pub virtual_alias_maps: Vec<String>,
    pub alias_maps: Vec<String>,
    pub alias_database: Vec<String>,
    pub local_recipient_maps: Vec<String>,
    pub recipient_delimiter: String,
    pub append_dot_mydomain: bool,
    pub append_at_myorigin: bool,
    pub propagate_unmatched_extensions: Vec<String>,
    pub swap_bangpath: bool,
    pub allow_percent_hack: bool,
    pub allow_untrusted_routing: bool,
    pub resolve_dequoted_address: bool,
    pub resolve_null_domain: bool,
    pub local_header_rewrite_clients: Vec<String>,
    pub parent_domain_matches_subdomains: Vec<String>,
    // smtpd.
    pub smtpd_banner: String,
    pub smtpd_helo_required: bool,
    pub smtpd_delay_reject: bool,
    pub smtpd_reject_unlisted_recipient: bool,
    pub smtpd_reject_unlisted_sender: bool,
    pub smtpd_peername_lookup: bool,
    pub smtpd_discard_ehlo_keywords: Vec<String>,
    pub smtpd_forbidden_commands: Vec<String>,
    pub smtpd_noop_commands: Vec<String>,
    pub smtpd_restriction_classes: Vec<String>,
    /// The restriction classes of `smtpd_restriction_classes`, each with its list.
    pub restriction_classes: BTreeMap<String, Vec<String>>,
    pub smtpd_etrn_restrictions: Vec<String>,
    pub smtpd_recipient_overshoot_limit: usize,
    pub smtpd_junk_command_limit: u32,
    pub smtpd_client_event_limit_exceptions: Vec<String>,
    pub smtpd_forbid_bare_newline_reject_code: u16,
    pub smtpd_forbid_bare_newline_exclusions: Vec<String>,
    pub mime_nesting_limit: usize,
    pub show_user_unknown_table_name: bool,
    pub unknown_relay_recipient_reject_code: u16,
    pub unknown_virtual_alias_reject_code: u16,
    pub unknown_virtual_mailbox_reject_code: u16,
    pub rbl_reply_maps: Vec<String>,
    pub access_map_defer_code: u16,
    pub defer_code: u16,
    pub multi_recipient_bounce_reject_code: u16,
    pub unknown_address_tempfail_action: String,
    pub unknown_helo_hostname_tempfail_action: String,
    // Content.
    pub always_add_missing_headers: bool,
    pub undisclosed_recipients_header: String,
    pub always_bcc: String,
    pub header_checks: Vec<String>,
    pub mime_header_checks: Vec<String>,
    pub body_checks: Vec<String>,
    pub body_checks_size_limit: usize,
    pub receive_override_options: Vec<String>,
    pub smtputf8_enable: bool,
    pub disable_vrfy_command: bool,
    pub strict_rfc821_envelopes: bool,
    pub smtpd_client_restrictions: Vec<String>,
    pub smtpd_helo_restrictions: Vec<String>,
    pub smtpd_sender_restrictions: Vec<String>,
    pub smtpd_relay_restrictions: Vec<String>,
    pub smtpd_recipient_restrictions: Vec<String>,
    pub smtpd_data_restrictions: Vec<String>,
    pub smtpd_end_of_data_restrictions: Vec<String>,
    pub smtpd_recipient_limit: usize,
    pub smtpd_soft_error_limit: u32,
    pub smtpd_hard_error_limit: u32,
    pub smtpd_error_sleep_time: Duration,
    pub smtpd_timeout: Duration,
    pub smtpd_client_connection_count_limit: u32,
    pub smtpd_forbid_bare_newline: String,
    pub default_process_limit: usize,
    pub line_length_limit: usize,
    pub header_size_limit: usize,
    pub message_size_limit: u64,
    pub queue_minfree: u64,
    pub hopcount_limit: u32,
    pub soft_bounce: bool,
    pub unknown_local_recipient_reject_code: u16,
    pub maps_rbl_reject_code: u16,
    pub default_rbl_reply: String,
    pub access_map_reject_code: u16,
    pub invalid_hostname_reject_code: u16,
    pub non_fqdn_reject_code: u16,
    pub reject_code: u16,
    pub relay_domains_reject_code: u16,
    pub unknown_address_reject_code: u16,
    pub unknown_client_reject_code: u16,
    pub unknown_hostname_reject_code: u16,
    // Delivery.
    pub relayhost: String,
    pub local_transport: String,
    pub relay_transport: String,
    pub virtual_transport: String,
    pub default_transport: String,
    pub transport_maps: Vec<String>,
    /// `host:port`'s port when the destination names none: a number or a name of /etc/services.
    pub smtp_tcp_port: String,
    pub disable_dns_lookups: bool,
    pub smtp_helo_name: String,
    pub smtp_bind_address: String,
    pub smtp_connect_timeout: Duration,
    pub smtp_helo_timeout: Duration,
    pub smtp_mail_timeout: Duration,
    pub smtp_rcpt_timeout: Duration,
    pub smtp_data_init_timeout: Duration,
    pub smtp_data_xfer_timeout: Duration,
    pub smtp_data_done_timeout: Duration,
    pub smtp_quit_timeout: Duration,
    pub smtp_mx_address_limit: usize,
    pub smtp_mx_session_limit: usize,
    pub smtp_destination_concurrency_limit: usize,
    pub smtp_destination_recipient_limit: usize,
    pub default_destination_concurrency_limit: usize,
    pub default_destination_recipient_limit: usize,
    pub initial_destination_concurrency: usize,
    pub home_mailbox: String,
    pub mail_spool_directory: String,
    pub default_privs: String,
    pub command_time_limit: Duration,
    pub mailbox_command: String,
    pub mailbox_size_limit: u64,
    pub content_filter: String,
    // The queue.
    pub queue_run_delay: Duration,
    pub minimal_backoff_time: Duration,
    pub maximal_backoff_time: Duration,
    pub maximal_queue_lifetime: Duration,
    pub bounce_queue_lifetime: Duration,
    pub delay_warning_time: Duration,
    pub qmgr_message_active_limit: usize,
    pub bounce_size_limit: u64,
    pub notify_classes: Vec<String>,
    pub double_bounce_sender: String,
    pub empty_address_recipient: String,
    /// Every parameter with its expanded value, for `status`, the console and `check`.
    pub all: BTreeMap<String, String>,
}

/// One SMTP listener.
#[derive(Debug, Clone)]
pub struct Listener {
    /// The address to bind.
    pub address: SocketAddr,
    /// The `syslog_name`-qualified service for the log: `smtpd`, or `submission/smtpd` after `-o syslog_name=postfix/submission`.
    pub service: String,
    /// Most sessions at a time, from master.cf's maxproc or default_process_limit.
    pub process_limit: usize,
    /// The parameters of this listener: those of main.cf with master.cf's `-o` on top; `None` when there is no `-o`.
    pub overrides: Option<Box<Params>>,
}
