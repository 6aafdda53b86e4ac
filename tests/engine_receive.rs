//! the engine's SMTP server against real clients
