//! Producer ids for InitProducerId: taken one by one from a block that the controller gave this broker (KIP-730).

use std::sync::Arc;

use std::time::Duration;

use chronik_state::cluster::ProducerIdBlock;
use chronik_types::{ErrorCode, ProducerId};
use chronik_wire::messages::{AllocateProducerIdsRequest, BrokerId};
use parking_lot::Mutex;

use crate::node::Node;
use crate::peers::Purpose;

/// How long the controller may take for a block.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What is left of the current block.
#[derive(Default)]
pub(crate) struct ProducerIds {
    left: Mutex<Option<ProducerIdBlock>>,
}

impl ProducerIds {
    fn take(&self) -> Option<ProducerId> {
        let mut left = self.left.lock();
        let block = left.as_mut().filter(|block| block.count > 0)?;
        let id = block.first;
        block.first = ProducerId(id.0 + 1);
        block.count -= 1;
        Some(id)
    }
}

/// An id that no producer has had before. Ids of a block that another request fetched at the same time are not lost to
/// correctness, only skipped.
///
/// Error: `COORDINATOR_LOAD_IN_PROGRESS` while there is no controller to ask, so that the client tries again.
pub(crate) async fn next(node: &Arc<Node>) -> Result<ProducerId, ErrorCode> {
    loop {
        if let Some(id) = node.producer_ids.take() {
            return Ok(id);
        }
        let request = AllocateProducerIdsRequest::default()
            .with_broker_id(BrokerId(node.id().0))
            .with_broker_epoch(node.broker_epoch().0);
        let answer = node.ask_controller(Purpose::Forwarding, TIMEOUT, request).await;
        let answer = answer.map_err(|_| ErrorCode::CoordinatorLoadInProgress)?;
        let first = match ErrorCode::from_code(answer.error_code) {
            ErrorCode::None => ProducerId(answer.producer_id_start.0),
            // Another broker epoch or controller in a moment: the client may try again.
            ErrorCode::NotController | ErrorCode::StaleBrokerEpoch => {
                return Err(ErrorCode::CoordinatorLoadInProgress);
            }
            code => return Err(code),
        };
        let mut left = node.producer_ids.left.lock();
        if left.is_none_or(|left| left.count == 0) {
            *left = Some(ProducerIdBlock { first, count: answer.producer_id_len });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_used_up_and_no_id_twice() {
        let ids = ProducerIds::default();
        assert_eq!(ids.take(), None);
        *ids.left.lock() = Some(ProducerIdBlock { first: ProducerId(7), count: 2 });
        assert_eq!([ids.take(), ids.take(), ids.take()], [Some(ProducerId(7)), Some(ProducerId(8)), None]);
    }
}
