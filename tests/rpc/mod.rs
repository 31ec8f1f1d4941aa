//! Remote procedure calls.

mod chaos;
mod crash_table;
mod storms;
