//! Scripts for one partition: a leader and its followers, without a network.
