//! What each DNS block list of postscreen(8) would have caught alone.
//!
//! dnsblog(8) says who is listed where, postscreen whose connections it saw and whom the lists' ranks
//! condemned. smtpd's rejects name only the list that answered first, so nothing can be said about overlaps there.

use crate::stats::names::Table;

/// Lists that are told apart; those beyond share the last place. postscreen_dnsbl_sites rarely has ten.
const LISTS: u32 = 64;

/// Clients of postscreen and the lists that have them.
#[derive(Debug, Clone, Default)]
pub struct Overlap {
    lists: Table<()>,
    clients: Table<Listed>,
}

/// What is known of one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Listed {
    /// A bit for each list, by its number.
    lists: u64,
    connections: u32,
    condemned: u32,
}

/// One list's catch. "Alone" is what no other list had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Catch {
    /// Addresses listed.
    pub clients: u64,
    /// Addresses that only this list has.
    pub clients_alone: u64,
    /// Connections to postscreen from the addresses listed.
    pub connections: u64,
    /// Connections from addresses that only this list has.
    pub connections_alone: u64,
    /// Connections of listed addresses whose `DNSBL rank` reached the threshold.
    pub condemned: u64,
    /// Those of addresses that only this list has: without it they would have passed.
    pub condemned_alone: u64,
}

impl Catch {
    fn add(&mut self, client: &Listed) {
        let (connections, condemned) = (u64::from(client.connections), u64::from(client.condemned));
        self.clients += 1;
        self.connections += connections;
        self.condemned += condemned;
        if client.lists.is_power_of_two() {
            self.clients_alone += 1;
            self.connections_alone += connections;
            self.condemned_alone += condemned;
        }
    }
}

impl Overlap {
    pub(super) fn listed(&mut self, address: &[u8], list: &[u8]) {
        let list = self.lists.number(list);
        self.clients.row(address).lists |= bit(list);
    }

    pub(super) fn connected(&mut self, address: &[u8], times: u32) {
        let client = self.clients.row(address);
        client.connections = client.connections.saturating_add(times);
    }

    pub(super) fn condemned(&mut self, address: &[u8], times: u32) {
        let client = self.clients.row(address);
        client.condemned = client.condemned.saturating_add(times);
    }

    /// Distinct addresses that connected to postscreen or are listed.
    pub fn clients(&self) -> u64 {
        self.clients.len() as u64
    }

    /// Connections to postscreen.
    pub fn connections(&self) -> u64 {
        let connections = |(_, client): (_, &Listed)| u64::from(client.connections);
        self.clients.iter().map(connections).sum()
    }

    /// Each list's catch, and that of all lists together, in which "alone" is what a single list had. The
    /// rows come with the largest catch first.
    pub fn catches(&self) -> (Vec<(&[u8], Catch)>, Catch) {
        let mut rows: Vec<(&[u8], Catch)> = self
            .lists
            .iter()
            .map(|(name, ())| (name, Catch::default()))
            .collect();
        let mut all = Catch::default();
        for (_, client) in self.clients.iter().filter(|(_, c)| c.lists != 0) {
            all.add(client);
            for (row, number) in rows.iter_mut().zip(0u32..) {
                if client.lists & bit(number) != 0 {
                    row.1.add(client);
                }
            }
        }
        rows.sort_by(|a, b| {
            let weight = |c: &Catch| (c.connections, c.clients);
            weight(&b.1).cmp(&weight(&a.1)).then_with(|| a.0.cmp(b.0))
        });
        (rows, all)
    }

    pub(super) fn merge(&mut self, other: Self) {
        let lists = self.lists.merge(other.lists, |(), ()| ());
        self.clients.merge(other.clients, |mine, theirs| {
            mine.connections = mine.connections.saturating_add(theirs.connections);
            mine.condemned = mine.condemned.saturating_add(theirs.condemned);
            for (number, here) in (0u32..).zip(&lists) {
                if theirs.lists & bit(number) != 0 {
                    mine.lists |= bit(*here);
                }
            }
        });
    }
}

fn bit(list: u32) -> u64 {
    1 << list.min(LISTS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alone_is_what_no_other_list_has() {
        let mut first = Overlap::default();
        first.connected(b"192.0.2.1", 2);
        first.listed(b"192.0.2.1", b"a.example");
        first.listed(b"192.0.2.2", b"b.example");
        let mut second = Overlap::default();
        second.listed(b"192.0.2.2", b"a.example");
        second.connected(b"192.0.2.2", 1);
        second.condemned(b"192.0.2.2", 1);
        second.connected(b"192.0.2.3", 7);
        first.merge(second);
        let (rows, all) = first.catches();
        assert_eq!((first.clients(), first.connections()), (3, 10));
        assert_eq!((all.clients, all.clients_alone, all.connections), (2, 1, 3));
        let (name, a) = rows[0];
        assert_eq!(name, b"a.example");
        assert_eq!((a.clients, a.connections, a.connections_alone), (2, 3, 2));
        let (name, b) = rows[1];
        assert_eq!(name, b"b.example");
        assert_eq!((b.condemned, b.clients_alone), (1, 0));
    }
}
