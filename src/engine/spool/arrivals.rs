//! From the writers of new mail to the scheduler: which ids came, or "look yourself" when they were too many.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

/// Ids kept in memory while the scheduler is busy; beyond it one scan of incoming/ is cheaper than the list.
const KEPT: usize = 10_000;

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrived {
    /// These messages, oldest first.
    Ids(Vec<String>),
    /// More than were kept: scan incoming/.
    Many,
}

#[derive(Default)]
pub(super) struct Arrivals {
    /// Held for a push or a swap.
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Default)]
struct State {
    ids: VecDeque<String>,
    overflow: bool,
}

impl Arrivals {
    pub(super) fn push(&self, id: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.ids.len() < KEPT {
            state.ids.push_back(id.to_owned());
        } else {
            state.overflow = true;
        }
        drop(state);
        self.wake.notify_one();
    }

    pub(super) async fn next(&self) -> Arrived {
        loop {
            {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                if std::mem::take(&mut state.overflow) {
                    state.ids.clear();
                    return Arrived::Many;
                }
                if !state.ids.is_empty() {
                    return Arrived::Ids(std::mem::take(&mut state.ids).into());
                }
            }
            self.wake.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ids_come_in_order_and_a_flood_is_one_scan() {
        let arrivals = Arrivals::default();
        arrivals.push("A");
        arrivals.push("B");
        assert_eq!(
            arrivals.next().await,
            Arrived::Ids(vec!["A".into(), "B".into()])
        );
        for _ in 0..=KEPT {
            arrivals.push("C");
        }
        assert_eq!(arrivals.next().await, Arrived::Many);
        arrivals.push("D");
        assert_eq!(arrivals.next().await, Arrived::Ids(vec!["D".into()]));
    }
}
