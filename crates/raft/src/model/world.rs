//! The cluster: nodes with their disks, the network, the clock. One event at a time, all chosen by the seed.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use bytes::Bytes;
use chronik_types::{ErrorCode, LeaderEpoch, NodeId, Offset};

use super::{
    checks::{Checks, fold},
    disk::Disk,
    network::{Caller, Delivery, Network, node_at},
};
use crate::{
    Action, ApiVersionsResponse, AppendBatch, Boot, DirectoryId, Endpoints, Event, FetchedBatch,
    KRaftVersionRange, Options, PlantedFault, Proposal, Raft, Records, ReplicaKey, Request, RequestId,
    Response, SnapshotId, Token, Voter, VoterSet, rng::Rng,
};

/// The n-th disk of a node.
fn directory(id: NodeId, disk: u128) -> DirectoryId {
    DirectoryId(uuid::Uuid::from_u128((disk << 16) + id.0 as u128))
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) options: Options,
    pub(crate) raft: Option<Raft>,
    pub(crate) disk: Disk,
    /// Counts the incarnations: an answer to a former one is not delivered.
    pub(crate) life: u64,
    pub(crate) timer: Option<Duration>,
    pub(crate) mark: Option<Offset>,
    /// The state that the committed records amount to, and up to where.
    pub(crate) state: u64,
    pub(crate) applied: Offset,
    pub(crate) leads: Option<LeaderEpoch>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) version: Option<i16>,
    pub(crate) voters: Option<VoterSet>,
    pub(crate) state: u64,
}

/// How bad the world is, in permille.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    pub(crate) loss: usize,
    pub(crate) repeat: usize,
    pub(crate) delay_ms: usize,
    pub(crate) sync_ms: usize,
}

impl Weather {
    pub(crate) const FINE: Weather = Weather { loss: 0, repeat: 0, delay_ms: 2, sync_ms: 2 };
}

#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) steps: u64,
    pub(crate) elections: u64,
    pub(crate) crashes: u64,
    pub(crate) partitions: u64,
    pub(crate) proposals: u64,
    pub(crate) voter_changes: u64,
    pub(crate) snapshots: u64,
    pub(crate) installs: u64,
    pub(crate) truncations: u64,
    pub(crate) wipes: u64,
    pub(crate) upgrades: u64,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) now: Duration,
    pub(crate) nodes: BTreeMap<NodeId, Node>,
    /// Disks that were lost, by the replica that they made.
    lost: BTreeMap<ReplicaKey, Disk>,
    pub(crate) network: Network,
    pub(crate) checks: Checks,
    pub(crate) rng: Rng,
    pub(crate) weather: Weather,
    pub(crate) fault: Option<PlantedFault>,
    pub(crate) snapshots: BTreeMap<(Offset, LeaderEpoch), Snapshot>,
    pub(crate) tally: Tally,
    pub(crate) transcript: Option<String>,
    pub(crate) payloads: u64,
    /// Answers to the requests that the model itself made.
    pub(crate) answers: Vec<ErrorCode>,
}

/// How a cluster begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) nodes: i32,
    pub(crate) voters: i32,
    /// Voters in the log (`kraft.version` 1), else in the configuration.
    pub(crate) dynamic: bool,
    pub(crate) auto_join: bool,
    pub(crate) fault: Option<PlantedFault>,
    pub(crate) record: bool,
}

fn skew(id: NodeId) -> Duration {
    Duration::from_secs(id.0 as u64 * 7)
}

fn endpoints(id: NodeId, port: u16) -> Endpoints {
    Endpoints::one("CONTROLLER", format!("n{id}"), port)
}

impl World {
    pub(crate) fn new(plan: Plan) -> World {
        let ids: Vec<NodeId> = (1..=plan.nodes).map(NodeId).collect();
        let mut world = World {
            now: Duration::from_secs(1),
            nodes: BTreeMap::new(),
            lost: BTreeMap::new(),
            network: Network::default(),
            checks: Checks::default(),
            rng: Rng::new(plan.seed),
            weather: Weather::FINE,
            fault: plan.fault,
            snapshots: BTreeMap::new(),
            tally: Tally::default(),
            transcript: plan.record.then(String::new),
            payloads: 0,
            answers: Vec::new(),
        };
        let voting = || ids.iter().filter(|id| id.0 <= plan.voters).copied();
        let in_log = VoterSet::new(voting().map(|id| Voter {
            key: ReplicaKey::new(id, directory(id, 1)),
            endpoints: endpoints(id, 9093),
            versions: KRaftVersionRange { min: 0, max: 1 },
        }));
        for id in &ids {
            let mut options = Options::new(*id, directory(*id, 1), "model", endpoints(*id, 9093));
            options.seed = plan.seed.wrapping_mul(31).wrapping_add(id.0 as u64);
            options.bootstrap_servers = ids.iter().map(|id| (format!("n{id}").into(), 9093)).collect();
            options.election_timeout = Duration::from_millis(100);
            options.election_backoff_max = Duration::from_millis(100);
            options.fetch_timeout = Duration::from_millis(200);
            options.request_timeout = Duration::from_millis(150);
            options.fetch_max_wait = Duration::from_millis(50);
            options.snapshot_max_bytes = 5;
            options.auto_join = plan.auto_join;
            options.leader_gone_timeout = Duration::from_millis(20);
            let mut disk = Disk::default();
            if !plan.dynamic {
                let nodes = voting().map(|id| (id, format!("n{id}"), 9093));
                options.static_voters = VoterSet::of_static("CONTROLLER", nodes);
            } else if id.0 <= plan.voters {
                disk.snapshot = Some(SnapshotId::default());
                disk.snapshot_version = Some(1);
                disk.snapshot_voters = Some(in_log.clone());
            }
            let node = Node {
                options,
                raft: None,
                disk,
                life: 0,
                timer: None,
                mark: None,
                state: 0,
                applied: Offset::ZERO,
                leads: None,
            };
            world.nodes.insert(*id, node);
        }
        for id in ids {
            world.start(id);
        }
        world
    }

    pub(crate) fn node(&mut self, id: NodeId) -> &mut Node {
        self.nodes.get_mut(&id).expect("a node of the model")
    }

    pub(crate) fn up(&self) -> Vec<NodeId> {
        self.nodes.iter().filter(|(_, node)| node.raft.is_some()).map(|(id, _)| *id).collect()
    }

    fn note(&mut self, id: NodeId, what: &dyn std::fmt::Debug) {
        let now = self.now;
        if let Some(transcript) = &mut self.transcript {
            let _ = writeln!(transcript, "{:>9.3} {id}: {what:?}", now.as_secs_f64());
        }
    }

    /// Each node's clock starts somewhere else.
    fn clock(&self, id: NodeId) -> Duration {
        self.now + skew(id)
    }

    pub(crate) fn start(&mut self, id: NodeId) {
        let now = self.clock(id);
        let fault = self.fault;
        let node = self.node(id);
        node.life += 1;
        node.mark =
            node.disk.snapshot.map(|snapshot| snapshot.offset).filter(|offset| *offset > Offset::ZERO);
        node.applied = node.mark.unwrap_or(Offset::ZERO);
        node.leads = None;
        node.options.seed = node.options.seed.wrapping_add(1000);
        let boot = Boot { quorum_state: node.disk.quorum_state(), log: node.disk.log_state() };
        let (mut raft, actions) = Raft::start(now, node.options.clone(), boot);
        raft.fault = fault;
        node.raft = Some(raft);
        let snapshot = node.disk.snapshot.filter(|snapshot| snapshot.offset > Offset::ZERO);
        let state = snapshot.map_or(0, |snapshot| self.snapshots[&(snapshot.offset, snapshot.epoch)].state);
        self.node(id).state = state;
        self.note(id, &"starts");
        self.carry_out(id, actions);
        self.after(id);
    }

    pub(crate) fn crash(&mut self, id: NodeId) {
        self.note(id, &"crashes");
        self.tally.crashes += 1;
        let node = self.nodes.get_mut(&id).expect("a node of the model");
        node.raft = None;
        node.timer = None;
        node.disk.crash(&mut self.rng);
    }

    /// The node comes back elsewhere.
    pub(crate) fn relocate(&mut self, id: NodeId) {
        let port = 9093 + self.rng.below(3) as u16;
        self.node(id).options.endpoints = endpoints(id, port);
    }

    /// The node comes back with an empty disk, which the quorum must not take for the former one.
    pub(crate) fn wipe(&mut self, id: NodeId) {
        self.note(id, &"loses its disk");
        self.tally.wipes += 1;
        let disk = 1 + u128::from(self.tally.wipes);
        let node = self.node(id);
        let (key, lost) = (node.options.key(), std::mem::take(&mut node.disk));
        node.options.directory_id = directory(id, disk);
        self.lost.insert(key, lost);
    }

    pub(crate) fn event(&mut self, id: NodeId, event: Event) {
        let now = self.clock(id);
        self.note(id, &event);
        let node = self.node(id);
        let Some(raft) = &mut node.raft else { return };
        let actions = raft.step(now, event);
        self.carry_out(id, actions);
        self.after(id);
    }

    pub(crate) fn propose(&mut self, id: NodeId) -> Option<Offset> {
        let now = self.clock(id);
        self.payloads += 1;
        let payload = Bytes::copy_from_slice(&self.payloads.to_be_bytes());
        let record_count = 1 + self.rng.below(3) as u32;
        let raft = self.node(id).raft.as_mut()?;
        let epoch = raft.epoch();
        let proposed = raft.propose(now, epoch, Proposal { record_count, batch: payload }).ok()?;
        self.tally.proposals += 1;
        self.note(id, &"proposes");
        self.carry_out_sized(id, proposed.actions, record_count);
        self.after(id);
        Some(proposed.base_offset.plus(i64::from(record_count)))
    }

    fn carry_out(&mut self, id: NodeId, actions: Vec<Action>) {
        self.carry_out_sized(id, actions, 1);
    }

    fn carry_out_sized(&mut self, id: NodeId, actions: Vec<Action>, record_count: u32) {
        for action in actions {
            self.note(id, &action);
            match action {
                Action::Persist { content, .. } => {
                    if self.fault != Some(PlantedFault::SkipPersist) {
                        self.node(id).disk.quorum_state = Some(content);
                    }
                }
                Action::Send { id: request_id, to, request } => {
                    let to = node_at(&to.host).expect("an address of the model");
                    self.send(id, request_id, to, request);
                }
                Action::Respond { token, response } => self.respond(id, token, response),
                Action::Append(batch) => self.append(id, batch, record_count),
                Action::Truncate { end } => {
                    self.tally.truncations += 1;
                    self.node(id).disk.truncate(end);
                }
                Action::SetTimer { at } => {
                    self.node(id).timer = Some(at.saturating_sub(skew(id)));
                }
                Action::ClearTimer => self.node(id).timer = None,
                Action::BecameLeader { epoch, .. } => {
                    self.tally.elections += 1;
                    self.node(id).leads = Some(epoch);
                    self.checks.leads(id, epoch, &self.nodes[&id].disk);
                }
                Action::Resigned { epoch, .. } => {
                    assert_eq!(self.node(id).leads.take(), Some(epoch), "resigned without having led");
                }
                Action::BecameCandidate { epoch } => {
                    let key = self.nodes[&id].options.key();
                    self.checks.votes(key, epoch, key);
                }
                Action::BecameFollower { .. }
                | Action::BecameUnattached { .. }
                | Action::BecameProspective { .. } => assert_eq!(self.node(id).leads, None, "still leads"),
                Action::Committed { high_watermark } => self.commit(id, high_watermark),
                // The model itself makes some snapshots unusable.
                Action::Suspect { what: "a snapshot that could not be used", .. } => {}
                Action::Suspect { peer, what } => {
                    self.checks.violation.get_or_insert(format!("{id} suspects {peer:?}: {what}"));
                }
                Action::WriteSnapshot { position, bytes, .. } => {
                    let partial = &mut self.node(id).disk.partial;
                    partial.truncate(position as usize);
                    partial.extend(bytes);
                }
                Action::InstallSnapshot { .. } => {
                    let life = self.node(id).life;
                    let at = self.now + self.delay(self.weather.sync_ms);
                    self.network.put(at, Delivery::SnapshotReady { node: id, life });
                }
            }
        }
        self.begin_sync(id);
    }

    fn append(&mut self, id: NodeId, batch: AppendBatch, record_count: u32) {
        let batches = match batch {
            AppendBatch::Fetched(batches) => batches,
            AppendBatch::Control { base_offset, epoch, records } => {
                let control: Vec<_> = records
                    .into_iter()
                    .enumerate()
                    .map(|(at, record)| (base_offset.plus(at as i64), record))
                    .collect();
                let last_offset = base_offset.plus(control.len() as i64 - 1);
                vec![FetchedBatch { base_offset, last_offset, epoch, control, bytes: Bytes::new() }]
            }
            AppendBatch::Proposed { base_offset, epoch, batch } => {
                let last_offset = base_offset.plus(i64::from(record_count) - 1);
                vec![FetchedBatch { base_offset, last_offset, epoch, control: Vec::new(), bytes: batch }]
            }
        };
        for batch in batches {
            let disk = &self.nodes[&id].disk;
            let before = disk.log.last().map_or(disk.start.epoch, |last| last.epoch);
            self.checks.appended(id, &batch, before);
            self.node(id).disk.append(batch);
        }
    }

    fn begin_sync(&mut self, id: NodeId) {
        let at = self.now + self.delay(self.weather.sync_ms);
        let node = self.node(id);
        let life = node.life;
        if node.raft.is_some() && node.disk.syncing.is_none() && node.disk.durable < node.disk.end() {
            node.disk.syncing = Some(node.disk.end());
            self.network.put(at, Delivery::Synced { node: id, life });
        }
    }

    fn commit(&mut self, id: NodeId, mark: Offset) {
        let node = &self.nodes[&id];
        self.checks.mark_moves(id, node.mark, mark);
        if let (Some(epoch), Some(raft)) = (node.leads, &node.raft) {
            let disk_of = |key: ReplicaKey| {
                let node = &self.nodes[&key.id];
                let same = !key.directory.is_known() || key == node.options.key();
                // What a lost disk had, it had: its replica never votes again, so that majorities still meet.
                if same { Some(&node.disk) } else { self.lost.get(&key) }
            };
            self.checks.leader_commits(node.options.key(), epoch, mark, raft.voters(), disk_of);
        }
        let (mut state, applied) = (node.state, node.applied);
        for batch in
            node.disk.log.iter().filter(|batch| batch.base_offset >= applied && batch.last_offset < mark)
        {
            state = self.checks.committed(id, state, batch);
        }
        let node = self.node(id);
        node.mark = Some(mark);
        node.state = state;
        node.applied = mark;
    }

    /// What must be true of a node after each of its steps.
    fn after(&mut self, id: NodeId) {
        self.tally.steps += 1;
        let node = &self.nodes[&id];
        let Some(raft) = &node.raft else { return };
        assert_eq!(raft.is_leader(), node.leads.is_some(), "BecameLeader and Resigned tell who leads");
        let (epoch, end) = (raft.epoch(), raft.log_end());
        if raft.installing.is_none() {
            assert_eq!(end, node.disk.end(), "the mirror of the log");
        }
        let key = node.options.key();
        self.checks.epoch_is(key, epoch);
    }

    fn chance(&mut self, permille: usize) -> bool {
        self.rng.below(1000) < permille
    }

    fn delay(&mut self, most_ms: usize) -> Duration {
        Duration::from_micros(50 + self.rng.below(most_ms * 1000) as u64)
    }

    fn send(&mut self, from: NodeId, id: RequestId, to: NodeId, request: Request) {
        let life = self.node(from).life;
        let copies = if self.chance(self.weather.loss) {
            0
        } else {
            1 + usize::from(self.chance(self.weather.repeat))
        };
        for _ in 0..copies {
            let at = self.now + self.delay(self.weather.delay_ms);
            let request = request.clone();
            self.network.put(at, Delivery::Request { from, life, id, to, request });
        }
        if copies == 0 && self.rng.below(2) == 0 {
            let at = self.now + self.delay(self.weather.delay_ms);
            self.network.put(at, Delivery::Lost { to: from, life, id, gone: false });
        }
    }

    fn respond(&mut self, from: NodeId, token: Token, response: Response) {
        let Some(Caller { node, life, id, request }) = self.network.callers.remove(&token) else {
            if let Response::Ack(ack) = response {
                self.answers.push(ack.error);
            }
            return;
        };
        let response = match response {
            Response::Fetch(mut fetch) => {
                if let Records::Read { from: first, to, max_bytes: _ } = fetch.records {
                    let most = 1 + self.rng.below(4);
                    let log = &self.nodes[&from].disk.log;
                    let batches =
                        log.iter().filter(|batch| batch.base_offset >= first && batch.last_offset < to);
                    fetch.records = Records::Batches(batches.take(most).cloned().collect());
                }
                Response::Fetch(fetch)
            }
            Response::FetchSnapshot(mut piece) => {
                if piece.error == ErrorCode::None {
                    match self.snapshots.get(&(piece.snapshot.offset, piece.snapshot.epoch)) {
                        Some(snapshot) if self.nodes[&from].disk.snapshot == Some(piece.snapshot) => {
                            let bytes = snapshot.state.to_be_bytes();
                            let end = bytes.len().min(piece.position as usize + piece.max_bytes as usize);
                            piece.size = bytes.len() as u64;
                            piece.bytes = Bytes::copy_from_slice(&bytes[piece.position as usize..end]);
                        }
                        _ => piece.error = ErrorCode::SnapshotNotFound,
                    }
                }
                Response::FetchSnapshot(piece)
            }
            Response::Vote(vote) => {
                if let (true, Request::Vote(asked)) = (vote.granted, &request)
                    && !asked.pre_vote
                {
                    self.checks.votes(self.nodes[&from].options.key(), asked.epoch, asked.candidate);
                }
                Response::Vote(vote)
            }
            other => other,
        };
        if !self.chance(self.weather.loss) {
            let at = self.now + self.delay(self.weather.delay_ms);
            self.network.put(at, Delivery::Response { to: node, life, id, from, response });
        }
    }

    /// Moves to the next thing that happens; false if nothing ever will.
    pub(crate) fn advance(&mut self) -> bool {
        let timer = self.nodes.iter().filter_map(|(id, node)| Some((node.timer?, *id))).min();
        let next = self.network.next_at();
        match (timer, next) {
            (Some((at, id)), next) if next.is_none_or(|next| at <= next) => {
                self.now = self.now.max(at);
                self.node(id).timer = None;
                self.event(id, Event::Tick);
                true
            }
            (_, Some(at)) => {
                self.now = self.now.max(at);
                if let Some(delivery) = self.network.take() {
                    self.deliver(delivery);
                }
                true
            }
            _ => false,
        }
    }

    fn lives(&self, id: NodeId, life: u64) -> bool {
        self.nodes[&id].life == life && self.nodes[&id].raft.is_some()
    }

    fn deliver(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Request { from, life, id, to, request } => {
                if self.network.is_cut(from, to) || self.nodes[&to].raft.is_none() {
                    let at = self.now + self.delay(self.weather.delay_ms);
                    let gone = self.nodes[&to].raft.is_none() && !self.network.is_cut(from, to);
                    self.network.put(at, Delivery::Lost { to: from, life, id, gone });
                    return;
                }
                if request == Request::ApiVersions {
                    let versions = Some(KRaftVersionRange { min: 0, max: 1 });
                    let response =
                        Response::ApiVersions(ApiVersionsResponse { error: ErrorCode::None, versions });
                    let at = self.now + self.delay(self.weather.delay_ms);
                    self.network.put(at, Delivery::Response { to: from, life, id, from: to, response });
                    return;
                }
                let token = self.network.token();
                let caller = Caller { node: from, life, id, request: request.clone() };
                self.network.callers.insert(token, caller);
                self.event(to, Event::Request { token, cluster_id: Some("model".into()), request });
            }
            Delivery::Response { to, life, id, from, response } => {
                if self.lives(to, life) && !self.network.is_cut(from, to) {
                    self.event(to, Event::Response { id, response });
                }
            }
            Delivery::Lost { to, life, id, gone } => {
                if self.lives(to, life) {
                    self.event(to, Event::SendFailed { id, gone });
                }
            }
            Delivery::Synced { node, life } => {
                if self.lives(node, life) {
                    let disk = &mut self.node(node).disk;
                    if let Some(until) = disk.syncing.take() {
                        disk.sync_done(until);
                    }
                    let end = disk.durable;
                    self.event(node, Event::Durable { end });
                    self.begin_sync(node);
                }
            }
            Delivery::Restart { node } => {
                if self.nodes[&node].raft.is_none() {
                    self.start(node);
                }
            }
            Delivery::SnapshotReady { node, life } => {
                if self.lives(node, life) {
                    self.install(node);
                }
            }
        }
    }

    fn install(&mut self, id: NodeId) {
        let Some(snapshot) = self.nodes[&id].raft.as_ref().and_then(|raft| raft.installing) else { return };
        let content = self.snapshots[&(snapshot.offset, snapshot.epoch)].clone();
        let node = self.node(id);
        assert_eq!(node.disk.partial, content.state.to_be_bytes(), "the snapshot came in whole");
        if self.rng.below(20) == 0 {
            return self.event(id, Event::SnapshotRejected { id: snapshot });
        }
        self.tally.installs += 1;
        let node = self.node(id);
        node.disk.reset(snapshot, content.version, content.voters.clone());
        node.state = content.state;
        node.applied = snapshot.offset;
        let (kraft_version, voters) = (content.version, content.voters);
        self.event(id, Event::SnapshotInstalled { id: snapshot, kraft_version, voters });
    }

    pub(crate) fn take_snapshot(&mut self, id: NodeId) {
        let node = &self.nodes[&id];
        let (Some(mark), Some(raft)) = (node.mark, &node.raft) else { return };
        if raft.installing.is_some() || node.disk.snapshot.is_some_and(|snapshot| snapshot.offset >= mark) {
            return;
        }
        let Some(context) = raft.snapshot_context(mark) else { return };
        let version = (context.kraft_version > 0).then_some(context.kraft_version);
        let content = Snapshot { version, voters: context.voters, state: node.state };
        assert_eq!(self.checks.state_at(mark), Some(node.state), "the state at a committed end");
        let key = (context.id.offset, context.id.epoch);
        let first = self.snapshots.entry(key).or_insert(content.clone());
        assert_eq!(*first, content, "two snapshots of one place");
        self.tally.snapshots += 1;
        let node = self.node(id);
        node.disk.snapshot = Some(context.id);
        node.disk.snapshot_version = content.version;
        node.disk.snapshot_voters = content.voters;
        self.event(id, Event::SnapshotTaken { id: context.id });
        if self.rng.below(2) == 0 && self.nodes[&id].disk.durable >= context.id.offset {
            self.node(id).disk.move_start(context.id);
            self.event(id, Event::LogStartMoved { start: context.id.offset });
        }
    }

    /// The state of the whole cluster in one number.
    pub(crate) fn digest(&self) -> u64 {
        self.nodes
            .values()
            .fold(self.now.as_micros() as u64, |hash, node| fold(fold(hash, node.state), node.life))
    }
}
