//! The parser's speed on the real log.
fn main() {}
