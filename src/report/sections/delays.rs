//! How long deliveries took, as a whole and in their four parts, everywhere and by destination.

use crate::report::input::shown;
use crate::report::section::{
    Cell, Column, Group, Limit, Row, Rows, Shape, Shown, Spec, Unit, col,
};
use crate::stats::delays::Distribution;
use crate::stats::histogram::Part;

pub(super) static DELAYS: Spec = Spec {
    key: "delays",
    title: "Delivery Delays",
    about: "The delays of all deliveries, in seconds; percentiles are exact (nearest rank).",
    group: Group::Traffic,
    shape: Shape::Record,
    shown: Shown::AsData,
    limit: None,
    columns: QUANTILES,
    rows: |input| Rows::one(quantiles(&input.summary.delays.total)),
};

const COUNT: Column = col("count", "count", Unit::Count, "Deliveries.");
const AVG: Column = col("avg", "avg", Unit::Seconds, "The average, in seconds.");
const P50: Column = col(
    "p50",
    "p50",
    Unit::Seconds,
    "Half of the deliveries took no longer.",
);
const P90: Column = col(
    "p90",
    "p90",
    Unit::Seconds,
    "90 of a hundred took no longer.",
);
const P95: Column = col(
    "p95",
    "p95",
    Unit::Seconds,
    "95 of a hundred took no longer.",
);
const P99: Column = col(
    "p99",
    "p99",
    Unit::Seconds,
    "99 of a hundred took no longer.",
);
const MAX: Column = col("max", "max", Unit::Seconds, "The longest.");

const SUM: Column = col("sum", "", Unit::Seconds, "All of them together.");

const QUANTILES: &[Column] = &[COUNT, AVG, P50, P90, P95, P99, MAX, SUM];

pub(super) static BY_PART: Spec = Spec {
    key: "delays_by_part",
    title: "Delivery Delays",
    about: "The whole delay of deliveries and its four parts; percentiles are exact (nearest rank).",
    group: Group::Traffic,
    shape: Shape::List,
    shown: Shown::Usually,
    limit: None,
    columns: &[
        col(
            "part",
            "part of the delay",
            Unit::Text,
            "total, before queue manager, in queue manager, connection setup, transmission.",
        ),
        COUNT,
        AVG,
        P50,
        P90,
        P95,
        P99,
        MAX,
        SUM,
    ],
    rows: |input| {
        let delays = &input.summary.delays;
        if delays.total.count() == 0 {
            return Rows::default();
        }
        let parts = [
            ("total", &delays.total),
            ("before queue manager", &delays.before_qmgr),
            ("in queue manager", &delays.in_qmgr),
            ("connection setup", &delays.conn_setup),
            ("transmission", &delays.transmission),
        ];
        Rows::all(
            parts
                .into_iter()
                .map(|(name, part)| {
                    let mut row = vec![Cell::Text(name.to_owned())];
                    row.extend(quantiles(part));
                    row
                })
                .collect(),
        )
    },
};

fn quantiles(delays: &Distribution) -> Row {
    let seconds = |hundredths: Option<u64>| Cell::Real(hundredths.unwrap_or(0) as f64 / 100.0);
    let count = delays.count();
    let sum = delays.sum();
    let average = if count == 0 {
        0.0
    } else {
        (sum as f64 / count as f64).round() / 100.0
    };
    vec![
        Cell::Count(count),
        Cell::Real(average),
        seconds(delays.percentile(50)),
        seconds(delays.percentile(90)),
        seconds(delays.percentile(95)),
        seconds(delays.percentile(99)),
        seconds(delays.max()),
        seconds(Some(sum)),
    ]
}

pub(super) static DESTINATIONS: Spec = Spec {
    key: "destination_delays",
    title: "Delivery Delays by Destination (p95 of each part)",
    about: "Percentiles by recipients' domain, for the whole delay and its four parts: where a slow destination is slow. Values may be an eighth too large.",
    group: Group::Parties,
    shape: Shape::List,
    shown: Shown::Usually,
    limit: Some(Limit::Hosts),
    columns: DESTINATION,
    rows: |input| {
        let limit = input.options.limit(Limit::Hosts);
        let table = &input.summary.destinations;
        let rows = table.top(limit, |d| d.delays.count());
        Rows {
            rows: rows
                .into_iter()
                .map(|(name, d)| {
                    let mut row = vec![Cell::Text(shown(name)), Cell::Count(d.delays.count())];
                    for part in Part::ALL {
                        for percent in [50, 90, 95, 99, 100] {
                            let hundredths = d.delays.percentile(part, percent);
                            row.push(Cell::Real(hundredths as f64 / 100.0));
                        }
                    }
                    row
                })
                .collect(),
            all: table.iter().filter(|(_, d)| d.delays.count() > 0).count(),
        }
    },
};

macro_rules! part {
    ($p50:literal $head50:literal, $p90:literal, $p95:literal $head95:literal, $p99:literal $head99:literal, $max:literal $headmax:literal, $of:literal) => {
        [
            col(
                $p50,
                $head50,
                Unit::Seconds,
                concat!("Half of the deliveries took no longer ", $of, "."),
            ),
            col(
                $p90,
                "",
                Unit::Seconds,
                concat!("90 of a hundred took no longer ", $of, "."),
            ),
            col(
                $p95,
                $head95,
                Unit::Seconds,
                concat!("95 of a hundred took no longer ", $of, "."),
            ),
            col(
                $p99,
                $head99,
                Unit::Seconds,
                concat!("99 of a hundred took no longer ", $of, "."),
            ),
            col(
                $max,
                $headmax,
                Unit::Seconds,
                concat!("The longest time ", $of, "."),
            ),
        ]
    };
}

const TOTAL: [Column; 5] =
    part!("p50" "p50", "p90", "p95" "p95", "p99" "", "max" "max", "altogether");
const BEFORE: [Column; 5] = part!("before_p50" "", "before_p90", "before_p95" "before", "before_p99" "", "before_max" "", "before the queue manager");
const IN: [Column; 5] = part!("queue_p50" "", "queue_p90", "queue_p95" "queue", "queue_p99" "", "queue_max" "", "in the queue manager");
const SETUP: [Column; 5] = part!("setup_p50" "", "setup_p90", "setup_p95" "setup", "setup_p99" "", "setup_max" "", "setting up the connection");
const SENDING: [Column; 5] = part!("transmit_p50" "", "transmit_p90", "transmit_p95" "send", "transmit_p99" "", "transmit_max" "", "transmitting");

const DESTINATION: &[Column] = &[
    col("domain", "host/domain", Unit::Text, "The domain."),
    col("count", "sent", Unit::Count, "Deliveries."),
    TOTAL[0],
    TOTAL[1],
    TOTAL[2],
    TOTAL[3],
    TOTAL[4],
    BEFORE[0],
    BEFORE[1],
    BEFORE[2],
    BEFORE[3],
    BEFORE[4],
    IN[0],
    IN[1],
    IN[2],
    IN[3],
    IN[4],
    SETUP[0],
    SETUP[1],
    SETUP[2],
    SETUP[3],
    SETUP[4],
    SENDING[0],
    SENDING[1],
    SENDING[2],
    SENDING[3],
    SENDING[4],
];
