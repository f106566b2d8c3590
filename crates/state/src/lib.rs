//! chronik-state

pub mod config;
