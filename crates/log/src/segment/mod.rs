//! One segment.

use chronik_types::Offset;

use crate::index::AbortedTxn;

#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) size: u32,
}

pub(crate) fn aborted_in(segments: &[Segment], from: Offset, to: Offset) -> Vec<AbortedTxn> {
    let _ = (segments, from, to);
    todo!()
}
