//! Directories that are empty, formatted, foreign, half formatted or in use, on a disk in memory.

use std::collections::BTreeMap;

use chronik_log::disk::memory::MemoryDisk;
use chronik_log::disk::{Disk, read_file, replace_file};

use super::*;

const BASE: &[(&str, &str)] = &[
    ("process.roles", "broker,controller"),
    ("node.id", "1"),
    ("controller.listener.names", "CONTROLLER"),
    ("listeners", "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093"),
    ("log.dirs", "/a,/b"),
];

fn config(more: &[(&'static str, &'static str)]) -> NodeConfig {
    let file: BTreeMap<&str, &str> = BASE.iter().chain(more).copied().collect();
    NodeConfig::resolve(&file).unwrap()
}

struct Machine {
    disk: Arc<dyn Disk>,
    files: Arc<Files>,
    drawn: u128,
}

impl Machine {
    fn new() -> Machine {
        let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::new(1));
        Machine { files: Files::new(Arc::clone(&disk), 16), disk, drawn: 0 }
    }

    fn open(&mut self, more: &[(&'static str, &'static str)]) -> Result<Storage, StorageError> {
        let drawn = &mut self.drawn;
        let mut random = || {
            *drawn += 1;
            *drawn << 64
        };
        open(&self.files, &config(more), Millis(1), &mut random)
    }

    fn has(&self, path: &str) -> bool {
        self.disk.exists(Path::new(path)).unwrap()
    }

    fn refusal(&mut self, more: &[(&'static str, &'static str)]) -> String {
        self.open(more).unwrap_err().to_string()
    }
}

#[test]
fn an_empty_node_of_its_own_makes_its_cluster_and_finds_it_again() {
    let mut machine = Machine::new();
    let first = machine.open(&[]).unwrap();
    assert_eq!((first.dirs.len(), first.metadata_dir), (2, 0));
    assert!(machine.has("/a/bootstrap.checkpoint") && !machine.has("/b/bootstrap.checkpoint"));
    assert!(machine.has("/a/__cluster_metadata-0/00000000000000000000-0000000000.checkpoint"));
    let ids: Vec<Uuid> = first.dirs.iter().map(|opened| opened.directory_id).collect();
    assert_ne!(ids[0], ids[1]);
    let cluster_id = first.cluster_id.clone();
    drop(first);
    let again = machine.open(&[]).unwrap();
    assert_eq!(again.cluster_id, cluster_id);
    assert_eq!(again.dirs.iter().map(|opened| opened.directory_id).collect::<Vec<_>>(), ids);
}

#[test]
fn a_directory_is_held_by_one_process() {
    let mut machine = Machine::new();
    let held = machine.open(&[]).unwrap();
    assert!(machine.refusal(&[]).contains("/a is in use by another process"));
    drop(held);
    machine.open(&[]).unwrap();
}

#[test]
fn a_directory_of_another_node_or_cluster_is_refused() {
    let mut machine = Machine::new();
    drop(machine.open(&[("cluster.id", "ours")]).unwrap());
    let text = machine.refusal(&[("node.id", "2")]);
    assert_eq!(
        text,
        "/a belongs to node 1, but node.id is 2: point log.dirs to another directory, or set node.id=1"
    );
    let text = machine.refusal(&[("cluster.id", "theirs")]);
    assert!(text.starts_with("/a belongs to cluster ours, but this node's cluster is theirs"), "{text}");
    assert_eq!(machine.open(&[("log.dirs", "/a,/b,/c")]).unwrap().cluster_id, "ours");
}

#[test]
fn data_without_its_meta_properties_is_not_touched() {
    let mut machine = Machine::new();
    machine.disk.create_dir_all(Path::new("/a/orders-0")).unwrap();
    let text = machine.refusal(&[]);
    assert!(text.starts_with("/a holds orders-0 but no meta.properties"), "{text}");
    assert!(!machine.has("/a/bootstrap.checkpoint"));
}

#[test]
fn what_an_interrupted_formatting_left_is_formatted_again() {
    let mut machine = Machine::new();
    drop(machine.open(&[]).unwrap());
    machine.disk.remove_file(Path::new("/a/meta.properties")).unwrap();
    machine.disk.remove_file(Path::new("/b/meta.properties")).unwrap();
    machine.open(&[]).unwrap();
    assert!(machine.has("/a/meta.properties"));
}

#[test]
fn a_directory_from_before_there_were_ids_gets_one() {
    let mut machine = Machine::new();
    let old = "version=1\nnode.id=1\ncluster.id=ours\n";
    for dir in ["/a", "/b"] {
        machine.disk.create_dir_all(Path::new(dir)).unwrap();
        replace_file(&*machine.disk, &Path::new(dir).join("meta.properties"), old.as_bytes()).unwrap();
    }
    drop(machine.open(&[]).unwrap());
    let text = read_file(&*machine.disk, Path::new("/a/meta.properties")).unwrap();
    assert!(String::from_utf8(text).unwrap().contains("directory.id="));
}

#[test]
fn a_copied_directory_is_refused() {
    let mut machine = Machine::new();
    drop(machine.open(&[]).unwrap());
    let meta = read_file(&*machine.disk, Path::new("/a/meta.properties")).unwrap();
    replace_file(&*machine.disk, Path::new("/b/meta.properties"), &meta).unwrap();
    assert!(machine.refusal(&[]).starts_with("/b has the same directory.id"));
}

#[test]
fn a_node_of_a_larger_cluster_needs_to_know_which() {
    let mut machine = Machine::new();
    let voters = ("controller.quorum.voters", "1@localhost:9093,2@other:9093");
    assert!(machine.refusal(&[voters]).contains("set cluster.id"));
    assert_eq!(machine.open(&[voters, ("cluster.id", "ours")]).unwrap().cluster_id, "ours");
    assert!(!machine.has("/a/__cluster_metadata-0"));

    let mut machine = Machine::new();
    let servers = ("controller.quorum.bootstrap.servers", "other:9093");
    assert!(machine.refusal(&[servers, ("cluster.id", "ours")]).contains("--standalone"));
}

#[test]
fn a_bootstrap_server_that_is_this_node_makes_it_a_quorum_of_its_own() {
    let mut machine = Machine::new();
    let servers = ("controller.quorum.bootstrap.servers", "localhost:9093");
    machine.open(&[servers, ("listeners", "PLAINTEXT://:9092,CONTROLLER://:9093")]).unwrap();
    assert!(machine.has("/a/__cluster_metadata-0/00000000000000000000-0000000000.checkpoint"));
}

#[test]
fn formatting_by_hand_refuses_what_is_formatted_and_takes_the_voters_it_is_given() {
    let mut machine = Machine::new();
    let config = config(&[("controller.quorum.bootstrap.servers", "localhost:9093,other:9093")]);
    let text = "1@localhost:9093:cSWSmE8GQIaLosLJj17xIQ,2@other:9093:AAAAAAAAAAAAAAAAAAAAZQ";
    let voters = InitialVoters::parse(text, "CONTROLLER").unwrap();
    let format = Format { config: &config, cluster_id: Some("ours"), voters, ignore_formatted: false };
    let mut next = 7u128;
    let mut random = || {
        next += 1 << 70;
        next
    };
    let outcome = format_directories(&machine.files, &format, Millis(1), &mut random).unwrap();
    assert_eq!(uuid_to_text(outcome.formatted[0].1), "cSWSmE8GQIaLosLJj17xIQ");
    let refused = format_directories(&machine.files, &format, Millis(1), &mut random).unwrap_err();
    assert!(refused.to_string().contains("--ignore-formatted"));
    let format = Format { ignore_formatted: true, ..format };
    let outcome = format_directories(&machine.files, &format, Millis(1), &mut random).unwrap();
    assert_eq!(outcome.left_alone.len(), 2);
    assert!(InitialVoters::parse("1@localhost:9093", "CONTROLLER").is_err());
    let format = Format { cluster_id: None, ..format };
    assert_eq!(
        format_directories(&machine.files, &format, Millis(1), &mut random).unwrap().cluster_id,
        "ours"
    );
    let format = Format { cluster_id: Some("theirs"), ..format };
    let refused = format_directories(&machine.files, &format, Millis(1), &mut random).unwrap_err();
    assert!(matches!(refused, StorageError::OtherCluster { .. }));
    machine.open(&[]).unwrap();
}
