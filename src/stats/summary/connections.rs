//! smtpd(8)'s connections: how many there were and how long they lasted, by hour and by host.
//!
//! A connection lasts from `connect from` to the `disconnect from` of the same process; it counts in the
//! hour in which it ended. One process serves one client at a time.

use super::Summary;
use super::hosts::host_of_client;
use crate::logparse::Record;
use crate::logparse::event::Client;
use crate::stats::names::Table;
use crate::stats::series::{Hour, Series};
use rustc_hash::FxHashMap;

/// How many connections there were, and how long they lasted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConnectionTime {
    /// Connections that ended.
    pub count: u64,
    /// The sum of their times, in microseconds.
    pub sum: u64,
    /// The longest, in microseconds.
    pub max: u64,
}

impl ConnectionTime {
    fn add(&mut self, micros: u64) {
        self.count += 1;
        self.sum += micros;
        self.max = self.max.max(micros);
    }

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.max = self.max.max(other.max);
    }

    /// The average time in microseconds.
    pub fn average(&self) -> u64 {
        self.sum / self.count.max(1)
    }
}

/// smtpd's connections.
#[derive(Debug, Clone, Default)]
pub struct Connections {
    /// All together.
    pub all: ConnectionTime,
    /// By the client's verified name, or its address when it has none. A host whose connection's beginning is
    /// not in the log has a row with nothing in it: [`Self::hosts`] counts the others.
    pub by_host: Table<ConnectionTime>,
    /// By the number of the hour's row.
    hours: Vec<ConnectionTime>,
    /// When each process's connection began, microseconds since the epoch.
    open: FxHashMap<Process, i64>,
    /// For a summary that continues another: what each process did first.
    first: Option<FxHashMap<Process, First>>,
}

/// A process of one host's instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Process {
    origin: u32,
    pid: u32,
}

/// What a process did first in a part of a log.
#[derive(Debug, Clone, Copy)]
enum First {
    /// A connection began: one that was open before ended unseen.
    Connect,
    /// A connection that began before the part ended: when, in which hour, and from which host.
    Disconnect { time: i64, hour: u32, host: u32 },
}

impl Connections {
    pub(super) fn continuing() -> Self {
        Self {
            first: Some(FxHashMap::default()),
            ..Self::default()
        }
    }

    /// How many hosts had connections that ended.
    pub fn hosts(&self) -> usize {
        self.by_host
            .iter()
            .filter(|(_, time)| time.count > 0)
            .count()
    }

    /// Connections by hour, in order; `series` is the summary's.
    pub fn by_hour(&self, series: &Series) -> Vec<(Hour, ConnectionTime)> {
        let mut hours: Vec<_> = series
            .numbered()
            .filter_map(|(number, hour)| Some((hour, *self.hours.get(number)?)))
            .filter(|(_, time)| time.count > 0)
            .collect();
        hours.sort_by_key(|(hour, _)| *hour);
        hours
    }

    fn connect(&mut self, process: Process, time: i64) {
        self.open.insert(process, time);
        if let Some(first) = &mut self.first {
            first.entry(process).or_insert(First::Connect);
        }
    }

    fn disconnect(&mut self, process: Process, time: i64, hour: u32, host: &[u8]) {
        if let Some(began) = self.open.remove(&process) {
            let host = self.by_host.number(host);
            self.ended(began, time, hour, host);
        } else if let Some(first) = &mut self.first {
            let host = self.by_host.number(host);
            first
                .entry(process)
                .or_insert(First::Disconnect { time, hour, host });
        }
    }

    fn ended(&mut self, began: i64, time: i64, hour: u32, host: u32) {
        // A clock that was set back makes no negative times.
        let micros = u64::try_from(time - began).unwrap_or(0);
        self.all.add(micros);
        self.by_host.at_mut(host).add(micros);
        self.hour(hour).add(micros);
    }

    fn hour(&mut self, number: u32) -> &mut ConnectionTime {
        let at = number as usize;
        if self.hours.len() <= at {
            self.hours.resize(at + 1, ConnectionTime::default());
        }
        &mut self.hours[at]
    }

    /// Adds the connections of the part that follows; `hours` says where its hours' rows went.
    pub(super) fn merge(&mut self, other: Self, hours: &[u32]) {
        let hosts = self.by_host.merge(other.by_host, ConnectionTime::merge);
        self.all.merge(other.all);
        for (number, time) in other.hours.into_iter().enumerate() {
            self.hour(hours[number]).merge(time);
        }
        for (process, first) in other.first.unwrap_or_default() {
            let began = self.open.remove(&process);
            let first = match first {
                First::Disconnect { time, hour, host } => First::Disconnect {
                    time,
                    hour: hours[hour as usize],
                    host: hosts[host as usize],
                },
                First::Connect => First::Connect,
            };
            if let (Some(began), First::Disconnect { time, hour, host }) = (began, first) {
                self.ended(began, time, hour, host);
            } else if let Some(mine) = &mut self.first {
                mine.entry(process).or_insert(first);
            }
        }
        self.open.extend(other.open);
    }
}

impl Summary {
    pub(super) fn connected(&mut self, record: &Record<'_>) {
        let process = self.process(record);
        self.smtpd.connect(process, record.time.micros);
    }

    pub(super) fn disconnected(&mut self, record: &Record<'_>, client: &Client<'_>, hour: u32) {
        let process = self.process(record);
        let host = host_of_client(client);
        self.smtpd
            .disconnect(process, record.time.micros, hour, host);
    }

    fn process(&mut self, record: &Record<'_>) -> Process {
        Process {
            origin: self.origin(record),
            pid: record.pid,
        }
    }
}
