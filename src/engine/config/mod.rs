//! Configuration: main.cf and master.cf as Postfix writes them, made one checked [`Params`] at the edge.
//!
//! In: a configuration directory. Out: [`Params`] and a list of problems, each with its file and line. It
//! opens the files and nothing else; what parameters mean is the other rooms' business.

mod params;

pub use params::Params;
