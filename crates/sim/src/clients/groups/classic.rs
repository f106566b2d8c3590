//! Members of the classic protocol: they join, the leader assigns, everyone syncs.

use bytes::Bytes;
use chronik_types::ErrorCode;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, SyncGroupRequest,
};
use kafka_protocol::protocol::StrBytes;

use super::{Member, REBALANCE_TIMEOUT_MS, SESSION_TIMEOUT_MS, Turn, Whim};
use crate::client::Session;
use crate::clients::Clients;

const ASSIGNOR: StrBytes = StrBytes::from_static_str("range");
const CONSUMER: StrBytes = StrBytes::from_static_str("consumer");
/// A subscription of version 0 to no topic by name.
const SUBSCRIPTION: Bytes = Bytes::from_static(&[0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);

impl Member {
    /// Joins, is given partitions, and commits until something comes between.
    pub(super) async fn be_classic(&mut self, clients: &Clients, session: &mut Session) -> Turn {
        loop {
            self.lose();
            match self.go_on(clients, session).await {
                Ok(()) => return Turn::Rejoin,
                Err(Turn::Rejoin) if !clients.is_stopping() => {}
                Err(turn) => return turn,
            }
        }
    }

    async fn go_on(&mut self, clients: &Clients, session: &mut Session) -> Result<(), Turn> {
        let owned = self.join(session).await?;
        let (generation, owner) = (self.generation, self.owner());
        self.group.judge(|known| known.owners.owns(generation, &owner, &owned));
        self.owned = owned.iter().map(|partition| (*partition, 0)).collect();
        self.sits();
        self.owned = self.fetch(session, &owned).await?;
        while !clients.is_stopping() {
            match clients.next_whim(&self.group).await {
                Whim::Crash => {
                    clients.leave_ghost(self.clone());
                    return Err(Turn::Anew);
                }
                Whim::Freeze => {
                    clients.freeze().await;
                    self.commit(session).await?;
                }
                Whim::Leave => return self.leave(session).await,
                Whim::Heartbeat => self.heartbeat(session).await?,
                Whim::Look => drop(self.fetch(session, &owned).await?),
                Whim::Commit => self.commit(session).await?,
            }
        }
        Ok(())
    }

    /// Returns the partitions that it owns from now on.
    async fn join(&mut self, session: &mut Session) -> Result<Vec<i32>, Turn> {
        let protocol = JoinGroupRequestProtocol::default().with_name(ASSIGNOR).with_metadata(SUBSCRIPTION);
        let request = JoinGroupRequest::default()
            .with_group_id(self.group.id())
            .with_session_timeout_ms(SESSION_TIMEOUT_MS)
            .with_rebalance_timeout_ms(REBALANCE_TIMEOUT_MS)
            .with_member_id(self.id.clone())
            .with_group_instance_id(self.instance.clone())
            .with_protocol_type(CONSUMER)
            .with_protocols(vec![protocol]);
        let joined = session.call(9, &request).await?;
        if ErrorCode::from_code(joined.error_code) == ErrorCode::MemberIdRequired {
            self.id = joined.member_id;
            return Err(Turn::Rejoin);
        }
        self.check("JoinGroup", joined.error_code)?;
        (self.id, self.generation) = (joined.member_id.clone(), joined.generation_id);
        let request = SyncGroupRequest::default()
            .with_group_id(self.group.id())
            .with_generation_id(self.generation)
            .with_member_id(self.id.clone())
            .with_group_instance_id(self.instance.clone())
            .with_protocol_type(Some(CONSUMER))
            .with_protocol_name(Some(ASSIGNOR))
            .with_assignments(self.assign(&joined));
        let synced = session.call(5, &request).await?;
        self.check("SyncGroup", synced.error_code)?;
        let number = |bytes: &[u8]| bytes.first_chunk().map(|bytes| i32::from_be_bytes(*bytes));
        Ok(synced.assignment.chunks(4).filter_map(number).collect())
    }

    /// What the leader gives to whom.
    fn assign(&self, joined: &JoinGroupResponse) -> Vec<SyncGroupRequestAssignment> {
        if joined.leader != self.id || joined.skip_assignment {
            return Vec::new();
        }
        let count = joined.members.len().max(1) as i32;
        let to = |(at, member): (i32, &JoinGroupResponseMember)| {
            let own = (0..self.group.partitions).filter(|partition| partition % count == at);
            SyncGroupRequestAssignment::default()
                .with_member_id(member.member_id.clone())
                .with_assignment(own.flat_map(i32::to_be_bytes).collect())
        };
        (0..).zip(&joined.members).map(to).collect()
    }

    async fn heartbeat(&self, session: &mut Session) -> Result<(), Turn> {
        let request = HeartbeatRequest::default()
            .with_group_id(self.group.id())
            .with_generation_id(self.generation)
            .with_member_id(self.id.clone())
            .with_group_instance_id(self.instance.clone());
        let response = session.call(4, &request).await?;
        self.check("Heartbeat", response.error_code)
    }

    async fn leave(&self, session: &mut Session) -> Result<(), Turn> {
        let own = MemberIdentity::default()
            .with_member_id(self.id.clone())
            .with_group_instance_id(self.instance.clone());
        let request = LeaveGroupRequest::default().with_group_id(self.group.id()).with_members(vec![own]);
        session.call(4, &request).await?;
        Err(Turn::Anew)
    }
}
