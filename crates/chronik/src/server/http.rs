//! `/metrics` in Prometheus' text format, `/healthz` (the process works) and `/readyz` (clients are served).

use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use chronik_broker::Node;
use tokio::net::TcpListener;

use crate::names;

/// Binds the pages' address.
pub async fn bind(host: &str, port: u16) -> anyhow::Result<TcpListener> {
    let host = if host.is_empty() { "0.0.0.0" } else { host };
    let addresses = names::look_up_async(host, port).await.with_context(|| format!("look up {host}"))?;
    TcpListener::bind(&addresses[..]).await.with_context(|| {
        format!(
            "listen for HTTP on {host}:{port}: choose another address with --set chronik.http.listener=..."
        )
    })
}

/// Serves the pages of a node that is up.
pub async fn serve(listener: TcpListener, node: Arc<Node>) {
    let pages = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(node);
    if let Err(error) = axum::serve(listener, pages).await {
        tracing::error!(%error, "the metrics page ended");
    }
}

async fn metrics(State(node): State<Arc<Node>>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], node.metrics_page())
}

async fn healthz(State(node): State<Arc<Node>>) -> impl IntoResponse {
    if node.is_healthy() {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "a log directory is offline: see the log\n")
    }
}

async fn readyz() -> &'static str {
    // The page is served only once the node is up.
    "ready\n"
}
