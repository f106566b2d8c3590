//! chronik-sim
