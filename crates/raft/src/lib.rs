//! chronik-raft
