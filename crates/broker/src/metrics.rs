//! What the node counts. The handles live in the objects that count; this is where they are registered and named.
//!
//! Names follow Prometheus' conventions with the prefix `chronik_`; durations are in seconds, sizes in bytes.

use std::fmt;
use std::time::Duration;

use chronik_wire::ApiKey;
use chronik_wire::api::APIS;
use parking_lot::Mutex;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::groups::Progress;

/// From 50 microseconds to 3.3 seconds, in steps of a factor of four.
const LATENCY_BUCKETS: [f64; 9] = [5e-5, 2e-4, 8e-4, 3.2e-3, 1.28e-2, 5.12e-2, 0.2048, 0.8192, 3.2768];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ApiLabel {
    api: ApiName,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ApiName(&'static str);

impl EncodeLabelValue for ApiName {
    fn encode(&self, encoder: &mut LabelValueEncoder) -> Result<(), fmt::Error> {
        self.0.encode(encoder)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GroupLabels {
    group: String,
    topic: String,
    partition: i32,
}

/// The node's counters.
pub struct Metrics {
    registry: Mutex<Registry>,
    latency: Vec<Histogram>,
    /// Bytes of records appended.
    pub(crate) bytes_in: Counter,
    /// Batches appended.
    pub(crate) batches_in: Counter,
    /// Bytes of records handed out to fetches.
    pub(crate) bytes_out: Counter,
    /// Batches refused.
    pub(crate) batches_refused: Counter,
    /// Syncs of log files, each of which may cover many batches.
    pub(crate) syncs: Counter,
    /// Connections that are open.
    pub connections: Gauge,
    /// Connections that were refused or closed for a fault of the peer.
    pub connections_refused: Counter,
    pub(crate) fetch_sessions: Gauge,
    pub(crate) partitions: Gauge,
    pub(crate) partitions_offline: Gauge,
    pub(crate) metadata_offset: Gauge,
    pub(crate) controller_epoch: Gauge,
    pub(crate) is_controller: Gauge,
    pub(crate) quorum_end: Gauge,
    pub(crate) quorum_high_watermark: Gauge,
    pub(crate) quorum_waits_for_room: Gauge,
    pub(crate) brokers_active: Gauge,
    pub(crate) brokers_fenced: Gauge,
    /// Logs compacted.
    pub(crate) cleanings: Counter,
    /// Bytes that compaction read and wrote.
    pub(crate) cleaner_bytes: Counter,
    pub(crate) max_dirty_percent: Gauge,
    pub(crate) uncleanable: Gauge,
    /// Written anew for each page.
    group_committed: Family<GroupLabels, Gauge>,
    group_lag: Family<GroupLabels, Gauge>,
    group_left_out: Gauge,
}

impl Metrics {
    /// All at zero.
    pub(crate) fn new() -> Metrics {
        let mut registry = Registry::with_prefix("chronik");
        let family = Family::<ApiLabel, Histogram>::new_with_constructor(|| Histogram::new(LATENCY_BUCKETS));
        registry.register(
            "request_seconds",
            "From a request's arrival to its answer, by API",
            family.clone(),
        );
        let latency = APIS
            .iter()
            .map(|api| family.get_or_create(&ApiLabel { api: ApiName(api.name) }).clone())
            .collect();
        let metrics = Metrics {
            registry: Mutex::default(),
            latency,
            bytes_in: Counter::default(),
            batches_in: Counter::default(),
            bytes_out: Counter::default(),
            batches_refused: Counter::default(),
            syncs: Counter::default(),
            connections: Gauge::default(),
            connections_refused: Counter::default(),
            fetch_sessions: Gauge::default(),
            partitions: Gauge::default(),
            partitions_offline: Gauge::default(),
            metadata_offset: Gauge::default(),
            controller_epoch: Gauge::default(),
            is_controller: Gauge::default(),
            quorum_end: Gauge::default(),
            quorum_high_watermark: Gauge::default(),
            quorum_waits_for_room: Gauge::default(),
            brokers_active: Gauge::default(),
            brokers_fenced: Gauge::default(),
            cleanings: Counter::default(),
            cleaner_bytes: Counter::default(),
            max_dirty_percent: Gauge::default(),
            uncleanable: Gauge::default(),
            group_committed: Family::default(),
            group_lag: Family::default(),
            group_left_out: Gauge::default(),
        };
        metrics.register(&mut registry);
        metrics.register_groups(&mut registry);
        *metrics.registry.lock() = registry;
        metrics
    }

    fn register(&self, registry: &mut Registry) {
        let mut counter =
            |name: &str, help: &str, counter: &Counter| registry.register(name, help, counter.clone());
        counter("produced_bytes", "Bytes of record batches appended", &self.bytes_in);
        counter("produced_batches", "Record batches appended", &self.batches_in);
        counter("refused_batches", "Record batches refused", &self.batches_refused);
        counter("fetched_bytes", "Bytes of record batches handed out", &self.bytes_out);
        counter("cleaner_runs", "Logs compacted", &self.cleanings);
        counter("cleaner_bytes", "Bytes that compaction read and wrote", &self.cleaner_bytes);
        counter("syncs", "Syncs of log files to the disk", &self.syncs);
        counter(
            "connections_refused",
            "Connections refused or closed for a fault",
            &self.connections_refused,
        );
        let mut gauge = |name: &str, help: &str, gauge: &Gauge| registry.register(name, help, gauge.clone());
        gauge("connections", "Open connections", &self.connections);
        gauge("fetch_sessions", "Fetch sessions in the cache", &self.fetch_sessions);
        gauge("partitions", "Partitions on this node", &self.partitions);
        let dirt = "Share of the dirtiest compacted log that is not compacted";
        gauge("cleaner_max_dirty_percent", dirt, &self.max_dirty_percent);
        gauge("cleaner_uncleanable_partitions", "Partitions that cannot be compacted", &self.uncleanable);
        gauge("partitions_offline", "Partitions whose log directory failed", &self.partitions_offline);
        gauge("metadata_applied_offset", "Metadata log applied up to", &self.metadata_offset);
        gauge("controller_epoch", "Epoch of the active controller", &self.controller_epoch);
        gauge("controller_active", "Whether this node is the active controller", &self.is_controller);
        gauge("quorum_log_end_offset", "End of this node's metadata log", &self.quorum_end);
        gauge("quorum_high_watermark", "Committed metadata, as this node knows", &self.quorum_high_watermark);
        let held_up = "Whether the metadata log or a vote waits for room on a full disk";
        gauge("quorum_waits_for_room", held_up, &self.quorum_waits_for_room);
        gauge("brokers_active", "Brokers that are registered and not fenced", &self.brokers_active);
        gauge("brokers_fenced", "Brokers that are registered and fenced", &self.brokers_fenced);
    }

    fn register_groups(&self, registry: &mut Registry) {
        let committed = "Next offset that a group reads, of the groups that this node coordinates";
        registry.register("group_committed_offset", committed, self.group_committed.clone());
        let lag = "Records that a group has not read, where this node has a replica";
        registry.register("group_lag", lag, self.group_lag.clone());
        let left_out = "Partitions of groups that the page leaves out for their number";
        registry.register("group_partitions_left_out", left_out, self.group_left_out.clone());
    }

    /// A request was answered.
    pub(crate) fn answered(&self, api: ApiKey, took: Duration) {
        if let Ok(at) = APIS.binary_search_by_key(&api.key(), |line| line.key.key()) {
            self.latency[at].observe(took.as_secs_f64());
        }
    }

    /// The page, in Prometheus' text format, with how far groups are and how many of their partitions are left out.
    pub(crate) fn page(&self, groups: &[Progress], left_out: usize) -> String {
        let registry = self.registry.lock();
        self.group_committed.clear();
        self.group_lag.clear();
        for Progress { committed, lag } in groups {
            let labels = GroupLabels {
                group: committed.group.to_string(),
                topic: committed.topic.to_string(),
                partition: committed.partition.0,
            };
            if let Some(lag) = lag {
                self.group_lag.get_or_create(&labels).set(*lag);
            }
            self.group_committed.get_or_create(&labels).set(committed.offset);
        }
        self.group_left_out.set(left_out as i64);
        let mut page = String::new();
        encode(&mut page, &registry).expect("writing to a string does not fail");
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_what_was_counted() {
        let metrics = Metrics::new();
        metrics.bytes_in.inc_by(42);
        metrics.answered(ApiKey::Fetch, Duration::from_millis(1));
        let page = metrics.page(&[], 0);
        assert!(page.contains("chronik_produced_bytes_total 42"), "{page}");
        assert!(page.contains("chronik_request_seconds_count{api=\"Fetch\"} 1"), "{page}");
    }
}
