//! chronik-broker
