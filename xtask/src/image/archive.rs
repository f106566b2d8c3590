//! The image as files: an OCI layout that is also what `docker save` writes (`manifest.json`), in one tar.
//!
//! Times, owners and the order of entries are fixed, so that the archive depends on the program alone.

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use super::config::{self, ARCHITECTURE, DATA, PROGRAM, USER};

/// Lays out the root file system in a directory, whose former content goes.
pub fn write_root(root: &Path, program: &[u8]) -> Result<()> {
    let what = || format!("lay out {}", root.display());
    if root.exists() {
        fs::remove_dir_all(root).with_context(what)?;
    }
    let data = root.join(DATA);
    fs::create_dir_all(&data).with_context(what)?;
    let path = root.join(PROGRAM);
    fs::write(&path, program).with_context(what)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).with_context(what)?;
    if let Err(error) = chown(&data, Some(USER as u32), Some(USER as u32)) {
        eprintln!("note: {} stays yours, since only root gives files away ({error})", data.display());
    }
    Ok(())
}

/// Writes the image, and returns its id.
pub fn write_image(path: &Path, program: &[u8], name: &str, version: &str) -> Result<String> {
    let layer = layer(program)?;
    let config = serde_json::to_vec(&config::config(&digest(&layer), version))?;
    let manifest = serde_json::to_vec(&json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", &layer)],
    }))?;
    let mut listed = descriptor(MANIFEST, &manifest);
    listed["platform"] = json!({ "os": "linux", "architecture": ARCHITECTURE });
    listed["annotations"] = json!({
        "io.containerd.image.name": format!("docker.io/library/{name}:latest"),
        "org.opencontainers.image.ref.name": "latest",
    });
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [listed] });
    let of_docker = json!([{
        "Config": blob(&config),
        "RepoTags": [format!("{name}:latest"), format!("{name}:{version}")],
        "Layers": [blob(&layer)],
    }]);
    let mut files = vec![
        (blob(&config), config.clone()),
        (blob(&layer), layer),
        (blob(&manifest), manifest),
        ("index.json".to_owned(), serde_json::to_vec(&index)?),
        ("manifest.json".to_owned(), serde_json::to_vec(&of_docker)?),
        ("oci-layout".to_owned(), serde_json::to_vec(&json!({ "imageLayoutVersion": "1.0.0" }))?),
    ];
    files.sort();
    let mut archive = Builder::new(Vec::new());
    for folder in ["blobs/", "blobs/sha256/"] {
        add_folder(&mut archive, folder, 0)?;
    }
    for (name, content) in &files {
        add_file(&mut archive, name, content, 0o644)?;
    }
    let bytes = archive.into_inner()?;
    fs::write(path, bytes).with_context(|| format!("write {}", path.display()))?;
    Ok(digest(&config))
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

fn layer(program: &[u8]) -> Result<Vec<u8>> {
    let mut archive = Builder::new(Vec::new());
    add_file(&mut archive, PROGRAM, program, 0o755)?;
    let parts: Vec<&str> = DATA.split('/').collect();
    for depth in 1..=parts.len() {
        // Only the data itself is the user's.
        let owner = if depth == parts.len() { USER } else { 0 };
        add_folder(&mut archive, &format!("{}/", parts[..depth].join("/")), owner)?;
    }
    Ok(archive.into_inner()?)
}

fn add_folder<W: Write>(archive: &mut Builder<W>, name: &str, owner: u64) -> Result<()> {
    let mut header = header(EntryType::Directory, 0o755, 0);
    header.set_uid(owner);
    header.set_gid(owner);
    Ok(archive.append_data(&mut header, name, std::io::empty())?)
}

fn add_file<W: Write>(archive: &mut Builder<W>, name: &str, content: &[u8], mode: u32) -> Result<()> {
    let mut header = header(EntryType::Regular, mode, content.len() as u64);
    Ok(archive.append_data(&mut header, name, content)?)
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().fold("sha256:".to_owned(), |mut shown, byte| {
        let _ = write!(shown, "{byte:02x}");
        shown
    })
}

fn blob(bytes: &[u8]) -> String {
    format!("blobs/{}", digest(bytes).replace(':', "/"))
}

fn descriptor(kind: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": kind, "digest": digest(bytes), "size": bytes.len() })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read;

    use super::*;

    fn entries(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
        let mut archive = tar::Archive::new(bytes);
        let read = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().to_string_lossy().into_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (name, content)
        });
        read.collect()
    }

    #[test]
    fn every_part_is_found_by_its_digest_and_the_same_program_gives_the_same_image() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (dir.path().join("1.tar"), dir.path().join("2.tar"));
        let id = write_image(&first, b"program", "chronik", "1.0").unwrap();
        assert_eq!(write_image(&second, b"program", "chronik", "1.0").unwrap(), id);
        let bytes = fs::read(&first).unwrap();
        assert_eq!(bytes, fs::read(&second).unwrap());
        let entries = entries(&bytes);
        let parsed = |name: &str| serde_json::from_slice::<Value>(&entries[name]).unwrap();
        let find = |descriptor: &Value| {
            let digest = descriptor["digest"].as_str().unwrap();
            let content = &entries[&format!("blobs/{}", digest.replace(':', "/"))];
            assert_eq!(
                (self::digest(content).as_str(), &descriptor["size"]),
                (digest, &content.len().into())
            );
            content.clone()
        };
        let manifest: Value = serde_json::from_slice(&find(&parsed("index.json")["manifests"][0])).unwrap();
        let config: Value = serde_json::from_slice(&find(&manifest["config"])).unwrap();
        let layer = find(&manifest["layers"][0]);
        assert_eq!(config["rootfs"]["diff_ids"][0], digest(&layer));
        assert_eq!(
            self::entries(&layer).keys().collect::<Vec<_>>(),
            ["chronik", "var/", "var/lib/", "var/lib/chronik/"]
        );
        let of_docker = &parsed("manifest.json")[0];
        for part in [&of_docker["Config"], &of_docker["Layers"][0]] {
            assert!(entries.contains_key(part.as_str().unwrap()));
        }
    }
}
