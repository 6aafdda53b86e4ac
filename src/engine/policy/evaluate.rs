//! The lists, one after the other, and what a permit, a reject and a deferral mean between them.

use super::networks::{is_own_client, matches_networks};
use super::words::{Parsed, Restriction, parse};
use super::{Pipelining, Stage, Subject};
use crate::control::ExplainStep;
use crate::engine::Site;
use crate::engine::address::Class as AddressClass;
use crate::engine::config::Params;
use crate::engine::maps::MapError;
use std::collections::HashMap;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;

/// A reply that refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// SMTP code.
    pub code: u16,
    /// Enhanced status code; its first digit follows the code.
    pub dsn: String,
    /// The text behind them.
    pub text: String,
}

impl Reject {
    /// `dsn` gets the code's first digit, as Postfix corrects it.
    pub fn new(code: u16, dsn: &str, text: impl Into<String>) -> Self {
        let class = code / 100;
        let dsn = match dsn.split_once('.') {
            Some((_, rest)) => format!("{class}.{rest}"),
            None => format!("{class}.7.1"),
        };
        Self {
            code,
            dsn,
            text: text.into(),
        }
    }

    /// The reply line.
    pub fn line(&self) -> String {
        format!("{} {} {}", self.code, self.dsn, self.text)
    }
}

/// A line for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// `warning: text`.
    Warning(String),
    /// `QID: what: STAGE from CLIENT: text; from=...`.
    Event {
        /// `reject_warning`, `hold`, `discard`, `filter`, `redirect`, `prepend`, `warn`, `info`.
        what: &'static str,
        /// The text.
        text: String,
    },
}

/// What an access table asked to be done with the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Put it on hold.
    Hold,
    /// Accept it and throw it away.
    Discard,
    /// Deliver it there instead.
    Redirect(String),
    /// Send a copy to this address.
    Bcc(String),
    /// Give it to this transport.
    Filter(String),
    /// Put this header in front.
    Prepend(String),
}

/// The end of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// The refusal, when it is one.
    pub reject: Option<Reject>,
    /// For the log, in order; they come before the reject's own line.
    pub notes: Vec<Note>,
    /// For the message.
    pub actions: Vec<Action>,
}

/// Asks every list that belongs to `stage`.
pub async fn check(site: &Site, params: &Params, subject: &Subject, stage: Stage) -> Decision {
    let mut run = Run::new(site, params, subject, stage);
    let reject = run.stage().await;
    Decision {
        reject: reject.map(|reject| soften(reject, params)),
        notes: run.notes,
        actions: run.actions,
    }
}

/// soft_bounce makes every 5xx a 4xx.
fn soften(reject: Reject, params: &Params) -> Reject {
    if params.soft_bounce && reject.code >= 500 {
        Reject::new(reject.code - 100, &reject.dsn, reject.text)
    } else {
        reject
    }
}

/// Which list is being asked: its class decides the names in the replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    Client,
    Helo,
    Sender,
    Relay,
    Recipient,
    Data,
    EndOfData,
    Etrn,
}

impl List {
    pub(super) fn parameter(self) -> &'static str {
        match self {
            Self::Client => "smtpd_client_restrictions",
            Self::Helo => "smtpd_helo_restrictions",
            Self::Sender => "smtpd_sender_restrictions",
            Self::Relay => "smtpd_relay_restrictions",
            Self::Recipient => "smtpd_recipient_restrictions",
            Self::Data => "smtpd_data_restrictions",
            Self::EndOfData => "smtpd_end_of_data_restrictions",
            Self::Etrn => "smtpd_etrn_restrictions",
        }
    }

    /// The class as the replies name it.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Client => "Client host",
            Self::Helo => "Helo command",
            Self::Sender => "Sender address",
            Self::Relay | Self::Recipient => "Recipient address",
            Self::Data => "Data command",
            Self::EndOfData => "End-of-data",
            Self::Etrn => "Etrn command",
        }
    }

    fn words(self, params: &Params) -> &[String] {
        match self {
            Self::Client => &params.smtpd_client_restrictions,
            Self::Helo => &params.smtpd_helo_restrictions,
            Self::Sender => &params.smtpd_sender_restrictions,
            Self::Relay => &params.smtpd_relay_restrictions,
            Self::Recipient => &params.smtpd_recipient_restrictions,
            Self::Data => &params.smtpd_data_restrictions,
            Self::EndOfData => &params.smtpd_end_of_data_restrictions,
            Self::Etrn => &params.smtpd_etrn_restrictions,
        }
    }
}

/// One restriction's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Dunno,
    Permit,
    Reject(Reject),
}

/// A restriction's reply while it is being worked out: a table that cannot be read ends the whole check.
pub(super) type Answer = Result<Verdict, MapError>;

/// One check under way.
pub(super) struct Run<'a> {
    pub(super) site: &'a Site,
    pub(super) params: &'a Params,
    pub(super) subject: &'a Subject,
    pub(super) stage: Stage,
    pub(super) list: List,
    pub(super) notes: Vec<Note>,
    pub(super) actions: Vec<Action>,
    /// A temporary failure that turns a permit into a deferral.
    pub(super) defer_if_permit: Option<Reject>,
    /// One that turns a 5xx into a deferral.
    pub(super) defer_if_reject: Option<Reject>,
    /// Answers of block lists, asked for all lists of a restriction list at once.
    pub(super) listed: HashMap<String, Result<Vec<IpAddr>, crate::dns::DnsError>>,
    /// Whether the recipient was already looked up in the tables of its class.
    pub(super) recipient_checked: bool,
    pub(super) sender_checked: bool,
    /// What was asked and answered, when somebody wants to know.
    pub(super) steps: Option<Vec<ExplainStep>>,
    depth: usize,
}

/// Restriction classes inside restriction classes: more is a circle (Postfix: SMTPD_CHECK recursion limit 100).
const MAX_DEPTH: usize = 20;

impl<'a> Run<'a> {
    pub(super) fn new(
        site: &'a Site,
        params: &'a Params,
        subject: &'a Subject,
        stage: Stage,
    ) -> Self {
        Self {
            site,
            params,
            subject,
            stage,
            list: List::Client,
            notes: Vec::new(),
            actions: Vec::new(),
            defer_if_permit: None,
            defer_if_reject: None,
            listed: HashMap::new(),
            recipient_checked: false,
            sender_checked: false,
            steps: None,
            depth: 0,
        }
    }

    /// All lists of the stage, in Postfix's order.
    pub(super) async fn stage(&mut self) -> Option<Reject> {
        let delayed = self.params.smtpd_delay_reject;
        match self.stage {
            Stage::Connect => self.ask(List::Client).await,
            Stage::Helo | Stage::Ehlo => self.ask(List::Helo).await,
            Stage::Mail => self.sender().await,
            Stage::Rcpt | Stage::Vrfy => {
                if delayed {
                    for list in [List::Client, List::Helo] {
                        if let Some(reject) = self.ask(list).await {
                            return Some(reject);
                        }
                    }
                    if let Some(reject) = self.sender().await {
                        return Some(reject);
                    }
                }
                self.recipient().await
            }
            Stage::Data => self.ask(List::Data).await,
            Stage::EndOfData => self.ask(List::EndOfData).await,
            Stage::Etrn => {
                if delayed {
                    for list in [List::Client, List::Helo] {
                        if let Some(reject) = self.ask(list).await {
                            return Some(reject);
                        }
                    }
                }
                self.ask(List::Etrn).await
            }
        }
    }

    async fn sender(&mut self) -> Option<Reject> {
        self.subject.sender.as_ref()?;
        if let Some(reject) = self.ask(List::Sender).await {
            return Some(reject);
        }
        if self.params.smtpd_reject_unlisted_sender && !self.sender_checked {
            let answer = self.unlisted_sender();
            return self.settle(answer);
        }
        None
    }

    async fn recipient(&mut self) -> Option<Reject> {
        for list in [List::Relay, List::Recipient] {
            if let Some(reject) = self.ask(list).await {
                return Some(reject);
            }
        }
        if let Some(deferred) = self.defer_if_permit.take() {
            return Some(deferred);
        }
        if self.params.smtpd_reject_unlisted_recipient && !self.recipient_checked {
            let answer = self.unlisted_recipient();
            return self.settle(answer);
        }
        None
    }

    async fn ask(&mut self, list: List) -> Option<Reject> {
        self.list = list;
        // A deferral belongs to the list it arose in; the one for permits is carried on (SMTPD_CHECK_RESET).
        self.defer_if_reject = None;
        self.depth = 0;
        let words = list.words(self.params).to_vec();
        let answer = self.words(&words).await;
        self.settle(answer)
    }

    fn settle(&mut self, answer: Answer) -> Option<Reject> {
        match answer {
            Ok(Verdict::Reject(reject)) => Some(match self.defer_if_reject.take() {
                Some(deferred) if reject.code >= 500 => deferred,
                _ => reject,
            }),
            Ok(_) => None,
            Err(error) => {
                self.notes.push(Note::Warning(error.to_string()));
                Some(Reject::new(
                    451,
                    "4.3.0",
                    format!("<{}>: Temporary lookup failure", self.name()),
                ))
            }
        }
    }

    /// A list of words, which may come from main.cf, a restriction class or an access table.
    pub(super) fn words<'b>(
        &'b mut self,
        words: &'b [String],
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'b>> {
        Box::pin(async move {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Ok(self.configuration_error("too many levels of restriction classes"));
            }
            let parsed = parse(words, self.params);
            self.prefetch(&parsed).await;
            let mut warn_only = false;
            for item in &parsed {
                if matches!(item.restriction, Restriction::WarnIfReject) {
                    warn_only = true;
                    continue;
                }
                let verdict = self.one(item).await;
                self.explain(item, &verdict);
                match verdict? {
                    Verdict::Reject(reject) if warn_only => self.notes.push(Note::Event {
                        what: "reject_warning",
                        text: reject.line(),
                    }),
                    Verdict::Dunno => {}
                    settled => {
                        self.depth -= 1;
                        return Ok(settled);
                    }
                }
                warn_only = false;
            }
            self.depth -= 1;
            Ok(Verdict::Dunno)
        })
    }

    #[allow(
        clippy::too_many_lines,
        reason = "one line a restriction: a table in the form of a match"
    )]
    async fn one(&mut self, item: &Parsed) -> Answer {
        use Restriction as R;
        let helo = self.subject.helo.clone();
        let sender = self.subject.sender.clone();
        let recipient = self.subject.recipient.clone();
        match &item.restriction {
            R::WarnIfReject | R::Nothing => Ok(Verdict::Dunno),
            R::Permit => Ok(Verdict::Permit),
            R::Reject => Ok(self.denied(self.params.reject_code, "5.7.1", "Access denied")),
            R::Defer => Ok(self.denied(self.params.defer_code, "4.3.2", "Try again later")),
            R::DeferIfPermit => {
                let reject = self.reject(450, "4.7.0", "defer_if_permit requested");
                Ok(self.defer_if_permit(reject))
            }
            R::DeferIfReject => {
                let reject = self.reject(450, "4.7.0", "defer_if_reject requested");
                self.defer_if_reject.get_or_insert(reject);
                Ok(Verdict::Dunno)
            }
            R::Sleep(time) => {
                tokio::time::sleep(*time).await;
                Ok(Verdict::Dunno)
            }
            R::PermitMynetworks => {
                let own = matches_networks(
                    self.subject.client.address(),
                    &self.params.mynetworks_patterns,
                    self.params,
                )?;
                Ok(permit_if(own))
            }
            R::PermitInetInterfaces => Ok(permit_if(is_own_client(
                self.subject.client.address(),
                self.params,
            ))),
            R::RejectUnauthPipelining => Ok(match self.subject.pipelining {
                Pipelining::Improper => {
                    self.denied(503, "5.5.0", "Improper use of SMTP command pipelining")
                }
                Pipelining::Proper => Verdict::Dunno,
            }),
            R::RejectUnknownClient => Ok(self.unknown_client()),
            R::RejectUnknownReverseClient => Ok(self.unknown_reverse_client()),
            R::RejectInvalidHelo => Ok(helo.map_or(Verdict::Dunno, |h| self.invalid_helo(&h))),
            R::RejectNonFqdnHelo => Ok(helo.map_or(Verdict::Dunno, |h| self.non_fqdn_helo(&h))),
            R::RejectUnknownHelo => match helo {
                Some(helo) => Ok(self.unknown_helo(&helo).await),
                None => Ok(Verdict::Dunno),
            },
            R::RejectNonFqdnSender => Ok(self.non_fqdn_address(sender, "Sender address")),
            R::RejectNonFqdnRecipient => Ok(self.non_fqdn_address(recipient, "Recipient address")),
            R::RejectUnknownSenderDomain => self.unknown_domain(sender, Party::Sender).await,
            R::RejectUnknownRecipientDomain => {
                self.unknown_domain(recipient, Party::Recipient).await
            }
            R::RejectUnlistedSender => self.unlisted_sender(),
            R::RejectUnlistedRecipient => self.unlisted_recipient(),
            R::PermitAuthDestination => self.permit_auth_destination(),
            R::RejectUnauthDestination => {
                self.unauth_destination(self.params.relay_domains_reject_code, "5.7.1")
            }
            R::DeferUnauthDestination => self.unauth_destination(
                self.params.relay_domains_reject_code.saturating_sub(100),
                "4.7.1",
            ),
            R::RejectMultiRecipientBounce => {
                let bounce = sender.as_deref() == Some("") && self.subject.recipient_count > 1;
                Ok(if bounce {
                    self.denied(
                        self.params.multi_recipient_bounce_reject_code,
                        "5.5.3",
                        "Multi-recipient bounce",
                    )
                } else {
                    Verdict::Dunno
                })
            }
            R::Rbl(zone) => Ok(self.rbl(zone).await),
            R::Rhsbl(party, zone) => Ok(self.rhsbl(*party, zone).await),
            R::Dnswl(zone) => Ok(self.dnswl(zone).await),
            R::Access(what, table) => self.access(*what, table).await,
            R::Class(name) => {
                let words = self
                    .params
                    .restriction_classes
                    .get(name)
                    .cloned()
                    .unwrap_or_default();
                self.words(&words).await
            }
            R::Unknown(text) => {
                self.notes.push(Note::Warning(format!(
                    "unknown smtpd restriction: \"{text}\""
                )));
                Ok(self.configuration_error(""))
            }
            R::MissingArgument(name) => {
                self.notes.push(Note::Warning(format!(
                    "restriction {name} requires an argument"
                )));
                Ok(self.configuration_error(""))
            }
        }
    }

    /// The name the reply puts in brackets: the client, the HELO name, the sender, the recipient.
    pub(super) fn name(&self) -> String {
        // Replies name addresses bare, as Postfix does; only the log's from= and to= are quoted.
        let bare = |address: &Option<String>| address.clone().unwrap_or_default();
        match self.list {
            List::Client => self.subject.client.name_address(),
            List::Helo => self.subject.helo.clone().unwrap_or_default(),
            List::Sender => bare(&self.subject.sender),
            List::Relay | List::Recipient | List::Etrn => bare(&self.subject.recipient),
            List::Data => "DATA".to_owned(),
            List::EndOfData => "END-OF-MESSAGE".to_owned(),
        }
    }

    /// `<name>: Class rejected: why`.
    pub(super) fn reject(&self, code: u16, dsn: &str, why: &str) -> Reject {
        let class = self.list.class();
        Reject::new(
            code,
            dsn,
            format!("<{}>: {class} rejected: {why}", self.name()),
        )
    }

    pub(super) fn denied(&self, code: u16, dsn: &str, why: &str) -> Verdict {
        Verdict::Reject(self.reject(code, dsn, why))
    }

    /// Remembers the first temporary failure; the list goes on, because a later restriction may still reject for good.
    pub(super) fn defer_if_permit(&mut self, reject: Reject) -> Verdict {
        self.defer_if_permit.get_or_insert(reject);
        Verdict::Dunno
    }

    fn configuration_error(&mut self, why: &str) -> Verdict {
        if !why.is_empty() {
            self.notes.push(Note::Warning(why.to_owned()));
        }
        Verdict::Reject(Reject::new(451, "4.3.5", "Server configuration error"))
    }

    fn explain(&mut self, item: &Parsed, answer: &Answer) {
        let Some(steps) = &mut self.steps else {
            return;
        };
        let (verdict, reason) = match answer {
            Ok(Verdict::Dunno) => ("dunno", self.defer_if_permit.as_ref().map(Reject::line)),
            Ok(Verdict::Permit) => ("permit", None),
            Ok(Verdict::Reject(reject)) if reject.code < 500 => ("defer", Some(reject.line())),
            Ok(Verdict::Reject(reject)) => ("reject", Some(reject.line())),
            Err(error) => ("defer", Some(error.to_string())),
        };
        steps.push(ExplainStep {
            list: self.list.parameter().to_owned(),
            restriction: item.text.clone(),
            verdict: verdict.to_owned(),
            reason: reason.unwrap_or_default(),
        });
    }
}

pub(super) fn permit_if(condition: bool) -> Verdict {
    if condition {
        Verdict::Permit
    } else {
        Verdict::Dunno
    }
}

/// Whose domain or name a restriction is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// The client's verified name.
    Client,
    /// The client's unverified name.
    ReverseClient,
    /// The HELO name.
    Helo,
    /// The sender's domain.
    Sender,
    /// The recipient's domain.
    Recipient,
}

/// Whether mail for this class ends here.
pub(super) fn is_final(class: AddressClass) -> bool {
    class.is_final()
}
