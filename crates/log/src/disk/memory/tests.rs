//! What a crash, a torn write and an injected fault leave on the memory disk.

use super::*;

fn write(disk: &MemoryDisk, path: &str, at: u64, bytes: &[u8]) -> Arc<dyn File> {
    let file = disk.open(Path::new(path), Mode::Create).unwrap();
    file.write_all_at(&mut [IoSlice::new(bytes)], at).unwrap();
    file
}

#[test]
fn what_was_synced_survives_and_nothing_else_is_certain() {
    let (mut kept, mut lost, mut torn) = (0, 0, 0);
    for seed in 0..200 {
        let disk = MemoryDisk::new(seed);
        disk.create_dir_all(Path::new("/a")).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        let file = write(&disk, "/a/f", 0, &[1; 2000]);
        file.sync_data().unwrap();
        disk.sync_dir(Path::new("/a")).unwrap();
        write(&disk, "/a/f", 2000, &[2; 2000]);
        disk.crash();
        let content = disk.content(Path::new("/a/f")).unwrap();
        assert_eq!(content[..2000], [1; 2000]);
        match content.len() {
            2000 => lost += 1,
            4000 if content[2000..] == [2; 2000] => kept += 1,
            _ => torn += 1,
        }
        assert!(file.len().is_err(), "opened before the crash");
    }
    assert!(kept > 10 && lost > 10 && torn > 10, "{kept} {lost} {torn}");
}

#[test]
fn a_name_that_was_not_synced_may_be_lost() {
    let there = |seed| {
        let disk = MemoryDisk::new(seed);
        write(&disk, "/f", 0, b"x").sync_data().unwrap();
        disk.crash();
        disk.exists(Path::new("/f")).unwrap()
    };
    let count = (0..100).filter(|&seed| there(seed)).count();
    assert!((10..90).contains(&count), "{count}");
}

#[test]
fn a_rename_is_atomic() {
    for seed in 0..50 {
        let disk = MemoryDisk::new(seed);
        write(&disk, "/old", 0, b"old").sync_data().unwrap();
        write(&disk, "/new", 0, b"new").sync_data().unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        disk.rename(Path::new("/new"), Path::new("/old")).unwrap();
        disk.crash();
        let renamed = !disk.exists(Path::new("/new")).unwrap();
        let expected: &[u8] = if renamed { b"new" } else { b"old" };
        assert_eq!(disk.content(Path::new("/old")).unwrap(), expected);
    }
}

#[test]
fn a_full_disk_takes_what_fits() {
    let disk = MemoryDisk::new(1);
    disk.set_capacity(5);
    let file = disk.open(Path::new("/f"), Mode::Create).unwrap();
    let error = file.write_all_at(&mut [IoSlice::new(b"12"), IoSlice::new(b"345678")], 0).unwrap_err();
    assert!(super::super::is_full(&error));
    assert_eq!(disk.content(Path::new("/f")).unwrap(), b"12345");
    file.set_len(2).unwrap();
    assert_eq!(disk.space(Path::new("/")).unwrap().available_bytes, 3);
}

#[test]
fn after_a_failed_sync_the_data_is_never_durable() {
    let lost = (0..50).filter(|&seed| {
        let disk = MemoryDisk::new(seed);
        let file = write(&disk, "/f", 0, &[7; 600]);
        disk.sync_dir(Path::new("/")).unwrap();
        let failure = Failure::Error(ErrorKind::Other);
        disk.inject(Fault {
            operation: Some(Operation::Sync),
            path: "f".into(),
            after: 0,
            times: 1,
            failure,
        });
        file.sync_data().unwrap_err();
        assert_eq!(disk.content(Path::new("/f")).unwrap(), [7; 600]);
        file.sync_data().unwrap();
        disk.crash();
        disk.content(Path::new("/f")).unwrap() != [7; 600]
    });
    assert!(lost.count() > 10);
}

#[test]
fn without_power_nothing_works() {
    let disk = MemoryDisk::new(3);
    let file = write(&disk, "/f", 0, b"x");
    disk.power_off_after(1);
    file.write_all_at(&mut [IoSlice::new(b"y")], 1).unwrap();
    assert!(file.write_all_at(&mut [IoSlice::new(b"z")], 2).is_err());
    assert!(disk.is_off());
    assert!(file.sync_data().is_err());
    assert!(disk.open(Path::new("/g"), Mode::Create).is_err());
    disk.crash();
    disk.open(Path::new("/g"), Mode::Create).unwrap();
    assert!(disk.lock(Path::new("/.lock")).is_ok());
}

#[test]
fn a_killed_process_leaves_what_it_wrote_and_nothing_open() {
    let disk = MemoryDisk::new(1);
    let lock = disk.lock(Path::new("/.lock")).unwrap();
    let file = write(&disk, "/f", 0, b"written");
    disk.kill();
    assert_eq!(disk.content(Path::new("/f")).unwrap(), b"written");
    assert!(file.len().is_err(), "it was the dead process's");
    let next = disk.lock(Path::new("/.lock")).unwrap();
    drop(lock);
    assert!(disk.lock(Path::new("/.lock")).is_err(), "the new process holds it");
    drop(next);
}
