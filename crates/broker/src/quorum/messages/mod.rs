//! The quorum's requests and responses between the raft machine and the wire, one file per message: pure, both ways.
//!
//! As server: a request of the wire is [`Served`]: it becomes an [`Inbound`] for raft, and raft's answer becomes the
//! response at the request's version. As client: [`ask`] frames raft's request at a version that the peer has, and reads
//! the answer.
//!
//! An error of [`chronik_raft::is_top_level`] stands at the top of the response, alone; any other stands at the partition, beside
//! who leads. So a peer of another cluster is told nothing of this one's epochs, and what stands beside a top-level
//! error is not believed.

mod add_raft_voter;
mod api_versions;
mod ask;
mod begin_quorum_epoch;
mod end_quorum_epoch;
mod fetch;
mod fetch_snapshot;
mod fetched;
mod leader;
mod remove_raft_voter;
#[cfg(test)]
mod tests;
mod update_raft_voter;
mod vote;

use std::sync::Arc;

use bytes::Bytes;
use chronik_raft::{Request, Response};
use chronik_wire::{DecodeError, StrBytes};

pub(crate) use ask::ask;

/// The topic that every one of these messages is about; its partition is 0.
const METADATA: &str = "__cluster_metadata";

/// A request of the quorum's protocol as this node serves it.
pub(crate) trait Served: Sized {
    /// Its response on the wire.
    type Response;

    /// The request for raft.
    ///
    /// Errors: the answer to a request that raft need not see: it is not about the metadata log alone, or says what
    /// cannot be.
    fn inbound(self) -> Result<Inbound, Self::Response>;

    /// The response of raft's answer to this kind of request. `read` is what the shell has read for it: whole batches
    /// for a Fetch that says what to read, a piece of the snapshot for a FetchSnapshot without an error (`size` and a
    /// late error are to be put into the answer); empty for all others.
    fn answer(response: Response, to: Answering<'_>, read: Bytes) -> Self::Response;
}

/// A request for raft, and what travels beside it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Inbound {
    /// The cluster that the sender believes in; `None` if it does not say.
    pub(crate) cluster_id: Option<Arc<str>>,
    pub(crate) request: Request,
}

/// What an answer needs to know of its request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answering<'a> {
    pub(crate) version: i16,
    /// The listener that the request came in on: the leader's address on that one is told.
    pub(crate) listener: &'a str,
}

/// Why an answer cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error("fetched batch: {0}")]
    Batch(#[from] chronik_log::batch::BatchError),
    #[error("fetched batch: {0}")]
    Control(#[from] chronik_raft::ControlRecordError),
    #[error("{0} is not about the metadata log")]
    Elsewhere(&'static str),
    #[error("{0} is negative")]
    Negative(&'static str),
}

/// The partition of a message about the metadata log alone. `open` says whether a topic is that one, and gives its
/// partitions.
fn only_partition<T, P>(
    topics: impl IntoIterator<Item = T>,
    open: impl FnOnce(T) -> (bool, Vec<P>),
    index: impl FnOnce(&P) -> i32,
) -> Option<P> {
    let (is_metadata, partitions) = open(only(topics)?);
    only(partitions).filter(|partition| is_metadata && index(partition) == 0)
}

fn only<T>(items: impl IntoIterator<Item = T>) -> Option<T> {
    let mut items = items.into_iter();
    let item = items.next()?;
    items.next().is_none().then_some(item)
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn cluster_id(id: Option<StrBytes>) -> Option<Arc<str>> {
    id.map(|id| Arc::from(&*id))
}

/// Which of raft's answers it is was decided by the request.
fn other_kind(response: &Response) -> ! {
    unreachable!("raft answers a request in kind, not with {response:?}")
}
