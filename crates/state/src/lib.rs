//! chronik-state
