//! The block list screen's state: what was looked up, and what the lists said so far.
//!
//! In: targets as typed or brought by a pivot, and findings as they come ([`task`]). Out: look-ups. With several
//! targets it is a matrix of targets and lists; one target is a table of its lists.

pub(crate) mod task;
#[cfg(test)]
pub(crate) mod tests;

use super::action::Action;
use super::cursor::Cursor;
use super::layer::{Field, FieldEvent, Toast};
use super::message::Effect;
use super::pane::{Outcome, Pane, Subject, Target as Pivot, World};
use super::pattern::Pattern;
use crate::rbl::{Finding, Target, TargetError, Verdict};
use std::collections::BTreeMap;

/// Rows that are no findings: what is looked up, the column heads, and the details.
pub(crate) const CHROME: usize = 2 + DETAILS;
/// Rows of the details.
pub(crate) const DETAILS: usize = 7;

/// What the screen wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// Look these up.
    Look {
        /// Answers carry it.
        ticket: u64,
        /// What.
        targets: Vec<Target>,
    },
    /// End the look-up under way.
    Cancel,
}

/// What comes of a look-up.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It begins.
    Started {
        /// Of the request.
        ticket: u64,
        /// Findings that will come.
        expected: usize,
        /// Who is asked.
        resolver: String,
        /// Who runs it, when it is a public resolver: lists refuse those.
        public: Option<&'static str>,
    },
    /// Some lists have answered.
    Findings {
        /// Of the request.
        ticket: u64,
        /// What they said.
        findings: Vec<Finding>,
    },
    /// All have answered, or none can be asked.
    Done {
        /// Of the request.
        ticket: u64,
        /// Why none can be asked.
        error: Option<String>,
    },
}

/// The pane.
#[derive(Debug, Default)]
pub(crate) struct Rbl {
    /// Where the user is.
    pub view: RblView,
    /// What was found, by target, each in the order that matters.
    pub found: BTreeMap<Target, Vec<Finding>>,
    /// How the look-up stands.
    pub progress: Progress,
    filter: Option<Pattern>,
    ticket: u64,
}

/// How a look-up stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Whether it is under way.
    pub running: bool,
    /// Findings that will come.
    pub expected: usize,
    /// Findings that have come.
    pub come: usize,
    /// Who is asked.
    pub resolver: String,
    /// Who runs the resolver, when it is a public one.
    pub public: Option<&'static str>,
    /// Why it failed or was ended.
    pub ended: Option<String>,
}

/// Where the user is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RblView {
    /// What was looked up, as typed.
    pub text: String,
    /// The targets.
    pub targets: Vec<Target>,
    /// The target whose lists are shown; `None` shows the matrix.
    pub open: Option<Target>,
    /// The filter, as typed.
    pub filter: String,
    /// Place in the table of lists.
    pub cursor: Cursor,
    /// The list under the cursor.
    at: Option<String>,
    /// Place among the targets.
    pub row: Cursor,
    /// The column of the matrix.
    pub column: usize,
}

/// What matters most comes first: listings, then lists that could not say, then the rest.
pub(crate) fn weight(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Listed { .. } => 0,
        Verdict::Blocked { .. } => 1,
        Verdict::World | Verdict::Hijacked => 2,
        Verdict::Refused | Verdict::ServFail | Verdict::Timeout => 3,
        Verdict::Dead => 4,
        Verdict::Allowed { .. } => 5,
        Verdict::Clean => 6,
    }
}

impl Rbl {
    /// Takes what a look-up brings; one that was overtaken is dropped.
    pub fn receive(&mut self, answer: Answer) {
        match answer {
            Answer::Started {
                ticket,
                expected,
                resolver,
                public,
            } if ticket == self.ticket => {
                self.progress = Progress {
                    running: true,
                    expected,
                    resolver,
                    public,
                    ..Progress::default()
                };
            }
            Answer::Findings { ticket, findings } if ticket == self.ticket => {
                self.progress.come += findings.len();
                for finding in findings {
                    let of_target = self.found.entry(finding.target.clone()).or_default();
                    let key = |f: &Finding| (weight(&f.verdict), f.zone.clone());
                    let at = of_target.partition_point(|f| key(f) < key(&finding));
                    of_target.insert(at, finding);
                }
                self.follow();
            }
            Answer::Done { ticket, error } if ticket == self.ticket => {
                self.progress.running = false;
                self.progress.ended = error;
            }
            _ => {}
        }
    }

    /// The findings of the open target that pass the filter.
    pub fn rows(&self) -> Vec<&Finding> {
        let Some(found) = self.view.open.as_ref().and_then(|t| self.found.get(t)) else {
            return Vec::new();
        };
        found
            .iter()
            .filter(|f| self.filter.as_ref().is_none_or(|p| matches(f, p)))
            .collect()
    }

    /// The lists that have answered, by name: the matrix's columns.
    pub fn zones(&self) -> Vec<&str> {
        let mut zones: Vec<&str> = self.found.values().flatten().map(|f| &*f.zone).collect();
        zones.sort_unstable();
        zones.dedup();
        zones
    }

    /// What a list said about a target.
    pub fn cell(&self, target: &Target, zone: &str) -> Option<&Finding> {
        self.found.get(target)?.iter().find(|f| f.zone == zone)
    }

    /// The finding under the cursor.
    pub fn chosen(&self) -> Option<&Finding> {
        if self.view.open.is_some() {
            return self.rows().get(self.view.cursor.row).copied();
        }
        let target = self.view.targets.get(self.view.row.row)?;
        let zone = *self.zones().get(self.view.column)?;
        self.cell(target, zone)
    }

    /// Keeps the cursor on its list while others come in above it. On the first row it stays there: that is
    /// where the worst news arrive.
    fn follow(&mut self) {
        if self.view.cursor.row == 0 {
            return;
        }
        let Some(at) = self.view.at.clone() else {
            return;
        };
        if let Some(row) = self.rows().iter().position(|f| f.zone == at) {
            self.view.cursor.follow(row);
        }
    }

    fn look(&mut self, text: &str) -> Result<Vec<Effect>, TargetError> {
        let mut targets = Vec::new();
        for word in text.split([' ', ',']).filter(|w| !w.is_empty()) {
            targets.extend(Target::parse(word)?);
        }
        let mut seen = std::collections::HashSet::new();
        targets.retain(|target| seen.insert(target.clone()));
        Ok(self.look_up(text.to_owned(), targets))
    }

    fn look_up(&mut self, text: String, targets: Vec<Target>) -> Vec<Effect> {
        let open = match targets.as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        };
        self.view = RblView {
            text,
            targets,
            open,
            ..RblView::default()
        };
        self.filter = None;
        self.again()
    }

    fn again(&mut self) -> Vec<Effect> {
        self.ticket += 1;
        self.found.clear();
        self.progress = Progress {
            running: !self.view.targets.is_empty(),
            ..Progress::default()
        };
        if self.view.targets.is_empty() {
            return Vec::new();
        }
        vec![Effect::Rbl(Request::Look {
            ticket: self.ticket,
            targets: self.view.targets.clone(),
        })]
    }

    fn cancel(&mut self) -> Outcome {
        if !self.progress.running {
            return Outcome::toast(Toast::info("no look-up is under way"));
        }
        self.ticket += 1;
        self.progress.running = false;
        self.progress.ended = Some("ended by you".to_owned());
        Outcome::effects(vec![Effect::Rbl(Request::Cancel)])
    }
}

/// Whether the list, its verdict or its words match.
fn matches(finding: &Finding, pattern: &Pattern) -> bool {
    let words = words(finding);
    [finding.zone.as_str(), finding.verdict.word(), &words]
        .iter()
        .any(|text| pattern.matches(text.as_bytes()))
}

/// What a finding says beyond its verdict: the codes' meanings, else the remark, else the list's own words.
pub(crate) fn words(finding: &Finding) -> String {
    match &finding.verdict {
        Verdict::Listed { meanings, .. } | Verdict::Allowed { meanings, .. } => {
            let mut words = meanings.join(", ");
            for txt in &finding.evidence.txt {
                words = format!("{words}; {txt}");
            }
            words
        }
        Verdict::Blocked { meaning } => meaning.clone(),
        _ => finding.evidence.remark.clone().unwrap_or_default(),
    }
}

/// What a verdict means for the one asked about, in a few words.
pub(crate) fn meaning(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Listed { .. } => "the target is on this list",
        Verdict::Clean => "the target is not on this list",
        Verdict::Allowed { .. } => "the list speaks for the target",
        Verdict::Blocked { .. } => "no verdict: the list refuses our resolver",
        Verdict::Hijacked => "no verdict: the answer is none that a block list gives",
        Verdict::World => "no verdict: the list lists everybody",
        Verdict::Dead => "no verdict: the list does not hold its own test entry",
        Verdict::Refused => "no verdict: the DNS server refuses the question",
        Verdict::ServFail => "no verdict: the DNS server could not find out",
        Verdict::Timeout => "no verdict: no answer in time",
    }
}

impl Pane for Rbl {
    type View = RblView;

    fn view(&self) -> RblView {
        self.view.clone()
    }

    fn restore(&mut self, view: RblView, _world: &World) -> Vec<Effect> {
        let same = view.targets == self.view.targets;
        self.filter = Pattern::new(&view.filter).ok().flatten();
        self.view = view;
        if same { Vec::new() } else { self.again() }
    }

    fn enter(&mut self, target: Option<Pivot>, _world: &World) -> Vec<Effect> {
        let Some(Pivot::Lists(text)) = target else {
            return Vec::new();
        };
        match self.look(&text) {
            Ok(effects) => effects,
            Err(error) => {
                self.look_up(text, Vec::new());
                self.progress.ended = Some(error.to_string());
                Vec::new()
            }
        }
    }

    fn act(&mut self, action: Action, world: &World) -> Outcome {
        match action {
            Action::LookupAgain => return Outcome::effects(self.again()),
            Action::Cancel => return self.cancel(),
            Action::ListHealth => {
                // What every list must hold (RFC 5782 section 5): whoever does not say "listed" is sick.
                let address = Target::Address(std::net::Ipv4Addr::new(127, 0, 0, 2).into());
                let domain = Target::Domain("test".to_owned());
                let text = "the lists' own test entries".to_owned();
                return Outcome::step(self.look_up(text, vec![address, domain]));
            }
            Action::Open => {
                if self.view.open.is_none()
                    && let Some(target) = self.view.targets.get(self.view.row.row)
                {
                    self.view.open = Some(target.clone());
                    self.view.cursor = Cursor::default();
                    self.view.at = None;
                    return Outcome::step(Vec::new());
                }
            }
            Action::Left | Action::LeftHjkl => {
                self.view.column = self.view.column.saturating_sub(1);
            }
            Action::Right => self.view.column += 1,
            action => {
                let page = world.rows().saturating_sub(CHROME);
                if self.view.open.is_some() {
                    let len = self.rows().len();
                    self.view.cursor.act(action, len, page);
                    self.view.at = self.chosen().map(|f| f.zone.clone());
                } else {
                    self.view.row.act(action, self.view.targets.len(), page);
                }
            }
        }
        Outcome::default()
    }

    fn subject(&self, _world: &World) -> Subject {
        let target = match &self.view.open {
            Some(target) => Some(target),
            None => self.view.targets.get(self.view.row.row),
        };
        Subject {
            client: match target {
                Some(Target::Address(address)) => Some(address.to_string()),
                _ => None,
            },
            address: target.map(ToString::to_string),
            line: self.chosen().map(|f| {
                let words = words(f);
                format!("{} {} {} {words}", f.target, f.zone, f.verdict.word())
            }),
            ..Subject::default()
        }
    }

    fn field_text(&self, field: Field) -> Option<String> {
        match field {
            Field::Lookup => Some(String::new()),
            Field::Filter => self.view.open.is_some().then(|| self.view.filter.clone()),
            _ => None,
        }
    }

    fn field(
        &mut self,
        field: Field,
        event: FieldEvent,
        text: &str,
        _world: &World,
    ) -> Result<Vec<Effect>, String> {
        if field == Field::Lookup {
            return match event {
                FieldEvent::Done if !text.trim().is_empty() => {
                    self.look(text).map_err(|e| e.to_string())
                }
                _ => Ok(Vec::new()),
            };
        }
        self.filter = Pattern::new(text)?;
        text.clone_into(&mut self.view.filter);
        Ok(Vec::new())
    }

    fn settle(&mut self, world: &World) {
        let page = world.rows().saturating_sub(CHROME);
        let len = self.rows().len();
        self.view.cursor.settle(len, page);
        self.view.row.settle(self.view.targets.len(), page);
        let zones = self.zones().len();
        self.view.column = self.view.column.min(zones.saturating_sub(1));
    }
}
