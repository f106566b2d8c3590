//! chronik-log
