//! DNS block lists: the catalogue, targets, one lookup, one verdict, the health of a list.
