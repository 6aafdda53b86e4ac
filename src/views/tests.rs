//! Frames of a seeded state.
