//! Pure tests of the engine screen.
