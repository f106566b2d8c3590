//! A model cluster: whole quorums of [`Raft`](crate::Raft) in one thread, driven by one seed.
//!
//! The network loses, delays, reorders and repeats; nodes crash and lose what was not synced; partitions come and
//! go; voters are added and removed; snapshots are taken and logs cut. After every step the invariants of
//! `checks` hold. Then the faults stop, and the cluster must elect a leader and commit on every node.

mod checks;
mod disk;
mod faults;
mod network;
mod runs;
mod world;
