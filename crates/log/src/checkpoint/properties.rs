//! `meta.properties`: to which cluster and node a log directory belongs (KIP-853, KIP-858), as a Java properties file.

use std::collections::BTreeMap;

use uuid::Uuid;

/// The content of `meta.properties`, version 1.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct MetaProperties {
    /// `cluster.id`: any text, as Kafka writes it 22 characters.
    pub cluster_id: Option<String>,
    /// `node.id`.
    pub node_id: Option<i32>,
    /// `directory.id` (KIP-858).
    pub directory_id: Option<Uuid>,
    /// Keys that are not known here, kept as they came.
    pub other: BTreeMap<String, String>,
}
