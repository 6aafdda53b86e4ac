//! What a report is made of: sections of rows, in a form that every format prints.
//!
//! A [`Spec`] is a section's one definition: its name (the JSON member, the word after `--csv` and
//! `--no-`), its title, what its columns mean, and how its rows come from a summary. The formats know
//! columns and cells and nothing of mail, so that a figure is the same wherever it is printed. Text in
//! cells is sanitised when it is put there.

use super::input::Input;
use crate::logparse::Stamp;

/// What a section is about; sections of a group stand together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// What changed against the period before.
    Changes,
    /// The grand totals.
    Totals,
    /// How much, and when.
    Traffic,
    /// What went wrong.
    Problems,
    /// Hosts, domains and users.
    Parties,
    /// Connections, TLS, authentication, screening.
    Services,
    /// The queue and the log itself.
    Remarks,
}

/// Whether a section is one object or a list of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One row: an object in JSON, a line a figure in text.
    Record,
    /// Rows: an array in JSON, a table in text.
    List,
    /// Rows of reasons, whose text is long and is wrapped.
    Causes,
    /// Rows of messages, whose recipients are many.
    Messages,
}

/// Where a section is shown. JSON, CSV and Prometheus have all but those that are demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// In text and HTML.
    Usually,
    /// There, when it is asked for ([`super::Options::extra`]).
    OnRequest,
    /// Nowhere, unless it is asked for: it would cost as much as all else together.
    Demanded,
    /// For programs only: people see the same in another section.
    AsData,
}

/// Which option limits the rows of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit {
    /// Hosts, domains and clients.
    Hosts,
    /// Senders, recipients and user names.
    Users,
    /// Deferral reasons.
    Deferrals,
    /// Bounce reasons.
    Bounces,
    /// Rejects, reject warnings, holds and discards.
    Rejects,
    /// Warnings and errors.
    Warnings,
    /// What postscreen(8) did.
    Postscreen,
    /// Other lists.
    Others,
}

/// What a figure is, and so how it is aligned and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
    /// Percent, 0 to 100.
    Percent,
    /// A difference of two counts.
    Change,
    /// A point in time.
    Time,
    /// A name or a short text.
    Text,
    /// Several texts.
    Texts,
}

/// A column of a section.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// The JSON member and the head of the CSV column.
    pub key: &'static str,
    /// The head in text and HTML; empty where only programs get it.
    pub head: &'static str,
    /// What it holds.
    pub unit: Unit,
    /// What it means, for the manual.
    pub about: &'static str,
}

/// A [`Column`] in one line.
pub(super) const fn col(
    key: &'static str,
    head: &'static str,
    unit: Unit,
    about: &'static str,
) -> Column {
    Column {
        key,
        head,
        unit,
        about,
    }
}

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// A count or a number of bytes.
    Count(u64),
    /// Seconds or percent.
    Real(f64),
    /// A difference.
    Change(i64),
    /// A point in time.
    Time(Stamp),
    /// A sanitised text.
    Text(String),
    /// Sanitised texts.
    Texts(Vec<String>),
    /// Not known, or does not apply.
    None,
}

impl Cell {
    /// The number in it, where it is one.
    #[allow(clippy::cast_precision_loss, reason = "a chart has fewer pixels")]
    pub fn number(&self) -> f64 {
        match self {
            Self::Count(n) => *n as f64,
            Self::Change(n) => *n as f64,
            Self::Real(n) => *n,
            _ => 0.0,
        }
    }

    /// The count in it, where it is one.
    pub fn count(&self) -> u64 {
        match self {
            Self::Count(n) => *n,
            _ => 0,
        }
    }

    /// The text in it, where it is one.
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            _ => "",
        }
    }

    /// Whether it says nothing: no number but 0.
    fn is_nothing(&self) -> bool {
        match self {
            Self::Count(n) => *n == 0,
            Self::Real(n) => *n == 0.0,
            Self::Change(n) => *n == 0,
            Self::Text(text) => text.is_empty(),
            Self::Texts(texts) => texts.is_empty(),
            Self::Time(_) => false,
            Self::None => true,
        }
    }
}

/// One row: a cell a column.
pub type Row = Vec<Cell>;

/// The rows of a section, and how many there would be without a limit.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    /// The rows, in the order they are shown.
    pub rows: Vec<Row>,
    /// How many there are without the limit.
    pub all: usize,
}

impl Rows {
    /// All rows of a section without a limit.
    pub(super) fn all(rows: Vec<Row>) -> Self {
        let all = rows.len();
        Self { rows, all }
    }

    /// The one row of a [`Shape::Record`].
    pub(super) fn one(row: Row) -> Self {
        Self::all(vec![row])
    }
}

/// The definition of a section.
#[derive(Debug)]
pub struct Spec {
    /// Its name: the JSON member, `--csv NAME`, `--no-NAME` (with `-` for `_`).
    pub key: &'static str,
    /// Its title for people.
    pub title: &'static str,
    /// What it says, for the manual.
    pub about: &'static str,
    /// Where it stands.
    pub group: Group,
    /// One row or many.
    pub shape: Shape,
    /// Who sees it.
    pub shown: Shown,
    /// What limits its rows; `None` for those that are short by nature.
    pub limit: Option<Limit>,
    /// Its columns.
    pub columns: &'static [Column],
    /// Its rows.
    pub rows: fn(&Input<'_>) -> Rows,
}

impl Spec {
    /// The `--no-` option that leaves it out.
    pub fn option(&self) -> String {
        format!("no-{}", self.key.replace('_', "-"))
    }

    /// The index of a column.
    pub fn column(&self, key: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.key == key)
    }
}

/// A section with its rows.
#[derive(Debug, Clone)]
pub struct Section {
    /// Its definition.
    pub spec: &'static Spec,
    /// Its rows.
    pub rows: Vec<Row>,
    /// How many rows there are without the limit.
    pub all: usize,
}

impl PartialEq for Section {
    fn eq(&self, other: &Self) -> bool {
        self.spec.key == other.spec.key && self.rows == other.rows && self.all == other.all
    }
}

impl Section {
    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        match self.spec.shape {
            Shape::Record => self.rows.iter().flatten().all(Cell::is_nothing),
            Shape::List | Shape::Causes | Shape::Messages => self.rows.is_empty(),
        }
    }

    /// Whether rows were left out.
    pub fn is_cut(&self) -> bool {
        self.rows.len() < self.all
    }

    /// A row's cell by its column's name.
    pub fn cell<'a>(&'a self, row: &'a Row, key: &str) -> &'a Cell {
        static NONE: Cell = Cell::None;
        let at = self.spec.column(key);
        at.and_then(|at| row.get(at)).unwrap_or(&NONE)
    }

    /// A record's cell by its column's name.
    pub fn value(&self, key: &str) -> &Cell {
        static NONE: Cell = Cell::None;
        self.rows.first().map_or(&NONE, |row| self.cell(row, key))
    }
}
