//! Members of the consumer protocol (KIP-848): heartbeats say what they own, answers say what to own.
//!
//! What is to be given up is given up when the member says so, some time after it was told; meanwhile it commits. After an
//! answer that was lost, a heartbeat says everything anew.

use chronik_types::ErrorCode;
use kafka_protocol::messages::consumer_group_heartbeat_request::TopicPartitions;
use kafka_protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::{Member, REBALANCE_TIMEOUT_MS, Turn, Whim};
use crate::client::Session;
use crate::clients::Clients;
use crate::clients::produce::topic;
use crate::invariants::one_owner::Told;

const HEARTBEAT: i16 = 1;
const JOINS: i32 = 0;
const LEAVES: i32 = -1;
const LEAVES_FOR_A_WHILE: i32 = -2;

impl Member {
    /// Joins or goes on, takes and gives up partitions, and commits until something comes between.
    pub(super) async fn be_consumer(&mut self, clients: &Clients, session: &mut Session, by: &str) -> Turn {
        if self.id.is_empty() {
            let id =
                Uuid::from_u128(u128::from(clients.world.bits()) << 64 | u128::from(clients.world.bits()));
            self.id = StrBytes::from_string(id.simple().to_string());
            self.generation = JOINS;
        }
        let turn = match self.stay(clients, session, by).await {
            Ok(()) => Turn::Rejoin,
            Err(turn) => turn,
        };
        if matches!(turn, Turn::Anew) {
            self.lose();
        }
        turn
    }

    async fn stay(&mut self, clients: &Clients, session: &mut Session, by: &str) -> Result<(), Turn> {
        self.beat(clients, session, by, true).await?;
        while !clients.is_stopping() {
            match clients.next_whim(&self.group).await {
                Whim::Crash => {
                    clients.leave_ghost(self.clone());
                    return Err(Turn::Anew);
                }
                Whim::Freeze => {
                    clients.freeze().await;
                    self.commit_owned(session).await?;
                }
                Whim::Leave => return self.leave_consumers(clients, session).await,
                Whim::Look => {
                    let owned: Vec<i32> = self.owned.keys().copied().collect();
                    drop(self.fetch(session, &owned).await?);
                }
                Whim::Commit => self.commit_owned(session).await?,
                Whim::Heartbeat => {
                    let is_full = clients.world.chance(20);
                    self.beat(clients, session, by, is_full).await?;
                }
            }
        }
        Ok(())
    }

    async fn commit_owned(&mut self, session: &mut Session) -> Result<(), Turn> {
        if self.owned.is_empty() { Ok(()) } else { self.commit(session).await }
    }

    /// One heartbeat, and what it is answered with is done.
    async fn beat(
        &mut self,
        clients: &Clients,
        session: &mut Session,
        by: &str,
        is_full: bool,
    ) -> Result<(), Turn> {
        let asked = clients.world.now();
        let response = self.ask(session, self.generation, is_full).await?;
        if ErrorCode::from_code(response.error_code) == ErrorCode::UnreleasedInstanceId {
            // Its former self is still thought to live.
            clients.pause().await;
            return Err(Turn::Lost);
        }
        if let Err(turn) = self.check("ConsumerGroupHeartbeat", response.error_code) {
            if matches!(turn, Turn::Anew) {
                let owner = self.owner();
                self.group.lock().owners.gives_up(&owner, &[]);
            }
            return Err(turn);
        }
        let joins = self.generation == JOINS;
        self.generation = response.member_epoch;
        let target: Vec<i32> = match &response.assignment {
            None => self.owned.keys().copied().collect(),
            Some(assignment) => {
                let mut target = Vec::new();
                for topic in &assignment.topic_partitions {
                    self.topic_id = topic.topic_id;
                    target.extend(&topic.partitions);
                }
                target
            }
        };
        let owner = self.owner();
        let told = Told {
            generation: self.generation,
            owner: &owner,
            partitions: &target,
            by,
            asked,
            now: clients.world.now(),
        };
        self.group.judge(|known| {
            if joins {
                // Its former self, if it had one, is gone.
                known.owners.gives_up(&owner, &target);
            }
            known.owners.holds(&told, super::PATIENCE)
        });
        if response.assignment.is_some() {
            self.take(clients, session, &target).await?;
        }
        self.sits();
        Ok(())
    }

    /// Gives up what is not in the target, as the next heartbeat says, and takes the rest.
    async fn take(&mut self, clients: &Clients, session: &mut Session, target: &[i32]) -> Result<(), Turn> {
        let more: Vec<i32> = target.iter().copied().filter(|of| !self.owned.contains_key(of)).collect();
        let is_less = self.owned.keys().any(|of| !target.contains(of));
        if is_less {
            clients.breathe().await;
            self.commit_owned(session).await?;
            self.owned.retain(|partition, _| target.contains(partition));
            self.acked_here.retain(|partition, _| target.contains(partition));
            self.sits();
        }
        if !more.is_empty() {
            let fetched = self.fetch(session, &more).await?;
            self.owned.extend(fetched);
        }
        Ok(())
    }

    async fn ask(
        &self,
        session: &mut Session,
        epoch: i32,
        is_full: bool,
    ) -> Result<ConsumerGroupHeartbeatResponse, Turn> {
        // What it does not say it has, others may get.
        let keeps: Vec<i32> = if epoch > JOINS { self.owned.keys().copied().collect() } else { Vec::new() };
        if epoch != JOINS {
            self.group.lock().owners.gives_up(&self.owner(), &keeps);
        }
        let owned = TopicPartitions::default().with_topic_id(self.topic_id).with_partitions(keeps.clone());
        let owned = if keeps.is_empty() { Vec::new() } else { vec![owned] };
        let mut request = ConsumerGroupHeartbeatRequest::default()
            .with_group_id(self.group.id())
            .with_member_id(self.id.clone())
            .with_member_epoch(epoch)
            .with_instance_id(self.instance.clone())
            .with_rebalance_timeout_ms(-1)
            .with_topic_partitions(Some(owned));
        if is_full || epoch == JOINS {
            request = request
                .with_rebalance_timeout_ms(REBALANCE_TIMEOUT_MS)
                .with_subscribed_topic_names(Some(vec![topic()]));
        }
        Ok(session.call(HEARTBEAT, &request).await?)
    }

    /// For ever, or if it is static, perhaps for a while.
    async fn leave_consumers(&mut self, clients: &Clients, session: &mut Session) -> Result<(), Turn> {
        let is_for_a_while = self.instance.is_some() && clients.world.chance(50);
        let epoch = if is_for_a_while { LEAVES_FOR_A_WHILE } else { LEAVES };
        self.ask(session, epoch, false).await?;
        Err(Turn::Anew)
    }
}
