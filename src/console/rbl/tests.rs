//! Pure tests of the block list screen.
