//! Tables of rows by name: each distinct name is kept once, and a row is reached by its number.

use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Rows by name, numbered in the order of their first appearance.
#[derive(Debug, Clone)]
pub struct Table<T> {
    index: FxHashMap<Arc<[u8]>, u32>,
    rows: Vec<(Arc<[u8]>, T)>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            index: FxHashMap::default(),
            rows: Vec::new(),
        }
    }
}

impl<T: Default> Table<T> {
    /// The row of `name`, made when it is new.
    pub fn number(&mut self, name: &[u8]) -> u32 {
        if let Some(number) = self.index.get(name) {
            return *number;
        }
        let name: Arc<[u8]> = name.into();
        // 2^32 distinct names would take more than 100 GB of log: the last row takes what is beyond.
        let number = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        self.rows.push((Arc::clone(&name), T::default()));
        self.index.insert(name, number);
        number
    }

    /// The row of `name`, made when it is new.
    pub fn row(&mut self, name: &[u8]) -> &mut T {
        let number = self.number(name);
        self.at_mut(number)
    }

    /// The row with this number.
    #[allow(
        clippy::indexing_slicing,
        reason = "numbers are only given out by number()"
    )]
    pub fn at_mut(&mut self, number: u32) -> &mut T {
        &mut self.rows[number as usize].1
    }

    /// The row with this number.
    pub fn at(&self, number: u32) -> &T {
        &self.rows[number as usize].1
    }

    /// The name of the row with this number.
    pub fn name(&self, number: u32) -> &[u8] {
        &self.rows[number as usize].0
    }

    /// The row of `name`, when there is one.
    pub fn get(&self, name: &[u8]) -> Option<&T> {
        self.index.get(name).map(|number| self.at(*number))
    }

    /// Adds the rows of `other` to the rows of the same names. Answers with the numbers that the other's
    /// rows have here.
    pub fn merge(&mut self, other: Table<T>, mut add: impl FnMut(&mut T, T)) -> Vec<u32> {
        other
            .rows
            .into_iter()
            .map(|(name, row)| {
                let number = self.number(&name);
                add(self.at_mut(number), row);
                number
            })
            .collect()
    }
}

impl<T> Table<T> {
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
        self.rows.iter().map(|(name, row)| (&**name, row))
    }

    /// The `n` rows with the largest keys, the largest first, names breaking ties; rows of key 0 are left out.
    pub fn top(&self, n: usize, key: impl Fn(&T) -> u64) -> Vec<(&[u8], &T)> {
        let mut rows: Vec<_> = self.iter().filter(|(_, row)| key(row) > 0).collect();
        rows.sort_by(|a, b| key(b.1).cmp(&key(a.1)).then_with(|| a.0.cmp(b.0)));
        rows.truncate(n);
        rows
    }
}

impl<T: PartialEq> PartialEq for Table<T> {
    /// Equal when every name has an equal row, whatever the order.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.iter().all(|(name, row)| {
                other
                    .index
                    .get(name)
                    .is_some_and(|number| other.rows[*number as usize].1 == *row)
            })
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
}
