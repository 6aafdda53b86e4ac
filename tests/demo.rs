//! the demonstration
