//! Two summaries of consecutive parts of a log into one.

use super::super::message::{Begun, Carried, Key, Message, Renumber, Source};
use super::{Destination, Outcome, SaslUser, Summary, Tally, UNPARSED_KEPT, Zone};

impl Summary {
    /// Adds a summary of the lines that follow. The result is that of one pass over both parts when
    /// `other` was made with [`Summary::continuing`].
    pub fn merge(&mut self, mut other: Self) {
        let rows = self.merge_tables(&mut other);
        self.merge_counts(&mut other);
        self.reinjection
            .merge(std::mem::take(&mut other.reinjection), &rows);
        for mut noted in std::mem::take(&mut other.messages.over) {
            noted.renumber(&rows);
            self.messages.over.push(noted);
        }
        let carried = other.messages.carried.take().unwrap_or_default();
        let Carried { ended, renewed } = carried;
        for (key, mut message) in ended {
            message.renumber(&rows);
            self.ended_later(key, message);
        }
        self.messages.renew(renewed);
        for (key, (mut message, begun)) in other.messages.open {
            message.renumber(&rows);
            self.open_later(key, message, begun);
        }
    }

    fn merge_tables(&mut self, other: &mut Self) -> Renumber {
        use std::mem::take;
        let rows = Renumber {
            hours: self.series.merge(&other.series),
            senders: self.senders.merge(take(&mut other.senders), Tally::merge),
            recipients: self
                .recipients
                .merge(take(&mut other.recipients), Tally::merge),
            clients: self.clients.merge(take(&mut other.clients), Tally::merge),
            listeners: self.reinjection.listeners.merge(
                take(&mut other.reinjection.listeners),
                |mine, theirs| {
                    mine.public |= theirs.public;
                },
            ),
            users: self
                .sasl
                .users
                .merge(take(&mut other.sasl.users), SaslUser::merge),
        };
        self.sending_hosts
            .merge(take(&mut other.sending_hosts), Tally::merge);
        let destinations =
            self.destinations
                .merge(take(&mut other.destinations), |mine, theirs| {
                    mine.merge(&theirs);
                });
        let causes = Outcome::ALL.map(|outcome| {
            let theirs = take(other.causes_mut(outcome));
            self.causes_mut(outcome).merge(theirs)
        });
        self.details
            .merge(take(&mut other.details), &causes, &destinations);
        self.surges.merge(
            take(&mut other.surges),
            &rows.users,
            &rows.clients,
            &rows.hours,
        );
        self.smtpd.merge(take(&mut other.smtpd), &rows.hours);
        self.overlap.merge(take(&mut other.overlap));
        self.tls.merge(take(&mut other.tls));
        self.limits.merge(take(&mut other.limits));
        self.zones.merge(take(&mut other.zones), Zone::merge);
        self.sasl
            .failures
            .merge(take(&mut other.sasl.failures), |a, b| *a += b);
        for (mine, theirs) in [
            (&mut self.sasl.reasons, &mut other.sasl.reasons),
            (&mut self.warnings, &mut other.warnings),
            (&mut self.errors, &mut other.errors),
            (&mut self.fatals, &mut other.fatals),
            (&mut self.panics, &mut other.panics),
            (&mut self.lifecycle, &mut other.lifecycle),
        ] {
            mine.merge(take(theirs));
        }
        rows
    }

    fn merge_counts(&mut self, other: &mut Self) {
        self.lines.read += other.lines.read;
        self.lines.parsed += other.lines.parsed;
        self.lines.unparsed += other.lines.unparsed;
        self.lines.other += other.lines.other;
        self.period = match (self.period, other.period) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
        self.deferred += other.deferred;
        self.reinjected += other.reinjected;
        self.probes += other.probes;
        self.connections += other.connections;
        self.messages.unsized_ += other.messages.unsized_;
        self.delays.merge(&other.delays);
        for (kind, count) in &other.postscreen {
            *self.postscreen.entry(*kind).or_default() += count;
        }
        let room = UNPARSED_KEPT.saturating_sub(self.unparsed.len());
        self.unparsed.extend(other.unparsed.drain(..).take(room));
    }

    /// A message that may have begun here ended in the part that follows.
    fn ended_later(&mut self, key: Key, later: Message) {
        match self.messages.open.get_mut(&key) {
            Some((message, _)) => {
                let mut message = std::mem::take(message);
                self.join(key, &mut message, later);
                if let Some((slot, _)) = self.messages.open.get_mut(&key) {
                    *slot = message;
                }
            }
            None => *self.messages.of(key) = later,
        }
        self.messages.end(key);
    }

    /// A message was open at the end of the part that follows.
    fn open_later(&mut self, key: Key, later: Message, begun: Begun) {
        if begun == Begun::Here {
            self.messages.begin(key, Source::Unknown);
            *self.messages.of(key) = later;
        } else if self.messages.open.contains_key(&key) {
            let mut message = std::mem::take(self.messages.of(key));
            self.join(key, &mut message, later);
            *self.messages.of(key) = message;
        } else {
            *self.messages.of(key) = later;
        }
    }

    /// Joins the two halves of what is known of one message, and counts what only both together tell.
    fn join(&mut self, key: Key, message: &mut Message, later: Message) {
        if message.deferred && later.deferred {
            self.deferred -= 1;
        }
        message.deferred |= later.deferred;
        message.size = message.size.or(later.size);
        for waiting in [message.unsized_.take(), later.unsized_]
            .into_iter()
            .flatten()
        {
            match message.size {
                Some(size) => self.add_sizes(&waiting, size),
                None => message
                    .unsized_
                    .get_or_insert_default()
                    .extend_from_slice(&waiting),
            }
        }
        message.message_id = message.message_id.or(later.message_id);
        message.user = message.user.or(later.user);
        match (&mut message.noted, later.noted) {
            (Some(noted), Some(later)) => noted.join(*later),
            (noted, later) => *noted = noted.take().or(later),
        }
        message.filtered |= later.filtered;
        if let Some(id) = message.message_id
            && std::mem::take(&mut message.filtered)
        {
            self.reinjection.passed_on(id);
        }
        if !message.active && later.active {
            message.active = true;
            match later.unresolved {
                Some(_) if message.source == Source::Unknown => {
                    message.unresolved = later.unresolved;
                }
                Some(active) => {
                    self.became_active(key, message.came(), active);
                }
                None => {}
            }
        }
    }
}

impl Destination {
    fn merge(&mut self, other: &Self) {
        self.delivered += other.delivered;
        self.bytes += other.bytes;
        self.deferrals += other.deferrals;
        self.bounced += other.bounced;
        self.delay_sum += other.delay_sum;
        self.delay_max = self.delay_max.max(other.delay_max);
        self.delays.merge(&other.delays);
    }
}

impl SaslUser {
    fn merge(&mut self, other: Self) {
        self.messages += other.messages;
        self.failures += other.failures;
    }
}

impl Zone {
    fn merge(&mut self, other: Self) {
        self.rejects += other.rejects;
        self.warnings += other.warnings;
        self.listed += other.listed;
        self.errors += other.errors;
    }
}
