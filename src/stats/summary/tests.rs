//! Merging is one pass, and the rules on small logs.
