//! The screens, one file each: `render(&State, &mut Frame, Rect)` and the keys of that screen. No I/O of any kind.
