//! Commits and what is read of them, for members of both protocols.

use std::collections::BTreeMap;

use chronik_types::ErrorCode;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::{OffsetCommitRequest, OffsetFetchRequest};

use super::{Group, Member, Protocol, Turn};
use crate::client::{Lost, Session};
use crate::clients::Clients;
use crate::clients::produce::topic;
use crate::invariants::commits_stay::Term;

const OFFSET_COMMIT: i16 = 9;
const OFFSET_FETCH: i16 = 9;

impl Member {
    /// What is committed for these partitions, and so what is to be committed next.
    pub(super) async fn fetch(
        &self,
        session: &mut Session,
        partitions: &[i32],
    ) -> Result<BTreeMap<i32, i64>, Turn> {
        let own = |partition| self.acked_here.get(&partition).copied().unwrap_or(-1);
        let least: BTreeMap<i32, i64> = {
            let known = self.group.lock();
            let least = |&partition: &i32| {
                (partition, known.commits.least(partition, self.term()).max(own(partition)))
            };
            partitions.iter().map(least).collect()
        };
        let mut of_group = wanted(&self.group, partitions);
        if self.group.protocol == Protocol::Consumer {
            of_group = of_group.with_member_id(Some(self.id.clone())).with_member_epoch(self.generation);
        }
        let request = OffsetFetchRequest::default().with_groups(vec![of_group]);
        let response = session.call(OFFSET_FETCH, &request).await?;
        let Some(answer) = response.groups.first() else { return Err(Turn::Lost) };
        self.check("OffsetFetch", answer.error_code)?;
        let mut next = BTreeMap::new();
        for found in answer.topics.iter().flat_map(|topic| &topic.partitions) {
            self.check("OffsetFetch", found.error_code)?;
            let (partition, offset) = (found.partition_index, found.committed_offset);
            let least = least.get(&partition).copied().unwrap_or(-1);
            self.group.judge(|known| known.commits.fetched(partition, least, offset));
            next.insert(partition, offset + 1);
        }
        Ok(next)
    }

    /// Commits what comes next in each partition that it owns.
    pub(super) async fn commit(&mut self, session: &mut Session) -> Result<(), Turn> {
        let newest = self.newest();
        let commit = |(&partition, &offset): (&i32, &i64)| {
            OffsetCommitRequestPartition::default()
                .with_partition_index(partition)
                .with_committed_offset(offset)
                .with_committed_leader_epoch(-1)
        };
        let of_topic = OffsetCommitRequestTopic::default()
            .with_name(topic())
            .with_partitions(self.owned.iter().map(commit).collect());
        let request = OffsetCommitRequest::default()
            .with_group_id(self.group.id())
            .with_generation_id_or_member_epoch(self.generation)
            .with_member_id(self.id.clone())
            .with_group_instance_id(
                self.instance.clone().filter(|_| self.group.protocol == Protocol::Classic),
            )
            .with_topics(vec![of_topic]);
        // Whoever does not know whether a commit was taken must not commit as the same member again.
        let response = session.call(OFFSET_COMMIT, &request).await.map_err(|Lost| Turn::Anew)?;
        for answer in response.topics.iter().flat_map(|topic| &topic.partitions) {
            match self.check("OffsetCommit", answer.error_code) {
                Ok(()) => {}
                Err(Turn::Rejoin) => return Err(Turn::Rejoin),
                Err(_) => {
                    let is_late = !ErrorCode::from_code(answer.error_code).is_retriable();
                    self.group.lock().refused += u64::from(is_late);
                    return Err(Turn::Anew);
                }
            }
            let (partition, term) = (answer.partition_index, self.term());
            let Some(offset) = self.owned.get_mut(&partition) else { continue };
            let taken = *offset;
            *offset += 1;
            self.acked_here.insert(partition, taken);
            let newest = newest.get(&partition).copied().unwrap_or(term);
            self.group.judge(|known| known.commits.acked(partition, term, taken, newest));
        }
        Ok(())
    }

    /// Notes that it is about to commit. Returns the newest term by partition that a commit must not be older than.
    fn newest(&self) -> BTreeMap<i32, Term> {
        let owner = self.owner();
        let mut known = self.group.lock();
        self.owned.iter().for_each(|(&partition, &offset)| known.commits.asks(partition, offset));
        let life = self.instance.as_ref().and_then(|instance| known.lives.get(instance.as_str()).copied());
        let generation = |partition| match self.group.protocol {
            Protocol::Classic => known.owners.newest(),
            // What it has had since an older epoch it may commit in that epoch (KIP-1251).
            Protocol::Consumer => known.owners.newest_other(partition, &owner),
        };
        self.owned.keys().map(|&partition| (partition, (generation(partition), life.unwrap_or(0)))).collect()
    }
}

impl Clients {
    /// Reads all that the group has committed, once the cluster is at rest, and holds it against what was acknowledged.
    pub(super) async fn read_committed(&self, group: &Group) {
        loop {
            if let Some((mut session, _)) = self.find_coordinator(group).await
                && read(group, &mut session).await.is_some()
            {
                return;
            }
            self.pause().await;
        }
    }
}

async fn read(group: &Group, session: &mut Session) -> Option<()> {
    let all: Vec<i32> = (0..group.partitions).collect();
    let least = |partition| group.lock().commits.least(partition, (i32::MAX, 0));
    let least: Vec<i64> = all.iter().map(|partition| least(*partition)).collect();
    let of_group = wanted(group, &all).with_member_epoch(-1);
    let request = OffsetFetchRequest::default().with_groups(vec![of_group]);
    let response = session.call(OFFSET_FETCH, &request).await.ok()?;
    let answer = response.groups.first().filter(|answer| answer.error_code == 0)?;
    for found in answer.topics.iter().flat_map(|topic| &topic.partitions) {
        let least = *usize::try_from(found.partition_index).ok().and_then(|at| least.get(at))?;
        let offset = found.committed_offset;
        group.judge(|known| known.commits.fetched(found.partition_index, least, offset));
    }
    Some(())
}

fn wanted(group: &Group, partitions: &[i32]) -> OffsetFetchRequestGroup {
    let of_topic =
        OffsetFetchRequestTopics::default().with_name(topic()).with_partition_indexes(partitions.to_vec());
    OffsetFetchRequestGroup::default()
        .with_group_id(group.id())
        .with_member_epoch(-1)
        .with_topics(Some(vec![of_topic]))
}
