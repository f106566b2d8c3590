//! Members of consumer groups, of both protocols: they come, own, commit, leave, crash, freeze, and come back to commit late.
//!
//! A seat is taken by one member after the other until the run ends; one with an instance id is always the same static
//! member. A member that crashes may leave a ghost: its process was only cut off, and commits once more, much later.
//! What they are told is held against [`one_owner`](crate::invariants::one_owner) and
//! [`commits_stay`](crate::invariants::commits_stay).

mod classic;
mod consumer;
mod offsets;
mod rest;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chronik_types::ErrorCode;
use kafka_protocol::messages::{FindCoordinatorRequest, GroupId};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::Clients;
use crate::client::{Address, Lost, Session};
use crate::invariants::Violation;
use crate::invariants::commits_stay::{Commits, Term};
use crate::invariants::one_owner::{Owners, Patience};
use crate::world::CLIENTS;

/// Members' sessions, in milliseconds.
pub const SESSION_TIMEOUT_MS: i32 = 3000;
const REBALANCE_TIMEOUT_MS: i32 = 2000;
const PATIENCE: Patience = Patience {
    session: Duration::from_millis(SESSION_TIMEOUT_MS as u64),
    rebalance: Duration::from_millis(REBALANCE_TIMEOUT_MS as u64),
};
/// A frozen member may miss its session.
const FROZEN_MAX: Duration = Duration::from_secs(5);
/// When a ghost commits, at the latest.
const GHOST_MAX: Duration = Duration::from_secs(8);

/// What a group's members speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// JoinGroup, SyncGroup and their likes.
    Classic,
    /// ConsumerGroupHeartbeat (KIP-848).
    Consumer,
}

/// A group; clones share what is known of it.
#[derive(Clone)]
pub struct Group {
    name: StrBytes,
    protocol: Protocol,
    partitions: i32,
    known: Arc<Mutex<Known>>,
    calm: Arc<AtomicBool>,
}

/// What happened to a group, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Members that began.
    pub members: u64,
    /// Generations, or epochs, in which somebody owned something.
    pub generations: u64,
    /// Offsets whose commit was acknowledged.
    pub commits: u64,
    /// Commits that were refused since the member was none any more.
    pub refused: u64,
}

#[derive(Default)]
struct Known {
    owners: Owners,
    commits: Commits,
    /// The newest life of each static member that was told what it owns.
    lives: BTreeMap<String, u64>,
    /// What each seat's member has, and in which generation.
    seats: BTreeMap<u64, (i32, BTreeSet<i32>)>,
    ghosts: u64,
    members: u64,
    refused: u64,
    violations: Vec<String>,
}

impl Group {
    /// A group that nobody is in, for a topic of so many partitions.
    pub fn new(name: &'static str, protocol: Protocol, partitions: i32) -> Group {
        let name = StrBytes::from_static_str(name);
        Group { name, protocol, partitions, known: Arc::default(), calm: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(&self, look: impl FnOnce(&mut Known) -> Result<(), Violation>) {
        let mut known = self.lock();
        if let Err(violation) = look(&mut known) {
            let what = format!("group {}: {violation}", self.name.as_str());
            crate::journal::note(&what);
            known.violations.push(what);
        }
    }

    fn violated(&self, what: &str) {
        let what = format!("group {}: {what}", self.name.as_str());
        crate::journal::note(&what);
        self.lock().violations.push(what);
    }

    /// Has members stay what they are.
    pub fn calm_down(&self) {
        self.calm.store(true, Ordering::Relaxed);
    }

    /// Whether each partition is owned exactly once by members that know of the same generation, and no ghost is left.
    pub fn is_calm(&self) -> bool {
        let known = self.lock();
        let mut owned: Vec<i32> = known.seats.values().flat_map(|(_, owned)| owned.iter().copied()).collect();
        owned.sort_unstable();
        let generations: BTreeSet<i32> = known.seats.values().map(|(generation, _)| *generation).collect();
        owned == (0..self.partitions).collect::<Vec<_>>() && generations.len() == 1 && known.ghosts == 0
    }

    /// Everything that was wrong.
    pub fn violations(&self) -> Vec<String> {
        self.lock().violations.clone()
    }

    /// What its members have, for messages.
    pub fn describe(&self) -> String {
        let known = self.lock();
        format!("{}: {:?}, {} ghosts", self.name.as_str(), known.seats, known.ghosts)
    }

    /// What happened to it.
    pub fn counts(&self) -> Counts {
        let known = self.lock();
        Counts {
            members: known.members,
            generations: known.owners.generations(),
            commits: known.commits.count(),
            refused: known.refused,
        }
    }

    fn id(&self) -> GroupId {
        GroupId(self.name.clone())
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

/// What a member does next.
enum Whim {
    Crash,
    Freeze,
    Leave,
    Heartbeat,
    Commit,
    Look,
}

#[derive(Clone)]
struct Member {
    group: Group,
    seat: u64,
    instance: Option<StrBytes>,
    /// Which life of its seat this is.
    life: u64,
    /// Empty before the coordinator, or the member itself, has chosen one.
    id: StrBytes,
    /// Its generation or epoch.
    generation: i32,
    /// What it owns, and the offset to commit next.
    owned: BTreeMap<i32, i64>,
    /// What was acknowledged by the coordinator that it speaks to at present.
    acked_here: BTreeMap<i32, i64>,
    /// The id of the topic, as the coordinator said it.
    topic_id: Uuid,
}

impl Clients {
    /// Is one member of the group after the other, until told to stop; then sees to it that all that was committed is
    /// there.
    pub async fn be_member(self, group: Group, seat: u64, instance: Option<&'static str>) {
        let instance = instance.map(StrBytes::from_static_str);
        let mut member = Member {
            group,
            seat,
            instance,
            life: 0,
            id: StrBytes::default(),
            generation: -1,
            owned: BTreeMap::new(),
            acked_here: BTreeMap::new(),
            topic_id: Uuid::nil(),
        };
        member.begin_life();
        while !self.is_stopping() {
            self.does("find the coordinator");
            let Some((mut session, by)) = self.find_coordinator(&member.group).await else {
                self.pause().await;
                continue;
            };
            self.does("be a member");
            member.acked_here.clear();
            let turn = match member.group.protocol {
                Protocol::Classic => member.be_classic(&self, &mut session).await,
                Protocol::Consumer => member.be_consumer(&self, &mut session, &by).await,
            };
            match turn {
                Turn::Lost => self.pause().await,
                Turn::Rejoin => {}
                Turn::Anew => member.begin_life(),
            }
        }
        self.does("read what is committed");
        self.read_committed(&member.group).await;
    }

    async fn find_coordinator(&self, group: &Group) -> Option<(Session, String)> {
        let mut session = self.open_any().await;
        let request = FindCoordinatorRequest::default().with_coordinator_keys(vec![group.name.clone()]);
        let response = session.call(4, &request).await.ok()?;
        let found = response.coordinators.first().filter(|found| found.error_code == 0)?;
        let address = Address { host: found.host.as_str().into(), port: u16::try_from(found.port).ok()? };
        let session = self.open(&address).await.ok()?;
        Some((session, address.host.to_string()))
    }

    /// What comes next for a member; nothing bad once the group is to be calm.
    async fn next_whim(&self, group: &Group) -> Whim {
        let moment = self.world.duration(Duration::from_millis(20), Duration::from_millis(600));
        self.world.sleep(CLIENTS, moment).await;
        let bad = if group.calm.load(Ordering::Relaxed) { 4 } else { 0 };
        match bad + self.world.below(100 - bad) {
            0 => Whim::Crash,
            1..=2 => Whim::Freeze,
            3 => Whim::Leave,
            4..=49 => Whim::Heartbeat,
            50..=54 => Whim::Look,
            _ => Whim::Commit,
        }
    }

    async fn freeze(&self) {
        let nap = self.world.duration(Duration::from_millis(500), FROZEN_MAX);
        self.world.sleep(CLIENTS, nap).await;
    }

    /// A process that was cut off commits once more, when its successor is at work.
    fn leave_ghost(&self, mut member: Member) {
        member.group.lock().ghosts += 1;
        let here = self.clone();
        let nap = self.world.duration(Duration::ZERO, GHOST_MAX);
        self.world.spawn(
            CLIENTS,
            Box::pin(async move {
                here.world.sleep(CLIENTS, nap).await;
                if let Some((mut session, _)) = here.find_coordinator(&member.group).await {
                    // Whatever comes of it: it is judged where it is answered.
                    let _ = member.commit(&mut session).await;
                }
                member.group.lock().ghosts -= 1;
            }),
        );
    }
}

impl Member {
    fn begin_life(&mut self) {
        self.life += 1;
        self.id = StrBytes::default();
        self.generation = -1;
        self.lose();
        self.group.lock().members += 1;
    }

    /// It has nothing any more.
    fn lose(&mut self) {
        self.owned.clear();
        self.group.lock().seats.remove(&self.seat);
    }

    /// Who owns what it owns: a static member is one through all its lives.
    fn owner(&self) -> String {
        self.instance.as_ref().unwrap_or(&self.id).to_string()
    }

    fn term(&self) -> Term {
        (self.generation, if self.instance.is_some() { self.life } else { 0 })
    }

    /// Others may see what it has.
    fn sits(&self) {
        let has = (self.generation, self.owned.keys().copied().collect::<BTreeSet<i32>>());
        let mut known = self.group.lock();
        if known.seats.get(&self.seat) != Some(&has) {
            let (group, owner) = (self.group.name.as_str(), self.owner());
            crate::journal::note(&format!("group {group}: {owner} has {:?} in {}", has.1, has.0));
            known.seats.insert(self.seat, has);
        }
        if let Some(instance) = &self.instance {
            let life = known.lives.entry(instance.to_string()).or_default();
            *life = self.life.max(*life);
        }
    }

    fn check(&self, what: &str, code: i16) -> Result<(), Turn> {
        match ErrorCode::from_code(code) {
            ErrorCode::None => Ok(()),
            ErrorCode::RebalanceInProgress => Err(Turn::Rejoin),
            ErrorCode::UnknownMemberId
            | ErrorCode::IllegalGeneration
            | ErrorCode::FencedInstanceId
            | ErrorCode::StaleMemberEpoch
            | ErrorCode::FencedMemberEpoch => Err(Turn::Anew),
            code if code.is_retriable() => Err(Turn::Lost),
            code => {
                self.group.violated(&format!("{what} of a member: {code}"));
                Err(Turn::Lost)
            }
        }
    }
}
