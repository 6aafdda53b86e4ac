//! One destination's concurrency: how many deliveries at a time, and when to stop asking for a while.
//!
//! In: what deliveries reported. Out: whether another one may start. No I/O and no clock of its own: the
//! manager brings the time. The numbers are qmgr(8)'s: a window that opens by one for each success and
//! closes by one for each failure of the site; a whole cohort (one window's worth) of failures in a row and
//! the site counts as dead.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Deliveries to one nexthop over one transport.
#[derive(Debug)]
pub(super) struct Destination<E> {
    /// Waiting, oldest first.
    pub(super) queue: VecDeque<E>,
    /// Under way.
    pub(super) busy: usize,
    window: f64,
    limit: usize,
    initial: usize,
    /// Failures since the last success, in cohorts.
    failed: f64,
    dead: Option<Dead>,
}

#[derive(Debug)]
struct Dead {
    until: Instant,
    reason: (String, String),
}

impl<E> Destination<E> {
    pub(super) fn new(initial: usize, limit: usize) -> Self {
        let limit = if limit == 0 { usize::MAX } else { limit };
        let initial = initial.clamp(1, limit);
        Self {
            queue: VecDeque::new(),
            busy: 0,
            window: initial as f64,
            limit,
            initial,
            failed: 0.0,
            dead: None,
        }
    }

    /// Whether a waiting entry may start now.
    pub(super) fn may_start(&self) -> bool {
        self.dead.is_none() && !self.queue.is_empty() && (self.busy as f64) < self.window
    }

    /// Why the site is dead: DSN and text.
    pub(super) fn dead(&self) -> Option<&(String, String)> {
        self.dead.as_ref().map(|dead| &dead.reason)
    }

    /// When the site is to be tried again.
    pub(super) fn dead_until(&self) -> Option<Instant> {
        self.dead.as_ref().map(|dead| dead.until)
    }

    /// The site answered, whatever it said of the mail.
    pub(super) fn succeeded(&mut self) {
        self.failed = 0.0;
        // Only a window that was used may grow, else it would say nothing about the site.
        if self.window < self.limit as f64 && self.window <= (self.busy + self.initial) as f64 {
            self.window += 1.0;
        }
    }

    /// The site did not answer. Returns whether it is dead now.
    pub(super) fn failed(
        &mut self,
        reason: (String, String),
        now: Instant,
        pause: Duration,
    ) -> bool {
        self.failed += 1.0 / self.window.max(1.0);
        self.window = (self.window - 1.0).max(1.0);
        // One in a million of slack: thirds do not add up to one in binary.
        if self.failed + 1e-6 >= 1.0 {
            self.dead = Some(Dead {
                until: now + pause,
                reason,
            });
        }
        self.dead.is_some()
    }

    /// Tries the site again, carefully.
    pub(super) fn revive(&mut self) {
        if self.dead.take().is_some() {
            self.window = self.initial as f64;
            self.failed = 0.0;
        }
    }

    /// Whether nothing would be lost by forgetting the destination.
    pub(super) fn is_idle(&self) -> bool {
        self.dead.is_none() && self.busy == 0 && self.queue.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason() -> (String, String) {
        ("4.4.1".into(), "Connection refused".into())
    }

    #[test]
    fn success_opens_the_window_to_its_limit() {
        let mut destination = Destination::new(2, 4);
        for n in 0..10 {
            destination.queue.push_back(n);
        }
        let started = |d: &mut Destination<i32>| {
            while d.may_start() {
                d.queue.pop_front();
                d.busy += 1;
            }
            d.busy
        };
        assert_eq!(started(&mut destination), 2);
        destination.busy -= 1;
        destination.succeeded();
        assert_eq!(started(&mut destination), 3);
        destination.succeeded();
        destination.succeeded();
        assert_eq!(started(&mut destination), 4);
    }

    #[test]
    fn a_cohort_of_failures_is_death_and_one_success_resets() {
        let now = Instant::now();
        let pause = Duration::from_mins(1);
        let mut destination = Destination::<u8>::new(5, 20);
        assert!(!destination.failed(reason(), now, pause));
        assert!(!destination.failed(reason(), now, pause));
        destination.succeeded();
        let died = (0..10).position(|_| destination.failed(reason(), now, pause));
        assert!(died.is_some_and(|n| n > 0));
        destination.queue.push_back(1);
        assert!(!destination.may_start());
        assert_eq!(destination.dead_until(), Some(now + pause));
        destination.revive();
        assert!(destination.may_start());
    }

    #[test]
    fn with_a_window_of_one_the_first_failure_is_death() {
        let mut destination = Destination::<u8>::new(1, 20);
        assert!(destination.failed(reason(), Instant::now(), Duration::ZERO));
    }
}
