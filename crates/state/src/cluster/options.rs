//! What the controller's own configuration adds to its decisions. Decisions are logged as facts, so nodes that are
//! configured differently still agree.

use std::collections::BTreeMap;

/// The configuration of the cluster machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The cluster's id, which a broker must name to register.
    pub cluster_id: String,
    /// `num.partitions`: for topics that don't say.
    pub num_partitions: i32,
    /// `default.replication.factor`: for topics that don't say.
    pub default_replication_factor: i16,
    /// Everything the node was started with (file, environment, command line), as text by key: the layer below the
    /// dynamic configuration when a change is validated.
    pub file: BTreeMap<String, String>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            cluster_id: String::new(),
            num_partitions: 1,
            default_replication_factor: 1,
            file: BTreeMap::new(),
        }
    }
}
