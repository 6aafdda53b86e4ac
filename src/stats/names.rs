//! Tables of rows by name: each distinct name is kept once, and a row is reached by its number.
//!
//! A report of a large log holds millions of names and looks one up for nearly every line. Names therefore
//! lie one behind another in one buffer, not in an allocation each, and the index holds eight bytes a slot.

use super::message::hash;

/// Rows by name, numbered in the order of their first appearance.
#[derive(Debug, Clone)]
pub struct Table<T> {
    /// Open addressing with linear probing; a power of two, at most two thirds full.
    slots: Vec<Slot>,
    rows: Vec<Row<T>>,
    /// All names, in the order of the rows.
    names: Vec<u8>,
}

#[derive(Debug, Clone)]
struct Row<T> {
    /// Where the name ends in the buffer; it begins where the former one ends. 32 bits, since there are very
    /// many rows: 4 GiB of names do not fit into memory beside the rest.
    end: u32,
    hash: u32,
    value: T,
}

/// A place of the index: part of the name's hash, so that most other names are told apart without
/// being looked at, and the row's number.
#[derive(Debug, Clone, Copy)]
struct Slot {
    hash: u32,
    number: u32,
}

const FREE: Slot = Slot {
    hash: 0,
    number: u32::MAX,
};

/// The slots of a table's first index.
const FIRST_SLOTS: usize = 16;

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            rows: Vec::new(),
            names: Vec::new(),
        }
    }
}

impl<T: Default> Table<T> {
    /// The row of `name`, made when it is new.
    pub fn number(&mut self, name: &[u8]) -> u32 {
        self.hashed(name, short_hash(name))
    }

    fn hashed(&mut self, name: &[u8], hash: u32) -> u32 {
        if self.rows.len() * 3 >= self.slots.len() * 2 {
            self.grow();
        }
        let at = match self.find(name, hash) {
            Ok(number) => return number,
            Err(free) => free,
        };
        let number = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        let Ok(end) = u32::try_from(self.names.len() + name.len()) else {
            // More distinct names than any machine's log has: the last row takes what is beyond.
            return number.saturating_sub(1);
        };
        self.names.extend_from_slice(name);
        self.rows.push(Row {
            end,
            hash,
            value: T::default(),
        });
        self.slots[at] = Slot { hash, number };
        number
    }

    /// The row of `name`, made when it is new.
    pub fn row(&mut self, name: &[u8]) -> &mut T {
        let number = self.number(name);
        self.at_mut(number)
    }

    /// Adds the rows of `other` to the rows of the same names. Answers with the numbers that the other's
    /// rows have here.
    pub fn merge(&mut self, other: Table<T>, mut add: impl FnMut(&mut T, T)) -> Vec<u32> {
        // Both tables are at their largest now: what is not needed any more goes first.
        let Table { slots, rows, names } = other;
        drop(slots);
        let mut start = 0;
        let mut numbers = Vec::with_capacity(rows.len());
        for row in rows {
            let end = row.end as usize;
            let number = self.hashed(&names[start..end], row.hash);
            start = end;
            add(self.at_mut(number), row.value);
            numbers.push(number);
        }
        numbers
    }
}

impl<T> Table<T> {
    /// The row with this number.
    #[allow(
        clippy::indexing_slicing,
        reason = "numbers are only given out by number()"
    )]
    pub fn at_mut(&mut self, number: u32) -> &mut T {
        &mut self.rows[number as usize].value
    }

    /// The row with this number.
    pub fn at(&self, number: u32) -> &T {
        &self.rows[number as usize].value
    }

    /// The name of the row with this number.
    pub fn name(&self, number: u32) -> &[u8] {
        let at = number as usize;
        let start = at.checked_sub(1).map_or(0, |former| self.rows[former].end);
        &self.names[start as usize..self.rows[at].end as usize]
    }

    /// The row of `name`, when there is one.
    pub fn get(&self, name: &[u8]) -> Option<&T> {
        let number = self.find(name, short_hash(name)).ok()?;
        Some(self.at(number))
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Names and rows in the order of first appearance.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &T)> {
        let mut start = 0;
        self.rows.iter().map(move |row| {
            let end = row.end as usize;
            let name = &self.names[start..end];
            start = end;
            (name, &row.value)
        })
    }

    /// The `n` rows with the largest keys, the largest first, names breaking ties; rows of key 0 are left out.
    pub fn top<K: Ord + Default>(&self, n: usize, key: impl Fn(&T) -> K) -> Vec<(&[u8], &T)> {
        let mut rows: Vec<_> = self
            .iter()
            .map(|(name, row)| (key(row), name, row))
            .filter(|(key, ..)| *key > K::default())
            .collect();
        let order =
            |a: &(K, &[u8], &T), b: &(K, &[u8], &T)| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1));
        // Of a million addresses twenty are shown: only these are worth sorting.
        if (1..rows.len()).contains(&n) {
            rows.select_nth_unstable_by(n - 1, order);
        }
        rows.truncate(n);
        rows.sort_unstable_by(order);
        rows.into_iter().map(|(_, name, row)| (name, row)).collect()
    }

    /// The number of a name's row, or the slot where it would go.
    fn find(&self, name: &[u8], hash: u32) -> Result<u32, usize> {
        let Some(mask) = self.slots.len().checked_sub(1) else {
            return Err(0);
        };
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot.number == FREE.number {
                return Err(at);
            }
            if slot.hash == hash && self.name(slot.number) == name {
                return Ok(slot.number);
            }
            at = (at + 1) & mask;
        }
    }

    /// Doubles the index.
    #[cold]
    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(FIRST_SLOTS);
        let mask = size - 1;
        // The old index goes before the new one comes: it can be made from the rows.
        self.slots = Vec::new();
        self.slots = vec![FREE; size];
        for (number, row) in (0..).zip(&self.rows) {
            let mut at = row.hash as usize & mask;
            while self.slots[at].number != FREE.number {
                at = (at + 1) & mask;
            }
            self.slots[at] = Slot {
                hash: row.hash,
                number,
            };
        }
    }
}

/// The lower half of a name's hash, which is where FxHash rotates its best bits to.
#[allow(
    clippy::cast_possible_truncation,
    reason = "the half is what is wanted"
)]
fn short_hash(name: &[u8]) -> u32 {
    hash(name) as u32
}

impl<T: PartialEq> PartialEq for Table<T> {
    /// Equal when every name has an equal row, whatever the order.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self
                .iter()
                .all(|(name, row)| other.get(name).is_some_and(|theirs| theirs == row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_adds_and_says_where_rows_went() {
        let mut a = Table::<u64>::default();
        *a.row(b"x") += 1;
        *a.row(b"y") += 2;
        let mut b = Table::<u64>::default();
        *b.row(b"z") += 5;
        *b.row(b"y") += 7;
        let numbers = a.merge(b, |mine, theirs| *mine += theirs);
        assert_eq!(numbers, [2, 1]);
        assert_eq!(a.get(b"y"), Some(&9));
        let top: Vec<&[u8]> = a.top(2, |n| *n).into_iter().map(|(n, _)| n).collect();
        assert_eq!(top, [b"y", b"z"]);
    }

    #[test]
    fn names_are_found_again_however_many_there_are() {
        let mut table = Table::<u64>::default();
        assert_eq!(table.get(b""), None);
        for round in 0..2u64 {
            for i in 0..5000u64 {
                *table.row(format!("user{i}@a.example").as_bytes()) += i + round;
            }
            *table.row(b"") += 1;
        }
        assert_eq!(table.len(), 5001);
        assert_eq!(table.get(b"user4999@a.example"), Some(&9999));
        assert_eq!(table.get(b""), Some(&2));
        assert_eq!(table.name(0), b"user0@a.example");
        assert_eq!(table.get(b"user5000@a.example"), None);
        let rows: Vec<&[u8]> = table.iter().map(|(name, _)| name).collect();
        assert_eq!((rows[5000], rows[1]), (&b""[..], &b"user1@a.example"[..]));
    }
}
