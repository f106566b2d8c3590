//! What a node does first when it leads: form a new cluster, or take over one.
//!
//! An empty log gets the bootstrap records (Kafka's `ActivationRecordsGenerator`): in one metadata transaction, the
//! feature levels that the formatter chose and, since eligible leader replicas are on, the cluster's
//! `min.insync.replicas`. A metadata transaction that an earlier leader left open is aborted.

use super::{Change, Context, Decision};
use crate::records::Name;

/// Take over the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activate {
    /// The levels that a new cluster gets, in the order of `bootstrap.checkpoint`: `metadata.version` first.
    pub bootstrap_features: Vec<(Name, i16)>,
}

/// What taking over amounted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activated {
    /// The log was empty: the cluster is formed now.
    NewCluster,
    /// The log holds a cluster.
    Existing,
}

pub(super) fn decide(context: &Context<'_>, command: Activate) -> Decision<Change, super::Activated> {
    let _ = (context, command);
    unimplemented!()
}
