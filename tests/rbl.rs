//! block lists against rbldnsd
