//! The one table of the parameters the engine acts on, and the list of those only Postfix knows.
//!
//! A row says the name, our default where it is not Postfix's, the kind of value and so how it goes into
//! [`Params`]. `postconf.txt` holds every parameter of Postfix with its default (the facts `postconf -d`
//! prints); what is there and not in the table gets a warning when main.cf sets it.

use super::params::Params;
use super::values::{
    code, days, dns_servers, hours, list, match_list, networks, number, path, seconds, text,
    text_or_file, yes_no,
};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// One parameter the engine acts on.
pub struct Known {
    /// postconf(5)'s name.
    pub name: &'static str,
    /// Our default where Postfix has none or another one; else that of `postconf.txt` holds.
    pub default: Option<&'static str>,
    /// Whether `$name` in the value is left for later (mailbox_command, default_rbl_reply).
    pub raw: bool,
    /// Puts the expanded value where it belongs.
    pub set: fn(&mut Params, &str) -> Result<(), String>,
}

macro_rules! known {
    (@default) => { None };
    (@default $default:literal) => { Some($default) };
    (@raw) => { false };
    (@raw raw) => { true };
    ($($name:ident: $kind:ident $([$raw:ident])? $(= $default:literal)?;)*) => {
        /// Every parameter the engine acts on.
        pub const KNOWN: &[Known] = &[$(Known {
            name: stringify!($name),
            default: known!(@default $($default)?),
            raw: known!(@raw $($raw)?),
            set: |params, value| { params.$name = $kind(value)?; Ok(()) },
        }),*];
    };
}

known! {
    // Where things are.
    queue_directory: path;
    data_directory: path;
    maillog_file: path = "/var/log/mail.log";
    mail_owner: text;
    setgid_group: text;
    syslog_name: text;
    enable_long_queue_ids: yes_no;
    hash_queue_names: list;
    hash_queue_depth: number;
    compatibility_level: text = "3.6";
    // Who we are.
    myhostname: text;
    mydomain: text;
    myorigin: text_or_file;
    mail_name: text;
    mail_version: text;
    inet_interfaces: list;
    inet_protocols: list;
    proxy_interfaces: list;
    mailtop_dns_servers: dns_servers = "";
    // Address classes.
    mydestination: match_list;
    mynetworks: networks;
    relay_domains: match_list;
    relay_recipient_maps: list;
    virtual_alias_domains: match_list;
    virtual_alias_maps: list;
    virtual_alias_expansion_limit: number;
    virtual_alias_recursion_limit: number;
    virtual_mailbox_domains: match_list;
    virtual_mailbox_maps: list;
    alias_maps: list = "hash:/etc/aliases";
    alias_database: list;
    local_recipient_maps: list;
    recipient_delimiter: text;
    propagate_unmatched_extensions: list;
    append_dot_mydomain: yes_no;
    append_at_myorigin: yes_no;
    swap_bangpath: yes_no;
    allow_percent_hack: yes_no;
    allow_untrusted_routing: yes_no;
    resolve_dequoted_address: yes_no;
    resolve_null_domain: yes_no;
    local_header_rewrite_clients: list;
    parent_domain_matches_subdomains: list;
    // smtpd.
    smtpd_banner: text;
    smtpd_helo_required: yes_no;
    smtpd_delay_reject: yes_no;
    smtpd_reject_unlisted_recipient: yes_no;
    smtpd_reject_unlisted_sender: yes_no;
    smtpd_peername_lookup: yes_no;
    smtpd_discard_ehlo_keywords: list;
    smtpd_forbidden_commands: list;
    smtpd_noop_commands: list;
    disable_vrfy_command: yes_no;
    strict_rfc821_envelopes: yes_no;
    smtpd_restriction_classes: list;
    smtpd_client_restrictions: list;
    smtpd_helo_restrictions: list;
    smtpd_sender_restrictions: list;
    smtpd_relay_restrictions: list;
    smtpd_recipient_restrictions: list;
    smtpd_data_restrictions: list;
    smtpd_end_of_data_restrictions: list;
    smtpd_etrn_restrictions: list;
    smtpd_recipient_limit: number;
    smtpd_recipient_overshoot_limit: number;
    smtpd_soft_error_limit: number;
    smtpd_hard_error_limit: number;
    smtpd_junk_command_limit: number;
    smtpd_error_sleep_time: seconds;
    smtpd_timeout: seconds;
    smtpd_client_connection_count_limit: number;
    smtpd_client_event_limit_exceptions: list;
    smtpd_forbid_bare_newline: text = "normalize";
    smtpd_forbid_bare_newline_reject_code: code;
    smtpd_forbid_bare_newline_exclusions: list;
    default_process_limit: number;
    line_length_limit: number;
    header_size_limit: number;
    message_size_limit: number;
    queue_minfree: number;
    hopcount_limit: number;
    mime_nesting_limit: number;
    soft_bounce: yes_no;
    show_user_unknown_table_name: yes_no;
    unknown_local_recipient_reject_code: code;
    unknown_relay_recipient_reject_code: code;
    unknown_virtual_alias_reject_code: code;
    unknown_virtual_mailbox_reject_code: code;
    maps_rbl_reject_code: code;
    default_rbl_reply: text [raw];
    rbl_reply_maps: list;
    access_map_reject_code: code;
    access_map_defer_code: code;
    defer_code: code;
    invalid_hostname_reject_code: code;
    multi_recipient_bounce_reject_code: code;
    non_fqdn_reject_code: code;
    reject_code: code;
    relay_domains_reject_code: code;
    unknown_address_reject_code: code;
    unknown_client_reject_code: code;
    unknown_hostname_reject_code: code;
    unknown_address_tempfail_action: text;
    unknown_helo_hostname_tempfail_action: text;
    // Content.
    always_add_missing_headers: yes_no;
    undisclosed_recipients_header: text;
    always_bcc: text;
    header_checks: list;
    mime_header_checks: list;
    body_checks: list;
    body_checks_size_limit: number;
    receive_override_options: list;
    smtputf8_enable: yes_no;
    // Delivery.
    relayhost: text;
    local_transport: text;
    relay_transport: text;
    virtual_transport: text;
    default_transport: text;
    transport_maps: list;
    disable_dns_lookups: yes_no;
    smtp_tcp_port: text = "smtp";
    smtp_helo_name: text;
    smtp_bind_address: text;
    smtp_connect_timeout: seconds;
    smtp_helo_timeout: seconds;
    smtp_mail_timeout: seconds;
    smtp_rcpt_timeout: seconds;
    smtp_data_init_timeout: seconds;
    smtp_data_xfer_timeout: seconds;
    smtp_data_done_timeout: seconds;
    smtp_quit_timeout: seconds;
    smtp_mx_address_limit: number;
    smtp_mx_session_limit: number;
    smtp_destination_concurrency_limit: number;
    smtp_destination_recipient_limit: number;
    default_destination_concurrency_limit: number;
    default_destination_recipient_limit: number;
    initial_destination_concurrency: number;
    home_mailbox: text;
    mail_spool_directory: text;
    mailbox_command: text [raw];
    mailbox_size_limit: number;
    default_privs: text;
    command_time_limit: seconds;
    content_filter: text;
    // The queue.
    queue_run_delay: seconds;
    minimal_backoff_time: seconds;
    maximal_backoff_time: seconds;
    maximal_queue_lifetime: days;
    bounce_queue_lifetime: days;
    delay_warning_time: hours;
    qmgr_message_active_limit: number;
    bounce_size_limit: number;
    notify_classes: list;
    double_bounce_sender: text;
    empty_address_recipient: text;
}

/// Parameters that need no action: they concern tools, documentation paths and things that cannot apply here.
/// Set in main.cf, they are accepted with a note.
pub const HARMLESS: &[&str] = &[
    "biff",
    "command_directory",
    "daemon_directory",
    "debug_peer_level",
    "debug_peer_list",
    "debugger_command",
    "html_directory",
    "mailbox_delivery_lock",
    "mailq_path",
    "maillog_file_prefixes",
    "manpage_directory",
    "meta_directory",
    "newaliases_path",
    "readme_directory",
    "sample_directory",
    "sendmail_path",
    "shlib_directory",
    "stress",
];

/// Every parameter of Postfix with its default, from `postconf.txt`.
pub static POSTFIX: LazyLock<BTreeMap<&'static str, &'static str>> = LazyLock::new(|| {
    include_str!("postconf.txt")
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.trim(), value.trim()))
        .collect()
});

/// The row of a parameter we act on.
pub fn find(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

/// Whether Postfix makes a parameter of this name for a transport of master.cf (`slow_destination_rate_delay`).
pub fn is_transport_parameter(name: &str, services: &[super::Service]) -> bool {
    const SUFFIXES: &[&str] = &[
        "_delivery_slot_cost",
        "_delivery_slot_discount",
        "_delivery_slot_loan",
        "_delivery_status_filter",
        "_destination_concurrency_failed_cohort_limit",
        "_destination_concurrency_limit",
        "_destination_concurrency_negative_feedback",
        "_destination_concurrency_positive_feedback",
        "_destination_rate_delay",
        "_destination_recipient_limit",
        "_extra_recipient_limit",
        "_initial_destination_concurrency",
        "_minimum_delivery_slots",
        "_recipient_limit",
        "_recipient_refill_delay",
        "_recipient_refill_limit",
        "_time_limit",
        "_transport_rate_delay",
    ];
    SUFFIXES.iter().any(|suffix| {
        name.strip_suffix(suffix)
            .is_some_and(|transport| services.iter().any(|service| service.name == transport))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_unique_and_postfix_knows_it_or_it_has_a_default() {
        for (index, known) in KNOWN.iter().enumerate() {
            assert!(
                KNOWN[..index].iter().all(|other| other.name != known.name),
                "{} twice",
                known.name
            );
            assert!(
                known.default.is_some() || POSTFIX.contains_key(known.name),
                "{} has no default",
                known.name
            );
        }
    }

    #[test]
    fn the_harmless_are_not_acted_on() {
        assert!(HARMLESS.iter().all(|name| find(name).is_none()));
    }
}
