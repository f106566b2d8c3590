//! chronik-log
pub mod batch;
