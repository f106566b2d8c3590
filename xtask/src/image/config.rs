//! What the image says about itself: what is run, as whom, where the data is. `deploy/Dockerfile` says the same.

use serde_json::{Value, json};

/// The program within the image.
pub const PROGRAM: &str = "chronik";
/// The directory of the data.
pub const DATA: &str = "var/lib/chronik";
/// Nobody in particular: there is no list of users to have a name in.
pub const USER: u64 = 65_532;
/// The processor, as images name it.
pub const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };

/// The image's configuration (OCI image specification), for a layer whose uncompressed digest is `layer`.
pub fn config(layer: &str, version: &str) -> Value {
    json!({
        "architecture": ARCHITECTURE,
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": {
            "User": format!("{USER}:{USER}"),
            "Entrypoint": [format!("/{PROGRAM}")],
            "Cmd": ["start"],
            "Env": [format!("KAFKA_LOG_DIRS=/{DATA}")],
            "WorkingDir": format!("/{DATA}"),
            "Volumes": { format!("/{DATA}"): {} },
            "ExposedPorts": { "9092/tcp": {}, "9093/tcp": {}, "9404/tcp": {} },
            "Healthcheck": { "Test": ["CMD", format!("/{PROGRAM}"), "health"], "Interval": 10_000_000_000_u64 },
            "StopSignal": "SIGTERM",
            "Labels": {
                "org.opencontainers.image.title": "chronik",
                "org.opencontainers.image.version": version,
                "org.opencontainers.image.licenses": "Apache-2.0",
            },
        },
        "rootfs": { "type": "layers", "diff_ids": [layer] },
        "history": [{ "created": "1970-01-01T00:00:00Z", "created_by": "cargo xtask image" }],
    })
}
