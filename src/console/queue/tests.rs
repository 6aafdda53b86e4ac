//! Pure tests of the queue screen.
