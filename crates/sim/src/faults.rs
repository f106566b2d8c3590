//! What goes wrong in a cluster, by the seed's choice, and how it is put right again.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Result;
use chronik_log::disk::memory::{Failure, Fault, Operation};
use chronik_raft::Role;
use chronik_types::NodeId;

use crate::cluster::{Cluster, Repair};
use crate::env::GOOD_DISK_US;
use crate::journal;
use crate::network::{Host, Weather};
use crate::node::{Death, SimNode};

const MS: Duration = Duration::from_millis(1);

impl Cluster {
    /// Something goes wrong somewhere.
    ///
    /// # Errors
    /// A node's configuration is wrong.
    pub fn disturb(&mut self) -> Result<()> {
        let alive = self.alive();
        let Some(mut victim) = self.world.pick(&alive) else { return Ok(()) };
        if self.world.chance(40) {
            // Whoever leads has most to lose.
            victim = alive.iter().copied().find(|id| self.leads(*id)).unwrap_or(victim);
        }
        self.befall(victim, &alive, None);
        Ok(())
    }

    /// Something goes wrong with this node; if the network is cut, then around it.
    pub fn disturb_node(&mut self, victim: NodeId) {
        let alive = self.alive();
        self.befall(victim, &alive, Some(victim));
    }

    fn befall(&mut self, victim: NodeId, alive: &[NodeId], alone: Option<NodeId>) {
        match self.world.below(100) {
            0..=14 => self.crash_for_a_while(victim, Death::Killed),
            15..=26 => self.crash_for_a_while(victim, Death::PowerLoss),
            27..=34 => self.many_lose_power(alive),
            35..=42 => self.stop(victim),
            43..=50 => {
                self.set_paused(victim, true);
                self.later(20 * MS, 6000 * MS, Repair::Resume(victim));
            }
            51..=66 => self.partition(alone),
            67..=72 => self.change_weather(),
            73..=76 => {
                let count = self.network.reset_some(30);
                journal::note(&format!("{count} connections are reset"));
            }
            77..=80 => self.slow_a_link(),
            81..=90 => self.order_disk_fault(victim),
            91..=93 => self.fill_disk(victim),
            94..=95 => self.slow_disk(victim),
            96 => alive.iter().for_each(|id| self.slow_disk(*id)),
            _ => self.move_clock(victim),
        }
    }

    fn leads(&self, id: NodeId) -> bool {
        let node = self.nodes.get(&id).and_then(SimNode::node);
        node.is_some_and(|node| node.inspect().quorum.role == Role::Leader)
    }

    /// A rack, or all of them; what was not synced anywhere is gone.
    fn many_lose_power(&mut self, alive: &[NodeId]) {
        let share = [50, 80, 100][self.world.below(3) as usize];
        for id in alive {
            if self.world.chance(share) {
                self.crash_for_a_while(*id, Death::PowerLoss);
            }
        }
    }

    fn start_soon(&mut self, id: NodeId) {
        let most = [100 * MS, 4000 * MS][self.world.below(2) as usize];
        self.later(5 * MS, most, Repair::Start(id));
    }

    /// A node dies, and is started again later.
    pub fn crash_for_a_while(&mut self, id: NodeId, death: Death) {
        self.crash(id, death);
        self.start_soon(id);
    }

    fn later(&mut self, least: Duration, most: Duration, repair: Repair) {
        let after = self.world.duration(least, most);
        self.repair_in(after, repair);
    }

    /// The hosts fall into two parts, or one host is on its own: this one, or any; one way or both.
    fn partition(&mut self, alone: Option<NodeId>) {
        let mut hosts: Vec<Host> = self.nodes.values().map(|node| node.machine.host.clone()).collect();
        let alone = match alone {
            Some(id) => Some(self.nodes[&id].machine.host.clone()),
            None => self.world.pick(&hosts),
        };
        let one_way = self.world.chance(35);
        let isolates = self.world.chance(50);
        hosts.push("c1".into());
        let mut cut = Vec::new();
        let left: BTreeSet<Host> = if isolates {
            alone.into_iter().collect()
        } else {
            hosts.iter().filter(|_| self.world.chance(50)).cloned().collect()
        };
        for from in hosts.iter().filter(|host| left.contains(*host)) {
            for to in hosts.iter().filter(|host| !left.contains(*host)) {
                cut.push((from.clone(), to.clone()));
                if !one_way {
                    cut.push((to.clone(), from.clone()));
                }
            }
        }
        if one_way && self.world.chance(50) {
            cut = cut.into_iter().map(|(from, to)| (to, from)).collect();
        }
        journal::note(&format!("the network is cut: {left:?} and the others, one way: {one_way}"));
        for (from, to) in cut {
            self.network.cut(&from, &to);
        }
        self.tally.cuts += 1;
        self.later(100 * MS, 8000 * MS, Repair::Network);
    }

    fn change_weather(&mut self) {
        let weather = Weather {
            delay_max: [1, 2, 10, 60][self.world.below(4) as usize] * MS,
            loss: [0, 5, 30, 100][self.world.below(4) as usize],
            resets: [0, 0, 20, 100][self.world.below(4) as usize],
        };
        journal::note(&format!("the weather changes: {weather:?}"));
        self.network.set_weather(weather);
    }

    fn slow_a_link(&mut self) {
        let hosts: Vec<Host> = self.nodes.values().map(|node| node.machine.host.clone()).collect();
        if let (Some(from), Some(to)) = (self.world.pick(&hosts), self.world.pick(&hosts)) {
            let by = self.world.duration(5 * MS, 1500 * MS);
            journal::note(&format!("{from} to {to} takes {by:?} longer"));
            self.network.slow_down(&from, &to, by);
            self.later(100 * MS, 5000 * MS, Repair::Network);
        }
    }

    pub(crate) fn order_disk_fault(&mut self, id: NodeId) {
        let world = &self.world;
        let operation = [Operation::Write, Operation::Sync, Operation::Create, Operation::Rename]
            [world.below(4) as usize];
        let kind = if world.chance(50) { ErrorKind::Other } else { ErrorKind::StorageFull };
        let fault = Fault {
            operation: Some(operation),
            path: String::new(),
            after: world.below(20),
            times: 1 + world.below(3),
            failure: Failure::Error(kind),
        };
        journal::note(&format!("n{id} is to have a disk fault: {operation:?} {kind:?}"));
        self.nodes[&id].disk.inject(fault);
        self.tally.disk_faults += 1;
    }

    fn fill_disk(&mut self, id: NodeId) {
        let disk = &self.nodes[&id].disk;
        let left = [0, self.world.below(4000)][self.world.below(2) as usize];
        disk.set_capacity(disk.used_bytes() + left);
        journal::note(&format!("the disk of n{id} has {left} bytes left"));
        self.tally.disk_faults += 1;
        self.later(100 * MS, 4000 * MS, Repair::Disk(id));
    }

    fn slow_disk(&mut self, id: NodeId) {
        let most_us = self.world.duration(50 * MS, 3000 * MS).as_micros() as u64;
        journal::note(&format!("the disk of n{id} takes up to {most_us} us"));
        self.nodes[&id].machine.disk_us.store(most_us, Ordering::Relaxed);
        self.later(100 * MS, 5000 * MS, Repair::Disk(id));
    }

    fn move_clock(&mut self, id: NodeId) {
        let by_ms = self.world.below(20_000) as i64 - 10_000;
        journal::note(&format!("the clock of n{id} is moved by {by_ms} ms"));
        self.nodes[&id].machine.skew_ms.fetch_add(by_ms, Ordering::Relaxed);
    }

    /// Carries out a repair.
    ///
    /// # Errors
    /// A node's configuration is wrong.
    pub(crate) fn repair(&mut self, repair: Repair) -> Result<()> {
        match repair {
            Repair::Start(id) => return self.start(id),
            Repair::Resume(id) => self.set_paused(id, false),
            Repair::Network => {
                journal::note("the network is whole");
                self.network.heal();
            }
            Repair::Disk(id) => {
                let node = &self.nodes[&id];
                node.disk.set_capacity(u64::MAX);
                node.machine.disk_us.store(GOOD_DISK_US, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// Nothing goes wrong any more, and what is down comes up.
    ///
    /// # Errors
    /// A node's configuration is wrong.
    pub fn heal(&mut self) -> Result<()> {
        journal::note("no more faults");
        self.network.set_weather(Weather::FINE);
        self.repair(Repair::Network)?;
        let ids: Vec<NodeId> = self.nodes.keys().copied().collect();
        for id in ids {
            self.nodes[&id].disk.clear_faults();
            self.repair(Repair::Disk(id))?;
            self.repair(Repair::Resume(id))?;
            self.repair(Repair::Start(id))?;
        }
        Ok(())
    }
}
