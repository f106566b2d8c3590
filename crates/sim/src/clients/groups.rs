//! Members of a consumer group that come, poll, commit, leave, crash, freeze and come back to commit late.
//!
//! They speak the classic protocol, as clients do. What they are told is held against [`one_owner`](crate::invariants::one_owner)
//! and [`commits_stay`](crate::invariants::commits_stay).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use chronik_types::ErrorCode;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    FindCoordinatorRequest, GroupId, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest,
    OffsetCommitRequest, OffsetFetchRequest, SyncGroupRequest,
};
use kafka_protocol::protocol::StrBytes;

use super::Clients;
use super::produce::topic;
use crate::client::{Address, Lost, Session};
use crate::invariants::Violation;
use crate::invariants::commits_stay::Commits;
use crate::invariants::one_owner::Owners;

const GROUP: &str = "readers";
const SESSION_TIMEOUT_MS: i32 = 6000;
const REBALANCE_TIMEOUT_MS: i32 = 2000;
/// A frozen member misses its session.
const FROZEN: Duration = Duration::from_millis(7500);

/// What members were told; clones share it.
#[derive(Clone, Default)]
pub struct Groups {
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    owners: Owners,
    commits: Commits,
    violations: Vec<String>,
}

impl Groups {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(&self, look: impl FnOnce(&mut Known) -> Result<(), Violation>) {
        let mut known = self.lock();
        if let Err(violation) = look(&mut known) {
            crate::journal::note(&violation.to_string());
            known.violations.push(violation.to_string());
        }
    }

    fn violated(&self, what: String) {
        crate::journal::note(&what);
        self.lock().violations.push(what);
    }

    /// Everything that was wrong.
    pub fn violations(&self) -> Vec<String> {
        self.lock().violations.clone()
    }

    /// The newest generation, and how many commits were acknowledged.
    pub fn count(&self) -> (u64, u64) {
        let known = self.lock();
        (known.owners.newest().max(0) as u64, known.commits.count())
    }
}

/// Why a membership does not go on as it was.
enum Turn {
    /// The coordinator is to be found again; the membership may still hold.
    Lost,
    /// The group rebalances.
    Rejoin,
    /// The coordinator does not know the member any more, or it does not know itself what it has done.
    Anew,
}

impl From<Lost> for Turn {
    fn from(_: Lost) -> Turn {
        Turn::Lost
    }
}

struct Member {
    groups: Groups,
    partitions: i32,
    /// Empty before the coordinator has given it one.
    id: StrBytes,
    generation: i32,
    /// What it owns, and the offset to commit next.
    owned: BTreeMap<i32, i64>,
}

impl Clients {
    /// Is a member of the group, in one life after the other, until told to stop; then sees to it that all that was
    /// committed is there.
    pub async fn be_member(self, groups: Groups, partitions: i32) {
        let mut member =
            Member { groups, partitions, id: StrBytes::default(), generation: -1, owned: BTreeMap::new() };
        while !self.is_stopping() {
            self.does("find the coordinator");
            let Some(mut session) = self.find_coordinator().await else {
                self.pause().await;
                continue;
            };
            self.does("be a member");
            match member.live(&self, &mut session).await {
                Turn::Lost => self.pause().await,
                Turn::Rejoin => {}
                Turn::Anew => member.id = StrBytes::default(),
            }
        }
        self.does("read what is committed");
        loop {
            if let Some(mut session) = self.find_coordinator().await
                && member.fetch(&mut session, (0..partitions).collect()).await.is_ok()
            {
                return;
            }
            self.pause().await;
        }
    }

    async fn find_coordinator(&self) -> Option<Session> {
        let mut session = self.open_any().await;
        let keys = vec![StrBytes::from_static_str(GROUP)];
        let request = FindCoordinatorRequest::default().with_coordinator_keys(keys);
        let response = session.call(4, &request).await.ok()?;
        let found = response.coordinators.first().filter(|found| found.error_code == 0)?;
        let address = Address { host: found.host.as_str().into(), port: u16::try_from(found.port).ok()? };
        self.open(&address).await.ok()
    }
}

impl Member {
    /// Joins, is given partitions, and commits until something comes between.
    async fn live(&mut self, clients: &Clients, session: &mut Session) -> Turn {
        loop {
            self.owned.clear();
            match self.go_on(clients, session).await {
                Ok(()) => return Turn::Rejoin,
                Err(Turn::Rejoin) if !clients.is_stopping() => {}
                Err(turn) => return turn,
            }
        }
    }

    async fn go_on(&mut self, clients: &Clients, session: &mut Session) -> Result<(), Turn> {
        let owned = self.join(session).await?;
        let (generation, id) = (self.generation, self.id.to_string());
        self.groups.judge(|known| known.owners.owns(generation, &id, &owned));
        self.owned = self.fetch(session, owned).await?;
        while !clients.is_stopping() {
            let moment = clients.world.duration(Duration::from_millis(20), Duration::from_millis(700));
            clients.world.sleep(crate::world::CLIENTS, moment).await;
            match clients.world.below(40) {
                0 => return Err(Turn::Anew),
                1 => {
                    clients.world.sleep(crate::world::CLIENTS, FROZEN).await;
                    self.commit(session).await?;
                }
                2 => return self.leave(session).await,
                3..10 => self.heartbeat(session).await?,
                _ => self.commit(session).await?,
            }
        }
        Ok(())
    }

    /// Returns the partitions that it owns from now on.
    async fn join(&mut self, session: &mut Session) -> Result<Vec<i32>, Turn> {
        let name = StrBytes::from_static_str("range");
        let metadata = Bytes::from_static(&[0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
        let protocol = JoinGroupRequestProtocol::default().with_name(name.clone()).with_metadata(metadata);
        let request = JoinGroupRequest::default()
            .with_group_id(group())
            .with_session_timeout_ms(SESSION_TIMEOUT_MS)
            .with_rebalance_timeout_ms(REBALANCE_TIMEOUT_MS)
            .with_member_id(self.id.clone())
            .with_protocol_type(StrBytes::from_static_str("consumer"))
            .with_protocols(vec![protocol]);
        let joined = session.call(7, &request).await?;
        if ErrorCode::from_code(joined.error_code) == ErrorCode::MemberIdRequired {
            self.id = joined.member_id;
            return Err(Turn::Rejoin);
        }
        self.check("JoinGroup", joined.error_code)?;
        (self.id, self.generation) = (joined.member_id.clone(), joined.generation_id);
        let mut assignments = Vec::new();
        if joined.leader == self.id {
            let count = joined.members.len().max(1) as i32;
            for (at, member) in (0..).zip(&joined.members) {
                let own: Vec<i32> =
                    (0..self.partitions).filter(|partition| partition % count == at).collect();
                let assignment = SyncGroupRequestAssignment::default()
                    .with_member_id(member.member_id.clone())
                    .with_assignment(own.iter().flat_map(|partition| partition.to_be_bytes()).collect());
                assignments.push(assignment);
            }
        }
        let request = SyncGroupRequest::default()
            .with_group_id(group())
            .with_generation_id(self.generation)
            .with_member_id(self.id.clone())
            .with_protocol_type(Some(StrBytes::from_static_str("consumer")))
            .with_protocol_name(Some(name))
            .with_assignments(assignments);
        let synced = session.call(5, &request).await?;
        self.check("SyncGroup", synced.error_code)?;
        let number = |bytes: &[u8]| bytes.first_chunk().map(|bytes| i32::from_be_bytes(*bytes));
        Ok(synced.assignment.chunks(4).filter_map(number).collect())
    }

    /// What is committed for these partitions, and what is to be committed next.
    async fn fetch(&self, session: &mut Session, partitions: Vec<i32>) -> Result<BTreeMap<i32, i64>, Turn> {
        let least: BTreeMap<i32, i64> = {
            let known = self.groups.lock();
            partitions.iter().map(|&partition| (partition, known.commits.least(partition))).collect()
        };
        let wanted =
            OffsetFetchRequestTopics::default().with_name(topic()).with_partition_indexes(partitions);
        let of_group =
            OffsetFetchRequestGroup::default().with_group_id(group()).with_topics(Some(vec![wanted]));
        let request = OffsetFetchRequest::default().with_groups(vec![of_group]);
        let response = session.call(8, &request).await?;
        let Some(answer) = response.groups.first() else { return Err(Turn::Lost) };
        self.check("OffsetFetch", answer.error_code)?;
        let mut next = BTreeMap::new();
        for found in answer.topics.iter().flat_map(|topic| &topic.partitions) {
            self.check("OffsetFetch", found.error_code)?;
            let (partition, offset) = (found.partition_index, found.committed_offset);
            let least = least.get(&partition).copied().unwrap_or(-1);
            self.groups.judge(|known| known.commits.fetched(partition, least, offset));
            next.insert(partition, offset + 1);
        }
        Ok(next)
    }

    async fn commit(&mut self, session: &mut Session) -> Result<(), Turn> {
        let newest = {
            let mut known = self.groups.lock();
            self.owned.iter().for_each(|(&partition, &offset)| known.commits.asks(partition, offset));
            known.owners.newest()
        };
        let commit = |(&partition, &offset): (&i32, &i64)| {
            let commit = OffsetCommitRequestPartition::default();
            commit
                .with_partition_index(partition)
                .with_committed_offset(offset)
                .with_committed_leader_epoch(-1)
        };
        let of_topic = OffsetCommitRequestTopic::default()
            .with_name(topic())
            .with_partitions(self.owned.iter().map(commit).collect());
        let request = OffsetCommitRequest::default()
            .with_group_id(group())
            .with_generation_id_or_member_epoch(self.generation)
            .with_member_id(self.id.clone())
            .with_topics(vec![of_topic]);
        // Whoever does not know whether a commit was taken must not commit as the same member again.
        let response = session.call(8, &request).await.map_err(|Lost| Turn::Anew)?;
        for answer in response.topics.iter().flat_map(|topic| &topic.partitions) {
            match self.check("OffsetCommit", answer.error_code) {
                Ok(()) => {}
                Err(Turn::Rejoin) => return Err(Turn::Rejoin),
                Err(_) => return Err(Turn::Anew),
            }
            let (partition, generation) = (answer.partition_index, self.generation);
            let Some(offset) = self.owned.get_mut(&partition) else { continue };
            let taken = *offset;
            *offset += 1;
            self.groups.judge(|known| known.commits.acked(partition, generation, taken, newest));
        }
        Ok(())
    }

    async fn heartbeat(&self, session: &mut Session) -> Result<(), Turn> {
        let request = HeartbeatRequest::default()
            .with_group_id(group())
            .with_generation_id(self.generation)
            .with_member_id(self.id.clone());
        let response = session.call(4, &request).await?;
        self.check("Heartbeat", response.error_code)
    }

    async fn leave(&self, session: &mut Session) -> Result<(), Turn> {
        let own = MemberIdentity::default().with_member_id(self.id.clone());
        let request = LeaveGroupRequest::default().with_group_id(group()).with_members(vec![own]);
        session.call(4, &request).await?;
        Err(Turn::Anew)
    }

    fn check(&self, what: &str, code: i16) -> Result<(), Turn> {
        match ErrorCode::from_code(code) {
            ErrorCode::None => Ok(()),
            ErrorCode::RebalanceInProgress => Err(Turn::Rejoin),
            ErrorCode::UnknownMemberId | ErrorCode::IllegalGeneration => Err(Turn::Anew),
            code if code.is_retriable() => Err(Turn::Lost),
            code => {
                self.groups.violated(format!("{what} of a member: {code}"));
                Err(Turn::Lost)
            }
        }
    }
}

fn group() -> GroupId {
    GroupId(StrBytes::from_static_str(GROUP))
}
