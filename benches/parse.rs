//! The parser's speed on the real log, which is copied a few times so that it does not fit into the cache
//! next to the processor: lines a second and bytes a second for finding lines, reading headers, the whole
//! parse, and the whole parse with the life of messages kept.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flate2::read::GzDecoder;
use mailtop::logparse::life::Messages;
use mailtop::logparse::{Line, Parser, Reference, Zone};
use std::fs::File;
use std::hint::black_box;
use std::io::Read as _;

/// The log, eight times: about 50 MB.
fn log() -> std::io::Result<Vec<u8>> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/postfix-3.7.11.log.gz"
    );
    let mut once = Vec::new();
    GzDecoder::new(File::open(path)?).read_to_end(&mut once)?;
    Ok(once.repeat(8))
}

fn lines(log: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', log).map(move |end| {
        let line = &log[start..end];
        start = end + 1;
        line
    })
}

fn parser() -> Parser {
    Parser::new(Reference::at(1_795_340_000).in_zone(Zone::Fixed(0)))
}

fn parse(criterion: &mut Criterion) {
    let log = match log() {
        Ok(log) => log,
        Err(error) => panic!("the real log: {error}"),
    };
    let count = lines(&log).count() as u64;
    for (unit, throughput) in [
        ("bytes", Throughput::Bytes(log.len() as u64)),
        ("lines", Throughput::Elements(count)),
    ] {
        let mut group = criterion.benchmark_group(unit);
        group.throughput(throughput);
        group.sample_size(10);
        group.bench_function("find lines", |b| b.iter(|| lines(black_box(&log)).count()));
        group.bench_function("headers", |b| {
            b.iter(|| {
                let mut parser = parser();
                lines(black_box(&log))
                    .filter(|line| parser.header(line).is_some())
                    .count()
            });
        });
        group.bench_function("whole parse", |b| {
            b.iter(|| {
                let mut parser = parser();
                lines(black_box(&log))
                    .filter(|line| matches!(black_box(parser.line(line)), Line::Postfix(_)))
                    .count()
            });
        });
        if unit == "lines" {
            group.bench_function("whole parse and lives", |b| {
                b.iter(|| {
                    let mut parser = parser();
                    let mut messages = Messages::new(10_000);
                    for line in lines(black_box(&log)) {
                        if let Line::Postfix(record) = parser.line(line) {
                            messages.observe(&record);
                        }
                    }
                    messages.len()
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, parse);
criterion_main!(benches);
