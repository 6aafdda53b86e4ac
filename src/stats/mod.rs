//! Counters, series, top lists and percentiles over log records. Every aggregate can `merge`.
//!
//! In: [`crate::logparse::Record`]s, in the order of their lines. Out: [`Summary`] (exact, for the
//! report), [`live::Live`] and [`rejects::Rejects`] (bounded, for the console), and what is wrong and
//! what to do about it ([`diagnoses`]). Nothing here knows where lines come from (except [`scan`],
//! which reads whole files into a summary) or how anything is shown.

pub mod causes;
pub mod compare;
pub mod delays;
pub mod diagnoses;
pub mod frequent;
pub mod histogram;
mod joined;
pub mod live;
mod message;
pub mod names;
pub mod rejects;
pub mod scan;
pub mod series;
pub mod summary;

pub use summary::Summary;
