//! the console in a pseudo-terminal
