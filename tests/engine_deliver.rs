//! the engine's queue, deliveries, durability and control
