//! A disk that is full, that takes nothing, or that is read-only, and a folder that goes away while
//! the service runs: callers are told in words that say nothing of the disk, what was acknowledged
//! stays, and once the cause is gone the service goes on without a hand.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;

use crate::cluster::{Database, Own, at_our_end};
use crate::lists::some;
use crate::loss::{Load, assert_nothing_lost, is_ready};
use crate::server::{Client, Document, Server, assert_sound, run, taken};
use crate::skipped::skipped;

const WRITERS: usize = 4;

/// A small disk in memory, mounted as long as the test runs.
struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// A disk of this size in MiB; none where nothing can be mounted.
    fn new(size: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let options = format!("size={size}m,mode=755");
        let is_mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "stride-test"])
            .arg(folder.path())
            .output()
            .is_ok_and(|output| output.status.success());
        if !is_mounted {
            skipped(
                "STRIDE_TEST_REQUIRE_FAULTS",
                "no small disk can be mounted (run as root, in a container with CAP_SYS_ADMIN)",
            );
            return None;
        }
        at_our_end(&format!("umount --lazy {}", folder.path().display()));
        Some(Self { folder })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let mut file = std::fs::File::create(self.ballast()).unwrap();
        for size in [1 << 20, 1 << 12] {
            let piece = vec![1; size];
            while file.write_all(&piece).is_ok() {}
        }
    }

    /// Gives it back.
    fn free(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }

    /// Mounts it again, with this option.
    fn remount(&self, option: &str) {
        let done = Command::new("mount")
            .args(["-o", &format!("remount,{option}")])
            .arg(self.path())
            .output()
            .unwrap();
        assert!(done.status.success(), "{option}: {done:?}");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount")
            .arg("--lazy")
            .arg(self.path())
            .output();
    }
}

/// A caller whose change is refused is told what happened to it, when to try again and where to read
/// on, and nothing of the disk.
async fn a_change_is_refused(client: &Client, hidden: &str) {
    let unit = json!({ "title": "Unit", "unit_kind": "unit" });
    let request = client.request(Method::POST, "/api/v1/units").json(&unit);
    let answer = request.send().await.unwrap();
    let again = answer.headers().get("retry-after").cloned();
    let (status, problem) = taken(answer).await;
    assert_eq!(
        (status, &problem["code"]),
        (503, &json!("unavailable")),
        "{problem}"
    );
    assert!(again.is_some(), "{problem}");
    let remedy = client.get(problem["type"].as_str().unwrap()).await;
    assert_eq!(remedy.0, 200);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("nothing was written"), "{problem}");

    let text = problem.to_string().to_lowercase();
    for word in [hidden, "disk", "space", "sqlite", "tablespace", "os error"] {
        assert!(!text.contains(word), "{word}: {problem}");
    }
}

/// While nothing can be written, changes are refused in words, and what needs no disk is answered.
async fn only_changes_are_refused(client: &Client, hidden: &str) {
    a_change_is_refused(client, hidden).await;
    let list = client.get("/api/v1/units").await;
    assert_eq!(list.0, 200, "{}", list.1);
    let unit = list.1["items"][0]["id"].as_str().unwrap();
    for path in some([
        "/livez".to_owned(),
        format!("/api/v1/units/{unit}"),
        format!("/api/v1/units/{unit}/history"),
    ]) {
        assert_eq!(client.get(&path).await.0, 200, "{path}");
    }
}

/// A load goes on through a fault that keeps everything from being written.
async fn goes_through(
    database: &Database,
    client: &Client,
    hidden: &str,
    begin: impl Fn(),
    end: impl Fn(),
) {
    let mut entries = assert_sound(database);
    for round in 0..2 {
        let load = Load::start(std::slice::from_ref(client), WRITERS, &format!("r{round}"));
        load.reach(40).await;
        begin();
        load.is_refused().await;
        only_changes_are_refused(client, hidden).await;
        end();
        load.goes_on().await;
        is_ready(client).await;
        let ledgers = load.end().await;
        entries = assert_nothing_lost(database, client, entries, &ledgers).await;
    }
}

#[tokio::test]
async fn a_full_disk_refuses_changes_until_there_is_room() {
    let Some(disk) = SmallDisk::new(24) else {
        return;
    };
    let hidden = disk.path().to_string_lossy().to_lowercase();
    let database = Database::in_folder(disk.path());
    let store = disk.path().join("documents");
    let settings = [("STRIDE_STORE", store.to_str().unwrap())];
    let mut server = Server::with(&database, &settings);
    let client = Client::administrator(&database, &server);
    let document = Document::new(&database, &server).await;
    goes_through(&database, &client, &hidden, || disk.fill(), || disk.free()).await;
    // A file is refused in the same way, and leaves nothing behind.
    disk.fill();
    let (status, problem) = document.upload().await;
    assert_eq!(
        (status, &problem["code"]),
        (503, &json!("unavailable")),
        "{problem}"
    );
    assert!(!problem.to_string().to_lowercase().contains(&hidden));
    disk.free();
    let (status, made) = document.upload().await;
    assert_eq!(status, 201, "{made}");

    // A process that stops and one that starts on a full disk lose nothing either.
    let entries = assert_sound(&database);
    disk.fill();
    server.terminate();
    assert!(server.wait().success());
    let output = run(&database, &["verify", "--documents"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{said}");
    disk.free();
    let server = Server::with(&database, &settings);
    let client = client.at(&server);
    let unit = json!({ "title": "After", "unit_kind": "unit" });
    client.create("/api/v1/units", &unit).await;
    assert_eq!(assert_sound(&database), entries + 1);
}

/// The same where nothing can be mounted: every write fails, as on a disk with errors.
#[tokio::test]
async fn a_disk_that_takes_nothing_refuses_changes_until_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::in_folder(folder.path());
    let server = Server::without_file_size_signal(&database);
    let client = Client::administrator(&database, &server);
    let limit = |size: &str| {
        let pid = server.id().to_string();
        let done = Command::new("prlimit")
            .args(["--pid", &pid, &format!("--fsize={size}:unlimited")])
            .status();
        assert!(done.unwrap().success());
    };
    let hidden = folder.path().to_string_lossy().to_lowercase();
    goes_through(
        &database,
        &client,
        &hidden,
        || limit("0"),
        || limit("unlimited"),
    )
    .await;
}

#[tokio::test]
async fn a_read_only_disk_is_named_at_the_start() {
    let Some(disk) = SmallDisk::new(24) else {
        return;
    };
    let database = Database::in_folder(disk.path());
    let mut server = Server::start(&database);
    let client = Client::administrator(&database, &server);
    let unit = json!({ "title": "Unit", "unit_kind": "unit" });
    client.create("/api/v1/units", &unit).await;
    server.terminate();
    assert!(server.wait().success());
    let entries = assert_sound(&database);
    disk.remount("ro");
    let serve = ["serve", "--bind", "127.0.0.1:0", "--no-example"];
    let output = run(&database, &serve);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        said.contains(&*disk.path().to_string_lossy()) && !said.contains("panicked"),
        "{said}"
    );

    disk.remount("rw");
    let server = Server::start(&database);
    client.at(&server).create("/api/v1/units", &unit).await;
    assert_eq!(assert_sound(&database), entries + 1);
}

/// A folder that is moved away takes no more changes, and takes them again when it is back.
#[tokio::test]
async fn a_folder_that_goes_away_is_not_replaced() {
    let around = tempfile::tempdir().unwrap();
    let (folder, elsewhere) = (around.path().join("data"), around.path().join("elsewhere"));
    std::fs::create_dir(&folder).unwrap();
    let database = Database::in_folder(&folder);
    let server = Server::start(&database);
    let client = Client::administrator(&database, &server);
    let hidden = around.path().to_string_lossy().to_lowercase();
    goes_through(
        &database,
        &client,
        &hidden,
        || {
            std::fs::rename(&folder, &elsewhere).unwrap();
        },
        || {
            assert!(!folder.exists(), "it was made again");
            std::fs::rename(&elsewhere, &folder).unwrap();
        },
    )
    .await;
    let backup = around.path().join("backup.tar");
    let output = run(&database, &["backup", backup.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    let entries = assert_sound(&database);
    std::fs::remove_dir_all(&folder).unwrap();
    a_change_is_refused(&client, &hidden).await;
    assert_eq!(client.get("/readyz").await.0, 503);
    assert!(!folder.exists(), "it was made again");
    drop(server);
    // Restored, it is as it was.
    std::fs::create_dir(&folder).unwrap();
    let unpacked = Command::new("tar")
        .arg("-xf")
        .arg(&backup)
        .arg("-C")
        .arg(&folder)
        .status();
    assert!(unpacked.unwrap().success());
    assert_eq!(assert_sound(&database), entries);
    let server = Server::start(&database);
    let unit = json!({ "title": "Unit", "unit_kind": "unit" });
    client.at(&server).create("/api/v1/units", &unit).await;
}

#[tokio::test]
async fn a_full_disk_of_a_server_refuses_changes_until_there_is_room() {
    let Some(disk) = SmallDisk::new(48) else {
        return;
    };
    let Some(own) = Own::in_tablespace(disk.path()) else {
        return;
    };
    let server = Server::start(&own.database);
    let client = Client::administrator(&own.database, &server);
    let hidden = disk.path().to_string_lossy().to_lowercase();
    goes_through(
        &own.database,
        &client,
        &hidden,
        || disk.fill(),
        || disk.free(),
    )
    .await;
}
