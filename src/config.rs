//! mailtop's own settings: the TOML file, XDG paths and the environment, made one checked value at the edge.
