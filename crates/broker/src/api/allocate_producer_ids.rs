//! AllocateProducerIds (67), version 0: a broker asks the controller for producer ids to hand out (KIP-730).

use std::sync::Arc;

use chronik_state::cluster::AllocateProducerIds;
use chronik_types::{BrokerEpoch, NodeId};
use chronik_wire::messages::{AllocateProducerIdsRequest, AllocateProducerIdsResponse, ProducerId};

use crate::forward::ForController;
use crate::node::Node;

impl ForController for AllocateProducerIdsRequest {
    async fn decide(self, node: Arc<Node>) -> AllocateProducerIdsResponse {
        let command = AllocateProducerIds {
            broker: NodeId(self.broker_id.0),
            broker_epoch: BrokerEpoch(self.broker_epoch),
        };
        let response = AllocateProducerIdsResponse::default();
        match node.ask(command).await {
            Ok(Ok(block)) => {
                response.with_producer_id_start(ProducerId(block.first.0)).with_producer_id_len(block.count)
            }
            Ok(Err(refused)) => response.with_error_code(refused.code.code()),
            Err(code) => response.with_error_code(code.code()),
        }
    }
}
