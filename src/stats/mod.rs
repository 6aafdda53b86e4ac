//! Counters, series, top-k and quantiles over events. Every aggregate can `merge`.
