//! What a planted fault makes the shell do, for the simulation to find. Compiled with the feature `planted` only.

use chronik_raft::Proposal;
use chronik_state::records::{Change, TopicRecord};
use chronik_types::{LeaderEpoch, NodeId, TopicId};
use uuid::Uuid;

use super::{Quorum, State};
use crate::{PlantedFault, metadata_batch};

impl Quorum {
    /// [`PlantedFault::FollowersPropose`]: the topic is proposed by whoever sees a leader; who is refused makes it all
    /// the same, for itself.
    pub(super) fn propose_as_follower(&self, state: &mut State, epoch: LeaderEpoch, leader: NodeId) {
        if self.env.planted_fault() != Some(PlantedFault::FollowersPropose) {
            return;
        }
        let topic_id = TopicId(Uuid::from_u128(self.env.random()));
        let topic = TopicRecord { name: "__local".into(), topic_id, ..TopicRecord::default() };
        let change = Change::new(topic);
        let batch = metadata_batch::changes(self.env.now(), std::slice::from_ref(&change)).build();
        let proposal = Proposal { record_count: 1, batch };
        if let Err(refused) = state.raft.propose(self.env.elapsed(), epoch, proposal) {
            tracing::error!(%refused, %leader, "Failed to propose partition metadata");
            if !state.builder.state().in_transaction() && state.builder.state().topic_id("__local").is_none()
            {
                let (end, epoch) = (state.builder.end(), epoch);
                state.builder.apply(end, epoch, &change);
            }
        }
    }
}
