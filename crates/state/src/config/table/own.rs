//! Keys that Kafka does not have.

use super::rows::*;

keys! { OWN, Broker;
    "cluster.id", String = null, Any, High, ReadOnly, public, Acts,
        "The cluster that an empty directory is formatted for; a directory of another cluster is refused.";
    "chronik.http.listener", String = null, Any, Medium, ReadOnly, public, Acts,
        "host:port of /metrics, /healthz and /readyz; unset serves none of them.";
}
