//! TLS sessions by direction, trust, protocol and cipher, and what deliveries said of it.

use super::super::joined::joined;
use super::Summary;
use crate::logparse::event::Tls;
use crate::stats::names::Table;

/// Which side we were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// A client came to us.
    Inbound,
    /// We went to a server.
    Outbound,
}

/// TLS of connections and of deliveries.
#[derive(Debug, Clone, Default)]
pub struct TlsStats {
    /// By direction, trust, protocol and cipher, one behind another with a zero between.
    sessions: Table<TlsCount>,
    /// Handshakes that clients failed.
    pub failed_inbound: u64,
    /// Handshakes with servers that failed.
    pub failed_outbound: u64,
    /// Deliveries by the `tls=` that Postfix 3.11 and later log: policy and result, as in `may:none`.
    pub deliveries: Table<u64>,
}

/// Sessions of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TlsCount {
    /// Connections.
    pub count: u64,
    /// Those among them that used a session of an earlier connection.
    pub reused: u64,
}

/// One kind of session and how often it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TlsRow<'a> {
    /// Which side we were.
    pub direction: Direction,
    /// `Anonymous`, `Untrusted`, `Trusted` or `Verified`.
    pub trust: &'a [u8],
    /// `TLSv1.3`
    pub protocol: &'a [u8],
    /// The cipher's name.
    pub cipher: &'a [u8],
    /// How often.
    pub count: TlsCount,
}

impl TlsStats {
    /// Each kind of session, the most frequent first.
    pub fn rows(&self) -> Vec<TlsRow<'_>> {
        let rows = self.sessions.top(usize::MAX, |row| row.count);
        rows.into_iter()
            .filter_map(|(name, count)| row(name, *count))
            .collect()
    }

    /// Connections by a property of the session and by direction, the most frequent first.
    pub fn by<'a>(
        &'a self,
        property: fn(&TlsRow<'a>) -> &'a [u8],
    ) -> Vec<(Direction, &'a [u8], u64)> {
        let mut sums: Vec<(Direction, &[u8], u64)> = Vec::new();
        for row in self.rows() {
            let text = property(&row);
            match sums
                .iter_mut()
                .find(|s| s.0 == row.direction && s.1 == text)
            {
                Some(sum) => sum.2 += row.count.count,
                None => sums.push((row.direction, text, row.count.count)),
            }
        }
        sums.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| (a.0, a.1).cmp(&(b.0, b.1))));
        sums
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.sessions.merge(other.sessions, |mine, theirs| {
            mine.count += theirs.count;
            mine.reused += theirs.reused;
        });
        self.deliveries.merge(other.deliveries, |a, b| *a += b);
        self.failed_inbound += other.failed_inbound;
        self.failed_outbound += other.failed_outbound;
    }
}

fn row(name: &[u8], count: TlsCount) -> Option<TlsRow<'_>> {
    let mut parts = name.splitn(4, |b| *b == 0);
    let direction = match parts.next()? {
        b"i" => Direction::Inbound,
        _ => Direction::Outbound,
    };
    Some(TlsRow {
        direction,
        trust: parts.next()?,
        protocol: parts.next()?,
        cipher: parts.next()?,
        count,
    })
}

impl Summary {
    pub(super) fn tls_session(&mut self, tls: &Tls<'_>, times: u64) {
        let direction: &[u8] = if tls.inbound { b"i" } else { b"o" };
        let mut buffer = [0; 320];
        let name = joined(
            &[
                direction,
                b"\0",
                tls.trust,
                b"\0",
                tls.protocol,
                b"\0",
                tls.cipher,
            ],
            &mut buffer,
        );
        let row = self.tls.sessions.row(&name);
        row.count += times;
        row.reused += if tls.reused { times } else { 0 };
    }
}
