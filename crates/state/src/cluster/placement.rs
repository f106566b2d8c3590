//! Where the replicas of new partitions go (`org.apache.kafka.metadata.placement.StripedReplicaPlacer`).
//!
//! Brokers are striped over the racks: each replica of a partition comes from the next rack, each partition starts
//! at the next rack, and within a rack brokers are taken in a rotation that starts at random. So replicas spread over
//! as many racks as there are, leaderships and replicas over all brokers, and a fenced broker never leads.

use chronik_types::NodeId;

use super::{Nodes, Random};
use crate::records::Name;

/// A broker that can hold replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The broker.
    pub id: NodeId,
    /// Its rack.
    pub rack: Option<Name>,
    /// Whether it is fenced: it can hold a replica, but not the first one.
    pub fenced: bool,
}

/// What to place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// How many partitions.
    pub partitions: i32,
    /// How many replicas each.
    pub replication_factor: i16,
}

/// Why it can't be placed, in Kafka's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlacementError {
    /// Fewer replicas than one.
    #[error("Invalid replication factor {0}: the replication factor must be positive.")]
    NotPositive(i16),
    /// No broker can lead.
    #[error("All brokers are currently fenced.")]
    AllFenced,
    /// More replicas than brokers.
    #[error(
        "The target replication factor of {wanted} cannot be reached because only {brokers} broker(s) are registered or some brokers have all their log directories cordoned."
    )]
    TooFewBrokers {
        /// How many replicas were asked for.
        wanted: i16,
        /// How many brokers could hold one.
        brokers: usize,
    },
}

/// The replicas of each partition in turn, the first one to lead.
///
/// # Errors
/// If there are not enough brokers.
pub fn place(
    placement: Placement,
    slots: &[Slot],
    random: &mut Random,
) -> Result<Vec<Nodes>, PlacementError> {
    let _ = (placement, slots, random);
    unimplemented!()
}
