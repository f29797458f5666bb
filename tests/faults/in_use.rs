//! One process serves an embedded database, a clean stop leaves one complete file, and a database
//! that is lost, emptied or newer is noticed and never replaced.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use diesel::connection::SimpleConnection as _;
use serde_json::json;

use crate::cluster::{Backend, Database};
use crate::lists::some;
use crate::server::{Client, Server, assert_sound, run, run_with};

fn file_of(database: &Database) -> PathBuf {
    database.url.strip_prefix("sqlite://").unwrap().into()
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The command must fail, and say this.
fn is_refused(database: &Database, arguments: &[&str], remedy: &str) {
    let output = run(database, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{arguments:?}");
    assert!(said.contains(remedy), "{arguments:?}: {said}");
    assert!(!said.contains("panicked"), "{said}");
}

const SERVE: [&str; 4] = ["serve", "--bind", "127.0.0.1:0", "--no-example"];

#[tokio::test]
async fn one_process_serves_an_embedded_database() {
    let database = Database::new(Backend::Sqlite).unwrap();
    let server = Server::start(&database);
    let client = Client::administrator(&database, &server);
    is_refused(&database, &SERVE, "another process is serving the database");
    let unit = json!({ "title": "Unit", "unit_kind": "unit", "reference": "U" });
    client.create("/api/v1/units", &unit).await;
}

#[tokio::test]
async fn a_clean_stop_leaves_one_complete_file() {
    let database = Database::new(Backend::Sqlite).unwrap();
    let mut server = Server::start(&database);
    let client = Client::administrator(&database, &server);
    let unit = json!({ "title": "Unit", "unit_kind": "unit", "reference": "U" });
    client.create("/api/v1/units", &unit).await;
    server.terminate();
    assert!(server.wait().success());
    let file = file_of(&database);
    for ending in some(["-wal", "-shm"]) {
        assert!(!beside(&file, ending).exists(), "{ending} is left");
    }
    // The file alone is the whole database.
    let copy = Database::new(Backend::Sqlite).unwrap();
    std::fs::copy(&file, file_of(&copy)).unwrap();
    assert_eq!(assert_sound(&copy), assert_sound(&database));
}

#[tokio::test]
async fn a_lost_database_is_not_replaced() {
    let database = Database::new(Backend::Sqlite).unwrap();
    let mut server = Server::start(&database);
    server.terminate();
    assert!(server.wait().success());
    let file = file_of(&database);
    let kept = std::fs::read(&file).unwrap();
    let commands: [&[&str]; 7] = [
        &SERVE,
        &["migrate"],
        &["load", "/dev/null"],
        &["export"],
        &["token", "--role", "viewer"],
        &["keys", "rotate"],
        &["verify"],
    ];
    std::fs::write(&file, "").unwrap();
    for command in some(commands) {
        is_refused(&database, command, "restore it from a backup");
        assert_eq!(std::fs::metadata(&file).unwrap().len(), 0, "{command:?}");
    }
    std::fs::remove_file(&file).unwrap();
    for command in some(commands) {
        is_refused(&database, command, "restore it from a backup");
        assert!(!file.exists(), "{command:?}");
    }
    std::fs::write(&file, kept).unwrap();
    drop(Server::start(&database));
    std::fs::remove_file(&file).unwrap();
    std::fs::remove_file(beside(&file, ".lock")).unwrap();
    drop(Server::start(&database));
}

#[tokio::test]
async fn a_database_lost_under_a_running_service_takes_no_more_changes() {
    for is_emptied in some([true, false]) {
        let database = Database::new(Backend::Sqlite).unwrap();
        let server = Server::start(&database);
        let client = Client::administrator(&database, &server);
        let file = file_of(&database);
        if is_emptied {
            std::fs::write(&file, "").unwrap();
        } else {
            std::fs::remove_file(&file).unwrap();
        }
        let unit = json!({ "title": "Unit", "unit_kind": "unit", "reference": "U" });
        let (status, problem) = client.post("/api/v1/units", &unit).await;
        assert_eq!(status, 503, "{problem}");
        assert_eq!(client.get("/readyz").await.0, 503);
        assert_eq!(client.get("/api/v1/units").await.1["items"], json!([]));
        assert!(is_emptied || !file.exists(), "it is not made again");
    }
}

async fn a_database_of_a_newer_build_is_refused(backend: Backend) {
    let Some(database) = Database::new(backend) else {
        return;
    };
    let mut server = Server::start(&database);
    let client = Client::administrator(&database, &server);
    let unit = json!({ "title": "Unit", "unit_kind": "unit", "reference": "U" });
    client.create("/api/v1/units", &unit).await;
    let sql = |statement: &str| database.connect().batch_execute(statement).unwrap();
    sql("INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')");
    // One that runs goes on: replicas are replaced one after another.
    let unit = json!({ "title": "Unit", "unit_kind": "unit", "reference": "V" });
    client.create("/api/v1/units", &unit).await;
    assert_eq!(client.get("/readyz").await.0, 200);
    server.terminate();
    assert!(server.wait().success());
    for command in some([
        SERVE.as_slice(),
        &["migrate"],
        &["export"],
        &["verify"],
        &["load", "/dev/null"],
        &["copy", "--to", "sqlite:///dev/null/none"],
    ]) {
        is_refused(&database, command, "a newer build of stride has changed");
    }
    sql("DELETE FROM __diesel_schema_migrations WHERE version = '99990101000000'");
    sql("UPDATE records SET shape = 99 WHERE kind = 'unit'");
    for command in some([SERVE.as_slice(), &["export"]]) {
        is_refused(&database, command, "a newer build of stride");
    }
}

on_both!(a_database_of_a_newer_build_is_refused);

/// The files of a folder, and the folder itself, that others than their owner may read.
fn not_private(folder: &Path) -> Vec<PathBuf> {
    let is_open =
        |path: &PathBuf| std::fs::metadata(path).is_ok_and(|m| m.permissions().mode() & 0o077 != 0);
    let inside = std::fs::read_dir(folder).unwrap();
    let inside = inside.map(|entry| entry.unwrap().path());
    inside.chain([folder.to_owned()]).filter(is_open).collect()
}

/// Keys of the service and personal data are in the database, so only its owner may read it, whatever
/// the umask is; and the same is true of what a backup is unpacked to.
#[tokio::test]
async fn what_is_kept_is_private() {
    let database = Database::new(Backend::Sqlite).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("new").join("data");
    let url = format!("sqlite://{}/stride.db", data.display());
    let files = data.join("documents").display().to_string();
    let settings = [("DATABASE_URL", url.as_str()), ("STRIDE_STORE", &files)];
    let server = Server::with(&database, &settings);
    assert_eq!(not_private(&data), Vec::<PathBuf>::new());
    assert!(data.join("stride.db-wal").exists(), "it is in use");
    let archive = folder.path().join("backup.tar").display().to_string();
    let made = run_with(&database, &settings, &["backup", &archive]);
    assert!(made.status.success(), "{made:?}");
    let listed = Command::new("tar").args(["-tvf", &archive]).output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    for line in some(listed.lines()) {
        assert!(line.starts_with("-rw------- "), "{line}");
    }
    drop(server);
}

/// A misspelt place gets no database of its own, whose tokens would be good for nothing.
#[test]
fn a_token_is_of_a_database_that_is_there() {
    let database = Database::new(Backend::Sqlite).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("misspelt");
    let url = format!("sqlite://{}/stride.db", data.display());
    for command in some([&["token", "--role", "viewer"][..], &["keys", "rotate"][..]]) {
        let refused = run_with(&database, &[("DATABASE_URL", &url)], command);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(
            !refused.status.success() && said.contains("there is no database at"),
            "{said}"
        );
        assert!(!data.exists(), "nothing was made");
    }
}
