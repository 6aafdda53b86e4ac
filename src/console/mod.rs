//! The console: one owner of state, the messages that change it, the loop, the keymap, the layers and the theme.
