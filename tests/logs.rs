//! following and parsing real logs
