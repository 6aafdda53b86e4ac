//! The demonstration: an engine in a temporary directory, a DNS zone on loopback and a client that sends lively mail.
